/*
 * judge_general.h - judging any model, exactly, where time allows.
 *
 * Two searches take turns, with budgets that grow eightfold, because each is fast on histories where
 * the other is slow:
 *
 *     wgl   depth first over what could take effect next, never twice from one (what is done, state)
 *           (Wing and Gong; Lowe): good at finding an order
 *     jit   breadth first over time, nothing takes effect before it must (just-in-time
 *           linearization): good at proving that there is none
 *
 * Keys that don't depend on each other are handed in as parts of one history, and searched in rounds
 * as well: in sequence, one part that is hard and innocent would hide one that is plainly guilty.
 * The first violation ends it.
 *
 * Both take an observation at once where it fits, use an operation whose outcome is unknown only
 * where it changes something, of two alike the one that ends first, and never because they must.
 *
 * One engine is one workspace, one thread.
 */
#ifndef RUNNER_JUDGE_GENERAL_H
#define RUNNER_JUDGE_GENERAL_H

#include "runner/judge_model.h"

struct judge_part {
	const struct judge_op *ops;
	size_t count;
};

struct judge_general;

struct judge_general *judge_general_open(void); /* NULL with errno */
void judge_general_close(struct judge_general *engine);

/* budget: steps in all after which the answer is UNKNOWN, 0: none. *part: the one that is violated,
 * or the first that is not known. On a violation answer->op is the operation that could not be, its
 * only witness. Returns 0, or -EINVAL (times as for the frontier) or -ENOMEM. */
int judge_general(struct judge_general *engine, const struct judge_model *model,
		  const struct judge_part *parts, size_t count, uint64_t budget,
		  struct judge_answer *answer, size_t *part);

#endif
