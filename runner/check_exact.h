/*
 * check_exact.h - after the oracle's pass: each key of a closed ledger, judged exactly.
 *
 * The oracle watches as the run goes, in constant memory a value, and does not see every
 * contradiction. Here each key that it found nothing on is judged from its whole history: by zones
 * if nobody deletes, by the frontier else; a key with conditional puts first as if these were a read
 * and a put, so that what has a name of its own gets it, then as they are. What is refuted becomes a violation of the oracle's; what
 * is over the budget is not decided, and named. `failrun run` and `failrun check` both end with it.
 */
#ifndef RUNNER_CHECK_EXACT_H
#define RUNNER_CHECK_EXACT_H

#include <sqlite3.h>

#include "failkit/why.h"
#include "runner/evidence.h"
#include "runner/oracle.h"

struct exact_result {
	uint64_t keys;    /* judged */
	uint64_t refuted; /* of which the oracle knew nothing */
	uint64_t undecided;
	uint64_t fenced[FENCE_KINDS]; /* ambiguous operations, by what ends them */
	char text[512];               /* which are not decided, and why; "" when all are */
};

struct exact_budget {
	uint64_t key, all; /* steps */
};
extern const struct exact_budget exact_budget;

/* progress: told now and then how many operations were judged; may be NULL. can: enum store_can.
 * 0, -EIO or -ENOMEM. */
int check_exact(sqlite3 *db, uint32_t can, const struct exact_budget *budget, struct oracle *oracle,
		void (*progress)(void *arg, uint64_t operations), void *arg,
		struct exact_result *out, struct why *why);

#endif
