/* ledger_write.c - see ledger_write.h. */
#include "runner/ledger_write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct {
	const char *form, *sql;
} rows_of[ROW_COUNT] = {
	[ROW_INTENT] =
		{"iiiiioiiiissii",
		 "INSERT INTO intent(op, epoch, worker, endpoint, verb, object, generation, size,"
		 " offset, length, condition, tag, inv_ns, inv_seq)"
		 " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)"},
	[ROW_OUTCOME] = {"iiiiiiiiiisiiii",
			 "INSERT INTO outcome VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"},
	[ROW_PAGE] = {"ibbib", "INSERT INTO page VALUES(?,?,?,?,?)"},
	[ROW_RUN] = {"ss", "INSERT OR REPLACE INTO run VALUES(?,?)"},
	[ROW_PHASE] = {"is", "INSERT INTO phase VALUES(?,?)"},
	[ROW_FAULT] = {"isssss", "INSERT INTO fault VALUES(?,?,?,?,?,?)"},
	[ROW_FAULT_EVENT] = {"iisis", "INSERT INTO fault_event VALUES(?,?,?,?,?)"},
	[ROW_FIRE] = {"iiissiissisii",
		      "INSERT OR IGNORE INTO fire(ring, ns, fault, rule, node, pid, tid,"
		      " site, action, ordinal, subject, result, error)"
		      " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)"},
	[ROW_GATE] = {"issiis", "INSERT INTO gate VALUES(?,?,?,?,?,?)"},
	[ROW_PROCESS] = {"siiiis", "INSERT INTO process VALUES(?,?,?,?,?,?)"},
	[ROW_COMMAND] = {"iissis", "INSERT INTO command VALUES(?,?,?,?,?,?)"},
	[ROW_METRIC] = {"issd", "INSERT INTO metric VALUES(?,?,?,?)"},
	[ROW_ESCAPE] = {"isssssiis", "INSERT INTO escaped VALUES(?,?,?,?,?,?,?,?,?)"},
	[ROW_BASE] = {"oiiiisiiiii", "INSERT OR REPLACE INTO base VALUES(?,?,?,?,?,?,?,?,?,?,?)"},
	[ROW_TALLY] = {"iiiii", "INSERT INTO tally VALUES(?,?,?,?,?) ON CONFLICT"
				" DO UPDATE SET operations = operations + excluded.operations"},
	[ROW_DROP_INTENT] = {"i", "DELETE FROM intent WHERE op = ?"},
	[ROW_DROP_OUTCOME] = {"i", "DELETE FROM outcome WHERE op = ?"},
	[ROW_DROP_PAGE] = {"i", "DELETE FROM page WHERE op = ?"},
	/* What was before all operations that are left explains none of them. */
	[ROW_COUNT_FIRES] = {"", "INSERT INTO fired SELECT coalesce(fault, -1), count(*) FROM fire"
				 " WHERE ns < (SELECT min(inv_ns) FROM intent) GROUP BY 1"
				 " ON CONFLICT DO UPDATE SET fires = fires + excluded.fires"},
	[ROW_DROP_FIRES] = {"", "DELETE FROM fire WHERE ns < (SELECT min(inv_ns) FROM intent)"},
	/* Of each window within a span the lowest and the highest stay. */
	[ROW_THIN_METRICS] = {"iii",
			      "DELETE FROM metric WHERE ns < ?1 AND ns >= ?2 AND rowid NOT IN ("
			      " SELECT r FROM (SELECT rowid AS r, max(value) FROM metric WHERE"
			      " ns < ?1 AND ns >= ?2 GROUP BY node, name, ns / ?3) UNION ALL"
			      " SELECT r FROM (SELECT rowid AS r, min(value) FROM metric WHERE"
			      " ns < ?1 AND ns >= ?2 GROUP BY node, name, ns / ?3))"},
	[ROW_VACUUM] = {"", "PRAGMA incremental_vacuum(1024)"},
	[ROW_FINDING] = {"isss", "INSERT INTO finding VALUES(?,?,?,?)"},
	[ROW_STATE] = {"issis", "INSERT INTO state VALUES(?,?,?,?,?)"},
};

enum {
	EXTRA_BEGIN,
	EXTRA_COMMIT,
	EXTRA_ROLLBACK,
	EXTRA_BATCH,
	EXTRA_OBJECT_FIND,
	EXTRA_OBJECT_ADD,
	EXTRA_COUNT
};
static const char *const extra_of[EXTRA_COUNT] = {
	[EXTRA_BEGIN] = "BEGIN IMMEDIATE",
	[EXTRA_COMMIT] = "COMMIT",
	[EXTRA_ROLLBACK] = "ROLLBACK",
	[EXTRA_BATCH] = "UPDATE spool SET batch = ?",
	[EXTRA_OBJECT_FIND] = "SELECT object FROM object WHERE key = ?",
	[EXTRA_OBJECT_ADD] = "INSERT INTO object(key) VALUES(?)",
};

