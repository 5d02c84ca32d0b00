/*
 * check.h - judges a ledger again, with no cluster: `failrun check` and `failrun why`.
 *
 * The evidence is fed to the same oracle in the same order as during the run, so the same ledger
 * gives the same violations. Operations without an outcome (failrun was killed) count as ambiguous.
 */
#ifndef RUNNER_CHECK_H
#define RUNNER_CHECK_H

#include <sqlite3.h>

#include "failkit/why.h"
#include "runner/oracle.h"

/* Judges RUN/model.sqlite, appends the judgement and prints it. Returns an exit code: 0 PASS, 1 FAIL,
 * 4 INVALID or UNKNOWN; or -errno with why when the ledger can't be read. */
int check_run(const char *dir, struct why *why);

/* Gives the oracle all that the ledger has: evidence, and what the run itself found. */
int check_feed(sqlite3 *db, struct oracle *oracle, struct why *why);

/* Prints a key's whole story, in order: what was asked, what was answered, what was active. Returns
 * 0, 1 when the key was never used, or -errno. */
int check_why(const char *dir, const char *key, struct why *why);

#endif
