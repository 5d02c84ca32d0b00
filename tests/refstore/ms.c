/*
 * ms.c - a meta server: which data servers live, where a new chunk goes, what must be copied again.
 *
 * It keeps nothing: liveness comes back with the next heartbeats, the rest is in the database. So
 * any meta server serves, and one that was restarted is as good as new within a heartbeat.
 *
 * Placement takes three live data servers, and a spare only where fewer than three others live. A
 * chunk whose recorded replicas are on fewer than three live servers is under-replicated; the meta
 * server that holds the lease has a live server that lacks it pull it from one that has it, and
 * then records that in the database, provided that the key still refers to this chunk. The lease
 * only saves double work: two repairs of one chunk do no harm.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "failkit/failpoint.h"
#include "tests/refstore/bugs.h"
#include "tests/refstore/chunks.h"
#include "tests/refstore/http_client.h"
#include "tests/refstore/http_server.h"
#include "tests/refstore/ms_bugs.h"
#include "tests/refstore/node.h"

#define SERVERS_MAX     64
#define REPAIR_BATCH    64
#define REPAIR_PAUSE_MS 500
#define DB_TIMEOUT_MS   1500
#define PULL_TIMEOUT_MS 2500

static const struct node *me;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct server {
	char address[ADDRESS_MAX];
	bool spare;
	uint64_t seen_ms;
} servers[SERVERS_MAX];
static int server_count;
static unsigned turn;

/* The live servers, a comma-separated list each of those in service and of the spares. */
struct live {
	char regular[SERVERS_MAX * ADDRESS_MAX];
	char spare[SERVERS_MAX * ADDRESS_MAX];
};

static void live_get(struct live *live)
{
	uint64_t now = clock_ms();

	live->regular[0] = live->spare[0] = 0;
	pthread_mutex_lock(&lock);
	turn++;
	for (int i = 0; i < server_count; i++) {
		const struct server *s =
			&servers[(i + (int)(turn % (unsigned)server_count)) % server_count];

		if (s->seen_ms + me->dead_after_ms < now)
			continue;
		char *list = s->spare ? live->spare : live->regular;
		list_add(list, sizeof(live->regular), s->address);
	}
	pthread_mutex_unlock(&lock);
}

static void handle_heartbeat(const struct http_request *request, struct http_reply *reply)
{
	json_t *json = json_loadb(request->body, request->length, 0, NULL);
	const char *address = NULL;
	int spare = 0, i;

	if (json_unpack(json, "{s:s,s:b}", "address", &address, "spare", &spare) < 0 ||
	    strlen(address) >= ADDRESS_MAX) {
		http_reply_error(reply, 400, "a heartbeat wants address and spare");
		json_decref(json);
		return;
	}
	pthread_mutex_lock(&lock);
	for (i = 0; i < server_count && strcmp(servers[i].address, address) != 0; i++)
		;
	if (i < SERVERS_MAX) {
		snprintf(servers[i].address, ADDRESS_MAX, "%s", address);
		servers[i].spare = spare;
		servers[i].seen_ms = clock_ms();
		if (i == server_count)
			server_count++;
	}
	pthread_mutex_unlock(&lock);
	json_decref(json);
	http_reply_json(reply, 200, json_object());
}

/* Adds servers of from to the list until it has enough. */
static void choose(char *list, size_t max, const char *from, int enough)
{
	char address[ADDRESS_MAX];

	while (list_count(list) < enough && list_next(&from, address, sizeof(address)))
		if (!list_has(list, address))
			list_add(list, max, address);
}

static void handle_place(const struct http_request *request, struct http_reply *reply)
{
	struct live live;
	struct chunk_id id;
	char chunk[CHUNK_ID_TEXT_MAX], replicas[ADDRESSES_MAX] = "";

	(void)request;
	live_get(&live);
	choose(replicas, sizeof(replicas), live.regular, REPLICAS);
	choose(replicas, sizeof(replicas), live.spare, REPLICAS);
	if (FAILPOINT_ERROR("ms/place")) {
		http_reply_error(reply, 503, "no placement: %s", strerror(errno));
		return;
	}
	if (list_count(replicas) < QUORUM || getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id)) {
		http_reply_error(reply, 503, "fewer than %d data servers live", QUORUM);
		return;
	}
	chunk_id_text(&id, chunk);
	http_reply_json(reply, 200, json_pack("{s:s,s:s}", "chunk", chunk, "replicas", replicas));
}

static void handle_condemn(const struct http_request *request, struct http_reply *reply)
{
	json_t *json = json_loadb(request->body, request->length, 0, NULL), *answer = NULL;

	if (json &&
	    client_json(me->db, "/condemn", json_incref(json), DB_TIMEOUT_MS, &answer) == 200)
		http_reply_json(reply, 200, json_incref(answer));
	else
		http_reply_error(reply, 503, "the database does not answer");
	json_decref(answer);
	json_decref(json);
}

/* What is under-replicated, given who lives; NULL if the database does not answer. */
static json_t *ask_under(const struct live *live, int limit)
{
	json_t *answer = NULL;
	char both[2 * sizeof(live->regular)];

	snprintf(both, sizeof(both), "%s,%s", live->regular, live->spare);
	if (client_json(me->db, "/under",
			json_pack("{s:s,s:i,s:i}", "live", both, "want", REPLICAS, "limit", limit),
			DB_TIMEOUT_MS, &answer) != 200) {
		json_decref(answer);
		return NULL;
	}
	return answer;
}

