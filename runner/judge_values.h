/*
 * judge_values.h - the values of one history, numbered in order of appearance.
 *
 * A hash table from the caller's 64-bit values to small numbers. Neighbours in value stay neighbours
 * in the table (blocks of sixteen are moved as one), because generations are handed out in order and
 * read soon after they were written: a million look-ups then stay in the cache.
 */
#ifndef RUNNER_JUDGE_VALUES_H
#define RUNNER_JUDGE_VALUES_H

#include <stddef.h>
#include <stdint.h>

struct judge_values {
	uint64_t *value; /* by number */
	uint32_t count, capacity;
	uint32_t *table; /* number + 1, 0: free */
	uint32_t mask;
};

int judge_values_init(struct judge_values *values); /* 0 or -ENOMEM */
void judge_values_fini(struct judge_values *values);
void judge_values_clear(struct judge_values *values); /* keeps its memory */

/* The number of value, a new one if it is new; -ENOMEM. */
int64_t judge_values_number(struct judge_values *values, uint64_t value);

#endif
