/*
 * test_client.c - what left, and how often, against a server that closes kept connections.
 *
 * The race: the client puts its second request on a connection that the server is about to close.
 * The server reads the request, says nothing and closes. libcurl by itself then sends it again on a
 * new connection; a mutation that goes twice could undo what was acknowledged between. The server
 * here counts requests, so the resend would show.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/client.h"

#define OK_REPLY  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Who:  me\r\n\r\nok"
#define CUT_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok" /* and closes */

/* What the server does with the n-th request it sees; the last one again and again. */
struct script {
	const char *reply[8]; /* NULL: close without a word */
	int replies;
};

static struct {
	int listener;
	pthread_t thread;
	struct script script;
	atomic_int seen;
	char url[64];
	char peer[64]; /* address of the last client */
} server;

/* True when a whole request has been read. */
static bool read_request(int fd)
{
	char text[65536];
	size_t used = 0, length = 0;

	for (;;) {
		ssize_t n = read(fd, text + used, sizeof(text) - 1 - used);
		if (n <= 0)
			return false;
		used += (size_t)n;
		text[used] = '\0';
		const char *end = strstr(text, "\r\n\r\n"),
			   *field = strstr(text, "Content-Length: ");
		if (!end)
			continue;
		if (field)
			length = strtoul(field + 16, NULL, 10);
		if (used >= (size_t)(end + 4 - text) + length)
			return true;
	}
}

static void *serve(void *arg)
{
	struct sockaddr_in peer;
	socklen_t size = sizeof(peer);
	int fd;

	(void)arg;
	while ((fd = accept(server.listener, (struct sockaddr *)&peer, &size)) >= 0) {
		inet_ntop(AF_INET, &peer.sin_addr, server.peer, sizeof(server.peer));
		while (read_request(fd)) {
			int n = server.seen++;
			if (n >= server.script.replies)
				n = server.script.replies - 1;
			const char *reply = server.script.reply[n];
			if (!reply || write(fd, reply, strlen(reply)) < 0 ||
			    !strcmp(reply, CUT_REPLY))
				break;
		}
		close(fd);
	}
	return NULL;
}

static void start(struct script script)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	server.script = script;
	server.seen = 0;
	server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server.listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(server.listener, 16), 0);
	getsockname(server.listener, (struct sockaddr *)&address, &size);
	snprintf(server.url, sizeof(server.url), "http://127.0.0.1:%d/o/a",
		 ntohs(address.sin_port));
	pthread_create(&server.thread, NULL, serve, NULL);
}

static void stop(struct client *client)
{
	client_close(client);
	shutdown(server.listener, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.listener);
}

static struct client *open_client(const char *address)
{
	struct client *client;

	assert_int_equal(client_open(&client, address, INT64_C(5000000000), NULL), 0);
	return client;
}

static struct client_result put(struct client *client, size_t size)
{
	struct request request = {.method = "PUT", .body = true};
	static char body[8192];
	struct client_result result;

	strcpy(request.url, server.url);
	client_send(client, &request, true, body, size, 1000, &result);
	return result;
}

static struct client_result fetch(struct client *client, const char *method, size_t body_max)
{
	struct request request = {.headers = 0};
	struct client_result result;

	strcpy(request.method, method);
	strcpy(request.url, server.url);
	client_send(client, &request, strcmp(method, "DELETE") == 0, NULL, 0, body_max, &result);
	return result;
}

static void an_answer_is_given_back_whole(void **state)
{
	struct client *client = open_client(NULL);

	(void)state;
	start((struct script){{OK_REPLY}, 1});
	struct client_result r = put(client, 100);
	assert_int_equal(r.reply.status, 200);
	assert_true(r.reply.complete);
	assert_int_equal(r.sends, 1);
	assert_true(r.sent > 100);
	assert_int_equal(r.reply.length, 2);
	assert_memory_equal(r.reply.body, "ok", 2);
	assert_string_equal(r.reply.header(&r.reply, "x-who"), "me");
	assert_null(r.reply.header(&r.reply, "x-wh"));
	stop(client);
}

static void a_mutation_never_goes_twice(void **state)
{
	static const size_t sizes[] = {0, 1, 8192};

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct client *client = open_client(NULL);
		start((struct script){{OK_REPLY, NULL, OK_REPLY}, 3});
		assert_int_equal(put(client, 10).reply.status, 200);
		struct client_result r =
			i < 3 ? put(client, sizes[i]) : fetch(client, "DELETE", 100);
		assert_int_equal(r.reply.status, 0);
		assert_int_equal(r.sends, 1);
		assert_int_not_equal(r.error, CURLE_OK);
		assert_int_equal(server.seen, 2);
		/* The client is as good as new. */
		assert_int_equal(put(client, 10).reply.status, 200);
		stop(client);
	}
}

static void a_read_may_go_twice_and_says_so(void **state)
{
	struct client *client = open_client(NULL);

	(void)state;
	start((struct script){{OK_REPLY, NULL, OK_REPLY}, 3});
	assert_int_equal(fetch(client, "GET", 100).reply.status, 200);
	struct client_result r = fetch(client, "GET", 100);
	assert_int_equal(r.reply.status, 200);
	assert_int_equal(r.sends, 2);
	assert_int_equal(server.seen, 3);
	stop(client);
}

static void nothing_leaves_when_nobody_listens(void **state)
{
	struct client *client = open_client(NULL);

	(void)state;
	start((struct script){{OK_REPLY}, 1});
	stop(NULL);
	struct client_result r = put(client, 10);
	assert_int_equal(r.sends, 0);
	assert_int_equal(r.sent, 0);
	assert_int_equal(r.reply.status, 0);
	client_close(client);
}

static void an_answer_cut_short_is_incomplete(void **state)
{
	struct client *client = open_client(NULL);

	(void)state;
	start((struct script){{CUT_REPLY}, 1});
	struct client_result r = fetch(client, "GET", 100);
	assert_int_equal(r.reply.status, 200);
	assert_false(r.reply.complete);
	assert_int_equal(r.reply.length, 2);
	stop(client);
}

static void a_longer_answer_than_wanted_is_cut(void **state)
{
	struct client *client = open_client(NULL);

	(void)state;
	start((struct script){{OK_REPLY}, 1});
	struct client_result r = fetch(client, "GET", 1);
	assert_true(r.overflow);
	assert_int_equal(r.reply.length, 1);
	assert_int_equal(r.reply.status, 200);
	r = fetch(client, "GET", 2);
	assert_false(r.overflow);
	stop(client);
}

static void the_client_has_the_address_it_was_given(void **state)
{
	struct client *client = open_client("127.0.0.77");

	(void)state;
	start((struct script){{OK_REPLY}, 1});
	assert_int_equal(fetch(client, "GET", 100).reply.status, 200);
	stop(client);
	assert_string_equal(server.peer, "127.0.0.77");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_given_back_whole),
		cmocka_unit_test(a_mutation_never_goes_twice),
		cmocka_unit_test(a_read_may_go_twice_and_says_so),
		cmocka_unit_test(nothing_leaves_when_nobody_listens),
		cmocka_unit_test(an_answer_cut_short_is_incomplete),
		cmocka_unit_test(a_longer_answer_than_wanted_is_cut),
		cmocka_unit_test(the_client_has_the_address_it_was_given),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
