/*
 * sandbox_namespaces.h - the layers of a sandbox: which can be had here, and how to enter them.
 *
 *     1 go-between   the user mapped to 0, unshare(); forks the worker and ends
 *     2 worker       pid 1 in there: own /proc, own /dev/shm, every mount private
 *
 * The go-between exists because unshare(CLONE_NEWPID) only takes effect for children, and because a
 * raw clone() would leave libc with a wrong idea of the thread's id, which robust mutexes need. It
 * may be made by one itself: it does little more than fork, which sets the id right. Attempts are
 * tried from the most layers to the fewest; an attempt that fails leaves nothing.
 */
#ifndef RUNNER_SANDBOX_NAMESPACES_H
#define RUNNER_SANDBOX_NAMESPACES_H

#include <sys/types.h>

#include "failkit/why.h"

/* Sets of SANDBOX_* (sandbox.h) in the order they are to be tried; i from 0; -1 after the last. */
int sandbox_attempt(int i, int net);

/* As fork(): makes the go-between, in its user namespace. That one is not entered by unshare(),
 * which wants a process of one thread: ThreadSanitizer gives a forked child a second one. */
pid_t sandbox_fork(unsigned layers);
/* In the go-between; uid and gid are the guardian's, whom it can't ask for itself any more. */
int sandbox_unshare(unsigned layers, uid_t uid, gid_t gid, struct why *why);
/* In the worker, once it is what the layers make it. */
int sandbox_settle(unsigned layers, struct why *why);

#endif
