/* client.c - see client.h. */
#include "runner/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { HEADERS_MAX = 8192 };

struct client {
	CURL *easy;
	char *body;
	size_t length, room, body_max;
	bool overflow;
	char headers[HEADERS_MAX]; /* "name: value" NUL ... of the last answer */
	size_t headers_used;
	bool mutation;
	int sends;
};

static size_t take_body(char *bytes, size_t one, size_t size, void *arg)
{
	struct client *client = arg;

	(void)one;
	if (size > client->body_max - client->length) {
		client->overflow = true;
		size = client->body_max - client->length;
	}
	if (client->length + size > client->room) {
		size_t room = (client->length + size) * 2;
		char *grown = realloc(client->body, room);

		if (!grown)
			return 0;
		client->body = grown;
		client->room = room;
	}
	memcpy(client->body + client->length, bytes, size);
	client->length += size;
	return client->overflow ? 0 : size;
}

static size_t take_header(char *line, size_t one, size_t size, void *arg)
{
	struct client *client = arg;
	size_t length = size;

	(void)one;
	if (size >= 5 && memcmp(line, "HTTP/", 5) == 0) /* a new answer: forget an interim one */
		client->headers_used = 0;
	while (length && (line[length - 1] == '\r' || line[length - 1] == '\n'))
		length--;
	if (client->headers_used + length + 1 <= sizeof(client->headers)) {
		memcpy(client->headers + client->headers_used, line, length);
		client->headers_used += length;
		client->headers[client->headers_used++] = '\0';
	}
	return size;
}

static const char *find_header(const struct reply *reply, const char *name)
{
	const struct client *client = reply->headers;
	const char *line = client->headers, *end = line + client->headers_used;
	size_t length = strlen(name);

	for (; line < end; line += strlen(line) + 1)
		if (strncasecmp(line, name, length) == 0 && line[length] == ':')
			return line + length + 1 + strspn(line + length + 1, " \t");
	return NULL;
}

/* Called each time a connection is there and the request is about to be sent on it. */
static int about_to_send(void *arg, char *peer, char *local, int peer_port, int local_port)
{
	struct client *client = arg;

	(void)peer, (void)local, (void)peer_port, (void)local_port;
	if (client->mutation && client->sends)
		return CURL_PREREQFUNC_ABORT;
	client->sends++;
	return CURL_PREREQFUNC_OK;
}

/* Binding to an address must not reserve a port for it: thousands of closed connections linger. */
static int set_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	const int on = 1;

	(void)arg, (void)purpose;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	return CURL_SOCKOPT_OK;
}

static void set_up(struct client *client, const char *address, int64_t timeout_ns)
{
	CURL *easy = client->easy;
	long timeout_ms = (long)(timeout_ns / 1000000);
	char interface[128];

	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_MAXCONNECTS, 64L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms > 0 ? timeout_ms : 1L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, client);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, client);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, about_to_send);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, client);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, set_socket);
	if (address) {
		snprintf(interface, sizeof(interface), "host!%s", address);
		curl_easy_setopt(easy, CURLOPT_INTERFACE, interface);
	}
}

static void init_library(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

int client_open(struct client **out, const char *address, int64_t timeout_ns, struct why *why)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct client *client = calloc(1, sizeof(*client));

	pthread_once(&once, init_library);
	if (client)
		client->easy = curl_easy_init();
	if (!client || !client->easy) {
		free(client);
		return why_set(why, -ENOMEM, "no memory for a client");
	}
	set_up(client, address, timeout_ns);
	*out = client;
	return 0;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	curl_easy_cleanup(client->easy);
	free(client->body);
	free(client);
}

static struct curl_slist *make_headers(const struct request *request)
{
	/* No waiting for 100-continue, and no media type of a form. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	if (request->body)
		list = curl_slist_append(list, "Content-Type: application/octet-stream");
	for (int i = 0; i < request->headers; i++)
		list = curl_slist_append(list, request->header[i]);
	return list;
}

static void set_method(CURL *easy, const struct request *request, const void *body, size_t size)
{
	bool head = strcmp(request->method, "HEAD") == 0;

	curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L); /* undoes what the last request set */
	if (request->body) {
		/* NULL would have it ask for the body by a callback. */
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, size ? body : "");
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
	}
	if (head)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, head ? NULL : request->method);
}

static uint64_t sent_bytes(CURL *easy)
{
	curl_off_t upload = 0;
	long request = 0;

	curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request);
	curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &upload);
	return (uint64_t)request + (uint64_t)upload;
}

void client_send(struct client *client, const struct request *request, bool mutation,
		 const void *body, size_t size, size_t body_max, struct client_result *out)
{
	struct curl_slist *headers = make_headers(request);
	long status = 0;
	CURLcode code;

	client->length = client->headers_used = 0;
	client->overflow = false;
	client->body_max = body_max;
	client->mutation = mutation;
	client->sends = 0;
	set_method(client->easy, request, body, size);
	curl_easy_setopt(client->easy, CURLOPT_URL, request->url);
	curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, headers);
	code = curl_easy_perform(client->easy);
	curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);

	*out = (struct client_result){
		.reply =
			{
				.status = (int)status,
				.complete = code == CURLE_OK,
				.header = find_header,
				.headers = client,
				.body = client->body,
				.length = client->length,
			},
		.error = (int)code,
		.sent = client->sends ? sent_bytes(client->easy) : 0,
		.sends = client->sends,
		.overflow = client->overflow,
	};
}
