/*
 * judge_registers.h - register histories as a fault test makes them, for tests and the bench.
 *
 * Five processes read, write and compare-and-set one register of five values. Some answers never
 * come, and what was asked may take effect at once, later, or not at all. Towards the end one value,
 * which nobody else uses, is written, and overwritten by another; a read then tells the truth, or in
 * a history with a violation that old value.
 */
#ifndef TESTS_UNIT_JUDGE_REGISTERS_H
#define TESTS_UNIT_JUDGE_REGISTERS_H

#include "tests/unit/judge_support.h"

enum {
	PROCESSES = 5,
	REGISTER_VALUES = 5,
	OLD_VALUE = 8,
	NEW_VALUE = 9,
	LOST = 16 /* of 300 steps */
};

struct simulation {
	struct judge_op *op;
	size_t count;
	uint64_t *seed;
	uint64_t clock, now; /* what the register is */
	int busy[PROCESSES]; /* operation, or -1 */
	bool applied[PROCESSES];
	int late[256]; /* asked and never answered, may still take effect */
	int lates;
};

/* What the register makes of an operation, and the operation of it. */
static inline void simulate_effect(struct simulation *s, struct judge_op *op)
{
	uint64_t now = s->now;

	if (op->kind == JUDGE_PUT || (op->kind == JUDGE_CAS && now == op->expect)) {
		s->now = op->value;
	} else if (op->kind == JUDGE_CAS) {
		op->kind = JUDGE_UNEQUAL;
	} else if (op->kind == JUDGE_READ) {
		op->kind = now ? JUDGE_READ : JUDGE_ABSENT;
		op->value = now;
	}
}

static inline struct judge_op *simulate_begin(struct simulation *s, int process, int kind)
{
	struct judge_op *op = &s->op[s->count];

	*op = (struct judge_op){.inv = ++s->clock,
				.id = s->count,
				.client = (uint32_t)process,
				.kind = (uint8_t)kind};
	if (kind != JUDGE_READ)
		op->value = 1 + draw_below(s->seed, REGISTER_VALUES);
	if (kind == JUDGE_CAS)
		op->expect = 1 + draw_below(s->seed, REGISTER_VALUES);
	s->busy[process] = (int)s->count++;
	s->applied[process] = false;
	return op;
}

static inline void simulate_lose(struct simulation *s, int process)
{
	struct judge_op *op = &s->op[s->busy[process]];

	if (op->kind == JUDGE_UNEQUAL)
		op->kind = JUDGE_CAS; /* nobody knows that it did not fit */
	op->outcome = JUDGE_AMBIGUOUS;
	op->res = JUDGE_NEVER;
	if (!s->applied[process] && s->lates < 256)
		s->late[s->lates++] = s->busy[process];
	s->busy[process] = -1;
}

static inline void simulate_step(struct simulation *s, int process)
{
	static const uint8_t kinds[] = {JUDGE_READ, JUDGE_PUT, JUDGE_CAS};

	if (s->lates && draw_below(s->seed, 40) == 0) {
		struct judge_op late = s->op[s->late[--s->lates]];
		simulate_effect(s, &late);
	}
	if (s->busy[process] < 0) {
		simulate_begin(s, process, kinds[draw_below(s->seed, 3)]);
	} else if (draw_below(s->seed, 300) < LOST) {
		simulate_lose(s, process);
	} else if (!s->applied[process]) {
		simulate_effect(s, &s->op[s->busy[process]]);
		s->applied[process] = true;
	} else {
		s->op[s->busy[process]].res = ++s->clock;
		s->busy[process] = -1;
	}
}

/* One operation of a process from begin to end. */
static inline void simulate_whole(struct simulation *s, int process, int kind, uint64_t value)
{
	while (s->busy[process] >= 0)
		simulate_step(s, process);
	struct judge_op *op = simulate_begin(s, process, kind);
	if (kind == JUDGE_PUT)
		op->value = value;
	simulate_effect(s, op);
	op->res = ++s->clock;
	s->busy[process] = -1;
}

static inline size_t draw_registers(uint64_t *seed, struct judge_op *op, size_t n, bool violated)
{
	struct simulation s = {.op = op, .seed = seed, .busy = {-1, -1, -1, -1, -1}};
	size_t plant = n / 2 + draw_below(seed, (unsigned)n / 2 - 8);

	while (s.count < plant)
		simulate_step(&s, (int)draw_below(seed, PROCESSES));
	simulate_whole(&s, 0, JUDGE_PUT, OLD_VALUE);
	simulate_whole(&s, 1, JUDGE_PUT, NEW_VALUE);
	simulate_whole(&s, 2, JUDGE_READ, 0);
	if (violated) {
		op[s.count - 1].kind = JUDGE_READ;
		op[s.count - 1].value = OLD_VALUE;
	}
	while (s.count < n)
		simulate_step(&s, (int)draw_below(seed, PROCESSES));
	for (int p = 0; p < PROCESSES; p++)
		if (s.busy[p] >= 0)
			simulate_lose(&s, p);
	return s.count;
}

#endif
