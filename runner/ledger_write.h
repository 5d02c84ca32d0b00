/*
 * ledger_write.h - the rows of the ledger: what is queued, and how it reaches SQLite.
 *
 * A row is queued as bytes: the statement's number, then a value for each letter of its form
 *
 *     i integer    d real    s text or NULL    b bytes or NULL    o key, stored as its object's
 * number
 *
 * so that queueing is one copy into a buffer and only the writer's thread knows SQLite.
 */
#ifndef RUNNER_LEDGER_WRITE_H
#define RUNNER_LEDGER_WRITE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failkit/why.h"

enum ledger_row {
	ROW_INTENT,
	ROW_OUTCOME,
	ROW_PAGE,
	ROW_RUN,
	ROW_PHASE,
	ROW_FAULT,
	ROW_FAULT_EVENT,
	ROW_FIRE,
	ROW_GATE,
	ROW_PROCESS,
	ROW_COMMAND,
	ROW_METRIC,
	ROW_COUNT,
};

/* Rows waiting to be written. */
struct ledger_rows {
	uint8_t *bytes;
	size_t used, room;
};

/* Appends one row; values are int64_t, double or const char *, by the row's form. -ENOMEM. */
int ledger_rows_add(struct ledger_rows *rows, enum ledger_row row, va_list values);

struct ledger_db;

/* -EEXIST when there is a file already. */
int ledger_db_open(struct ledger_db **out, const char *path, struct why *why);
/* All rows in one transaction; why tells SQLite's own words. */
int ledger_db_write(struct ledger_db *db, const struct ledger_rows *rows, struct why *why);
int ledger_db_close(struct ledger_db *db, struct why *why);

extern const char ledger_schema[]; /* the text of ledger.sql */

#endif
