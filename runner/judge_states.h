/*
 * judge_states.h - a frontier: the states a key could be in, none of them plainly worse than another.
 *
 * A state is what the key is now, and what of all that is open took effect already. Operations that
 * must happen are in done; those that may are in used, or only counted. Of two states that are alike
 * in now and done, one that has used nothing that the other has not can do all that the other can:
 * the other is dropped.
 */
#ifndef RUNNER_JUDGE_STATES_H
#define RUNNER_JUDGE_STATES_H

#include <stddef.h>
#include <stdint.h>

enum { SLOTS = 128 };

typedef unsigned __int128 slot_set;

static inline slot_set slot_bit(int slot)
{
	return (slot_set)1 << slot;
}

static inline int slot_first(slot_set set)
{
	uint64_t low = (uint64_t)set;

	return low ? __builtin_ctzll(low) : 64 + __builtin_ctzll((uint64_t)(set >> 64));
}

struct state {
	slot_set done, used;
	int32_t now;            /* -1: dropped */
	uint32_t deletes, puts; /* counted */
	uint32_t place;         /* in the table of its set */
};

struct states {
	struct state *at;
	size_t count, capacity;
	uint32_t *table; /* index + 1, for more than a few */
	uint32_t mask;
};

void states_clear(struct states *states);
void states_fini(struct states *states);

/* Adds one unless it, or one that is at least as good, is there; drops those that are worse.
 * Returns 0 or -ENOMEM. */
int states_add(struct states *states, const struct state *state);

static inline void states_swap(struct states *a, struct states *b)
{
	struct states swap = *a;

	*a = *b;
	*b = swap;
}

#endif
