/* db_sql.c - see db_sql.h. */
#include "tests/refstore/db_sql.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char schema[] =
	"PRAGMA journal_mode = WAL;"
	"CREATE TABLE IF NOT EXISTS objects(key TEXT PRIMARY KEY, seq INTEGER NOT NULL,"
	" chunk TEXT NOT NULL, size INTEGER NOT NULL, tag TEXT NOT NULL,"
	" replicas TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE UNIQUE INDEX IF NOT EXISTS objects_chunk ON objects(chunk);"
	"CREATE TABLE IF NOT EXISTS condemned(chunk TEXT PRIMARY KEY) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS released(chunk TEXT, server TEXT, PRIMARY KEY(chunk, server))"
	" WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS offline(server TEXT PRIMARY KEY) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS counter(one INTEGER PRIMARY KEY CHECK(one = 1), seq INTEGER);"
	"INSERT OR IGNORE INTO counter VALUES(1, 0);";

#define CHUNKS "SELECT key, chunk, size, tag, replicas FROM objects"

static const char *const texts[SQL_COUNT] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_COUNT_UP] = "UPDATE counter SET seq = seq + 1",
	[SQL_PUT] = "INSERT INTO objects VALUES(?1, (SELECT seq FROM counter), ?2, ?5, ?3, ?4)"
		    " ON CONFLICT(key) DO UPDATE SET seq = excluded.seq, chunk = excluded.chunk,"
		    " size = excluded.size, tag = excluded.tag, replicas = excluded.replicas",
	[SQL_DELETE] = "DELETE FROM objects WHERE key = ?1",
	[SQL_REPLICAS] = "UPDATE objects SET replicas = ?3 WHERE key = ?1 AND chunk = ?2"
			 " AND replicas = ?4 AND NOT EXISTS (SELECT 1 FROM released"
			 " WHERE chunk = ?2 AND live_count(server, ?3))"
			 " AND NOT EXISTS (SELECT 1 FROM offline"
			 " WHERE live_count(server, ?3) AND NOT live_count(server, ?4))",
	[SQL_CONDEMN] = "INSERT OR IGNORE INTO condemned SELECT ?1 WHERE NOT EXISTS"
			" (SELECT 1 FROM objects WHERE chunk = ?1)",
	[SQL_IS_CONDEMNED] = "SELECT 1 FROM condemned WHERE chunk = ?1",
	[SQL_RELEASE] = "INSERT OR IGNORE INTO released SELECT ?1, ?2 FROM objects"
			" WHERE chunk = ?1 AND NOT live_count(?2, replicas)",
	[SQL_IS_RELEASED] = "SELECT 1 FROM released WHERE chunk = ?1 AND server = ?2",
	[SQL_CLAIM] = "DELETE FROM released WHERE chunk = ?1 AND server = ?2",
	[SQL_FORGET] = "DELETE FROM released WHERE chunk = ?1",
	[SQL_OFFLINE] = "SELECT coalesce(group_concat(server), '') FROM offline",
	[SQL_OFFLINE_ADD] = "INSERT OR IGNORE INTO offline VALUES(?1)",
	[SQL_OFFLINE_REMOVE] = "DELETE FROM offline WHERE server = ?1",
	[SQL_META] = "SELECT chunk, size, tag, replicas, seq FROM objects WHERE key = ?1",
	[SQL_LIST] = "SELECT key, size, tag, chunk FROM objects WHERE key >= ?1 ORDER BY key",
	[SQL_REPLICAS_ALL] = "SELECT replicas FROM objects",
	[SQL_UNDER] = CHUNKS " WHERE live_count(replicas, ?1) < ?2 LIMIT ?3",
	[SQL_MOVABLE] = CHUNKS " WHERE live_count(?1, replicas) AND NOT live_count(?2, replicas)"
			       " LIMIT ?3",
	[SQL_OBJECTS] = "SELECT count(*), coalesce(sum(size), 0) FROM objects",
};

/* live_count(a, b): how many items of list a are in list b. */
static void live_count(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *replicas = (const char *)sqlite3_value_text(values[0]);
	const char *live = (const char *)sqlite3_value_text(values[1]);
	char address[ADDRESS_MAX];
	int n = 0;

	(void)count;
	while (replicas && live && list_next(&replicas, address, sizeof(address)))
		n += list_has(live, address);
	sqlite3_result_int(context, n);
}

static int prepare_all(struct sql *sql)
{
	for (int i = 0; i < SQL_COUNT; i++)
		if (sqlite3_prepare_v3(sql->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &sql->statements[i], NULL) != SQLITE_OK)
			return -EIO;
	return 0;
}

int sql_open(struct sql *sql, const char *path, bool create, struct trouble *trouble)
{
	memset(sql, 0, sizeof(*sql));
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	bool ok = sqlite3_open_v2(path, &sql->db, flags, NULL) == SQLITE_OK;

	if (ok) {
		sqlite3_busy_timeout(sql->db, 2000);
		ok = (!create || sqlite3_exec(sql->db, schema, NULL, NULL, NULL) == SQLITE_OK) &&
		     sqlite3_exec(sql->db, "PRAGMA synchronous = FULL", NULL, NULL, NULL) ==
			     SQLITE_OK &&
		     sqlite3_create_function(sql->db, "live_count", 2,
					     SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, live_count,
					     NULL, NULL) == SQLITE_OK &&
		     prepare_all(sql) == 0;
	}
	if (ok)
		return 0;
	trouble_set(trouble, -EIO, "cannot open \"%s\": %s", path,
		    sql->db ? sqlite3_errmsg(sql->db) : "no memory");
	sql_close(sql);
	return -EIO;
}

void sql_close(struct sql *sql)
{
	for (int i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(sql->statements[i]);
	sqlite3_close(sql->db);
	memset(sql, 0, sizeof(*sql));
}

sqlite3_stmt *sql_start(struct sql *sql, enum sql_id id, int count, ...)
{
	sqlite3_stmt *statement = sql->statements[id];
	bool bound = true;
	va_list args;

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	va_start(args, count);
	for (int i = 1; i <= count; i++)
		bound &= sqlite3_bind_text(statement, i, va_arg(args, const char *), -1,
					   SQLITE_TRANSIENT) == SQLITE_OK;
	va_end(args);
	return bound ? statement : NULL;
}

int sql_run(sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);

	sqlite3_reset(statement);
	return code;
}

int sql_offline(struct sql *sql, char *list, size_t max)
{
	sqlite3_stmt *s = sql_start(sql, SQL_OFFLINE, 0);
	int code = sqlite3_step(s);

	snprintf(list, max, "%s", code == SQLITE_ROW ? sql_text(s, 0) : "");
	sqlite3_reset(s);
	return code;
}

const char *sql_text(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return text ? text : "";
}

bool sql_lost(sqlite3_stmt *statement)
{
	return sqlite3_errcode(sqlite3_db_handle(statement)) == SQLITE_NOMEM;
}
