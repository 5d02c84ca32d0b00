/*
 * node.h - what one process of the cluster was told on its command line, and the roles it can play.
 *
 *     client --> fe --place--> ms <--heartbeat-- ds        ms: which data servers live; repair
 *                fe --data---> ds --copies-> ds, ds        ds: WAL, chunk files, replication
 *                fe --commit-> db <--repair-- ms           db: which chunk holds a key, and where
 *     admin ------> ms                                     what is out of service, by an operator
 *
 * The database alone says what exists: a PUT is a commit in it after two of three data servers have
 * the bytes on disk, a DELETE is a commit in it, and every read asks it first. So the store is
 * linearizable by key, whatever else is slow, dead or cut off. Everything is crash-only: a node
 * keeps nothing in memory that an acknowledgement rests on, and SIGTERM ends it at once.
 */
#ifndef REFSTORE_NODE_H
#define REFSTORE_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/refstore/util.h"

#define REPLICAS 3
#define QUORUM   2
#define BODY_MAX (64u << 20)
#define KEY_MAX  512

struct node {
	const char *role, *dir, *version, *listen, *ms_list, *db_list, *server;
	char address[ADDRESS_MAX]; /* host:port */
	char host[ADDRESS_MAX];
	char ms[ADDRESSES_MAX]; /* comma-separated host:port */
	char db[ADDRESS_MAX];
	uint64_t port;
	uint64_t dead_after_ms, heartbeat_ms, garbage_after_ms;
	uint64_t segment_kib;
	bool spare, trust;
};

/* Each returns after its HTTP server has started; 0 or -errno. */
int ds_start(const struct node *node, struct trouble *trouble);
int ms_start(const struct node *node, struct trouble *trouble);
int db_start(const struct node *node, struct trouble *trouble);
int fe_start(const struct node *node, struct trouble *trouble);

/* Takes a data server out of service, or back. */
int admin_offline(const struct node *node, struct trouble *trouble);
int admin_online(const struct node *node, struct trouble *trouble);

#endif
