/* ms_repair.c - see ms_repair.h. */
#include "tests/refstore/ms_repair.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failkit/failpoint.h"
#include "tests/refstore/bugs.h"
#include "tests/refstore/http_client.h"
#include "tests/refstore/ms_balance.h"
#include "tests/refstore/ms_bugs.h"

#define BATCH_MAX       64
#define PAUSE_MS        500
#define PULL_TIMEOUT_MS 2500

static const struct node *me;

/* One chunk to be copied: from a live server that has it to one that has not. */
struct copy {
	json_t *entry; /* as the database gave it; it owns the texts */
	const char *key, *chunk, *tag, *replicas;
	json_int_t size;
	char now[ADDRESSES_MAX]; /* who will have it */
	char from[ADDRESS_MAX], to[ADDRESS_MAX];
};

json_t *repair_ask(const struct live *live, int limit)
{
	json_t *answer = NULL;
	char all[SERVERS_TEXT_MAX];

	snprintf(all, sizeof(all), "%s,%s", live->regular, live->spare);
	if (client_json(me->db, "/under",
			json_pack("{s:s,s:i,s:i}", "live", all, "want", REPLICAS, "limit", limit),
			DB_TIMEOUT_MS, &answer) != 200) {
		json_decref(answer);
		return NULL;
	}
	return answer;
}

bool repair_refresh(void)
{
	json_t *answer = NULL;
	const char *offline;
	bool ok = client_json(me->db, "/offline", NULL, DB_TIMEOUT_MS, &answer) == 200 &&
		  json_unpack(answer, "{s:s}", "offline", &offline) == 0;

	if (ok)
		servers_set_offline(offline);
	json_decref(answer);
	return ok;
}

static bool copy_read(struct copy *c, json_t *entry)
{
	memset(c, 0, sizeof(*c));
	c->entry = entry;
	return json_unpack(entry, "{s:s,s:s,s:I,s:s,s:s}", "key", &c->key, "chunk", &c->chunk,
			   "size", &c->size, "tag", &c->tag, "replicas", &c->replicas) == 0;
}

/* The first of the list that is no suspect; else, if need be, any. */
static void choose(char *chosen, const char *list, bool any)
{
	char address[ADDRESS_MAX];

	chosen[0] = 0;
	while (list_next(&list, address, sizeof(address)))
		if ((any && !*chosen) ||
		    (!peer_is_suspect(address) && (!*chosen || peer_is_suspect(chosen))))
			snprintf(chosen, ADDRESS_MAX, "%s", address);
}

/* A server that was taken out stays in the list until enough others are in it. Who has enough is here
 * because the database heard of one that was taken out before we did: the next round knows. */
static bool plan_repair(struct copy *c, const struct live *live)
{
	char all[SERVERS_TEXT_MAX], lacking[SERVERS_TEXT_MAX], leaving[ADDRESSES_MAX];
	char holders[2 * ADDRESSES_MAX];

	snprintf(all, sizeof(all), "%s,%s", live->regular, live->spare);
	list_split(c->replicas, all, true, c->now, sizeof(c->now));
	if (list_count(c->now) >= REPLICAS)
		return false;
	list_split(c->replicas, live->offline, true, leaving, sizeof(leaving));
	list_split(all, c->now, false, lacking, sizeof(lacking));
	snprintf(holders, sizeof(holders), "%s,%s", c->now, leaving);
	choose(c->from, holders, true);
	choose(c->to, lacking, false);
	list_add(c->now, sizeof(c->now), c->to);
	if (list_count(c->now) < REPLICAS && *leaving)
		list_add(c->now, sizeof(c->now), leaving);
	return *c->from && *c->to;
}

static bool plan_move(struct copy *c, const struct live *live, const char *from, const char *to)
{
	char all[SERVERS_TEXT_MAX], holders[ADDRESSES_MAX];

	snprintf(all, sizeof(all), "%s,%s", live->regular, live->spare);
	list_split(c->replicas, all, true, holders, sizeof(holders));
	choose(c->from, holders, true);
	snprintf(c->to, sizeof(c->to), "%s", to);
	list_split(c->replicas, from, false, c->now, sizeof(c->now));
	list_add(c->now, sizeof(c->now), to);
	return *c->from && !peer_is_suspect(to);
}

/* Those that are to get a chunk shall not take it for one they were told to drop. */
static bool claim(const struct copy *copies, int count)
{
	json_t *claims = json_array();

	for (int i = 0; i < count; i++)
		json_array_append_new(claims, json_pack("{s:s,s:s}", "chunk", copies[i].chunk,
							"server", copies[i].to));
	return client_json(me->db, "/claim", json_pack("{s:o}", "claims", claims), DB_TIMEOUT_MS,
			   NULL) == 200;
}

static char *pull_text(const struct copy *c)
{
	json_t *json = json_pack("{s:s,s:I,s:s,s:s}", "chunk", c->chunk, "size", c->size, "tag",
				 c->tag, "from", c->from);
	char *text = json_dumps(json, JSON_COMPACT);

	json_decref(json);
	return text;
}

