/*
 * oracle.h - the judge: which answers are possible, and what to call the others.
 *
 * A pure state machine: it is fed what was asked and what was answered, in the order of the
 * sequence numbers, and neither looks at a clock nor talks to anyone. The run feeds it as it goes
 * (under one lock); `failrun check` feeds it again from the ledger and gets the same verdicts.
 *
 *     oracle_invoke()   before the first byte can leave
 *     oracle_return()   after the last byte came, with what the driver and the body check found
 *     oracle_finish()   names settle: never seen again is LOST-WRITE, seen again STALE-READ
 *
 * For each key it keeps the writes that can still matter, each with the interval in which it may
 * take effect: [inv, res] when acknowledged, [inv, for ever) when ambiguous, cut short by whoever
 * observes it. A read may answer what some write put there, if no other write that began after that
 * one's end had ended (or been seen) before the read began. A wrong success is never excused, and a
 * violation always has a witness: the few operations that contradict each other.
 */
#ifndef RUNNER_ORACLE_H
#define RUNNER_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "failkit/why.h"
#include "runner/driver.h"
#include "runner/ledger.h"

enum violation_code {
	VIOLATION_NONE,
	/* byte level: what the body check found, and answers that can't be understood */
	CORRUPT,
	TORN,
	ZERO_FILL,
	TRUNCATED,
	EXTENDED,
	MISPLACED,
	CROSS_KEY,
	PHANTOM,
	BAD_ACK,
	/* existence */
	LOST_WRITE,
	WRONG_404,
	RESURRECTED_DELETE,
	ABORTED_READ,
	FUTURE_READ,
	/* order */
	STALE_READ,
	NON_MONOTONIC,
	WRONG_CONDITION,
	/* other operations */
	WRONG_RANGE,
	HEAD_GET_MISMATCH,
	LIST_OMISSION,
	LIST_PHANTOM,
	LIST_DUP,
	LIST_ORDER,
	LIST_META,
	LIST_TRUNC,
	/* the system as a whole */
	UNRECOVERED,
	SUT_CRASH,
	PREFIX_HOLE,
	VIOLATION_COUNT,
};

const char *violation_name(enum violation_code code); /* "LOST-WRITE" */
/* "data loss", "corruption", "stale" or "availability". */
const char *violation_severity(enum violation_code code);
const char *violation_meaning(enum violation_code code); /* one sentence */

enum { WITNESS_MAX = 6 };

struct violation {
	enum violation_code code;
	const char *key;
	uint64_t op; /* the operation that could not be */
	uint64_t witness[WITNESS_MAX];
	int witnesses;
	unsigned
		followers; /* later violations on the same key, grouped under this one; of no key: many
			     * of the same code */
	char text[512];    /* one paragraph a person can check */
};

struct oracle;

/* can: what the store's driver can do (enum store_can): no more than that is judged. */
struct oracle *oracle_open(uint32_t can); /* NULL with errno */
void oracle_close(struct oracle *oracle);
/* Listings may be so late: a key is only judged in a page when nobody has written to it for so long
 * before, and it is clear what came of all that was. */
void oracle_list_lag(struct oracle *oracle, int64_t ns);

void oracle_invoke(struct oracle *oracle, const struct ledger_intent *intent);
/* It is sent once more, not answered yet: from now on it may take effect twice. */
void oracle_again(struct oracle *oracle, uint64_t op);
/* entries: JSON of a LIST page with its after, last and more; NULL otherwise. Returns the code of a
 * violation this answer is, VIOLATION_NONE when it is possible or proves nothing. */
enum violation_code oracle_return(struct oracle *oracle, const struct ledger_outcome *outcome,
				  const char *entries, const char *after, const char *last,
				  bool more);
void oracle_report(struct oracle *oracle, enum violation_code code, const char *key, uint64_t op,
		   const char *text); /* found by others: UNRECOVERED, SUT-CRASH */
void oracle_finish(struct oracle *oracle);

/* What is left of a key's history up to a moment that no operation on it spans: what was there then.
 * All before was judged and is forgotten (compact.h); before a replay, of a key that has none yet. */
struct oracle_base {
	const char *key;
	uint64_t seq;              /* the moment: the order of the first operation that is kept */
	uint64_t generation, size; /* there; generation 0: nothing */
	uint64_t op;               /* that put or showed it */
	uint64_t cut_op;           /* the newest operation that is forgotten */
	char tag[TAG_MAX];
};
void oracle_base(struct oracle *oracle, const struct oracle_base *base);
/* The order of the oldest operation that has not returned, among those from first_op on; none: NEVER
 * as UINT64_MAX. */
uint64_t oracle_oldest(const struct oracle *oracle, uint64_t first_op);

/* For judges of whole histories, after the finish: what they find on a key that has no violation. */
bool oracle_has_violation(const struct oracle *oracle, const char *key);
void oracle_add(struct oracle *oracle, const struct violation *found);
/* Is this operation the root of a violation? A listing's may be of no key. */
bool oracle_is_violation(const struct oracle *oracle, uint64_t op);

/* What the run needs to know meanwhile. */
struct oracle_count {
	uint64_t ops[VERB_COUNT];      /* returned */
	uint64_t verified[VERB_COUNT]; /* answers that were evidence and were possible */
	uint64_t outcome[OUTCOME_COUNT];
	uint64_t acks;               /* acknowledged mutations */
	uint64_t ambiguous_resolved; /* ambiguous mutations later observed */
	uint64_t violations;         /* roots */
};
void oracle_count(const struct oracle *oracle, struct oracle_count *out);

/* Root violations, strongest first. Stops when each returns non-zero. */
int oracle_violations(const struct oracle *oracle, int (*each)(void *, const struct violation *),
		      void *arg);

/* Every key ever written, for the sweep; present: could it be there now? */
int oracle_keys(const struct oracle *oracle, int (*each)(void *, const char *key, bool present),
		void *arg);

#endif
