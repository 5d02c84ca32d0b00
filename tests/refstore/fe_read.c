/* fe_read.c - GET, HEAD, Range and LIST; see fe.h. */
#include "tests/refstore/fe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failkit/failpoint.h"
#include "tests/refstore/bugs.h"
#include "tests/refstore/fe_bugs.h"
#include "tests/refstore/http_client.h"
#include "tests/refstore/tombstones.h"

#define READ_TRIES 4

int fe_lookup(const char *key, uint64_t deadline_ms, struct object *object)
{
	char encoded[3 * KEY_MAX + 1], path[3 * KEY_MAX + 16];
	const char *chunk, *tag, *replicas;
	json_int_t size;
	json_t *answer = NULL;

	if (!percent_encode(key, encoded, sizeof(encoded)))
		return 503;
	snprintf(path, sizeof(path), "/meta?key=%s", encoded);
	int status = client_json(fe_node->db, path, NULL, fe_time_left(deadline_ms), &answer);
	if (status == 200 && json_unpack(answer, "{s:s,s:I,s:s,s:s}", "chunk", &chunk, "size",
					 &size, "tag", &tag, "replicas", &replicas) == 0) {
		snprintf(object->chunk, sizeof(object->chunk), "%s", chunk);
		snprintf(object->tag, sizeof(object->tag), "%s", tag);
		snprintf(object->replicas, sizeof(object->replicas), "%s", replicas);
		object->size = (uint64_t)size;
		if (bug_on(BUG_DELETE_NOT_REPLICATED) && tombstone_hides(key, object->chunk))
			status = 404;
	} else if (status != 404) {
		status = 503;
	}
	json_decref(answer);
	return status;
}

/* Asks the replicas in turn. -ENOENT: each of them said that it has no such chunk. */
static int read_chunk(const struct object *object, uint64_t deadline_ms, struct call *call)
{
	char ordered[ADDRESSES_MAX];
	const char *list = ordered;
	uint64_t tag = 0;
	bool all_lack_it = true;

	tag_parse(object->tag, &tag);
	fe_order(object->replicas, ordered, sizeof(ordered));
	while (list_next(&list, call->peer, sizeof(call->peer))) {
		if (clock_ms() >= deadline_ms)
			return -EAGAIN;
		call->timeout_ms = fe_time_left(deadline_ms) * 3 / 4 + 1;
		client_call(call);
		if (call->status == 200 && call->answer_length == object->size &&
		    (fe_node->trust || tag_of(call->answer, call->answer_length) == tag))
			return 0;
		if (call->status != 404)
			all_lack_it = false;
	}
	return all_lack_it ? -ENOENT : -EAGAIN;
}

/* Reads the object as it is at one moment of the request; 200, 404 or 503. */
static int read_object(const char *key, bool whole, struct object *object, struct call *call)
{
	uint64_t deadline_ms = clock_ms() + FE_DEADLINE_MS;
	int status = fe_lookup(key, deadline_ms, object);

	/* Of whole objects alone: a stale range or length would look like another bug. */
	if (bug_on(BUG_STALE_REPLICA_READ) && status == 200 && whole)
		stale_object(key, STALE_READ_MS, object);
	if (bug_on(BUG_NON_MONOTONIC_FRONT_END) && status == 200 && whole)
		stale_object(key, LEASE_MS, object);

	for (int tries = 0; tries < READ_TRIES && status == 200; tries++) {
		struct object now;

		snprintf(call->path, sizeof(call->path), "/c/%s?size=%llu&tag=%s", object->chunk,
			 (unsigned long long)object->size, object->tag);
		int error = read_chunk(object, deadline_ms, call);
		if (error != -ENOENT)
			return error ? 503 : 200;
		status = fe_lookup(key, deadline_ms, &now);
		if (status == 200 && strcmp(now.chunk, object->chunk) == 0 &&
		    strcmp(now.replicas, object->replicas) == 0) {
			log_line("fe: ALARM: \"%s\" is lost: none of %s has chunk %s", key,
				 object->replicas, object->chunk);
			return 404;
		}
		*object = now;
	}
	return status == 200 ? 503 : status;
}

/* Reads "bytes=a-b", "a-" or "-n". 206 with the first and last byte, 416, or 200 for what is no
 * single range, which a server may ignore. */
static unsigned parse_range(const char *text, uint64_t size, uint64_t *first, uint64_t *last)
{
	char from[24], to[24];
	uint64_t a = 0, b = UINT64_MAX;

	if (!text || strncmp(text, "bytes=", 6) != 0 || strlen(text + 6) >= sizeof(from))
		return 200;
	const char *dash = strchr(text + 6, '-');
	if (!dash)
		return 200;
	snprintf(from, sizeof(from), "%.*s", (int)(dash - text - 6), text + 6);
	snprintf(to, sizeof(to), "%s", dash + 1);
	if ((*from && !number_parse(from, &a)) || (*to && !number_parse(to, &b)) ||
	    (!*from && !*to) || (*from && b < a))
		return 200;
	if (!*from) {
		if (b == 0 || size == 0)
			return 416;
		a = b < size ? size - b : 0;
		b = UINT64_MAX;
	}
	if (a >= size)
		return 416;
	*first = a;
	*last = b < size ? b : size - 1;
	if (bug_on(BUG_RANGE_OFF_BY_ONE) && *to && *last > *first)
		--*last;
	return 206;
}

