/*
 * sandbox_namespaces.h - the layers of a sandbox: which can be had here, and how to enter them.
 *
 *     1 go-between   unshare(), the user mapped to 0; forks the worker and ends
 *     2 worker       pid 1 in there: own /proc, own /dev/shm, every mount private
 *
 * The go-between exists because unshare(CLONE_NEWPID) only takes effect for children, and because a
 * raw clone() would leave libc with a wrong idea of the thread's id, which robust mutexes need.
 * Attempts are tried from the most layers to the fewest; an attempt that fails leaves nothing.
 */
#ifndef RUNNER_SANDBOX_NAMESPACES_H
#define RUNNER_SANDBOX_NAMESPACES_H

#include "failkit/why.h"

/* Sets of SANDBOX_* (sandbox.h) in the order they are to be tried; i from 0; -1 after the last. */
int sandbox_attempt(int i, int net);

/* In the go-between. */
int sandbox_unshare(unsigned layers, struct why *why);
/* In the worker, once it is what the layers make it. */
int sandbox_settle(unsigned layers, struct why *why);

#endif