struct ledger_db {
	sqlite3 *sqlite;
	sqlite3_stmt *row[ROW_COUNT], *extra[EXTRA_COUNT];
};

static int add_text(struct spool *rows, const char *text)
{
	uint32_t length = text ? (uint32_t)strlen(text) : UINT32_MAX;
	size_t size = text ? length : 0;
	uint8_t *to = spool_room(rows, sizeof(length) + size);

	if (!to)
		return -errno;
	memcpy(to, &length, sizeof(length));
	if (size)
		memcpy(to + sizeof(length), text, size);
	return 0;
}

static int add_value(struct spool *rows, char form, va_list *values)
{
	int64_t integer;
	double real;
	uint8_t *to;

	if (form != 'i' && form != 'd')
		return add_text(rows, va_arg(*values, const char *));
	to = spool_room(rows, 8);
	if (form == 'i')
		integer = va_arg(*values, int64_t);
	else
		real = va_arg(*values, double);
	if (!to)
		return -errno;
	memcpy(to, form == 'i' ? (void *)&integer : (void *)&real, 8);
	return 0;
}

int ledger_rows_add(struct spool *rows, enum ledger_row row, va_list values)
{
	size_t before = rows->used;
	uint8_t *to = spool_room(rows, 1);
	int rc = to ? 0 : -errno;
	va_list rest;

	if (to)
		*to = (uint8_t)row;
	va_copy(rest, values);
	for (const char *form = rows_of[row].form; *form && rc == 0; form++)
		rc = add_value(rows, *form, &rest);
	va_end(rest);
	if (rc < 0)
		rows->used = before;
	return rc;
}

static int failed(const struct ledger_db *db, struct why *why)
{
	int code = sqlite3_errcode(db->sqlite) == SQLITE_FULL ? -ENOSPC : -EIO;

	return why_set(why, code, "ledger: %s", sqlite3_errmsg(db->sqlite));
}

static int step(struct ledger_db *db, sqlite3_stmt *statement, struct why *why)
{
	int rc;

	/* Rows without interest: incremental_vacuum has one for each page. */
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
		;
	rc = rc == SQLITE_DONE ? 0 : failed(db, why);
	sqlite3_reset(statement);
	return rc;
}

/* The number of a key's object, made when it is new. */
static int find_object(struct ledger_db *db, const void *key, int length, int64_t *object,
		       struct why *why)
{
	sqlite3_stmt *find = db->extra[EXTRA_OBJECT_FIND], *add = db->extra[EXTRA_OBJECT_ADD];
	int rc;

	sqlite3_bind_blob(find, 1, key, length, SQLITE_STATIC);
	rc = sqlite3_step(find);
	if (rc == SQLITE_ROW)
		*object = sqlite3_column_int64(find, 0);
	sqlite3_reset(find);
	if (rc == SQLITE_ROW)
		return 0;
	if (rc != SQLITE_DONE)
		return failed(db, why);
	sqlite3_bind_blob(add, 1, key, length, SQLITE_STATIC);
	rc = step(db, add, why);
	*object = sqlite3_last_insert_rowid(db->sqlite);
	return rc;
}

/* What is still to be read of a batch. */
struct cursor {
	const uint8_t *at, *end;
};

static const uint8_t *take(struct cursor *from, size_t size)
{
	if ((size_t)(from->end - from->at) < size)
		return NULL;
	from->at += size;
	return from->at - size;
}

static int broken(struct why *why)
{
	return why_set(why, -EBADMSG, "ledger: a row of the spool is cut or not of this version");
}

static int bind_text(struct ledger_db *db, sqlite3_stmt *statement, int place, char form,
		     struct cursor *from, struct why *why)
{
	const uint8_t *at = take(from, sizeof(uint32_t));
	uint32_t length;
	int64_t object = 0;
	int rc = 0;

	if (!at)
		return broken(why);
	memcpy(&length, at, sizeof(length));
	if (length == UINT32_MAX)
		return sqlite3_bind_null(statement, place) ? failed(db, why) : 0;
	at = take(from, length);
	if (!at)
		return broken(why);
	/* An empty blob bound by a NULL or dangling pointer would be NULL. */
	const char *text = length ? (const char *)at : "";
	if (form == 's') {
		sqlite3_bind_text(statement, place, text, (int)length, SQLITE_STATIC);
	} else if (form == 'b') {
		sqlite3_bind_blob(statement, place, text, (int)length, SQLITE_STATIC);
	} else {
		rc = find_object(db, text, (int)length, &object, why);
		sqlite3_bind_int64(statement, place, object);
	}
	return rc;
}

