/*
 * sandbox_sweep.h - ending what a run leaves on a machine without pid namespaces.
 *
 * There, the end of the worker leaves nodes and their children behind. So such a worker puts
 * FAILKIT_GUARDIAN=PID:START:NAMESPACE into its environment, which every descendant inherits. A janitor, a
 * process of its own, waits for the end of the guardian and then ends all whose guardian is no
 * more; should it be killed as well, the next run does. Planes are swept by control_sweep(), control
 * groups by cgroup_sweep().
 */
#ifndef RUNNER_SANDBOX_SWEEP_H
#define RUNNER_SANDBOX_SWEEP_H

#include <stdbool.h>
#include <sys/types.h>

#include "failkit/why.h"

/* "PID:START:NAMESPACE" of the guardian, which names what the kernel does not remove with a run. Set by
 * the guardian before it forks; ourselves where there is none. */
void sandbox_guardian_is(pid_t guardian);
const char *sandbox_guardian(void);
/* Does it name a guardian of our namespace that is no more? */
bool sandbox_is_stray(const char *guardian);

/* Marks this process and its descendants as those of the guardian. */
int sandbox_mark(struct why *why);

/* Forks the janitor. life: a pipe that the guardian alone can write to. */
int sandbox_janitor(int life, pid_t worker, pid_t *janitor, struct why *why);

#endif
