/* workload_recent.c - what returned since somebody asked last; see workload.h. */
#include <string.h>

#include "runner/operation.h"

/* Below 8 each number is a class; then the three bits behind the first tell it. */
static unsigned class_of(int64_t ns)
{
	uint64_t n = ns < 1 ? 1 : (uint64_t)ns;
	unsigned top = 63 - (unsigned)__builtin_clzll(n);

	return top < 3 ? (unsigned)n : top * 8 + (unsigned)(n >> (top - 3) & 7);
}

static int64_t class_end(unsigned class)
{
	return class < 24 ? class : ((int64_t)(9 + class % 8) << (class / 8 - 3)) - 1;
}

void workload_count_recent(struct workload_recent *recent, enum outcome outcome, int64_t took_ns)
{
	recent->outcome[outcome]++;
	if (outcome == OUTCOME_OK || outcome == OUTCOME_ABSENT || outcome == OUTCOME_REFUSED)
		recent->latency[class_of(took_ns)]++;
}

void workload_interval(struct workload *w, struct workload_interval *out)
{
	struct workload_recent recent;
	uint64_t all = 0, sum = 0;

	pthread_mutex_lock(&w->lock);
	recent = w->recent;
	memset(&w->recent, 0, sizeof(w->recent));
	pthread_mutex_unlock(&w->lock);
	*out = (struct workload_interval){0};
	memcpy(out->outcome, recent.outcome, sizeof(out->outcome));
	for (unsigned i = 0; i < LATENCY_CLASSES; i++)
		all += recent.latency[i];
	for (unsigned i = 0; i < LATENCY_CLASSES; i++) {
		if (!recent.latency[i])
			continue;
		if (sum <= (all - 1) / 2)
			out->p50_ns = class_end(i);
		if (sum <= (all - 1) * 99 / 100)
			out->p99_ns = class_end(i);
		out->max_ns = class_end(i);
		sum += recent.latency[i];
	}
}
