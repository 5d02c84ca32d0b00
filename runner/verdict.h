/*
 * verdict.h - PASS, FAIL, INVALID or UNKNOWN, with reasons.
 *
 *     FAIL      the store did what it must not: there is a violation
 *     INVALID   the run proved nothing: a fault that was reached did not fire, nothing was verified
 * ... UNKNOWN   the judge could not decide PASS      none of these
 *
 * in this order of strength. Every reason is kept, also the weaker ones: a run that fails and whose
 * sweep was incomplete says both. A fault whose anchor the run's length did not reach is no reason.
 *
 * A pure function of the facts: the run collects them, the tests make them up.
 */
#ifndef RUNNER_VERDICT_H
#define RUNNER_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/driver.h"
#include "runner/judgement.h"

struct verdict_fault {
	int number;
	const char *name;
	bool reached;   /* its anchor was */
	bool met;       /* some operation returned between its apply and its gate */
	bool sets_rule; /* then matches and pending mean something */
	bool pending;   /* its rule names a failpoint that no process had */
	uint64_t fires, matches;
	const char *failed; /* could not be applied or healed: why; NULL */
};

struct verdict_facts {
	uint64_t violations;
	const char *undecided; /* the judge gave up: why; NULL */
	const struct verdict_fault *fault;
	int faults;
	const char *const *blind; /* nodes under the interposer of which it saw no call */
	int blinds;
	bool wanted[VERB_COUNT]; /* the plan gives this verb weight */
	uint64_t ok[VERB_COUNT]; /* answers of it that were verified */
	uint64_t min_ops;
	bool swept;              /* the final sweep took place */
	long sweep_missed;       /* keys that never answered; negative: -errno */
	const char *compacted;   /* what the ledger has no more: its sum; "" or NULL */
	const char *environment; /* what went wrong is not the store's: why; NULL */
	const char *ledger;      /* the ledger could not be written: why; NULL */
};

struct verdict_result {
	enum verdict verdict;
	bool environment; /* the ledger failed: exit 3, whatever else */
	int reasons;
	char reason[32][512]; /* the first 32 */
};

void verdict_decide(struct verdict_result *out, const struct verdict_facts *facts);

/* All reasons in one line, divided by "; ". */
void verdict_reasons(const struct verdict_result *result, char *text, size_t size);

#endif
