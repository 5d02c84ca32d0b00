/*
 * ms.c - a meta server: which data servers live, where a new chunk goes, what must be copied again.
 *
 *     POST /place {size}           POST /offline?server=ADDR    out of service: its chunks go to others
 *     POST /heartbeat {address,spare}   POST /online?server=ADDR     and back
 *     POST /condemn {chunks, holder}    GET  /health
 *
 * It keeps nothing: liveness comes back with the next heartbeats, the rest is in the database. So
 * any meta server serves, and one that was restarted is as good as new within a heartbeat.
 *
 * Placement takes three live data servers, and a spare only where fewer than three others live.
 * What is copied again, and moved: ms_repair.h, ms_balance.h. A server that was taken out is drained
 * when `draining` in /health is 0: no key refers to a copy of its any more, and none will.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "failkit/failpoint.h"
#include "tests/refstore/chunks.h"
#include "tests/refstore/http_client.h"
#include "tests/refstore/http_server.h"
#include "tests/refstore/ms_balance.h"
#include "tests/refstore/ms_repair.h"
#include "tests/refstore/ms_servers.h"
#include "tests/refstore/node.h"

#define TELL_TIMEOUT_MS 500

static const struct node *me;

static void live_get(struct live *live)
{
	servers_live(live, me->dead_after_ms);
}

static void handle_heartbeat(const struct http_request *request, struct http_reply *reply)
{
	json_t *json = json_loadb(request->body, request->length, 0, NULL);
	const char *address = NULL;
	int spare = 0;

	if (json_unpack(json, "{s:s,s:b}", "address", &address, "spare", &spare) < 0 ||
	    strlen(address) >= ADDRESS_MAX) {
		http_reply_error(reply, 400, "a heartbeat wants address and spare");
	} else {
		servers_seen(address, spare);
		http_reply_json(reply, 200,
				json_pack("{s:b}", "offline", servers_is_offline(address)));
	}
	json_decref(json);
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

/* The server that the request names, with its port; answers 400 if there is none. */
static bool read_server(const struct http_request *request, struct http_reply *reply, char *server,
			size_t max)
{
	char text[ADDRESS_MAX / 2];

	if (http_query_text(request, "server", text, sizeof(text)) && *text) {
		if (strchr(text, ':'))
			snprintf(server, max, "%s", text);
		else
			snprintf(server, max, "%s:%llu", text, (unsigned long long)me->port);
		return true;
	}
	http_reply_error(reply, 400, "wanted ?server=ADDR");
	return false;
}

/* Makes it so in the database, and tells the server at once. */
static void set_service(const char *server, bool offline, struct http_reply *reply)
{
	if (client_json(me->db, offline ? "/offline" : "/online",
			json_pack("{s:s}", "server", server), DB_TIMEOUT_MS, NULL) != 200) {
		http_reply_error(reply, 503, "the database does not answer");
		return;
	}
	repair_refresh();
	client_json(server, "/service", json_pack("{s:b}", "offline", offline), TELL_TIMEOUT_MS,
		    NULL);
	log_line("ms: %s is taken %s service", server, offline ? "out of" : "back into");
	http_reply_json(reply, 200, json_pack("{s:s,s:b}", "server", server, "offline", offline));
}

static void handle_offline(const struct http_request *request, struct http_reply *reply)
{
	char server[ADDRESS_MAX], all[SERVERS_TEXT_MAX], others[SERVERS_TEXT_MAX];
	struct live live;

	if (!read_server(request, reply, server, sizeof(server)))
		return;
	live_get(&live);
	snprintf(all, sizeof(all), "%s,%s", live.regular, live.spare);
	list_split(all, server, false, others, sizeof(others));
	if (!list_has(all, server) && !servers_is_offline(server))
		http_reply_error(reply, 404, "no data server %s lives", server);
	else if (list_count(others) < REPLICAS)
		http_reply_error(reply, 409, "without %s fewer than %d data servers live", server,
				 REPLICAS);
	else
		set_service(server, true, reply);
}

static void handle_online(const struct http_request *request, struct http_reply *reply)
{
	char server[ADDRESS_MAX];

	if (read_server(request, reply, server, sizeof(server)))
		set_service(server, false, reply);
}

static void handle_health(const struct http_request *request, struct http_reply *reply)
{
	struct balance balance;
	struct live live;
	const char *offline = "";

	(void)request;
	live_get(&live);
	json_t *under = repair_ask(&live, 0), *held = json_object_get(under, "held");
	json_unpack(under, "{s:s}", "offline", &offline);
	balance_find(&balance, &live, held);
	json_t *health =
		json_pack("{s:s,s:s,s:s,s:b,s:i,s:s,s:i}", "role", "ms", "version", me->version,
			  "address", me->address, "ok", 1, "registered", list_count(live.regular),
			  "servers", live.regular, "spares", list_count(live.spare));
	/* null where the database does not answer: that is not 0. */
	json_t *counts = json_pack("{s:O?,s:O?,s:o?,s:o?,s:o?}", "under_replicated",
				   json_object_get(under, "count"), "write_buffer_under_replicated",
				   json_object_get(under, "short_written"), "offline",
				   under ? json_integer(list_count(offline)) : NULL, "draining",
				   under ? json_integer(held_on(held, offline)) : NULL, "to_move",
				   under ? json_integer(balance.to_move) : NULL);
	json_object_update(health, counts);
	http_reply_json(reply, 200, health);
	json_decref(counts);
	json_decref(under);
}

int ms_start(const struct node *node, struct trouble *trouble)
{
	static const struct http_route routes[] = {
		{"POST", "/heartbeat", handle_heartbeat}, {"POST", "/place", handle_place},
		{"POST", "/condemn", handle_condemn},     {"POST", "/offline", handle_offline},
		{"POST", "/online", handle_online},       {"GET", "/health", handle_health},
	};

	me = node;
	/* First: whoever asks for the health asks for what is to be repaired. */
	if (repair_start(node) < 0)
		return trouble_set(trouble, -EAGAIN, "cannot start a thread");
	return http_serve(node->host, (int)node->port, routes, COUNT(routes), trouble);
}
