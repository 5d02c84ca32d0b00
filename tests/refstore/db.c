/*
 * db.c - the metadata database process: db_store.h over HTTP.
 *
 *     POST /commit {key,chunk,size,tag,replicas}          GET /meta?key=
 *             with {match: TAG, "*" or ""} or {absent: true}: only if the key is so now, else 412
 *     POST /delete {key}                                  GET /list?prefix=&after=&limit=
 *     POST /replicas {updates: [{key,chunk,replicas,was}]} POST /under {live,want,limit}
 *     POST /condemn {chunks: [...], holder}               POST /movable {from,to,limit}
 *     POST /claim {claims: [{chunk,server}]}              POST /lease {holder}
 *     POST /offline {server}, POST /online {server}       GET /offline
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "failkit/failpoint.h"
#include "tests/refstore/db_store.h"
#include "tests/refstore/http_server.h"
#include "tests/refstore/node.h"

#define LEASE_MS       3000
#define LIST_LIMIT_MAX 1000

static const struct node *me;

static void reply_status(struct http_reply *reply, int status, json_t *answer)
{
	if (status == 200)
		http_reply_json(reply, 200, answer ? json_incref(answer) : json_object());
	else
		http_reply_error(reply, (unsigned)status, "%s",
				 status == 503 ? "the database cannot tell" : "refused");
	json_decref(answer);
}

static void change(enum change_kind kind, const struct http_request *request,
		   struct http_reply *reply)
{
	json_t *args = json_loadb(request->body, request->length, 0, NULL), *answer = NULL;
	int status = args ? store_change(kind, args, &answer) : 400;

	json_decref(args);
	reply_status(reply, status, answer);
}

static void handle_commit(const struct http_request *request, struct http_reply *reply)
{
	change(CHANGE_COMMIT, request, reply);
}

static void handle_delete(const struct http_request *request, struct http_reply *reply)
{
	change(CHANGE_DELETE, request, reply);
}

static void handle_replicas(const struct http_request *request, struct http_reply *reply)
{
	change(CHANGE_REPLICAS, request, reply);
}

static void handle_condemn(const struct http_request *request, struct http_reply *reply)
{
	change(CHANGE_CONDEMN, request, reply);
}

static void handle_claim(const struct http_request *request, struct http_reply *reply)
{
	change(CHANGE_CLAIM, request, reply);
}

static void handle_offline(const struct http_request *request, struct http_reply *reply)
{
	change(CHANGE_OFFLINE, request, reply);
}

static void handle_online(const struct http_request *request, struct http_reply *reply)
{
	change(CHANGE_ONLINE, request, reply);
}

static void handle_offline_list(const struct http_request *request, struct http_reply *reply)
{
	json_t *answer = NULL;
	int status = store_offline(&answer);

	(void)request;
	reply_status(reply, status, answer);
}

static void handle_meta(const struct http_request *request, struct http_reply *reply)
{
	char key[KEY_MAX + 1];
	json_t *answer = NULL;
	int status =
		http_query_text(request, "key", key, sizeof(key)) ? store_meta(key, &answer) : 400;

	reply_status(reply, status, answer);
}

static void handle_list(const struct http_request *request, struct http_reply *reply)
{
	char prefix[KEY_MAX + 1], after[KEY_MAX + 1];
	const char *text = http_query(request, "limit");
	uint64_t limit = LIST_LIMIT_MAX;
	json_t *answer = NULL;
	int status = 400;

	if (http_query_text(request, "prefix", prefix, sizeof(prefix)) &&
	    http_query_text(request, "after", after, sizeof(after)) &&
	    (!text || (number_parse(text, &limit) && limit))) {
		status = FAILPOINT_ERROR("db/before-list")
				 ? 503
				 : store_list(prefix, after,
					      limit < LIST_LIMIT_MAX ? limit : LIST_LIMIT_MAX,
					      &answer);
	}
	reply_status(reply, status, answer);
}

static void handle_under(const struct http_request *request, struct http_reply *reply)
{
	json_t *args = json_loadb(request->body, request->length, 0, NULL), *answer = NULL;
	const char *live;
	int want, limit, status = 400;

	if (json_unpack(args, "{s:s,s:i,s:i}", "live", &live, "want", &want, "limit", &limit) == 0)
		status = store_under(live, want, limit, &answer);
	json_decref(args);
	reply_status(reply, status, answer);
}

static void handle_movable(const struct http_request *request, struct http_reply *reply)
{
	json_t *args = json_loadb(request->body, request->length, 0, NULL), *answer = NULL;
	const char *from, *to;
	int limit, status = 400;

	if (json_unpack(args, "{s:s,s:s,s:i}", "from", &from, "to", &to, "limit", &limit) == 0)
		status = store_movable(from, to, limit, &answer);
	json_decref(args);
	reply_status(reply, status, answer);
}

/* Who may repair now. Kept in memory: after a restart the next one to ask gets it. */
static bool lease_take(const char *holder)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static char current[ADDRESS_MAX];
	static uint64_t until_ms;
	uint64_t now = clock_ms();

	pthread_mutex_lock(&lock);
	bool mine = now >= until_ms || strcmp(current, holder) == 0;
	if (mine) {
		snprintf(current, sizeof(current), "%s", holder);
		until_ms = now + LEASE_MS;
	}
	pthread_mutex_unlock(&lock);
	return mine;
}

static void handle_lease(const struct http_request *request, struct http_reply *reply)
{
	json_t *args = json_loadb(request->body, request->length, 0, NULL);
	const char *holder;
	int status = 400;

	if (json_unpack(args, "{s:s}", "holder", &holder) == 0)
		status = lease_take(holder) ? 200 : 409;
	json_decref(args);
	reply_status(reply, status, NULL);
}

static void handle_health(const struct http_request *request, struct http_reply *reply)
{
	json_t *answer = NULL;
	int status = store_count(&answer);

	(void)request;
	http_reply_json(reply, 200,
			json_pack("{s:s,s:s,s:s,s:b,s:O?,s:O?}", "role", "db", "version",
				  me->version, "address", me->address, "ok", status == 200,
				  "objects", json_object_get(answer, "objects"), "bytes",
				  json_object_get(answer, "bytes")));
	json_decref(answer);
}

int db_start(const struct node *node, struct trouble *trouble)
{
	static const struct http_route routes[] = {
		{"POST", "/commit", handle_commit},
		{"POST", "/delete", handle_delete},
		{"POST", "/replicas", handle_replicas},
		{"POST", "/condemn", handle_condemn},
		{"POST", "/lease", handle_lease},
		{"POST", "/under", handle_under},
		{"GET", "/meta", handle_meta},
		{"GET", "/list", handle_list},
		{"POST", "/claim", handle_claim},
		{"POST", "/movable", handle_movable},
		{"POST", "/offline", handle_offline},
		{"POST", "/online", handle_online},
		{"GET", "/offline", handle_offline_list},
		{"GET", "/health", handle_health},
	};

	me = node;
	int error = store_open(node->dir, trouble);
	return error ? error
		     : http_serve(node->host, (int)node->port, routes, COUNT(routes), trouble);
}
