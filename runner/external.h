/*
 * external.h - a cluster that was started elsewhere: what a run may do with it, and what not.
 *
 *     [run] external = yes         nothing of it is started, signalled, stopped or ended
 *     [run] plane = NAME           its processes are in this plane; rules of the run come and go
 *     [role fe] addresses = ...    where it is, in place of count and command
 *
 * The run is on the host, without a namespace: the cluster must be reached, and its plane seen. Its
 * clients have the addresses that the host gives them. Names of objects begin with a prefix of the
 * run's own, and nothing may be there before the first operation: what others keep in the store is
 * neither read nor judged nor overwritten. In the plane only rules of the run are set, held, so that
 * they end with it, however it ends.
 */
#ifndef RUNNER_EXTERNAL_H
#define RUNNER_EXTERNAL_H

#include <stdint.h>

#include "failkit/control.h"
#include "failkit/why.h"
#include "runner/cluster.h"
#include "runner/plan.h"

enum { EXTERNAL_HOST_MAX = 64 };

/* The next of HOST or HOST:PORT of a list. 1, 0 after the last, -EINVAL with why. port: 0 where none
 * is given. */
int external_address_next(const char **list, char host[EXTERNAL_HOST_MAX], uint16_t *port,
			  struct why *why);

/* Its IPv4 address in host order. */
int external_resolve(const char *host, uint32_t *address, struct why *why);

/* The plane of a plan: it must have every node whose role says inject = yes, and no rule of another
 * run. */
int external_plane(struct control **out, const struct plan *plan, struct why *why);
int external_attached(struct control *control, struct cluster *cluster, struct why *why);

#endif
