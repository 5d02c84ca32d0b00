/* exact_judge.c - see exact_judge.h. */
#include "runner/exact_judge.h"

#include <errno.h>
#include <stdlib.h>

#include "runner/judge_frontier.h"
#include "runner/judge_zones.h"

struct exact_judge {
	struct judge_zones *zones;
	struct judge_frontier *frontier;
};

struct exact_judge *exact_judge_open(void)
{
	struct exact_judge *judge = calloc(1, sizeof(*judge));

	if (!judge)
		return NULL;
	judge->zones = judge_zones_open();
	judge->frontier = judge_frontier_open();
	if (judge->zones && judge->frontier)
		return judge;
	exact_judge_close(judge);
	errno = ENOMEM;
	return NULL;
}

void exact_judge_close(struct exact_judge *judge)
{
	if (!judge)
		return;
	judge_zones_close(judge->zones);
	judge_frontier_close(judge->frontier);
	free(judge);
}

/* -ENOTSUP, -EEXIST or -EINVAL when the key is not for zones. */
static int judge_by_zones(struct judge_zones *zones, const struct judge_op *op, size_t count,
			  struct judge_answer *answer)
{
	int rc = 0;

	judge_zones_clear(zones);
	for (size_t i = 0; i < count && !rc; i++)
		rc = judge_zones_add(zones, &op[i]);
	return rc ? rc : judge_zones_check(zones, answer);
}

int exact_judge_key(struct exact_judge *judge, const struct judge_op *op, size_t count,
		    uint64_t budget, struct judge_answer *answer)
{
	*answer = (struct judge_answer){.verdict = JUDGE_OK};
	int rc = judge_by_zones(judge->zones, op, count, answer);

	answer->steps = 0; /* zones are no matter of budget */
	if (!rc || rc == -ENOMEM)
		return rc;
	*answer = (struct judge_answer){.verdict = JUDGE_UNKNOWN, .reason = JUDGE_BUDGET};
	return budget ? judge_frontier(judge->frontier, op, count, budget, answer) : 0;
}
