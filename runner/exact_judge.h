/*
 * exact_judge.h - one key's history before the judge that is exact for it: zones where nobody
 * deletes, the frontier else. One thread.
 */
#ifndef RUNNER_EXACT_JUDGE_H
#define RUNNER_EXACT_JUDGE_H

#include <stddef.h>

#include "runner/judge_history.h"

struct exact_judge;

struct exact_judge *exact_judge_open(void); /* NULL with errno */
void exact_judge_close(struct exact_judge *judge);

/* budget: steps; without any only the zones are asked. answer->steps tells what was spent. 0 or
 * -errno. */
int exact_judge_key(struct exact_judge *judge, const struct judge_op *op, size_t count,
		    uint64_t budget, struct judge_answer *answer);

#endif
