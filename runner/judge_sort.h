/*
 * judge_sort.h - moments put in order.
 *
 * What a judge sorts comes nearly sorted (a history is written as it happens), so this is an
 * insertion sort that gives up for a radix sort when its budget of moves is spent: linear for what
 * is usual, never quadratic. Both keep the order of equal keys.
 */
#ifndef RUNNER_JUDGE_SORT_H
#define RUNNER_JUDGE_SORT_H

#include <stddef.h>
#include <stdint.h>

struct judge_moment {
	uint64_t key;
	uint32_t index; /* of what happened then, in the caller's array */
	uint32_t what;
};

int judge_sort(struct judge_moment *moments, size_t n); /* 0 or -ENOMEM */

#endif
