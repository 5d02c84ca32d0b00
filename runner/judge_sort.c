/* judge_sort.c - see judge_sort.h. */
#include "runner/judge_sort.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOVES_PER_MOMENT = 16, DIGIT_BITS = 11, DIGITS = 6, BUCKETS = 1 << DIGIT_BITS };

static bool insertion(struct judge_moment *m, size_t n)
{
	size_t budget = n * MOVES_PER_MOMENT;

	for (size_t i = 1; i < n; i++) {
		if (m[i - 1].key <= m[i].key)
			continue;
		struct judge_moment one = m[i];
		size_t to = i;
		while (to && m[to - 1].key > one.key) {
			m[to] = m[to - 1];
			to--;
		}
		m[to] = one;
		if (i - to > budget)
			return false;
		budget -= i - to;
	}
	return true;
}

static unsigned digit_of(uint64_t key, int digit)
{
	return (unsigned)(key >> (digit * DIGIT_BITS)) & (BUCKETS - 1);
}

static void pass(const struct judge_moment *from, struct judge_moment *to, size_t n, int digit,
		 const size_t *count)
{
	size_t place[BUCKETS], sum = 0;

	for (int b = 0; b < BUCKETS; b++) {
		place[b] = sum;
		sum += count[b];
	}
	for (size_t i = 0; i < n; i++)
		to[place[digit_of(from[i].key, digit)]++] = from[i];
}

static int radix(struct judge_moment *m, size_t n)
{
	struct judge_moment *other = malloc(n * sizeof(*other));
	size_t(*count)[BUCKETS] = calloc(DIGITS, sizeof(*count));
	struct judge_moment *from = m, *to = other;

	if (!other || !count) {
		free(other);
		free(count);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		for (int d = 0; d < DIGITS; d++)
			count[d][digit_of(m[i].key, d)]++;
	for (int d = 0; d < DIGITS; d++) {
		if (count[d][digit_of(m[0].key, d)] == n)
			continue; /* all alike in this digit */
		pass(from, to, n, d, count[d]);
		struct judge_moment *swap = from;
		from = to;
		to = swap;
	}
	if (from != m)
		memcpy(m, from, n * sizeof(*m));
	free(other);
	free(count);
	return 0;
}

int judge_sort(struct judge_moment *moments, size_t n)
{
	return insertion(moments, n) ? 0 : radix(moments, n);
}
