/* fe_write.c - PUT and DELETE; see fe.h. */
#include "tests/refstore/fe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failkit/failpoint.h"
#include "tests/refstore/bugs.h"
#include "tests/refstore/fe_bugs.h"
#include "tests/refstore/fe_late.h"
#include "tests/refstore/http_client.h"
#include "tests/refstore/tombstones.h"

/* Asks the meta servers in turn for a chunk id and three data servers. */
static bool place(struct object *object, uint64_t deadline_ms)
{
	char ordered[ADDRESSES_MAX], ms[ADDRESS_MAX];
	const char *list = ordered, *chunk, *replicas;
	bool placed = false;

	fe_order(fe_node->ms, ordered, sizeof(ordered));
	while (!placed && clock_ms() < deadline_ms && list_next(&list, ms, sizeof(ms))) {
		json_t *answer = NULL;
		int status = client_json(ms, "/place",
					 json_pack("{s:I}", "size", (json_int_t)object->size),
					 fe_time_left(deadline_ms) / 2 + 1, &answer);

		placed = status == 200 && json_unpack(answer, "{s:s,s:s}", "chunk", &chunk,
						      "replicas", &replicas) == 0;
		if (placed) {
			snprintf(object->chunk, sizeof(object->chunk), "%s", chunk);
			snprintf(object->replicas, sizeof(object->replicas), "%s", replicas);
		}
		json_decref(answer);
	}
	return placed;
}

/* Adds to stored who said that it has the chunk on disk. */
static void add_stored(const struct call *call, char *stored)
{
	json_t *answer = json_loadb(call->answer ? call->answer : "", call->answer_length, 0, NULL);
	const char *list = json_string_value(json_object_get(answer, "stored"));
	char address[ADDRESS_MAX];

	while (call->status == 200 && list && list_next(&list, address, sizeof(address)))
		if (!list_has(stored, address))
			list_add(stored, ADDRESSES_MAX, address);
	json_decref(answer);
}

/* One replica is told to store the chunk and to pass it on; when it fails, the next one. */
bool fe_send(const struct object *object, const void *body, uint64_t deadline_ms, char *stored)
{
	char ordered[ADDRESSES_MAX], others[ADDRESSES_MAX], address[ADDRESS_MAX];
	char encoded[3 * ADDRESSES_MAX];
	struct call call = {.body = body, .length = object->size};
	const char *list;

	stored[0] = 0;
	/* Placement has its own turn, which spreads the load; keep it but for the suspects. */
	ordered[0] = 0;
	for (int suspect = 0; suspect < 2; suspect++)
		for (list = object->replicas; list_next(&list, address, sizeof(address));)
			if (peer_is_suspect(address) == (suspect == 1) &&
			    !list_has(ordered, address))
				list_add(ordered, sizeof(ordered), address);
	for (list = ordered; list_count(stored) < QUORUM && clock_ms() < deadline_ms;) {
		const char *each = ordered;

		if (!list_next(&list, call.peer, sizeof(call.peer)))
			break;
		for (others[0] = 0; list_next(&each, address, sizeof(address));)
			if (strcmp(address, call.peer) != 0)
				list_add(others, sizeof(others), address);
		if (!percent_encode(others, encoded, sizeof(encoded)))
			break;
		snprintf(call.path, sizeof(call.path), "/c/%s?size=%llu&tag=%s&to=%s",
			 object->chunk, (unsigned long long)object->size, object->tag, encoded);
		call.timeout_ms = fe_time_left(deadline_ms);
		client_call(&call);
		add_stored(&call, stored);
	}
	call_fini(&call);
	return list_count(stored) >= QUORUM;
}

/* Reads If-Match and If-None-Match; false for what the store does not know. */
static bool condition_read(const struct http_request *request, struct condition *condition)
{
	const char *match = http_header(request, "If-Match");
	const char *none = http_header(request, "If-None-Match");
	uint64_t tag;

	*condition = (struct condition){.absent = none != NULL};
	if (none && strcmp(none, "*") != 0)
		return false;
	if (!match)
		return true;
	if (strcmp(match, "*") == 0)
		strcpy(condition->match, "*");
	else if (strlen(match) == 18 && match[0] == '"' && match[17] == '"')
		snprintf(condition->match, sizeof(condition->match), "%.16s", match + 1);
	else
		return false;
	return match[0] == '*' || tag_parse(condition->match, &tag);
}

/* Makes the key refer to the chunk: the moment at which the PUT happens. */
static int commit(const char *key, const struct object *object, const struct condition *condition,
		  uint64_t deadline_ms, bool *existed)
{
	json_t *answer = NULL;
	const char *chunk, *replicas;

	*existed = false;
	if (FAILPOINT_ERROR("fe/before-commit"))
		return 503;
	/* An optional member that there is no memory for would be left out: a condition never is. */
	int status = client_json(fe_node->db, "/commit",
				 json_pack("{s:s,s:s,s:I,s:s,s:s,s:s,s:b}", "key", key, "chunk",
					   object->chunk, "size", (json_int_t)object->size, "tag",
					   object->tag, "replicas", object->replicas, "match",
					   condition->match, "absent", condition->absent),
				 fe_time_left(deadline_ms), &answer);
	FAILPOINT("fe/after-commit");
	*existed = status == 200 && json_unpack(json_object_get(answer, "old"), "{s:s,s:s}",
						"chunk", &chunk, "replicas", &replicas) == 0;
	if (*existed)
		fe_drop(chunk, replicas);
	json_decref(answer);
	return status;
}

