/* ready.c - see ready.h for the forms. */
#include "runner/ready.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/process.h"

enum { OUTPUT_MAX = 256, LOOP_MS_MAX = 60000 };

static const char http[] = "http://", tcp[] = "tcp://", command[] = "command ";

static bool has_form(const char *check, const char *form)
{
	return strncmp(check, form, strlen(form)) == 0;
}

/* Does ADDRESS:PORT stand here? Either may be a {placeholder}, whose colons are its own. */
static bool has_port(const char *at)
{
	char *end;

	while (*at && !strchr(":/", *at))
		at += *at == '{' ? strcspn(at, "}") : 1;
	if (*at++ != ':')
		return false;
	if (*at == '{')
		return true;
	return *at >= '1' && *at <= '9' && strtoul(at, &end, 10) <= 65535 && (!*end || *end == '/');
}

int ready_check(const char *check, struct why *why)
{
	if (has_form(check, command) || (has_form(check, http) && has_port(check + strlen(http))) ||
	    (has_form(check, tcp) && has_port(check + strlen(tcp))))
		return 0;
	return why_set(why, -EINVAL,
		       "\"%s\" is no readiness check: http://ADDRESS:PORT/PATH, tcp://ADDRESS:PORT "
		       "or command ... was wanted",
		       check);
}

int ready_endpoint(const char *check, uint32_t *address, uint16_t *port)
{
	const char *at = has_form(check, http)  ? check + strlen(http)
			 : has_form(check, tcp) ? check + strlen(tcp)
						: "";
	char host[64];
	struct in_addr in;
	unsigned number;
	int n = sscanf(at, "%63[0-9.]:%u", host, &number);

	if (n == 1 && has_form(check, http))
		number = 80;
	else if (n != 2)
		return -EINVAL;
	if (inet_pton(AF_INET, host, &in) != 1 || number == 0 || number > 65535)
		return -EINVAL;
	*address = ntohl(in.s_addr);
	*port = (uint16_t)number;
	return 0;
}

static int milliseconds(int64_t limit_ns)
{
	int64_t ms = limit_ns / 1000000;

	return ms < 1 ? 1 : ms > LOOP_MS_MAX ? LOOP_MS_MAX : (int)ms;
}

bool ready_connects(uint32_t address, uint16_t port, int64_t limit_ns)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct pollfd wait = {.events = POLLOUT};
	int error = 0;
	socklen_t length = sizeof(error);
	bool connects;

	to.sin_addr.s_addr = htonl(address);
	wait.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (wait.fd < 0)
		return false;
	connects = connect(wait.fd, (struct sockaddr *)&to, sizeof(to)) == 0;
	if (!connects && errno == EINPROGRESS)
		connects = poll(&wait, 1, milliseconds(limit_ns)) == 1 &&
			   getsockopt(wait.fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 &&
			   error == 0;
	close(wait.fd);
	return connects;
}

struct sink {
	char *text;
	size_t size, used;
};

static size_t keep(char *data, size_t unit, size_t count, void *arg)
{
	struct sink *sink = arg;
	size_t n = unit * count;
	size_t room = sink->size ? sink->size - 1 - sink->used : 0;

	if (room > n)
		room = n;
	if (room)
		memcpy(sink->text + sink->used, data, room);
	sink->used += room;
	return n;
}

int ready_get(const char *url, int64_t limit_ns, int *status, char *body, size_t size,
	      struct why *why)
{
	struct sink sink = {.text = body, .size = size};
	CURL *curl = curl_easy_init();
	CURLcode code;
	long number = 0;

	if (!curl)
		return why_set(why, -ENOMEM, "no memory for a request");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)milliseconds(limit_ns));
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &sink);
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &number);
	curl_easy_cleanup(curl);
	if (size)
		body[sink.used] = 0;
	if (code)
		return why_set(why, -EAGAIN, "%s: %s", url, curl_easy_strerror(code));
	*status = (int)number;
	return 0;
}

static int ask_http(const char *url, int64_t limit_ns, struct why *why)
{
	int status;
	int r = ready_get(url, limit_ns, &status, NULL, 0, why);

	if (r == 0 && status != 200)
		r = why_set(why, -EAGAIN, "%s answered %d", url, status);
	return r;
}

static int ask_command(const char *line, int64_t limit_ns, struct why *why)
{
	const char *const argv[] = {"/bin/sh", "-c", line, NULL};
	struct process_options options = {.argv = argv, .output = -1};
	char output[OUTPUT_MAX], text[64];
	int status;
	int r = process_run(&options, process_now_ns() + limit_ns, output, sizeof(output), &status,
			    NULL);

	if (r == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (r)
		snprintf(text, sizeof(text), "failed: %s", strerror(-r));
	else
		process_status_text(status, text, sizeof(text));
	output[strcspn(output, "\n")] = 0;
	return why_set(why, -EAGAIN, "command \"%s\" %s: \"%s\"", line, text, output);
}

int ready_ask(const char *check, int64_t limit_ns, struct why *why)
{
	uint32_t address;
	uint16_t port;

	if (has_form(check, command))
		return ask_command(check + strlen(command), limit_ns, why);
	if (has_form(check, http))
		return ask_http(check, limit_ns, why);
	if (ready_endpoint(check, &address, &port))
		return why_set(why, -EINVAL, "\"%s\" has no address and port", check);
	if (!ready_connects(address, port, limit_ns))
		return why_set(why, -EAGAIN, "%s accepts no connection", check);
	return 0;
}
