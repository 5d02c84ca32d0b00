/* driver_http.c - see driver_http.h. */
#include "runner/driver_http.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int http_escape(const char *text, const char *keep, char *to, size_t size)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t at = 0;

	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		bool plain = (isascii(*c) && isalnum(*c)) || strchr("-._~", *c) || strchr(keep, *c);

		if (at + (plain ? 2 : 4) > size)
			return -ENAMETOOLONG;
		if (plain) {
			to[at++] = (char)*c;
			continue;
		}
		to[at++] = '%';
		to[at++] = hex[*c >> 4];
		to[at++] = hex[*c & 15];
	}
	if (at >= size)
		return -ENAMETOOLONG;
	to[at] = '\0';
	return 0;
}

int http_endpoints_init(struct http_endpoints *to, const char *const *endpoint, int endpoints,
			struct why *why)
{
	const int most = sizeof(to->host) / sizeof(to->host[0]);

	if (endpoints < 1 || endpoints > most)
		return why_set(why, -EINVAL, "%d endpoints, wanted 1 to %d", endpoints, most);
	for (int i = 0; i < endpoints; i++) {
		if (strlen(endpoint[i]) >= sizeof(to->host[0]))
			return why_set(why, -EINVAL,
				       "endpoint \"%s\" is longer than %zu characters", endpoint[i],
				       sizeof(to->host[0]) - 1);
		strcpy(to->host[i], endpoint[i]);
	}
	to->count = endpoints;
	return 0;
}

static void add_header(struct request *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void add_header(struct request *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(out->header[out->headers++], sizeof(out->header[0]), format, args);
	va_end(args);
}

void http_request_method(const struct op *op, struct request *out)
{
	static const char *const method[VERB_COUNT] = {
		[VERB_PUT] = "PUT",   [VERB_GET] = "GET",       [VERB_HEAD] = "HEAD",
		[VERB_RANGE] = "GET", [VERB_DELETE] = "DELETE", [VERB_LIST] = "GET",
	};

	memset(out, 0, sizeof(*out));
	strcpy(out->method, method[op->verb]);
	out->body = op->verb == VERB_PUT;
	if (op->verb == VERB_RANGE && op->length)
		add_header(out, "Range: bytes=%llu-%llu", (unsigned long long)op->offset,
			   (unsigned long long)(op->offset + op->length - 1));
	else if (op->verb == VERB_RANGE)
		add_header(out, "Range: bytes=%llu-", (unsigned long long)op->offset);
}

int http_request_url(const struct http_endpoints *endpoints, int endpoint, struct request *out,
		     struct why *why, const char *format, ...)
{
	va_list args;
	int host, rest;

	if (endpoint < 0 || endpoint >= endpoints->count)
		return why_set(why, -EINVAL, "no endpoint %d, there are %d", endpoint,
			       endpoints->count);
	host = snprintf(out->url, sizeof(out->url), "http://%s", endpoints->host[endpoint]);
	va_start(args, format);
	rest = vsnprintf(out->url + host, sizeof(out->url) - (size_t)host, format, args);
	va_end(args);
	if (rest < 0 || (size_t)(host + rest) >= sizeof(out->url))
		return why_set(why, -ENAMETOOLONG, "the URL is longer than %zu characters",
			       sizeof(out->url) - 1);
	return 0;
}

static bool read_number(const char **at, uint64_t *number)
{
	char *end;

	if (!isdigit((unsigned char)**at))
		return false;
	errno = 0;
	*number = strtoull(*at, &end, 10);
	*at = end;
	return errno == 0;
}

bool http_number(const char *text, uint64_t *number)
{
	return read_number(&text, number) && !*text;
}

bool http_content_range(const char *text, uint64_t *from, uint64_t *to, uint64_t *size)
{
	if (strncasecmp(text, "bytes ", 6) != 0)
		return false;
	text += 6;
	return read_number(&text, from) && *text++ == '-' && read_number(&text, to) &&
	       *text++ == '/' && http_number(text, size) && *from <= *to && *to < *size;
}

static bool is_mutation(enum verb verb)
{
	return verb == VERB_PUT || verb == VERB_DELETE;
}

static bool is_success(enum verb verb, int status)
{
	switch (verb) {
	case VERB_PUT:
		return status == 200 || status == 201 || status == 204;
	case VERB_DELETE:
		return status == 200 || status == 204;
	case VERB_RANGE:
		return status == 200 || status == 206;
	default:
		return status == 200;
	}
}

static enum outcome outcome_of(const struct op *op, const struct reply *reply)
{
	enum outcome unknown = is_mutation(op->verb) ? OUTCOME_AMBIGUOUS : OUTCOME_NOT_APPLIED;
	int status = reply->status;

	if (status < 200 || status >= 500 || status == 408 || status == 499)
		return unknown;
	if (status == 404 || status == 410)
		return op->verb == VERB_PUT ? OUTCOME_REFUSED : OUTCOME_ABSENT;
	if (status >= 300)
		return OUTCOME_REFUSED;
	/* 202: taken, to be done later or never. */
	if (!reply->complete || (status == 202 && is_mutation(op->verb)))
		return unknown;
	return is_success(op->verb, status) ? OUTCOME_OK : OUTCOME_GARBAGE;
}

/* The told size and range of a success that has a body, or would have one without HEAD. */
static bool read_extent(const struct op *op, const struct reply *reply, struct fact *out)
{
	const char *length = reply->header(reply, "Content-Length");
	const char *range = reply->header(reply, "Content-Range");

	if (reply->status == 206) {
		if (!range || !http_content_range(range, &out->from, &out->to, &out->size))
			return false;
		return reply->length == out->to - out->from + 1;
	}
	out->size = reply->length;
	if (op->verb == VERB_HEAD && (!length || !http_number(length, &out->size)))
		return false;
	out->to = out->size ? out->size - 1 : 0;
	return true;
}

int http_fact(const struct op *op, const struct reply *reply, struct fact *out, struct why *why)
{
	const char *wait = reply->header(reply, "Retry-After");
	uint64_t seconds;

	memset(out, 0, sizeof(*out));
	out->outcome = outcome_of(op, reply);
	if (wait && http_number(wait, &seconds))
		out->retry_after_ms = seconds < 3600 ? (uint32_t)seconds * 1000 : 3600000;
	if (out->outcome == OUTCOME_GARBAGE)
		why_set(why, 0, "status %d", reply->status);
	if (out->outcome != OUTCOME_OK || is_mutation(op->verb) || op->verb == VERB_LIST)
		return 0;
	if (!read_extent(op, reply, out)) {
		out->outcome = OUTCOME_GARBAGE;
		why_set(why, 0, "status %d without a length or range that fits its body",
			reply->status);
	}
	return 0;
}