static int bind_value(struct ledger_db *db, sqlite3_stmt *statement, int place, char form,
		      struct cursor *from, struct why *why)
{
	int64_t integer;
	double real;

	if (form != 'i' && form != 'd')
		return bind_text(db, statement, place, form, from, why);
	const uint8_t *at = take(from, sizeof(integer));
	if (!at)
		return broken(why);
	if (form == 'i') {
		memcpy(&integer, at, sizeof(integer));
		sqlite3_bind_int64(statement, place, integer);
	} else {
		memcpy(&real, at, sizeof(real));
		sqlite3_bind_double(statement, place, real);
	}
	return 0;
}

static int write_row(struct ledger_db *db, struct cursor *from, struct why *why)
{
	uint8_t row = *take(from, 1);
	int rc = row < ROW_COUNT ? 0 : broken(why);

	for (int i = 0; rc == 0 && rows_of[row].form[i]; i++)
		rc = bind_value(db, db->row[row], i + 1, rows_of[row].form[i], from, why);
	return rc < 0 ? rc : step(db, db->row[row], why);
}

int ledger_db_write(struct ledger_db *db, const struct spool *rows, struct why *why)
{
	struct cursor from = {rows->bytes, rows->bytes + rows->used};
	int rc = step(db, db->extra[EXTRA_BEGIN], why);

	if (rc < 0)
		return rc;
	while (from.at < from.end && rc == 0)
		rc = write_row(db, &from, why);
	if (rc == 0) {
		sqlite3_bind_int64(db->extra[EXTRA_BATCH], 1, (int64_t)spool_batch(rows));
		rc = step(db, db->extra[EXTRA_BATCH], why);
	}
	if (rc == 0)
		rc = step(db, db->extra[EXTRA_COMMIT], why);
	if (rc < 0)
		step(db, db->extra[EXTRA_ROLLBACK], NULL);
	return rc;
}

static int run_sql(struct ledger_db *db, const char *sql, struct why *why)
{
	return sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(db, why);
}

static int prepare(struct ledger_db *db, const char *sql, sqlite3_stmt **out, struct why *why)
{
	int rc = sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);

	return rc == SQLITE_OK ? 0 : failed(db, why);
}

static void read_boot(char boot[64])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, boot, 63) : 0;

	boot[n > 0 ? n : 0] = '\0';
	boot[strcspn(boot, "\n")] = '\0';
	if (fd >= 0)
		close(fd);
}

static int insert_epoch(struct ledger_db *db, struct why *why)
{
	char boot[64], *sql;
	struct timespec wall, mono;

	read_boot(boot);
	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	sql = sqlite3_mprintf("INSERT INTO epoch SELECT coalesce(max(epoch), 0) + 1, %Q, %lld, "
			      "%lld FROM epoch",
			      boot, (long long)wall.tv_sec * 1000000000 + wall.tv_nsec,
			      (long long)mono.tv_sec * 1000000000 + mono.tv_nsec);
	int rc = sql ? run_sql(db, sql, why) : -ENOMEM;
	sqlite3_free(sql);
	return rc;
}

/* What a power cut may have taken from the ledger would be excused: no acknowledgement, no loss. */
static int check_boot(const char *then, struct why *why)
{
	char boot[64];

	read_boot(boot);
	if (strcmp(boot, then) == 0)
		return 0;
	return why_set(why, -ESTALE,
		       "the machine was started anew since: its ledger and its nodes may have lost "
		       "what was acknowledged");
}

int ledger_db_resume(struct ledger_db *db, struct ledger_left *left, struct why *why)
{
	static const char sql[] =
		"SELECT epoch + 1, boot, "
		"max((SELECT coalesce(max(op), 0) FROM intent), "
		"    (SELECT coalesce(max(cut_op), 0) FROM base)), "
		"max((SELECT coalesce(max(cut_seq), 0) FROM base), "
		"    (SELECT coalesce(max(inv_seq), 0) FROM intent), "
		"    (SELECT coalesce(max(res_seq), 0) FROM outcome)), "
		"(SELECT coalesce(max(ring), 0) FROM fire), "
		"(SELECT count(*) FROM intent) FROM epoch ORDER BY epoch DESC LIMIT 1";
	sqlite3_stmt *s;
	int rc = prepare(db, sql, &s, why);

	if (rc == 0 && sqlite3_step(s) != SQLITE_ROW)
		rc = why_set(why, -EINVAL, "the ledger has no epoch");
	if (rc == 0) {
		*left = (struct ledger_left){
			.epoch = (uint64_t)sqlite3_column_int64(s, 0),
			.last_op = (uint64_t)sqlite3_column_int64(s, 2),
			.last_seq = (uint64_t)sqlite3_column_int64(s, 3),
			.last_ring = (uint64_t)sqlite3_column_int64(s, 4),
			.operations = (uint64_t)sqlite3_column_int64(s, 5),
		};
		rc = check_boot((const char *)sqlite3_column_text(s, 1), why);
	}
	sqlite3_finalize(s);
	return rc ? rc : insert_epoch(db, why);
}

