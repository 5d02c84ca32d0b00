/*
 * ledger_write.h - the rows of the ledger: what is queued, and how it reaches SQLite.
 *
 * A row is queued in a spool as bytes: the statement's number, then a value for each letter of
 * its form
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
#include "runner/ledger.h"
#include "runner/ledger_spool.h"

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
	ROW_ESCAPE,
	ROW_BASE,
	ROW_TALLY,
	ROW_DROP_INTENT,
	ROW_DROP_OUTCOME,
	ROW_DROP_PAGE,
	ROW_VACUUM,
	ROW_THIN_METRICS,
	ROW_COUNT_FIRES,
	ROW_DROP_FIRES,
	ROW_FINDING,
	ROW_STATE,
	ROW_COUNT,
};

/* Appends one row, not yet published; values are int64_t, double or const char *, by the row's form.
 * -ENOSPC ... of spool_room(): then nothing was added. */
int ledger_rows_add(struct spool *rows, enum ledger_row row, va_list values);

struct ledger_db;

/* -EEXIST when there is a file already. */
int ledger_db_create(struct ledger_db **out, const char *path, struct why *why);
int ledger_db_open(struct ledger_db **out, const char *path, struct why *why); /* that is there */
/* All rows and the number of their batch in one transaction; why tells SQLite's own words. */
int ledger_db_write(struct ledger_db *db, const struct spool *rows, struct why *why);
int ledger_db_batch(struct ledger_db *db, uint64_t *batch, struct why *why); /* the last written */
/* A further epoch of a run that was cut, on the same boot of the machine. -ESTALE: it was another. */
int ledger_db_resume(struct ledger_db *db, struct ledger_left *left, struct why *why);
int ledger_db_close(struct ledger_db *db, struct why *why);

extern const char ledger_schema[]; /* the text of ledger.sql */

#endif
