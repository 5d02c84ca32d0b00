/*
 * sandbox_sweep.h - finding what a dead run left on a machine without pid namespaces.
 *
 * There, a SIGKILL of guardian and worker at once leaves the grandchildren of nodes behind. So such
 * a worker puts FAILKIT_GUARDIAN=PID:START into its environment, which every descendant inherits,
 * and the next run ends all processes whose guardian is no more. Planes are swept by
 * control_sweep().
 */
#ifndef RUNNER_SANDBOX_SWEEP_H
#define RUNNER_SANDBOX_SWEEP_H

#include <sys/types.h>

#include "failkit/why.h"

/* Marks this process and its descendants as those of this guardian. */
int sandbox_mark(pid_t guardian, struct why *why);

#endif
