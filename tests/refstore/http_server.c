/* http_server.c - see http_server.h. */
#include "tests/refstore/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/refstore/node.h"

static const struct http_route *routes;
static size_t route_count;

/* One request while its body arrives. */
struct exchange {
	const struct http_route *route;
	unsigned refused; /* status to answer with instead, 0 if none */
	bool started;
	char *body;
	size_t length, capacity;
};

static const struct http_route *find_route(const char *method, const char *path, unsigned *refused)
{
	*refused = MHD_HTTP_NOT_FOUND;
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (size_t i = 0; i < route_count; i++) {
		size_t length = strlen(routes[i].path);
		bool below = routes[i].path[length - 1] == '/';

		if (below ? strncmp(path, routes[i].path, length) != 0
			  : strcmp(path, routes[i].path) != 0)
			continue;
		if (strcmp(method, routes[i].method) == 0)
			return &routes[i];
		*refused = MHD_HTTP_METHOD_NOT_ALLOWED;
	}
	return NULL;
}

/* The body of an answer to HEAD, which has a length and is never sent. */
static ssize_t no_body(void *arg, uint64_t at, char *to, size_t max)
{
	(void)arg;
	(void)at;
	(void)to;
	(void)max;
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

static struct MHD_Response *make_response(const struct http_reply *reply)
{
	if (reply->head_length)
		return MHD_create_response_from_callback(reply->head_length, 1024, no_body, NULL,
							 NULL);
	if (reply->body)
		return MHD_create_response_from_buffer(reply->length, reply->body,
						       MHD_RESPMEM_MUST_FREE);
	return MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, struct http_reply *reply)
{
	struct MHD_Response *response = make_response(reply);

	if (!response) {
		free(reply->body);
		return MHD_NO;
	}
	enum MHD_Result result = MHD_YES;
	if (reply->type)
		result = MHD_add_response_header(response, "Content-Type", reply->type);
	for (int i = 0; i < reply->header_count && result == MHD_YES; i++)
		result = MHD_add_response_header(response, reply->headers[i].name,
						 reply->headers[i].value);
	/* Without one of its headers it would say something else: then there is no answer. */
	if (result == MHD_YES)
		result = MHD_queue_response(connection, reply->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status)
{
	struct http_reply reply = {0};

	http_reply_error(&reply, status, "refused with status %u", status);
	return send_reply(connection, &reply);
}

/* The first call for a request: the header is known, the body is not here yet. */
static enum MHD_Result begin(struct MHD_Connection *connection, struct exchange *e,
			     const char *method, const char *path)
{
	const char *length =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
	uint64_t n = 0;

	e->started = true;
	e->route = find_route(method, path, &e->refused);
	if (!e->route)
		return refuse(connection, e->refused);
	if (length && (!number_parse(length, &n) || n > BODY_MAX))
		return refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE);
	e->capacity = n;
	e->body = n ? malloc(n) : NULL;
	return n && !e->body ? MHD_NO : MHD_YES;
}

static bool body_add(struct exchange *e, const char *data, size_t size)
{
	if (e->length + size > e->capacity) {
		size_t capacity = (e->length + size) * 2;
		char *body = capacity <= 2 * (size_t)BODY_MAX ? realloc(e->body, capacity) : NULL;

		if (!body)
			return false;
		e->body = body;
		e->capacity = capacity;
	}
	memcpy(e->body + e->length, data, size);
	e->length += size;
	return true;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **state)
{
	struct exchange *e = *state;

	(void)arg;
	(void)version;
	if (!e)
		return MHD_NO; /* there was no memory for it */
	if (!e->started)
		return begin(connection, e, method, path);
	if (*size) {
		if (!body_add(e, data, *size))
			return MHD_NO;
		*size = 0;
		return MHD_YES;
	}

	struct http_request request = {
		.rest = path + strlen(e->route->path),
		.body = e->body ? e->body : "",
		.length = e->length,
		.head = strcmp(method, "HEAD") == 0,
		.connection = connection,
	};
	struct http_reply reply = {.status = MHD_HTTP_OK};

	e->route->handle(&request, &reply);
	return send_reply(connection, &reply);
}

static void *on_uri(void *arg, const char *uri, struct MHD_Connection *connection)
{
	(void)arg;
	(void)uri;
	(void)connection;
	return calloc(1, sizeof(struct exchange));
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode code)
{
	struct exchange *e = *state;

	(void)arg;
	(void)connection;
	(void)code;
	if (!e)
		return;
	free(e->body);
	free(e);
	*state = NULL;
}

/* Escapes stay as they came: a handler decodes them itself, and so can refuse broken ones. */
static size_t keep_escapes(void *arg, struct MHD_Connection *connection, char *text)
{
	(void)arg;
	(void)connection;
	return strlen(text);
}

static int listen_at(const char *host, int port, struct trouble *trouble)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int on = 1;

	if (inet_pton(AF_INET, host, &at.sin_addr) != 1)
		return trouble_set(trouble, -EINVAL, "\"%s\" is not an IPv4 address", host);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return trouble_set(trouble, -errno, "no socket: %s", strerror(errno));
	/* Only for what a dead predecessor left in TIME_WAIT: two listeners still exclude each
	 * other. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 512) < 0) {
		int error = errno;

		close(fd);
		return trouble_set(trouble, -error, "cannot listen at %s:%d: %s", host, port,
				   strerror(error));
	}
	return fd;
}

int http_serve(const char *host, int port, const struct http_route *table, size_t count,
	       struct trouble *trouble)
{
	int fd = listen_at(host, port, trouble);

	if (fd < 0)
		return fd;
	routes = table;
	route_count = count;
	struct MHD_Daemon *daemon = MHD_start_daemon(
		MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0,
		NULL, NULL, on_request, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, 1000u, MHD_OPTION_CONNECTION_TIMEOUT, 120u,
		MHD_OPTION_THREAD_STACK_SIZE, (size_t)(512 << 10),
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(64 << 10), MHD_OPTION_URI_LOG_CALLBACK,
		on_uri, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_END);
	if (!daemon) {
		close(fd);
		return trouble_set(trouble, -EIO, "cannot start an HTTP server at %s:%d", host,
				   port);
	}
	return 0;
}

const char *http_query(const struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_header(const struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

bool http_query_text(const struct http_request *request, const char *name, char *to, size_t to_max)
{
	const char *value = http_query(request, name);

	return percent_decode(value ? value : "", to, to_max) >= 0;
}

void http_reply_header(struct http_reply *reply, const char *name, const char *format, ...)
{
	if (reply->header_count == (int)COUNT(reply->headers))
		return;
	struct http_header *header = &reply->headers[reply->header_count++];
	va_list args;

	header->name = name;
	va_start(args, format);
	vsnprintf(header->value, sizeof(header->value), format, args);
	va_end(args);
}

void http_reply_json(struct http_reply *reply, unsigned status, json_t *json)
{
	reply->status = status;
	reply->body = json_dumps(json, JSON_COMPACT);
	reply->length = reply->body ? strlen(reply->body) : 0;
	reply->type = "application/json";
	json_decref(json);
	/* No memory for the answer: of an error its status is enough. */
	if (!reply->body && status < MHD_HTTP_BAD_REQUEST)
		reply->status = MHD_HTTP_SERVICE_UNAVAILABLE;
}

void http_reply_error(struct http_reply *reply, unsigned status, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	http_reply_json(reply, status, json_pack("{s:s}", "error", text));
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		http_reply_header(reply, "Retry-After", "1");
}