/* Only in a file that nobody reads yet: a reader would make the switch to WAL fail, and at once. */
static int make_tables(struct ledger_db *db, struct why *why)
{
	/* The vacuum before anything else is in the file, or it is ignored. */
	static const char pragmas[] = "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
				      "PRAGMA synchronous = OFF;";
	int rc = run_sql(db, pragmas, why);

	if (rc == 0)
		rc = run_sql(db, ledger_schema, why);
	return rc ? rc : insert_epoch(db, why);
}

static int set_up(struct ledger_db *db, struct why *why)
{
	/* Another may judge the run meanwhile: failrun check. A larger cache is not faster, but fills
	 * up with what was written long ago for as long as the file grows. */
	static const char pragmas[] =
		"PRAGMA busy_timeout = 10000; PRAGMA synchronous = OFF;"
		"PRAGMA wal_autocheckpoint = 8192; PRAGMA journal_size_limit = 33554432;"
		"PRAGMA cache_size = -8192;";
	int rc = run_sql(db, pragmas, why);

	for (int i = 0; i < ROW_COUNT && rc == 0; i++)
		rc = prepare(db, rows_of[i].sql, &db->row[i], why);
	for (int i = 0; i < EXTRA_COUNT && rc == 0; i++)
		rc = prepare(db, extra_of[i], &db->extra[i], why);
	return rc;
}

static int db_open(struct ledger_db **out, const char *path, int flags,
		   int (*then)(struct ledger_db *db, struct why *why), struct why *why)
{
	struct ledger_db *db = calloc(1, sizeof(*db));

	if (!db)
		return why_set(why, -ENOMEM, "no memory for the ledger");
	/* One thread owns the connection: SQLite need not lock. */
	flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	int rc = sqlite3_open_v2(path, &db->sqlite, flags, NULL);
	rc = rc == SQLITE_OK ? then(db, why) : failed(db, why);
	if (rc < 0) {
		ledger_db_close(db, NULL);
		return why_prefix(why, rc, "\"%s\"", path);
	}
	*out = db;
	return 0;
}

/* Under another name, which it leaves when it is whole: who reads along sees all of it or none. */
int ledger_db_create(struct ledger_db **out, const char *path, struct why *why)
{
	char made[PATH_MAX];
	struct ledger_db *db;

	if (access(path, F_OK) == 0)
		return why_set(why, -EEXIST, "ledger \"%s\" is there already", path);
	if (snprintf(made, sizeof(made), "%s.new", path) >= (int)sizeof(made))
		return why_set(why, -ENAMETOOLONG, "\"%s\" is too long a path", path);
	unlink(made);
	int rc = db_open(&db, made, SQLITE_OPEN_CREATE, make_tables, why);
	if (rc == 0)
		rc = ledger_db_close(db, why);
	if (rc == 0 && rename(made, path) < 0)
		rc = why_set(why, -errno, "rename \"%s\" to \"%s\": %s", made, path,
			     strerror(errno));
	if (rc < 0)
		unlink(made);
	return rc ? rc : ledger_db_open(out, path, why);
}

int ledger_db_open(struct ledger_db **out, const char *path, struct why *why)
{
	return db_open(out, path, 0, set_up, why);
}

int ledger_db_batch(struct ledger_db *db, uint64_t *batch, struct why *why)
{
	sqlite3_stmt *s;
	int rc = prepare(db, "SELECT batch FROM spool", &s, why);

	if (rc == 0 && sqlite3_step(s) == SQLITE_ROW)
		*batch = (uint64_t)sqlite3_column_int64(s, 0);
	else if (rc == 0)
		rc = failed(db, why);
	sqlite3_finalize(s);
	return rc;
}

int ledger_db_close(struct ledger_db *db, struct why *why)
{
	int rc = 0;

	for (int i = 0; i < ROW_COUNT; i++)
		sqlite3_finalize(db->row[i]);
	for (int i = 0; i < EXTRA_COUNT; i++)
		sqlite3_finalize(db->extra[i]);
	if (sqlite3_close(db->sqlite) != SQLITE_OK)
		rc = failed(db, why);
	free(db);
	return rc;
}
