/*
 * ds.c - a data server: takes chunks and passes them on, gives them back, forgets them.
 *
 *     POST /c/ID?size=&tag=&to=A,B     store it, and meanwhile send copies to A and B, which do not
 *                                      pass them on; {"stored": "A,B,me"} says who has it on disk
 *     GET  /c/ID?size=&tag=            the bytes; 404: certainly not here; 500: unreadable
 *     POST /pull {chunk,size,tag,from} fetch it from another data server and store it
 *     POST /drop {"chunks": [...]}     forget these
 *     POST /service {offline}          taken out of service, or back: a meta server's word
 *
 * Chunks that no key refers to (a PUT whose front end died, a replica that was down when its chunk
 * was dropped) are found by asking the database, through a meta server, to condemn those that are
 * old enough: it refuses for every chunk that a key refers to, and a condemned chunk can never be
 * committed afterwards. The same goes for a chunk that others have and this server is not to keep
 * any more, since it was moved, or repaired while this one was away: then the pair of them is what
 * is condemned. So age only says what is worth asking about, and safety rests on no clock.
 *
 * Out of service it stores nothing new, and gives what it has.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failkit/failpoint.h"
#include "tests/refstore/bugs.h"
#include "tests/refstore/chunks.h"
#include "tests/refstore/ds_late.h"
#include "tests/refstore/http_client.h"
#include "tests/refstore/http_server.h"
#include "tests/refstore/node.h"

#define COPY_TIMEOUT_MS  700
#define GARBAGE_BATCH    1024
#define GARBAGE_PAUSE_MS 5000

static const struct node *me;
static atomic_bool offline;
/* What is asked about is not stored again before it is dropped. */
static pthread_mutex_t garbage_lock = PTHREAD_MUTEX_INITIALIZER;

/* Reads the chunk's id from the path, its length and tag from the query. */
static bool parse_chunk(const struct http_request *request, struct wal_record *record)
{
	return chunk_id_parse(request->rest, &record->id) &&
	       number_parse(http_query(request, "size"), &record->length) &&
	       tag_parse(http_query(request, "tag"), &record->tag);
}

/* Fills calls that send the chunk to each server of a list that is not suspect; how many. */
static int copies_prepare(struct call *calls, const char *to, const struct wal_record *record,
			  const void *bytes)
{
	char peer[ADDRESS_MAX], id[CHUNK_ID_TEXT_MAX], tag[TAG_TEXT_MAX];
	int n = 0;

	chunk_id_text(&record->id, id);
	tag_text(record->tag, tag);
	while (n < FAN_MAX && list_next(&to, peer, sizeof(peer))) {
		if (strcmp(peer, me->address) == 0 || peer_is_suspect(peer))
			continue;
		struct call *call = &calls[n++];

		memset(call, 0, sizeof(*call));
		memcpy(call->peer, peer, sizeof(peer));
		snprintf(call->path, sizeof(call->path), "/c/%s?size=%llu&tag=%s", id,
			 (unsigned long long)record->length, tag);
		call->body = bytes;
		call->length = record->length;
		call->timeout_ms = COPY_TIMEOUT_MS;
	}
	return n;
}

/* Waits for the copies and adds who has one to stored. */
static void copies_collect(struct fan *fan, struct call *calls, int n, char *stored)
{
	fan_finish(fan);
	for (int i = 0; i < n; i++) {
		if (calls[i].status == 200)
			list_add(stored, ADDRESSES_MAX, calls[i].peer);
		call_fini(&calls[i]);
	}
}

static int store(struct wal_record *record, const void *bytes)
{
	int error = chunks_put(record, bytes);

	if (error)
		log_line("ds: chunk not stored: %s", strerror(-error));
	return error;
}

void ds_store(struct wal_record *record, const void *bytes, const char *to, char *stored)
{
	struct call *calls = calloc(FAN_MAX, sizeof(*calls));
	bool store_first = bug_on(BUG_SHORT_WRITE_IGNORED) || bug_on(BUG_IGNORE_WRITE_ERROR);
	int error = store_first ? store(record, bytes) : 0, n = 0;
	struct fan *fan = NULL;

	stored[0] = 0;
	if (error && bug_on(BUG_IGNORE_WRITE_ERROR)) {
		snprintf(stored, ADDRESSES_MAX, "%s", to);
		list_add(stored, ADDRESSES_MAX, me->address);
		free(calls);
		return;
	}
	if (calls && *to) {
		n = copies_prepare(calls, to, record, bytes);
		fan = fan_start(calls, n);
	}
	if (!store_first)
		error = store(record, bytes);
	if (!error)
		list_add(stored, ADDRESSES_MAX, me->address);
	copies_collect(fan, calls, n, stored);
	free(calls);
}

