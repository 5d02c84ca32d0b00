/*
 * ready.h - is something there ready to serve?
 *
 *     http://127.0.0.5:7000/health    answers 200
 *     tcp://127.0.0.5:7000            accepts a connection
 *     command redis-cli -h ... ping   exits with 0
 *
 * One question, bounded in time, asked without a proxy, without signals. Also what reads /health.
 */
#ifndef RUNNER_READY_H
#define RUNNER_READY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failkit/why.h"

/* Is this a check of one of the three forms, with a port where there is one to ask? */
int ready_check(const char *check, struct why *why);

/* 0 when ready, -EAGAIN with why when not. limit_ns: of the one question. */
int ready_ask(const char *check, int64_t limit_ns, struct why *why);

/* Address (host order) and port of an http or tcp check; -EINVAL when it has none. */
int ready_endpoint(const char *check, uint32_t *address, uint16_t *port);
bool ready_connects(uint32_t address, uint16_t port, int64_t limit_ns);

/* GET url. 0 with the status and the body (cut at size - 1, with a NUL), -EAGAIN with why. */
int ready_get(const char *url, int64_t limit_ns, int *status, char *body, size_t size,
	      struct why *why);

#endif
