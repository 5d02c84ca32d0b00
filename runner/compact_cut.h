/*
 * compact_cut.h - where a key's history can be cut in two, the older part judged for itself.
 *
 *     put 1 |---|                       |
 *     get 1        |---|                |       every operation ended before the cut or begins
 *     put 2               |----|        |       after it, and what is there at the cut is certain
 *     get 2                      |---|  |
 *     get 2                             |  |---|
 *                                      cut: 2
 *
 * Then the whole is possible exactly when the older part is, and the newer is from that state on.
 * What was never answered has no end and holds the cut back, until a read has shown it, if it was
 * sent once, or the time after which it can't land any more. A pure function of the operations.
 */
#ifndef RUNNER_COMPACT_CUT_H
#define RUNNER_COMPACT_CUT_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/judge_history.h"

struct compact_cut {
	uint64_t seq;   /* what began before it is the older part */
	uint64_t value; /* there at that moment; JUDGE_NOTHING */
	uint64_t op;    /* the id of who put or showed it; 0: nobody ever did */
	size_t ops;     /* in the older part */
};

/* The latest cut that is not after horizon; false when there is none that takes anything away. */
bool compact_cut(struct compact_cut *out, const struct judge_op *op, size_t count,
		 uint64_t horizon);

#endif