static void handle_health(const struct http_request *request, struct http_reply *reply)
{
	struct live live;

	(void)request;
	live_get(&live);
	json_t *under = ask_under(&live, 0), *count = json_object_get(under, "count");
	http_reply_json(reply, 200,
			json_pack("{s:s,s:s,s:s,s:b,s:i,s:s,s:i,s:O}", "role", "ms", "version",
				  me->version, "address", me->address, "ok", 1, "registered",
				  list_count(live.regular), "servers", live.regular, "spares",
				  list_count(live.spare), "under_replicated",
				  count ? count : json_null()));
	json_decref(under);
}

/* One chunk to be copied: from a live server that has it to one that has not. */
struct repair {
	const char *key, *chunk, *tag, *replicas;
	json_int_t size;
	char alive[ADDRESSES_MAX]; /* recorded replicas that live */
	char from[ADDRESS_MAX], to[ADDRESS_MAX];
};

static bool repair_plan(struct repair *r, json_t *entry, const struct live *live)
{
	char all[2 * sizeof(live->regular)], address[ADDRESS_MAX], wide[2 * ADDRESSES_MAX];
	const char *list;

	r->alive[0] = r->from[0] = r->to[0] = 0;
	if (json_unpack(entry, "{s:s,s:s,s:I,s:s,s:s}", "key", &r->key, "chunk", &r->chunk, "size",
			&r->size, "tag", &r->tag, "replicas", &r->replicas) < 0)
		return false;
	snprintf(all, sizeof(all), "%s,%s", live->regular, live->spare);
	for (list = r->replicas; list_next(&list, address, sizeof(address));)
		if (list_has(all, address))
			list_add(r->alive, sizeof(r->alive), address);
	for (list = r->alive; list_next(&list, address, sizeof(address));)
		if (!*r->from || peer_is_suspect(r->from))
			snprintf(r->from, sizeof(r->from), "%s", address);
	snprintf(wide, sizeof(wide), "%s", r->alive);
	for (list = all; !*r->to && list_next(&list, address, sizeof(address));)
		if (!list_has(r->alive, address) && !peer_is_suspect(address))
			snprintf(r->to, sizeof(r->to), "%s", address);
	return *r->from && *r->to;
}

/* Copies one chunk; the record of it is for the caller to commit. NULL if nothing was copied. */
static json_t *repair_copy(struct repair *r)
{
	if (FAILPOINT_ERROR("ms/before-repair-copy"))
		return NULL;
	if (client_json(r->to, "/pull",
			json_pack("{s:s,s:I,s:s,s:s}", "chunk", r->chunk, "size", r->size, "tag",
				  r->tag, "from", r->from),
			PULL_TIMEOUT_MS, NULL) != 200)
		return NULL;
	FAILPOINT("ms/after-repair-copy");
	list_add(r->alive, sizeof(r->alive), r->to);
	return json_pack("{s:s,s:s,s:s}", "key", r->key, "chunk", r->chunk, "replicas", r->alive);
}

static bool have_lease(void)
{
	return client_json(me->db, "/lease", json_pack("{s:s}", "holder", me->address),
			   DB_TIMEOUT_MS, NULL) == 200;
}

/* Repairs a batch; true if there may be more to do at once. */
static bool repair_batch(void)
{
	struct live live;
	json_t *updates = json_array(), *entry;
	size_t i;

	live_get(&live);
	json_t *under = ask_under(&live, REPAIR_BATCH);
	json_array_foreach(json_object_get(under, "entries"), i, entry)
	{
		struct repair r;
		json_t *update = repair_plan(&r, entry, &live) ? repair_copy(&r) : NULL;

		if (!update)
			continue;
		if (bug_on(BUG_RESURRECT_AFTER_REPAIR))
			json_object_update_missing(update, entry);
		json_array_append_new(updates, update);
	}
	bool more = json_array_size(updates) == REPAIR_BATCH;
	if (json_array_size(updates))
		client_json(me->db, "/replicas", json_pack("{s:O}", "updates", updates),
			    DB_TIMEOUT_MS, NULL);
	if (bug_on(BUG_RESURRECT_AFTER_REPAIR))
		commit_deleted(me->db, updates, DB_TIMEOUT_MS);
	json_decref(updates);
	json_decref(under);
	return more;
}

static void *repair_thread(void *arg)
{
	(void)arg;
	for (;;) {
		usleep(REPAIR_PAUSE_MS * 1000);
		while (have_lease() && repair_batch())
			;
	}
	return NULL;
}

int ms_start(const struct node *node, struct trouble *trouble)
{
	static const struct http_route routes[] = {
		{"POST", "/heartbeat", handle_heartbeat},
		{"POST", "/place", handle_place},
		{"POST", "/condemn", handle_condemn},
		{"GET", "/health", handle_health},
	};
	pthread_t thread;

	me = node;
	int error = http_serve(node->host, (int)node->port, routes, COUNT(routes), trouble);
	if (error)
		return error;
	if (pthread_create(&thread, NULL, repair_thread, NULL) != 0)
		return trouble_set(trouble, -EAGAIN, "cannot start a thread");
	return 0;
}
