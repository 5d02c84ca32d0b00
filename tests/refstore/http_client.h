/*
 * http_client.h - calls to other nodes, over libcurl.
 *
 * A call is a GET, or a POST when it has a body. Several calls may run side by side (a fan):
 * between fan_start and fan_finish the caller does its own share of the work. Connections are kept
 * and reused, and leave from the node's own address, so that a link is known by its two addresses.
 *
 * A POST is sent once and only once: libcurl repeats a request on its own when a kept connection
 * turns out to be dead, which for a mutation would be a second one; here the body cannot be read
 * again, so such a call fails instead.
 *
 * A peer that could not be reached, or let a call run into its timeout, is suspect for a second:
 * callers with a choice ask another one first.
 */
#ifndef REFSTORE_HTTP_CLIENT_H
#define REFSTORE_HTTP_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/refstore/util.h"

#define FAN_MAX 4

struct call {
	char peer[ADDRESS_MAX];
	char path[4096];  /* with its query */
	const void *body; /* NULL: a GET */
	size_t length;
	uint64_t timeout_ms;

	int status; /* of a complete answer; 0 when there was none */
	char *answer;
	size_t answer_length, answer_capacity;
	size_t sent;
};

struct fan;

/* "": from whichever address. */
void client_init(const char *own_host);

/* Never fails at once: a call that cannot even start just has no answer. */
struct fan *fan_start(struct call *calls, int count);
void fan_finish(struct fan *fan);

/* One call; its status. */
int client_call(struct call *call);
void call_fini(struct call *call);

/* POSTs json (taken over) or, if NULL, GETs; returns the status, and in *answer, if asked, the
 * parsed JSON or NULL; the caller owns it. */
int client_json(const char *peer, const char *path, json_t *json, uint64_t timeout_ms,
		json_t **answer);

bool peer_is_suspect(const char *peer);

#endif