static void reply_object(const struct http_request *request, struct http_reply *reply,
			 const struct object *object, struct call *call)
{
	uint64_t first = 0, last = 0;

	reply->status = parse_range(http_header(request, "Range"), object->size, &first, &last);
	if (reply->status == 416) {
		http_reply_error(reply, 416, "the range lies behind the end");
		http_reply_header(reply, "Content-Range", "bytes */%llu",
				  (unsigned long long)object->size);
		return;
	}
	reply->body = call->answer;
	reply->length = call->answer_length;
	reply->type = "application/octet-stream";
	call->answer = NULL;
	http_reply_header(reply, "ETag", "\"%s\"", object->tag);
	http_reply_header(reply, "Accept-Ranges", "bytes");
	if (reply->status == 206) {
		reply->length = last - first + 1;
		memmove(reply->body, (char *)reply->body + first, reply->length);
		http_reply_header(reply, "Content-Range", "bytes %llu-%llu/%llu",
				  (unsigned long long)first, (unsigned long long)last,
				  (unsigned long long)object->size);
	}
}

void fe_get(const struct http_request *request, struct http_reply *reply)
{
	char key[KEY_MAX + 1];
	struct object object;
	struct call call = {0};
	bool whole = !http_header(request, "Range");
	int status;

	if (!fe_key(request, key, reply))
		return;
	if (request->head)
		status = fe_lookup(key, clock_ms() + FE_DEADLINE_MS, &object);
	else
		status = read_object(key, whole, &object, &call);
	bool shares = bug_on(BUG_CROSS_KEY_BUFFER) && whole && call.answer_length >= SHARED_MIN;
	if (shares)
		shared_buffer_fill(call.answer, call.answer_length);
	FAILPOINT("fe/after-read");
	if (shares)
		shared_buffer_take(&call.answer, &call.answer_length);
	if (bug_on(BUG_HEAD_STALE_SIZE) && status == 200)
		stale_size(key, request->head, &object);
	if (status == 404) {
		http_reply_error(reply, 404, "no such object");
	} else if (status != 200) {
		http_reply_error(reply, 503, "no replica answers in time");
	} else if (request->head) {
		reply->head_length = object.size;
		reply->type = "application/octet-stream";
		http_reply_header(reply, "ETag", "\"%s\"", object.tag);
		http_reply_header(reply, "Accept-Ranges", "bytes");
	} else {
		reply_object(request, reply, &object, &call);
	}
	call_fini(&call);
	FAILPOINT("fe/before-reply");
}

/* Passes an argument on as it came: it is still percent-encoded. */
static void add_argument(const struct http_request *request, const char *name, char *path,
			 size_t max)
{
	char decoded[KEY_MAX + 1], encoded[3 * KEY_MAX + 1];
	size_t n = strlen(path);

	if (http_query_text(request, name, decoded, sizeof(decoded)) && *decoded &&
	    percent_encode(decoded, encoded, sizeof(encoded)))
		snprintf(path + n, max - n, "%s%s=%s", strchr(path, '?') ? "&" : "?", name,
			 encoded);
}

static bool list_is_valid(const struct http_request *request)
{
	char text[KEY_MAX + 1];
	const char *limit = http_query(request, "limit");
	uint64_t n = 1;

	return http_query_text(request, "prefix", text, sizeof(text)) && utf8_is_valid(text) &&
	       http_query_text(request, "after", text, sizeof(text)) && utf8_is_valid(text) &&
	       (!limit || !*limit || (number_parse(limit, &n) && n > 0));
}

void fe_list(const struct http_request *request, struct http_reply *reply)
{
	struct call call = {.timeout_ms = 2 * FE_CALL_MS};

	if (!list_is_valid(request)) {
		http_reply_error(
			reply, 400,
			"LIST wants prefix= and after= of up to %d bytes, limit=", KEY_MAX);
		return;
	}
	snprintf(call.peer, sizeof(call.peer), "%s", fe_node->db);
	snprintf(call.path, sizeof(call.path), "/list");
	add_argument(request, "prefix", call.path, sizeof(call.path));
	add_argument(request, "after", call.path, sizeof(call.path));
	add_argument(request, "limit", call.path, sizeof(call.path));
	if (FAILPOINT_ERROR("fe/list-page")) {
		http_reply_error(reply, 503, "no page: %s", strerror(errno));
		return;
	}
	if (bug_on(BUG_LIST_FROM_STALE_CACHE) && stale_list(call.path, reply))
		return;
	if (client_call(&call) == 200) {
		if (bug_on(BUG_LIST_FROM_STALE_CACHE))
			stale_list_keep(call.path, call.answer, call.answer_length);
		reply->body = call.answer;
		reply->length = call.answer_length;
		reply->type = "application/json";
		call.answer = NULL;
	} else {
		http_reply_error(reply, 503, "the database does not answer");
	}
	call_fini(&call);
}
