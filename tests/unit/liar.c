/* liar.c - see liar.h. */
#include "tests/unit/liar.h"

#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/body.h"

struct object {
	char *key;
	uint8_t *bytes;
	size_t size;
	char tag[17];
};

static struct {
	struct MHD_Daemon *daemon;
	pthread_mutex_t lock;
	enum lie lie;
	struct object *object; /* sorted by key */
	unsigned objects, room;
	unsigned requests, puts, deletes, ranges, lists, bodies;
} liar = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct upload {
	uint8_t *bytes;
	size_t size;
};

/* True each n-th time, when this is the lie. */
static bool lies(enum lie lie, unsigned *count, unsigned n)
{
	return liar.lie == lie && ++*count % n == 0;
}

static unsigned find(const char *key, bool *there)
{
	unsigned low = 0, high = liar.objects;

	while (low < high) {
		unsigned mid = (low + high) / 2;
		if (strcmp(liar.object[mid].key, key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*there = low < liar.objects && strcmp(liar.object[low].key, key) == 0;
	return low;
}

static void drop(unsigned i)
{
	free(liar.object[i].key);
	free(liar.object[i].bytes);
	memmove(&liar.object[i], &liar.object[i + 1], (--liar.objects - i) * sizeof(*liar.object));
}

static void keep(const char *key, const struct upload *upload)
{
	bool there;
	unsigned i = find(key, &there);

	if (there)
		drop(i);
	if (liar.objects == liar.room) {
		liar.room = liar.room ? liar.room * 2 : 256;
		liar.object = realloc(liar.object, liar.room * sizeof(*liar.object));
	}
	memmove(&liar.object[i + 1], &liar.object[i], (liar.objects++ - i) * sizeof(*liar.object));
	struct object *o = &liar.object[i];
	*o = (struct object){strdup(key), malloc(upload->size + 1), upload->size, ""};
	if (upload->size)
		memcpy(o->bytes, upload->bytes, upload->size);
	body_tag_of(o->bytes, o->size, o->tag);
	if (o->size >= 100 && lies(LIE_ROTTEN, &liar.bodies, 40))
		o->bytes[90] ^= 4;
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const void *body,
			      size_t size, const char *name, const char *value)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		size, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);

	if (name)
		MHD_add_response_header(response, name, value);
	enum MHD_Result rc = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return rc;
}

static enum MHD_Result put(struct MHD_Connection *connection, const char *key,
			   const struct upload *upload)
{
	char tag[19], plain[17];

	body_tag_of(upload->bytes, upload->size, plain);
	if (lies(LIE_WRONG_TAG, &liar.puts, 40))
		plain[3] = plain[3] == '0' ? '1' : '0';
	snprintf(tag, sizeof(tag), "\"%s\"", plain);
	if (!lies(LIE_LOST_PUT, &liar.puts, 40))
		keep(key, upload);
	return answer(connection, 201, "", 0, "ETag", tag);
}

static enum MHD_Result get_range(struct MHD_Connection *connection, const struct object *o,
				 const char *range)
{
	unsigned long long from = 0, to = 0;
	char told[96];
	int n = sscanf(range, "bytes=%llu-%llu", &from, &to);

	if (from >= o->size)
		return answer(connection, 416, "", 0, NULL, NULL);
	if (n < 2 || to >= o->size)
		to = o->size - 1;
	snprintf(told, sizeof(told), "bytes %llu-%llu/%zu", from, to, o->size);
	unsigned long long at = from;
	if (from && lies(LIE_SHIFTED, &liar.ranges, 20))
		at--;
	struct MHD_Response *response = MHD_create_response_from_buffer(
		(size_t)(to - from + 1), o->bytes + at, MHD_RESPMEM_MUST_COPY);
	char tag[19];
	snprintf(tag, sizeof(tag), "\"%s\"", o->tag);
	MHD_add_response_header(response, "Content-Range", told);
	MHD_add_response_header(response, "ETag", tag);
	enum MHD_Result rc = MHD_queue_response(connection, 206, response);
	MHD_destroy_response(response);
	return rc;
}

static enum MHD_Result get(struct MHD_Connection *connection, const char *key)
{
	const char *range = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Range");
	char tag[19];
	bool there;
	unsigned i = find(key, &there);

	if (!there)
		return answer(connection, 404, "", 0, NULL, NULL);
	const struct object *o = &liar.object[i];
	if (range)
		return get_range(connection, o, range);
	snprintf(tag, sizeof(tag), "\"%s\"", o->tag);
	return answer(connection, 200, o->bytes, o->size, "ETag", tag);
}

static enum MHD_Result remove_object(struct MHD_Connection *connection, const char *key)
{
	bool there;
	unsigned i = find(key, &there);

	if (!there)
		return answer(connection, 404, "", 0, NULL, NULL);
	if (!lies(LIE_KEPT_DELETE, &liar.deletes, 20))
		drop(i);
	return answer(connection, 204, "", 0, NULL, NULL);
}

static const char *argument(struct MHD_Connection *connection, const char *name)
{
	const char *value = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);

	return value ? value : "";
}

