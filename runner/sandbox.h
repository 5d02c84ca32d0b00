/*
 * sandbox.h - guardian and worker: nothing that a run starts or changes outlives it.
 *
 *     failrun (guardian, on the host)   unlinks what was made, writes run.json, exits with the
 *       |                               worker's status
 *       '- worker                       pid 1 of a private pid namespace, in private user (when
 *            |                          not root), mount and network namespaces: when it ends,
 *            '- nodes ...               for whatever reason, the kernel ends every process,
 *                                       rule, mount and interface in there
 *
 * The worker dies with the guardian (PR_SET_PDEATHSIG, set before the first node starts), so
 * SIGKILL of either, or of both, ends all. Its /dev/shm is its own: planes live there
 * (control_directory()) and so does the shared memory of targets. With `net = host`, or where
 * namespaces can't be had, as many of the layers as possible are kept; sandbox_has() tells. Without
 * a pid namespace the guardian ends what is left, or a janitor when it was killed itself.
 */
#ifndef RUNNER_SANDBOX_H
#define RUNNER_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "failkit/why.h"

struct sandbox_options {
	int net;             /* enum net_mode (plan.h) */
	bool none;           /* no namespace at all: what is driven is on the host */
	uint32_t network;    /* of sandbox_network(), when the host's network is used; 0: drawn */
	bool disks;          /* nodes have disks of their own: kept when all is killed */
	const char *run_dir; /* absolute; run.json is written there */
};

enum { SANDBOX_USER = 1, SANDBOX_MOUNT = 2, SANDBOX_NET = 4, SANDBOX_PID = 8 };

/* Forks. In the worker it returns 0. In the guardian it does not return: it exits with the worker's
 * exit status, 3 when the worker was killed. Returns -errno when there could be no worker. SIGINT
 * and SIGTERM to the guardian are passed on to the worker. */
int sandbox_enter(const struct sandbox_options *options, struct why *why);

unsigned sandbox_has(void);        /* SANDBOX_*, in the worker */
const char *sandbox_missing(void); /* one line on what could not be had and why, "" when all */
uint32_t sandbox_network(void);    /* 127.0.0.0, or 127.X.Y.0 with the host's network */

/* Removes what dead runs left where the kernel could not: called at every start. */
int sandbox_sweep(struct why *why);

#endif
