/*
 * net.h - cutting links in the run's own network namespace, by netfilter.
 *
 * A cut drops every packet from one address to another, one way. Cuts are named and independent;
 * each is one rule in the table "failkit" of the namespace, removed by its handle. The namespace, and
 * with it the table, dies with the run.
 */
#ifndef RUNNER_NET_H
#define RUNNER_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "failkit/why.h"

/* Brings the loopback up and makes the empty table. -ENOTSUP with why where it can't be done. */
int net_open(struct why *why);
bool net_can_cut(void);

enum { NET_SIDE_MAX = 128 };

/* Drops packets from one address to the other (host order) until net_heal(). */
int net_cut(uint32_t from, uint32_t to, uint64_t *cut, struct why *why);
/* The same from each address of one side to each of the other: one cut. */
int net_cut_sides(const uint32_t *from, int froms, const uint32_t *to, int tos, uint64_t *cut,
		  struct why *why);
int net_heal(uint64_t cut, struct why *why);

/* Packets dropped by this cut so far: did it do anything? */
int net_dropped(uint64_t cut, uint64_t *packets, struct why *why);

#endif
