/*
 * judge_frontier_impl.h - inside the frontier judge: prepare, sweep, witness.
 *
 *     judge_prepare.c     operations -> items with classes, and their moments in order
 *     judge_frontier.c    the sweep over the moments
 *     judge_states.c      the frontier itself, a set of states
 *     judge_witness.c     a violation made small
 */
#ifndef RUNNER_JUDGE_FRONTIER_IMPL_H
#define RUNNER_JUDGE_FRONTIER_IMPL_H

#include <stdbool.h>

#include "runner/judge_frontier.h"
#include "runner/judge_sort.h"
#include "runner/judge_values.h"

enum { NOW_NOTHING, NOW_ANYTHING, NOW_VALUES }; /* what the key is: then a value's number + this */
enum { SLOTS = 128 };

typedef unsigned __int128 slot_set;

static inline int slot_first(slot_set set)
{
	uint64_t low = (uint64_t)set;

	return low ? __builtin_ctzll(low) : 64 + __builtin_ctzll((uint64_t)(set >> 64));
}

enum item_class {
	ITEM_READ,
	ITEM_ABSENT,
	ITEM_PRESENT,
	ITEM_PUT, /* of a value that somebody reads */
	/* Interchangeable among themselves: */
	ITEM_ANYTHING, /* a put of a value that nobody reads */
	ITEM_DELETE,
	ITEM_TAKE,
};

struct item {
	uint64_t res;
	uint64_t id;
	int32_t now; /* of READ and PUT: what the key is then */
	uint8_t class;
	bool optional; /* it may never have happened */
	uint8_t slot;
};

struct value_use {
	uint32_t puts;
	uint64_t first_begin;         /* of its puts */
	uint64_t first_end, last_end; /* of its reads */
	bool seen, failed;
};

/* MOMENT_USE: from now on one more delete or put without an end may happen. */
enum { MOMENT_BEGIN, MOMENT_END, MOMENT_USE_DELETE, MOMENT_USE_PUT };

struct prepared {
	struct judge_values values;
	struct value_use *use;
	size_t use_capacity;
	struct item *item; /* one for each operation; those that were dropped have no moment */
	size_t item_capacity;
	struct judge_moment *moment;
	size_t moments, moment_capacity;
};

struct state {
	slot_set done; /* open operations that took effect */
	int32_t now;
	uint32_t deletes, puts; /* without an end, used up */
	uint32_t place;         /* in the table of its set */
};

struct states {
	struct state *at;
	size_t count, capacity;
	uint32_t *table; /* index + 1, for more than a few */
	uint32_t mask;
};

struct judge_frontier {
	struct prepared prepared;
	struct states frontier, next, work;
	struct item *slot[SLOTS];
	slot_set open, open_reads, open_puts;
	uint32_t deletes, puts; /* without an end, begun */
	uint64_t steps, budget;
};

int prepare(struct prepared *p, const struct judge_op *ops, size_t n);
void prepared_fini(struct prepared *p);

void states_clear(struct states *s);
/* Adds one unless it, or one that is at least as good, is there. A worse one that is there is marked
 * with now = -1. Returns 0 or -ENOMEM. */
int states_add(struct states *s, const struct state *state);
void states_fini(struct states *s);

/* The sweep alone. On a violation *where is the index of the operation. */
int sweep(struct judge_frontier *judge, const struct judge_op *ops, size_t n,
	  struct judge_answer *answer, size_t *where);

/* Fills answer's witness for a violation by ops[where]. */
int find_witness(struct judge_frontier *judge, const struct judge_op *ops, size_t n, size_t where,
		 struct judge_answer *answer);

#endif