static enum MHD_Result list(struct MHD_Connection *connection)
{
	const char *prefix = argument(connection, "prefix"), *after = argument(connection, "after");
	size_t limit = (size_t)atoi(argument(connection, "limit")), length = strlen(prefix);
	json_t *entries = json_array();
	bool there, more = false;
	unsigned i = find(strcmp(after, prefix) > 0 ? after : prefix, &there);

	for (; i < liar.objects; i++) {
		const struct object *o = &liar.object[i];
		if (strncmp(o->key, prefix, length) != 0)
			break;
		if (*after && strcmp(o->key, after) <= 0)
			continue;
		if (json_array_size(entries) == limit) {
			more = true;
			break;
		}
		json_array_append_new(entries, json_pack("{s:s,s:I,s:s}", "key", o->key, "size",
							 (json_int_t)o->size, "tag", o->tag));
	}
	if (json_array_size(entries) > 1 && lies(LIE_SHORT_LIST, &liar.lists, 10))
		json_array_remove(entries, 0);
	json_t *page = json_pack("{s:o,s:b}", "entries", entries, "more", more);
	char *text = json_dumps(page, JSON_COMPACT);
	enum MHD_Result rc = answer(connection, 200, text, strlen(text), NULL, NULL);
	free(text);
	json_decref(page);
	return rc;
}

static enum MHD_Result route(struct MHD_Connection *connection, const char *url, const char *method,
			     const struct upload *upload)
{
	bool busy = lies(LIE_BUSY, &liar.requests, 7);
	const char *key = url + 3;

	if (busy && liar.requests % 2 == 0)
		return answer(connection, 503, "", 0, NULL, NULL);
	if (strcmp(url, "/o") == 0)
		return list(connection);
	if (busy) {
		if (strcmp(method, "PUT") == 0)
			keep(key, upload);
		return answer(connection, 503, "", 0, NULL, NULL);
	}
	if (strcmp(method, "PUT") == 0)
		return put(connection, key, upload);
	if (strcmp(method, "DELETE") == 0)
		return remove_object(connection, key);
	return get(connection, key);
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *data,
			      size_t *size, void **context)
{
	struct upload *upload = *context;

	(void)arg, (void)version;
	if (!upload) {
		*context = calloc(1, sizeof(*upload));
		return MHD_YES;
	}
	if (*size) {
		upload->bytes = realloc(upload->bytes, upload->size + *size);
		memcpy(upload->bytes + upload->size, data, *size);
		upload->size += *size;
		*size = 0;
		return MHD_YES;
	}
	pthread_mutex_lock(&liar.lock);
	enum MHD_Result rc = route(connection, url, method, upload);
	pthread_mutex_unlock(&liar.lock);
	return rc;
}

static void forget(void *arg, struct MHD_Connection *connection, void **context,
		   enum MHD_RequestTerminationCode code)
{
	struct upload *upload = *context;

	(void)arg, (void)connection, (void)code;
	if (upload)
		free(upload->bytes);
	free(upload);
}

/* MHD decodes the path but we want to do it whole, "+" not being a blank. */
static size_t unescape(void *arg, struct MHD_Connection *connection, char *text)
{
	(void)arg, (void)connection;
	return MHD_http_unescape(text);
}

int liar_start(enum lie lie)
{
	liar.lie = lie;
	liar.requests = liar.puts = liar.deletes = liar.ranges = liar.lists = liar.bodies = 0;
	liar.daemon =
		MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL,
				 handle, NULL, MHD_OPTION_NOTIFY_COMPLETED, forget, NULL,
				 MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_END);
	if (!liar.daemon)
		return -1;
	return MHD_get_daemon_info(liar.daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void liar_stop(void)
{
	MHD_stop_daemon(liar.daemon);
	while (liar.objects)
		drop(liar.objects - 1);
	free(liar.object);
	liar.object = NULL;
	liar.room = 0;
}

unsigned liar_objects(void)
{
	pthread_mutex_lock(&liar.lock);
	unsigned n = liar.objects;
	pthread_mutex_unlock(&liar.lock);
	return n;
}
