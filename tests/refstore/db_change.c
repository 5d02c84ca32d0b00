/* db_change.c - see db_change.h. */
#include "tests/refstore/db_change.h"

#include <stdio.h>
#include <string.h>

#include "tests/refstore/bugs.h"
#include "tests/refstore/db_bugs.h"
#include "tests/refstore/node.h"

/* What a key refers to now, for the front end to drop, and its tag; {} if nothing. */
static int read_old(struct sql *writer, const char *key, json_t **old)
{
	sqlite3_stmt *s = sql_start(writer, SQL_META, 1, key);
	int code = sqlite3_step(s);

	*old = code == SQLITE_ROW ? json_pack("{s:s,s:s,s:s}", "chunk", sql_text(s, 0), "tag",
					      sql_text(s, 2), "replicas", sql_text(s, 3))
				  : json_object();
	if (!*old || (code == SQLITE_ROW && sql_lost(s)))
		code = SQLITE_NOMEM;
	sqlite3_reset(s);
	return code;
}

/* Is the key as the commit wants it? match: it has this tag, "*" any; absent: there is nothing. */
static bool condition_holds(json_t *args, json_t *old)
{
	const char *match = json_string_value(json_object_get(args, "match"));
	const char *tag = json_string_value(json_object_get(old, "tag"));

	if (json_is_true(json_object_get(args, "absent")) && tag)
		return false;
	return !match || !*match || (tag && (strcmp(match, "*") == 0 || strcmp(match, tag) == 0));
}

/* Whom the commit may name: nobody who was taken out. 200, 503, or 409 for too few that are left. */
static int servers_in_service(struct sql *writer, const char *replicas, char *to, size_t max)
{
	char offline[SERVERS_TEXT_MAX];

	if (sql_offline(writer, offline, sizeof(offline)) < SQLITE_ROW)
		return 503;
	list_split(replicas, offline, false, to, max);
	return *offline && list_count(to) < QUORUM ? 409 : 200;
}

/* What the key referred to is of no interest any more. */
static int forget_old(struct sql *writer, json_t *old)
{
	const char *chunk = json_string_value(json_object_get(old, "chunk"));

	return chunk ? sql_run(sql_start(writer, SQL_FORGET, 1, chunk)) : SQLITE_DONE;
}

static int apply_commit(struct sql *writer, struct change *change)
{
	const char *key, *chunk, *tag, *replicas;
	char serving[ADDRESSES_MAX];
	json_int_t size;
	json_t *old;

	if (json_unpack(change->args, "{s:s,s:s,s:I,s:s,s:s}", "key", &key, "chunk", &chunk, "size",
			&size, "tag", &tag, "replicas", &replicas) < 0)
		return 400;
	int code = sql_run(sql_start(writer, SQL_IS_CONDEMNED, 1, chunk));
	if (code == SQLITE_ROW)
		return 409;
	int status = servers_in_service(writer, replicas, serving, sizeof(serving));
	if (status != 200)
		return status;
	if (code != SQLITE_DONE || (code = read_old(writer, key, &old)) < SQLITE_ROW)
		return 503;
	change->answer = json_pack("{s:o}", "old", old);
	if (!change->answer)
		return 503;
	if (!condition_holds(change->args, old))
		return 412;
	if (bug_on(BUG_LIST_MISSING_RECENT) && !json_object_size(old))
		recent_set(key);
	if (forget_old(writer, old) != SQLITE_DONE)
		return 503;
	sqlite3_stmt *s = sql_start(writer, SQL_PUT, 4, key, chunk, tag, serving);
	sqlite3_bind_int64(s, 5, size);
	return sql_run(s) == SQLITE_DONE ? 200 : 503;
}

