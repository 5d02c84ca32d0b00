/*
 * net_connections.h - what goes on between two addresses: for faults that hit connections, and for
 * telling that a link carries again.
 */
#ifndef RUNNER_NET_CONNECTIONS_H
#define RUNNER_NET_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "failkit/why.h"
#include "runner/net_shape.h"

/* The TCP connections from one address to the other (host order) that are established now. Returns
 * how many it found, at most max. */
int net_connections(uint32_t from, uint32_t to, struct shape_ports *out, int max);

/* Ends each of them as its `to` would by a crash of its system: the socket there is gone, `from`
 * gets a reset. Idle ones too. In the run's own network namespace only. Returns how many there
 * were. */
int net_connections_reset(uint32_t from, uint32_t to, struct why *why);

/* Does a datagram get from one address to the other within the limit? */
bool net_probe(uint32_t from, uint32_t to, int limit_ms);

#endif
