/*
 * judge_history.h - the history of one key, in words that every judge understands.
 *
 * A history is a plain array of operations, in any order, owned by the caller. Each has an interval
 * on one clock: it was invoked at inv, its answer had arrived at res, and its effect, if any, lies
 * somewhere in between. Two operations of which one ended when the other began are concurrent. Times
 * are below 2^63; JUDGE_NEVER stands for an end that is not known.
 *
 *     known       it took effect within [inv, res]
 *     ambiguous   it may have, within [inv, res]: res is JUDGE_NEVER, or a fence after which it can
 *                 no longer (every process that might have held it is gone)
 *     failed      it certainly did not
 *
 * Observations that did not succeed are evidence of nothing: whoever fills a history may leave them
 * out, and the judges skip them. A key starts as nothing. Values are the caller's numbers (a
 * generation, an interned text); JUDGE_NOTHING is not one of them.
 */
#ifndef RUNNER_JUDGE_HISTORY_H
#define RUNNER_JUDGE_HISTORY_H

#include <stdint.h>

#define JUDGE_NEVER   UINT64_MAX
#define JUDGE_NOTHING UINT64_C(0)

enum judge_kind {
	JUDGE_PUT,     /* make it value */
	JUDGE_DELETE,  /* make it nothing, whatever it was */
	JUDGE_TAKE,    /* a delete that reported that it found something */
	JUDGE_CAS,     /* make it value, which succeeded because it was expect (maybe nothing) */
	JUDGE_APPEND,  /* a text: add value's to its end */
	JUDGE_READ,    /* it is value */
	JUDGE_ABSENT,  /* it is nothing */
	JUDGE_PRESENT, /* it is something: a listing without tags */
	JUDGE_UNEQUAL, /* it is not expect: a compare-and-set that was refused */
	JUDGE_KIND_COUNT,
};

enum judge_outcome { JUDGE_KNOWN, JUDGE_AMBIGUOUS, JUDGE_FAILED };

struct judge_op {
	uint64_t inv, res;
	uint64_t value, expect;
	uint64_t id; /* the caller's name for it: answers speak of operations by it */
	uint32_t client;
	uint8_t kind, outcome;
};

static inline int judge_kind_observes(int kind)
{
	return kind >= JUDGE_READ;
}

enum judge_verdict { JUDGE_OK, JUDGE_VIOLATION, JUDGE_UNKNOWN };

enum judge_reason {
	JUDGE_NO_REASON,
	/* of a violation */
	JUDGE_UNWRITTEN, /* a value was read that nobody put */
	JUDGE_ABORTED,   /* a value was read whose put certainly failed */
	JUDGE_FUTURE,    /* a value was read before its put began */
	JUDGE_TWO,       /* two values were both certainly there at one moment */
	JUDGE_INSIDE,    /* a value came and went while another was certainly there */
	JUDGE_GONE,      /* nothing was read while a value was certainly there */
	JUDGE_DEAD_END,  /* no order of the operations explains this one */
	/* of an unknown */
	JUDGE_BUDGET,   /* too many steps */
	JUDGE_TOO_WIDE, /* too many operations open at one time */
};

enum { JUDGE_WITNESS_MAX = 16 };

struct judge_answer {
	enum judge_verdict verdict;
	enum judge_reason reason;
	uint64_t op;                         /* the id of the operation that could not be */
	uint64_t witness[JUDGE_WITNESS_MAX]; /* ids; these alone contradict each other */
	int witnesses;
	uint64_t steps; /* spent */
};

const char *judge_reason_text(enum judge_reason reason);

#endif