static int apply_delete(struct sql *writer, struct change *change)
{
	const char *key;
	json_t *old;

	if (json_unpack(change->args, "{s:s}", "key", &key) < 0)
		return 400;
	int code = read_old(writer, key, &old);
	change->answer = json_pack("{s:b,s:o}", "existed", code == SQLITE_ROW, "old", old);
	if (code < SQLITE_ROW || !change->answer)
		return 503;
	if (bug_on(BUG_TOMBSTONE_FORGOTTEN_ON_RESTART))
		return forget_later(key, change->answer);
	if (forget_old(writer, old) != SQLITE_DONE)
		return 503;
	return sql_run(sql_start(writer, SQL_DELETE, 1, key)) == SQLITE_DONE ? 200 : 503;
}

static int apply_replicas(struct sql *writer, struct change *change)
{
	json_t *update;
	size_t i;

	json_array_foreach(json_object_get(change->args, "updates"), i, update)
	{
		const char *key, *chunk, *replicas, *was;

		if (json_unpack(update, "{s:s,s:s,s:s,s:s}", "key", &key, "chunk", &chunk,
				"replicas", &replicas, "was", &was) < 0)
			return 400;
		if (sql_run(sql_start(writer, SQL_REPLICAS, 4, key, chunk, replicas, was)) !=
		    SQLITE_DONE)
			return 503;
	}
	return 200;
}

/* Two statements of one chunk, and of one server if there is a second text: make it so, is it so? */
static int make_and_ask(struct sql *writer, enum sql_id make, enum sql_id ask, const char *chunk,
			const char *server)
{
	if (sql_run(sql_start(writer, make, server ? 2 : 1, chunk, server)) != SQLITE_DONE)
		return SQLITE_ERROR;
	return sql_run(sql_start(writer, ask, server ? 2 : 1, chunk, server));
}

/* The chunks that no key refers to, and, of those that one does, what the holder is not to keep. */
static int apply_condemn(struct sql *writer, struct change *change)
{
	const char *holder = json_string_value(json_object_get(change->args, "holder"));
	json_t *condemned = json_array(), *each;
	size_t i;

	change->answer = json_pack("{s:o}", "condemned", condemned);
	json_array_foreach(json_object_get(change->args, "chunks"), i, each)
	{
		const char *chunk = json_string_value(each);

		if (!chunk)
			return 400;
		int code = make_and_ask(writer, SQL_CONDEMN, SQL_IS_CONDEMNED, chunk, NULL);
		if (code == SQLITE_DONE && holder)
			code = make_and_ask(writer, SQL_RELEASE, SQL_IS_RELEASED, chunk, holder);
		if (code < SQLITE_ROW)
			return 503;
		if (code == SQLITE_ROW)
			json_array_append(condemned, each);
	}
	return 200;
}

static int apply_claim(struct sql *writer, struct change *change)
{
	json_t *each;
	size_t i;

	json_array_foreach(json_object_get(change->args, "claims"), i, each)
	{
		const char *chunk, *server;

		if (json_unpack(each, "{s:s,s:s}", "chunk", &chunk, "server", &server) < 0)
			return 400;
		if (sql_run(sql_start(writer, SQL_CLAIM, 2, chunk, server)) != SQLITE_DONE)
			return 503;
	}
	return 200;
}

static int set_service(struct sql *writer, struct change *change, enum sql_id id)
{
	const char *server = json_string_value(json_object_get(change->args, "server"));

	if (!server)
		return 400;
	return sql_run(sql_start(writer, id, 1, server)) == SQLITE_DONE ? 200 : 503;
}

static int apply_offline(struct sql *writer, struct change *change)
{
	return set_service(writer, change, SQL_OFFLINE_ADD);
}

static int apply_online(struct sql *writer, struct change *change)
{
	return set_service(writer, change, SQL_OFFLINE_REMOVE);
}

static int (*const apply[CHANGE_COUNT])(struct sql *, struct change *) = {
	[CHANGE_COMMIT] = apply_commit,     [CHANGE_DELETE] = apply_delete,
	[CHANGE_REPLICAS] = apply_replicas, [CHANGE_CONDEMN] = apply_condemn,
	[CHANGE_CLAIM] = apply_claim,       [CHANGE_OFFLINE] = apply_offline,
	[CHANGE_ONLINE] = apply_online,
};

void change_apply(struct sql *writer, struct change *change)
{
	change->status = apply[change->kind](writer, change);
}
