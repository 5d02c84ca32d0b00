/*
 * check_ledger.h - a closed ledger, opened for whoever reads it again.
 */
#ifndef RUNNER_CHECK_LEDGER_H
#define RUNNER_CHECK_LEDGER_H

#include <sqlite3.h>
#include <stdint.h>

#include "failkit/why.h"

/* DIR/model.sqlite. Returns 0 or -EINVAL; *db is the caller's to close on success. */
int check_ledger_open(const char *dir, sqlite3 **db, struct why *why);

/* A number of the table "run", 0 when there is none. */
uint64_t check_ledger_number(sqlite3 *db, const char *key);

static inline const char *check_text(sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

	return text ? text : "";
}

static inline uint64_t check_number(sqlite3_stmt *s, int column)
{
	return (uint64_t)sqlite3_column_int64(s, column);
}

#endif
