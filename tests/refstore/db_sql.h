/*
 * db_sql.h - the statements of the metadata database, each prepared once a connection.
 *
 * A connection (struct sql) is used by one thread at a time.
 */
#ifndef REFSTORE_DB_SQL_H
#define REFSTORE_DB_SQL_H

#include <sqlite3.h>

#include "tests/refstore/util.h"

enum sql_id {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_COUNT_UP,
	SQL_PUT,
	SQL_DELETE,
	SQL_REPLICAS,
	SQL_CONDEMN,
	SQL_IS_CONDEMNED,
	SQL_META,
	SQL_LIST,
	SQL_RELEASE,
	SQL_IS_RELEASED,
	SQL_CLAIM,
	SQL_FORGET,
	SQL_OFFLINE,
	SQL_OFFLINE_ADD,
	SQL_OFFLINE_REMOVE,
	SQL_REPLICAS_ALL,
	SQL_UNDER,
	SQL_MOVABLE,
	SQL_OBJECTS,
	SQL_COUNT
};

struct sql {
	struct sql *next;
	sqlite3 *db;
	sqlite3_stmt *statements[SQL_COUNT];
};

/* create: makes the tables that are missing. */
int sql_open(struct sql *sql, const char *path, bool create, struct trouble *trouble);
void sql_close(struct sql *sql);

/* The statement, reset, with text bound to ?1, ?2, ...; NULL, which SQLite takes for an error in every
 * call, when there is no memory for that. */
sqlite3_stmt *sql_start(struct sql *sql, enum sql_id id, int count, ...);
/* Runs a statement that yields no row; an SQLite code, SQLITE_DONE when it went well. */
int sql_run(sqlite3_stmt *statement);
/* The servers that were taken out of service, as a list. SQLITE_ROW when it went well. */
int sql_offline(struct sql *sql, char *list, size_t max);
const char *sql_text(sqlite3_stmt *statement, int column); /* "" for NULL */
/* Was there no memory for a text of this row? */
bool sql_lost(sqlite3_stmt *statement);

#endif
