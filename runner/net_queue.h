/*
 * net_queue.h - shaping links in the run's own network namespace, where the kernel's own tools for
 * it can't be counted on.
 *
 *     link --> netfilter: NFQUEUE --> thread "queue": net_shape.h decides --> verdict at its time
 *                                       '--> raw socket: copies and resets, marked to pass
 *
 * Packets of shaped links are queued to a thread of failrun's own, which lets each go when it is
 * due, or not at all. Those of other links never come by. When the thread is not there the kernel
 * lets them pass, so a shape heals at the latest with the run. One shape a link and direction.
 */
#ifndef RUNNER_NET_QUEUE_H
#define RUNNER_NET_QUEUE_H

#include "failkit/why.h"
#include "runner/net_shape.h"

/* After net_open(). Once: the queue and its thread. -ENOTSUP with why where it can't be done. */
int net_queue_open(struct why *why);
void net_queue_close(void);

/* Shapes packets from one address to the other (host order) until net_shape_clear(); dead
 * connections of a half-open shape are found here. */
int net_shape_set(uint32_t from, uint32_t to, const struct net_shape *shape, uint64_t *id,
		  struct why *why);
/* What is held back is let go at once. */
int net_shape_clear(uint64_t id, struct why *why);

/* Packets that came by, and those that were not simply passed on. */
int net_shape_counts(uint64_t id, uint64_t *packets, uint64_t *hits);

#endif
