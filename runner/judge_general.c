/* judge_general.c - rounds and budgets: see judge_general.h. */
#include "runner/judge_general_impl.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_BUDGET = 512, GROWTH = 8 };

struct judge_general *judge_general_open(void)
{
	struct judge_general *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->wgl = wgl_open();
	g->jit = jit_open();
	if (g->wgl && g->jit)
		return g;
	judge_general_close(g);
	errno = ENOMEM;
	return NULL;
}

void judge_general_close(struct judge_general *g)
{
	if (!g)
		return;
	task_fini(&g->task);
	wgl_close(g->wgl);
	jit_close(g->jit);
	free(g);
}

/* Both searches on one part, each with a budget, up to steps in all: 1, 0, -EAGAIN, -E2BIG (too wide
 * for either) or worse. */
static int search(struct judge_general *g, uint64_t budget, uint64_t all)
{
	struct task *t = &g->task;

	t->limit = t->steps + budget < all ? t->steps + budget : all;
	int wgl = wgl_search(g->wgl, t);
	if (wgl != -EAGAIN && wgl != -E2BIG)
		return wgl;
	t->limit = t->steps + budget < all ? t->steps + budget : all;
	int jit = jit_search(g->jit, t);
	return jit == -E2BIG ? wgl : jit;
}

struct course {
	const struct judge_model *model;
	const struct judge_part *parts;
	size_t count, left;
	bool *decided;
	uint64_t budget;
	bool gave_up; /* on a part that is too wide: */
	size_t wide;
};

/* One round over the parts that are not decided. 0: go on; 1: a violation in *part; or -errno,
 * -EAGAIN when the budget of all is spent. */
static int round_of(struct judge_general *g, struct course *c, uint64_t each, size_t *part)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->decided[i])
			continue;
		int rc = task_prepare(&g->task, c->model, &c->parts[i]);
		if (!rc)
			rc = search(g, each, c->budget);
		if (rc < 0 && rc != -EAGAIN && rc != -E2BIG)
			return rc;
		if (rc != -EAGAIN) {
			c->decided[i] = true;
			c->left--;
		}
		if (rc == -E2BIG && !c->gave_up) {
			c->gave_up = true;
			c->wide = i;
		}
		*part = i;
		if (!rc)
			return 1;
		if (g->task.steps > c->budget && c->left)
			return -EAGAIN;
	}
	return 0;
}

static size_t first_undecided(const struct course *c)
{
	size_t i = 0;

	while (c->decided[i])
		i++;
	return i;
}

int judge_general(struct judge_general *g, const struct judge_model *model,
		  const struct judge_part *parts, size_t count, uint64_t budget,
		  struct judge_answer *a, size_t *part)
{
	struct course c = {.model = model, .parts = parts, .count = count, .left = count};
	int rc = 0;

	*a = (struct judge_answer){.verdict = JUDGE_OK};
	c.budget = budget ? budget : UINT64_MAX;
	c.decided = calloc(count + 1, sizeof(*c.decided));
	if (!c.decided)
		return -ENOMEM;
	g->task.steps = 0;
	for (uint64_t each = FIRST_BUDGET; c.left && !rc; each *= GROWTH)
		rc = round_of(g, &c, each, part);
	a->steps = g->task.steps;
	if (rc > 0) {
		a->verdict = JUDGE_VIOLATION;
		a->reason = JUDGE_DEAD_END;
		a->op = a->witness[0] = g->task.dead;
		a->witnesses = 1;
	} else if (rc == -EAGAIN) {
		a->verdict = JUDGE_UNKNOWN;
		a->reason = JUDGE_BUDGET;
		*part = first_undecided(&c);
	} else if (!rc && c.gave_up) {
		a->verdict = JUDGE_UNKNOWN;
		a->reason = JUDGE_TOO_WIDE;
		*part = c.wide;
	}
	free(c.decided);
	return rc < 0 && rc != -EAGAIN ? rc : 0;
}
