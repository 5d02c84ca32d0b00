/*
 * judgement.h - writes what the oracle found into the ledger, beside the evidence.
 *
 * A judgement is appended each time a run ends or `failrun check` judges again; nothing is
 * overwritten. The ledger's own writer (ledger.h) must have been closed.
 */
#ifndef RUNNER_JUDGEMENT_H
#define RUNNER_JUDGEMENT_H

#include "failkit/why.h"
#include "runner/oracle.h"

enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_INVALID, VERDICT_UNKNOWN };

const char *verdict_name(enum verdict verdict); /* "PASS" */
int verdict_exit_code(enum verdict verdict);    /* 0, 1, 4, 4 */

/* by: "run" or "check"; reason: one line, "" for none. */
int judgement_append(const char *ledger_path, const char *by, const struct oracle *oracle,
		     enum verdict verdict, const char *reason, struct why *why);

#endif
