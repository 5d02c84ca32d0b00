/*
 * ms_servers.h - the data servers a meta server knows of: who sent a heartbeat, who was taken out.
 *
 * The heartbeats alone say who lives, the database alone who is out of service. What is kept here
 * of the latter may be a moment old, so it only steers; the database refuses what it must not lead
 * to.
 */
#ifndef REFSTORE_MS_SERVERS_H
#define REFSTORE_MS_SERVERS_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/refstore/util.h"

#define SERVERS_MAX 64

/* The live servers, a comma-separated list each. */
struct live {
	char regular[SERVERS_MAX * ADDRESS_MAX];
	char spare[SERVERS_MAX * ADDRESS_MAX];
	char offline[SERVERS_MAX * ADDRESS_MAX]; /* taken out: they have chunks, and get none */
};

void servers_seen(const char *address, bool spare);
/* From a different start each time. */
void servers_live(struct live *live, uint64_t dead_after_ms);

void servers_set_offline(const char *list);
bool servers_is_offline(const char *address);

#endif
