/*
 * client.h - one HTTP client: sends a request, gives back what came, and says what left.
 *
 * A wrapper of one libcurl easy handle and its kept connections; of one thread. libcurl sends a
 * request again, unasked, when a kept connection dies before the first byte of the answer. A
 * mutation must not go twice: the second sending is stopped before its first byte, so that
 * `sends` is 0 (certainly nothing left) or 1. Reads may be sent again.
 */
#ifndef RUNNER_CLIENT_H
#define RUNNER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failkit/why.h"
#include "runner/driver.h"

struct client;

/* address: to bind to, may be NULL. */
int client_open(struct client **out, const char *address, int64_t timeout_ns, struct why *why);
void client_close(struct client *client);

struct client_result {
	struct reply reply; /* status 0: no answer; its texts live until the next client_send() */
	int error;          /* CURLcode */
	uint64_t sent;      /* bytes of request and body */
	int sends;
	bool overflow; /* the body was longer than body_max and cut there */
};

/* body_max: more than this of an answer is not kept. */
void client_send(struct client *client, const struct request *request, bool mutation,
		 const void *body, size_t size, size_t body_max, struct client_result *out);

#endif
