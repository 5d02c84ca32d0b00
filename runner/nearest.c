/* nearest.c - Levenshtein's distance, with one swap of neighbours counted as one step. */
#include "runner/nearest.h"

#include <stddef.h>
#include <string.h>

enum { WORD_MAX = 48 };

static int least(int a, int b)
{
	return a < b ? a : b;
}

static int distance(const char *a, const char *b)
{
	int row[3][WORD_MAX + 1];
	int la = (int)strlen(a), lb = (int)strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (int j = 0; j <= lb; j++)
		row[0][j] = j;
	for (int i = 1; i <= la; i++) {
		int *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];

		now[0] = i;
		for (int j = 1; j <= lb; j++) {
			now[j] = least(last[j - 1] + (a[i - 1] != b[j - 1]),
				       least(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
	}
	return row[la % 3][lb];
}

const char *nearest(const char *word, const char *(*at)(const void *arg, int i), const void *arg)
{
	const char *best = NULL, *known;
	int best_distance = (int)strlen(word) / 2 + 1; /* farther is no help */

	for (int i = 0; (known = at(arg, i)); i++) {
		int d = distance(word, known);

		if (d < best_distance) {
			best_distance = d;
			best = known;
		}
	}
	return best;
}
