/*
 * sandbox_keeper.h - what is on the nodes' own disks, when failrun is killed.
 *
 * Those disks (disk.h) are mounted in the worker's namespace and end with it. The keeper, a process
 * of the guardian's beside it, has that namespace open: once the worker has ended, for whatever
 * reason, it goes in there, copies the disks that the worker did not keep itself, and ends. Whoever
 * kills it as well loses them; a resume is told so.
 */
#ifndef RUNNER_SANDBOX_KEEPER_H
#define RUNNER_SANDBOX_KEEPER_H

#include <sys/types.h>

#include "failkit/why.h"

/* Forks it. user: the worker has a user namespace of its own. life: a descriptor to be closed. */
int sandbox_keeper(pid_t worker, int user, const char *run_dir, int life, pid_t *keeper,
		   struct why *why);

#endif
