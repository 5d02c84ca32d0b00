/*
 * metrics_impl.h - what the kernel tells of processes; see metrics.h.
 */
#ifndef RUNNER_METRICS_IMPL_H
#define RUNNER_METRICS_IMPL_H

#include <stdint.h>
#include <sys/types.h>

struct metrics_usage {
	uint64_t rss_bytes, ticks, fds;
	unsigned processes;
};

void metrics_usage_self(struct metrics_usage *out);
/* The sums of process groups; group 0: there is none. */
void metrics_usage_groups(const pid_t *group, int groups, struct metrics_usage *out);

#endif
