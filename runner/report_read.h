/*
 * report_read.h - helpers of report_read.c and report_traffic.c: memory and rows.
 */
#ifndef RUNNER_REPORT_READ_H
#define RUNNER_REPORT_READ_H

#include <sqlite3.h>

#include "runner/report.h"

/* Zeroed, owned by the report; aborts the program when there is no memory, like every reader here.
 */
void *report_keep(struct report *report, size_t size);
const char *report_text(struct report *report, sqlite3_stmt *row, int column);

/* Calls row for each row of a query; a parameter ?1 gets n. 0 or -EIO with why. */
int report_query(sqlite3 *db, const char *sql, int64_t n, void (*row)(void *arg, sqlite3_stmt *s),
		 void *arg, struct why *why);

/* The fault between whose apply and gate ns lies, NULL when there is none; *phase may be NULL. */
const struct report_fault *report_fault_at(const struct report *report, int64_t ns,
					   enum report_phase *phase);

int report_read_metrics(struct report *report, sqlite3 *db, struct why *why);
int report_read_states(struct report *report, sqlite3 *db, struct why *why);
int report_read_escapes(struct report *report, sqlite3 *db, struct why *why);
int report_read_traffic(struct report *report, sqlite3 *db, struct why *why);

#endif