static void handle_put(const struct http_request *request, struct http_reply *reply)
{
	struct wal_record record = {0};
	char to[ADDRESSES_MAX], stored[ADDRESSES_MAX];

	if (!parse_chunk(request, &record) || !http_query_text(request, "to", to, sizeof(to))) {
		http_reply_error(reply, 400, "a chunk wants an id, a size and a tag");
		return;
	}
	if (record.length != request->length ||
	    record.tag != tag_of(request->body, request->length)) {
		http_reply_error(reply, 400, "the body is not that of the tag");
		return;
	}
	if (offline && !bug_on(BUG_DROP_ON_DRAIN)) {
		http_reply_error(reply, 503, "out of service");
		return;
	}
	if (offline) {
		snprintf(stored, sizeof(stored), "%s", to);
		list_add(stored, sizeof(stored), me->address);
	} else if (bug_on(BUG_ACK_BEFORE_SYNC) && *to) {
		late_put(&record, request->body, to);
		snprintf(stored, sizeof(stored), "%s", to);
		list_add(stored, sizeof(stored), me->address);
	} else {
		ds_store(&record, request->body, to, stored);
	}
	FAILPOINT("ds/before-reply");
	http_reply_json(reply, *stored ? 200 : 507, json_pack("{s:s}", "stored", stored));
}

static void handle_get(const struct http_request *request, struct http_reply *reply)
{
	struct wal_record wanted = {0};
	void *bytes = NULL;

	if (!parse_chunk(request, &wanted)) {
		http_reply_error(reply, 400, "a chunk wants an id, a size and a tag");
		return;
	}
	int error = late_get(&wanted, &bytes);
	if (error)
		error = chunks_get(&wanted, &bytes);
	if (error == -ENOENT) {
		http_reply_error(reply, 404, "no such chunk");
	} else if (error) {
		log_line("ds: chunk %s is unreadable: %s", request->rest, strerror(-error));
		http_reply_error(reply, 500, "unreadable: %s", strerror(-error));
	} else {
		reply->body = bytes;
		reply->length = wanted.length;
		reply->type = "application/octet-stream";
	}
}

/* Gets a verified copy of a chunk from another data server and stores it. */
static int pull(struct wal_record *record, const char *id, const char *tag, const char *from)
{
	struct call call = {.timeout_ms = 2 * COPY_TIMEOUT_MS};

	snprintf(call.peer, sizeof(call.peer), "%s", from);
	snprintf(call.path, sizeof(call.path), "/c/%s?size=%llu&tag=%s", id,
		 (unsigned long long)record->length, tag);
	int error = client_call(&call) == 200 ? 0 : -EHOSTUNREACH;
	if (!error && (call.answer_length != record->length ||
		       tag_of(call.answer, call.answer_length) != record->tag))
		error = -EBADMSG;
	pthread_mutex_lock(&garbage_lock);
	if (!error)
		error = store(record, call.answer ? call.answer : "");
	pthread_mutex_unlock(&garbage_lock);
	call_fini(&call);
	return error;
}

static void handle_pull(const struct http_request *request, struct http_reply *reply)
{
	json_t *json = json_loadb(request->body, request->length, 0, NULL);
	const char *id = NULL, *tag = NULL, *from = NULL;
	json_int_t size = 0;
	struct wal_record record = {0};

	if (json_unpack(json, "{s:s,s:I,s:s,s:s}", "chunk", &id, "size", &size, "tag", &tag, "from",
			&from) < 0 ||
	    !chunk_id_parse(id, &record.id) || !tag_parse(tag, &record.tag) || size < 0) {
		http_reply_error(reply, 400, "pull wants chunk, size, tag, from");
	} else {
		record.length = (uint64_t)size;
		int error = pull(&record, id, tag, from);
		if (error) {
			log_line("ds: chunk %s is not pulled from %s: %s", id, from,
				 strerror(-error));
			http_reply_error(reply, 503, "cannot pull: %s", strerror(-error));
		} else {
			http_reply_json(reply, 200, json_object());
		}
	}
	json_decref(json);
}

static void drop_all(json_t *ids)
{
	struct chunk_id id;
	size_t i;
	json_t *each;

	json_array_foreach(ids, i, each) if (chunk_id_parse(json_string_value(each), &id))
		chunks_drop(&id);
}

static void handle_drop(const struct http_request *request, struct http_reply *reply)
{
	json_t *json = json_loadb(request->body, request->length, 0, NULL);

	drop_all(json_object_get(json, "chunks"));
	json_decref(json);
	http_reply_json(reply, 200, json_object());
}

