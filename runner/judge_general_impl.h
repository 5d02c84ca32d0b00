/*
 * judge_general_impl.h - inside the general engine: one part prepared, and the two searches.
 *
 *     judge_general.c   rounds and budgets
 *     judge_task.c      a part made ready: what must happen, what may, and the memory of steps
 *     judge_wgl.c       depth first
 *     judge_jit.c       breadth first
 *
 * A search answers 1 (there is an order), 0 (there is none), -EAGAIN (out of budget), -E2BIG (too
 * wide for it), or -ENOMEM.
 */
#ifndef RUNNER_JUDGE_GENERAL_IMPL_H
#define RUNNER_JUDGE_GENERAL_IMPL_H

#include <stdbool.h>

#include "runner/judge_general.h"
#include "runner/judge_sort.h"

struct general_op {
	const struct judge_op *op;
	uint64_t inv, res;
	int32_t code;  /* alike operations have the same */
	int32_t alike; /* of what may happen: the one before of the same code, or -1 */
	bool observes;
};

enum { MEMO_BITS = 12, MEMO_SIZE = 1 << MEMO_BITS };

struct memo {
	int32_t state, code; /* code -1: empty */
	int32_t next;
};

struct task {
	const struct judge_model *model;
	struct general_op *must, *may; /* each by begin; may: by end within alike */
	size_t musts, mays;
	struct judge_values values, codes; /* of this part */
	bool *asked;                       /* by number of a value: does anyone ask for it? */
	bool asked_any;
	bool fenced; /* has something that may happen an end? */
	struct memo memo[MEMO_SIZE];
	uint64_t steps, limit;
	uint64_t dead; /* id of the operation at which it ended */
};

struct wgl;
struct jit;

struct judge_general {
	struct task task;
	struct wgl *wgl;
	struct jit *jit;
};

int task_prepare(struct task *task, const struct judge_model *model, const struct judge_part *part);
void task_fini(struct task *task);

/* The state after op, JUDGE_CANNOT or -ENOMEM. Counts a step. */
int32_t task_step(struct task *task, int32_t state, const struct general_op *op);

static inline uint64_t zobrist(uint64_t n)
{
	uint64_t z = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

struct wgl *wgl_open(void);
void wgl_close(struct wgl *wgl);
int wgl_search(struct wgl *wgl, struct task *task);

struct jit *jit_open(void);
void jit_close(struct jit *jit);
int jit_search(struct jit *jit, struct task *task);

#endif
