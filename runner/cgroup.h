/*
 * cgroup.h - a control group for the time of a fault: a node under a limit.
 *
 *     cpu       of hierarchy 1: /sys/fs/cgroup/cpu/OURS/failkit-PID:START:NAMESPACE-3
 *     memory    of hierarchy 2: /sys/fs/cgroup/failkit-PID:START:NAMESPACE-3
 *
 * Whichever has the controller is used. A group is named after the guardian of its run: it outlives
 * processes, so a run whose guardian was killed leaves empty ones, which the next start removes.
 * In hierarchy 1 a group lies below our own; in hierarchy 2, where groups with processes have no
 * children with controllers, at the root.
 */
#ifndef RUNNER_CGROUP_H
#define RUNNER_CGROUP_H

#include <stdint.h>
#include <sys/types.h>

#include "failkit/why.h"

struct cgroup {
	char path[512]; /* "": none */
	char home[512]; /* where its processes were, and go when it is removed */
	int version;    /* of the hierarchy: 1 or 2 */
};

/* controller: "cpu" or "memory". -ENOTSUP with why where there is none, or we may not. */
int cgroup_make(struct cgroup *out, const char *controller, struct why *why);
/* Could it be made? */
int cgroup_check(const char *controller, struct why *why);

int cgroup_set(const struct cgroup *cgroup, const char *file, const char *value, struct why *why);
/* The number in the file, or behind the key in it; -errno. */
int64_t cgroup_number(const struct cgroup *cgroup, const char *file, const char *key);

/* What each hierarchy has a file of its own for: no more than this share of one CPU's time; no more
 * memory than this; periods in which the first was shared out, and how often there was no more of the
 * second (-errno). */
int cgroup_limit_cpu(const struct cgroup *cgroup, double share, struct why *why);
int cgroup_limit_memory(const struct cgroup *cgroup, int64_t bytes, struct why *why);
int64_t cgroup_cpu_periods(const struct cgroup *cgroup);
int64_t cgroup_memory_full(const struct cgroup *cgroup);

/* Moves all processes of the process group. */
int cgroup_take(const struct cgroup *cgroup, pid_t group, struct why *why);
/* Moves them back and removes it. */
int cgroup_remove(struct cgroup *cgroup, struct why *why);

/* Removes the groups of runs whose guardians are no more; with mine those of our own run, too. */
void cgroup_sweep(int mine);

#endif
