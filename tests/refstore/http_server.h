/*
 * http_server.h - a table of routes served over HTTP/1.1 by libmicrohttpd.
 *
 * Every connection has a thread of its own, so a handler may block on a disk or on another node.
 * A handler gets the whole body at once, and fills a reply; it owns neither.
 */
#ifndef REFSTORE_HTTP_SERVER_H
#define REFSTORE_HTTP_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/refstore/util.h"

struct http_request {
	const char *rest; /* the path behind the route's, still percent-encoded */
	const void *body;
	size_t length;
	bool head;
	void *connection;
};

struct http_header {
	const char *name;
	char value[96];
};

struct http_reply {
	unsigned status;
	void *body; /* from malloc; freed by the server */
	size_t length;
	uint64_t head_length; /* of the body that a HEAD does not get */
	const char *type;
	struct http_header headers[6];
	int header_count;
};

struct http_route {
	const char *method; /* HEAD goes to the route for GET, with head set */
	const char *path;   /* ends in "/": everything below it */
	void (*handle)(const struct http_request *request, struct http_reply *reply);
};

/* Binds and serves from threads of its own. -EADDRINUSE and the like say so in trouble. */
int http_serve(const char *host, int port, const struct http_route *routes, size_t count,
	       struct trouble *trouble);

/* NULL when absent. The query's values are still percent-encoded. */
const char *http_query(const struct http_request *request, const char *name);
const char *http_header(const struct http_request *request, const char *name);
/* The decoded value, "" when absent; false if it is malformed or too long. */
bool http_query_text(const struct http_request *request, const char *name, char *to, size_t to_max);

void http_reply_header(struct http_reply *reply, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Takes json over. */
void http_reply_json(struct http_reply *reply, unsigned status, json_t *json);
/* {"error": ...}; a 503 gets its Retry-After. */
void http_reply_error(struct http_reply *reply, unsigned status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