static void handle_service(const struct http_request *request, struct http_reply *reply)
{
	json_t *json = json_loadb(request->body, request->length, 0, NULL);
	int out;

	if (json_unpack(json, "{s:b}", "offline", &out) == 0) {
		offline = out;
		http_reply_json(reply, 200, json_object());
	} else {
		http_reply_error(reply, 400, "service wants offline");
	}
	json_decref(json);
}

static void handle_health(const struct http_request *request, struct http_reply *reply)
{
	(void)request;
	http_reply_json(reply, 200,
			json_pack("{s:s,s:s,s:s,s:b,s:b,s:b,s:b,s:I}", "role", "ds", "version",
				  me->version, "address", me->address, "ok", 1, "spare", me->spare,
				  "in_service", !offline, "wal_broken", chunks_log_is_broken(),
				  "chunks", (json_int_t)chunks_count()));
}

/* Out of service if one meta server says so: the others may not know yet. No answer, no change. */
static void heed_answers(struct call *calls, int n)
{
	bool heard = false, out = false;

	for (int i = 0; i < n; i++) {
		json_t *answer = json_loadb(calls[i].answer ? calls[i].answer : "",
					    calls[i].answer_length, 0, NULL);

		heard |= calls[i].status == 200;
		out |= json_is_true(json_object_get(answer, "offline"));
		json_decref(answer);
	}
	if (heard)
		offline = out;
}

static void *heartbeat_thread(void *arg)
{
	struct call *calls = arg;

	for (;;) {
		json_t *json = json_pack("{s:s,s:b,s:I}", "address", me->address, "spare",
					 me->spare, "chunks", (json_int_t)chunks_count());
		char *text = json_dumps(json, JSON_COMPACT);
		const char *list = me->ms;
		int n = 0;

		while (n < FAN_MAX && list_next(&list, calls[n].peer, ADDRESS_MAX)) {
			snprintf(calls[n].path, sizeof(calls[n].path), "/heartbeat");
			calls[n].body = text;
			calls[n].length = strlen(text);
			calls[n++].timeout_ms = me->heartbeat_ms;
		}
		fan_finish(fan_start(calls, n));
		heed_answers(calls, n);
		free(text);
		json_decref(json);
		usleep((useconds_t)me->heartbeat_ms * 1000);
	}
	return NULL;
}

/* Asks whether some old chunks are still needed, and drops those that are not. */
static void collect_garbage(uint32_t *cursor)
{
	struct chunk_id ids[GARBAGE_BATCH];
	int n = chunks_older(me->garbage_after_ms, cursor, ids, GARBAGE_BATCH);
	json_t *list = json_array(), *answer = NULL;
	const char *all_ms = me->ms;
	char ms[ADDRESS_MAX], id[CHUNK_ID_TEXT_MAX];

	for (int i = 0; i < n; i++) {
		chunk_id_text(&ids[i], id);
		json_array_append_new(list, json_string(id));
	}
	pthread_mutex_lock(&garbage_lock);
	while (n && !answer && list_next(&all_ms, ms, sizeof(ms)))
		if (client_json(ms, "/condemn",
				json_pack("{s:O,s:s}", "chunks", list, "holder", me->address), 2000,
				&answer) == 200)
			drop_all(json_object_get(answer, "condemned"));
	pthread_mutex_unlock(&garbage_lock);
	json_decref(answer);
	json_decref(list);
}

static void *garbage_thread(void *arg)
{
	uint32_t cursor = 0;

	(void)arg;
	for (;;) {
		usleep(GARBAGE_PAUSE_MS * 1000);
		collect_garbage(&cursor);
	}
	return NULL;
}

int ds_start(const struct node *node, struct trouble *trouble)
{
	static const struct http_route routes[] = {
		{"POST", "/c/", handle_put},          {"GET", "/c/", handle_get},
		{"POST", "/pull", handle_pull},       {"POST", "/drop", handle_drop},
		{"POST", "/service", handle_service}, {"GET", "/health", handle_health},
	};
	static struct call calls[FAN_MAX];
	pthread_t thread;

	me = node;
	int error = chunks_open(node->dir, node->segment_kib << 10, trouble);
	if (error)
		return error;
	if (bug_on(BUG_ACK_BEFORE_SYNC) && late_start() < 0)
		return trouble_set(trouble, -EAGAIN, "cannot start a thread");
	error = http_serve(node->host, (int)node->port, routes, COUNT(routes), trouble);
	if (error)
		return error;
	if (pthread_create(&thread, NULL, heartbeat_thread, calls) != 0 ||
	    pthread_create(&thread, NULL, garbage_thread, NULL) != 0)
		return trouble_set(trouble, -EAGAIN, "cannot start a thread");
	return 0;
}
