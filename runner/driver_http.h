/*
 * driver_http.h - what drivers of HTTP stores have in common: texts in, facts out.
 */
#ifndef RUNNER_DRIVER_HTTP_H
#define RUNNER_DRIVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/driver.h"

/* Percent-encodes all but unreserved characters and those of keep. -ENAMETOOLONG. */
int http_escape(const char *text, const char *keep, char *to, size_t size);

/* Where the store is: the host part of every URL. */
struct http_endpoints {
	char host[64][64];
	int count;
};
int http_endpoints_init(struct http_endpoints *to, const char *const *endpoint, int endpoints,
			struct why *why);

/* Method, body and Range header of an operation on an object; the driver adds the URL. */
void http_request_method(const struct op *op, struct request *out);
int http_request_url(const struct http_endpoints *endpoints, int endpoint, struct request *out,
		     struct why *why, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* "bytes 0-63/128" */
bool http_content_range(const char *text, uint64_t *from, uint64_t *to, uint64_t *size);
/* A whole decimal number and nothing else. */
bool http_number(const char *text, uint64_t *number);

/*
 * The classes of ORACLE.md 1.3: outcome, size and range told, time to wait; the tag is the
 * driver's.
 *
 *     2xx that the verb can have     OK             404, 410   ABSENT (of a PUT: REFUSED)
 *     other 2xx                      GARBAGE        408, 499, 5xx and answers cut short:
 *     3xx, other 4xx                 REFUSED            AMBIGUOUS for mutations, NOT_APPLIED for
 * reads
 */
int http_fact(const struct op *op, const struct reply *reply, struct fact *out, struct why *why);

#endif