void fe_put_again(const char *key, struct object *object, const void *body, uint64_t deadline_ms)
{
	const struct condition none = {.absent = false};
	char stored[ADDRESSES_MAX];
	bool existed;

	if (!place(object, deadline_ms) || !fe_send(object, body, deadline_ms, stored))
		return;
	snprintf(object->replicas, sizeof(object->replicas), "%s", stored);
	commit(key, object, &none, deadline_ms, &existed);
}

/* The data servers get the data, or will; object->replicas says where it is to be found then. */
static bool send_data(struct object *object, const void *body, uint64_t deadline_ms)
{
	bool (*send)(const struct object *, const void *, uint64_t, char *) =
		bug_on(BUG_ACK_ON_ONE_REPLICA) ? send_to_one : fe_send;
	char stored[ADDRESSES_MAX];

	if (bug_on(BUG_COMMIT_BEFORE_DATA)) {
		late_send(object, body);
		return true;
	}
	if (!send(object, body, deadline_ms, stored))
		return false;
	snprintf(object->replicas, sizeof(object->replicas), "%s", stored);
	return true;
}

void fe_put(const struct http_request *request, struct http_reply *reply)
{
	uint64_t deadline_ms = clock_ms() + FE_DEADLINE_MS;
	char key[KEY_MAX + 1];
	struct object object = {.size = request->length};
	struct condition condition;
	bool existed;

	if (!fe_key(request, key, reply))
		return;
	if (!condition_read(request, &condition)) {
		http_reply_error(reply, 400, "wanted If-Match: \"TAG\" or *, If-None-Match: *");
		return;
	}
	if (bug_on(BUG_CONDITIONAL_PUT_RACES) && !judged_early(key, &condition, deadline_ms)) {
		http_reply_error(reply, 412, "the condition does not hold");
		return;
	}
	tag_text(tag_of(request->body, request->length), object.tag);
	if (!place(&object, deadline_ms)) {
		http_reply_error(reply, 503, "no place for the data");
		return;
	}
	if (!send_data(&object, request->body, deadline_ms)) {
		http_reply_error(reply, 503, "fewer than %d data servers have the data", QUORUM);
		return;
	}
	uint64_t start_ms = clock_ms();
	int status = commit(key, &object, &condition, deadline_ms, &existed);
	if (status == 412) {
		fe_drop(object.chunk, object.replicas);
		http_reply_error(reply, 412, "the condition does not hold");
		return;
	}
	if (status != 200) {
		http_reply_error(reply, 503, "the commit is not confirmed");
		return;
	}
	if (bug_on(BUG_RETRY_APPLIED_LATE))
		late_repeat(key, &object, request->body, clock_ms() - start_ms);
	leases_run_out();
	if (bug_on(BUG_ETAG_WRONG))
		tag_of_start(request->body, request->length, object.tag);
	http_reply_header(reply, "ETag", "\"%s\"", object.tag);
	reply->status = existed ? 200 : 201;
	FAILPOINT("fe/before-reply");
}

void fe_delete(const struct http_request *request, struct http_reply *reply)
{
	uint64_t deadline_ms = clock_ms() + FE_DEADLINE_MS;
	char key[KEY_MAX + 1];
	const char *chunk, *replicas;
	json_t *answer = NULL;

	if (!fe_key(request, key, reply))
		return;
	if (bug_on(BUG_DELETE_NOT_REPLICATED)) {
		struct object object;
		int found = fe_lookup(key, deadline_ms, &object);

		if (found == 200)
			tombstone_set(key, object.chunk);
		reply->status = found == 200 ? 204 : (unsigned)found;
		return;
	}
	if (FAILPOINT_ERROR("fe/before-commit")) {
		http_reply_error(reply, 503, "no delete: %s", strerror(errno));
		return;
	}
	int status = client_json(fe_node->db, "/delete", json_pack("{s:s}", "key", key),
				 fe_time_left(deadline_ms), &answer);
	FAILPOINT("fe/after-commit");
	if (status == 200 && json_unpack(json_object_get(answer, "old"), "{s:s,s:s}", "chunk",
					 &chunk, "replicas", &replicas) == 0)
		fe_drop(chunk, replicas);
	leases_run_out();
	const json_t *existed = json_object_get(answer, "existed");
	if (status != 200 || !json_is_boolean(existed))
		http_reply_error(reply, 503, "the delete is not confirmed");
	else if (json_is_true(existed))
		reply->status = 204;
	else
		http_reply_error(reply, 404, "no such object");
	json_decref(answer);
	FAILPOINT("fe/before-reply");
}