/* A few at a time, so that those who store them share a sync; adds those that went well. */
static void pull_some(const struct copy *copies, int count, json_t *updates)
{
	struct call *calls = calloc(FAN_MAX, sizeof(*calls));
	const struct copy *of[FAN_MAX];
	int n = 0;

	for (int i = 0; calls && i < count; i++) {
		if (FAILPOINT_ERROR("ms/before-repair-copy"))
			continue;
		char *text = pull_text(&copies[i]);

		snprintf(calls[n].peer, sizeof(calls[n].peer), "%s", copies[i].to);
		snprintf(calls[n].path, sizeof(calls[n].path), "/pull");
		calls[n].body = text;
		calls[n].length = text ? strlen(text) : 0;
		calls[n].timeout_ms = PULL_TIMEOUT_MS;
		of[n++] = &copies[i];
	}
	fan_finish(fan_start(calls, n));
	for (int i = 0; i < n; i++) {
		if (calls[i].status == 200) {
			FAILPOINT("ms/after-repair-copy");
			json_array_append_new(updates,
					      json_pack("{s:s,s:s,s:s,s:s}", "key", of[i]->key,
							"chunk", of[i]->chunk, "replicas",
							of[i]->now, "was", of[i]->replicas));
			if (bug_on(BUG_RESURRECT_AFTER_REPAIR) || bug_on(BUG_REPAIR_COPIES_STALE))
				json_object_update_missing(
					json_array_get(updates, json_array_size(updates) - 1),
					of[i]->entry);
		}
		free((void *)calls[i].body);
		call_fini(&calls[i]);
	}
	free(calls);
}

/* Copies them and records what was copied; how many. */
static int copy_all(const struct copy *copies, int count)
{
	json_t *updates = json_array();

	if (count && claim(copies, count))
		for (int i = 0; i < count; i += FAN_MAX)
			pull_some(copies + i, count - i < FAN_MAX ? count - i : FAN_MAX, updates);
	int copied = (int)json_array_size(updates);
	if (copied)
		client_json(me->db, "/replicas", json_pack("{s:O}", "updates", updates),
			    DB_TIMEOUT_MS, NULL);
	if (bug_on(BUG_RESURRECT_AFTER_REPAIR))
		commit_deleted(me->db, updates, DB_TIMEOUT_MS);
	if (bug_on(BUG_REPAIR_COPIES_STALE))
		commit_stale(me->db, updates, DB_TIMEOUT_MS);
	json_decref(updates);
	return copied;
}

static int repair_batch(struct copy *copies, const struct live *live, json_t *under)
{
	json_t *entry;
	size_t i;
	int n = 0;

	json_array_foreach(json_object_get(under, "entries"), i,
			   entry) if (n < BATCH_MAX && copy_read(&copies[n], entry) &&
				      plan_repair(&copies[n], live)) n++;
	return copy_all(copies, n);
}

static int move_batch(struct copy *copies, const struct live *live, const char *from,
		      const char *to, json_int_t most)
{
	json_t *answer = NULL, *entry;
	size_t i;
	int limit = most < BATCH_MAX ? (int)most : BATCH_MAX, n = 0;

	client_json(me->db, "/movable",
		    json_pack("{s:s,s:s,s:i}", "from", from, "to", to, "limit", limit),
		    DB_TIMEOUT_MS, &answer);
	json_array_foreach(json_object_get(answer, "entries"), i,
			   entry) if (n < limit && copy_read(&copies[n], entry) &&
				      plan_move(&copies[n], live, from, to)) n++;
	n = copy_all(copies, n);
	json_decref(answer);
	return n;
}

/* From the first that gives to the first that takes. */
static int balance_batch(struct copy *copies, const struct live *live, json_t *under)
{
	struct balance balance;
	char to[ADDRESS_MAX];
	const char *list = balance.to;
	int moved = 0;

	balance_find(&balance, live, json_object_get(under, "held"));
	while (balance.most && !moved && list_next(&list, to, sizeof(to)))
		moved = move_batch(copies, live, balance.from, to, balance.most);
	return moved;
}

static bool have_lease(void)
{
	return client_json(me->db, "/lease", json_pack("{s:s}", "holder", me->address),
			   DB_TIMEOUT_MS, NULL) == 200;
}

/* Repairs first; true if there may be more to do at once. */
static bool work(struct copy *copies)
{
	struct live live;

	servers_live(&live, me->dead_after_ms);
	FAILPOINT("ms/before-repair-look");
	json_t *under = repair_ask(&live, BATCH_MAX);
	int done = under ? repair_batch(copies, &live, under) : 0;
	if (under && done < BATCH_MAX)
		done += balance_batch(copies, &live, under);
	json_decref(under);
	return done >= BATCH_MAX;
}

static void *repair_thread(void *arg)
{
	for (;;) {
		usleep(PAUSE_MS * 1000);
		if (!repair_refresh())
			continue;
		while (have_lease() && work(arg))
			;
	}
	return NULL;
}

int repair_start(const struct node *node)
{
	static struct copy copies[BATCH_MAX];
	pthread_t thread;

	me = node;
	return pthread_create(&thread, NULL, repair_thread, copies) ? -EAGAIN : 0;
}
