/* db_store.c - the writer thread and the readers; see db_store.h. */
#include "tests/refstore/db_store.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failkit/failpoint.h"
#include "tests/refstore/bugs.h"
#include "tests/refstore/db_bugs.h"
#include "tests/refstore/db_change.h"
#include "tests/refstore/db_sql.h"
#include "tests/refstore/tombstones.h"

struct job {
	struct job *next;
	struct change change;
	bool done;
};

static char path[4096];
static struct sql writer;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static pthread_cond_t finished = PTHREAD_COND_INITIALIZER;
static struct job *first_job, **last_job = &first_job;

static pthread_mutex_t readers_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sql *free_readers;

/* Runs all of the jobs as one transaction; false if it was rolled back. */
static bool transact(struct job *jobs)
{
	bool ok = sql_run(sql_start(&writer, SQL_BEGIN, 0)) == SQLITE_DONE;

	ok = ok && sql_run(sql_start(&writer, SQL_COUNT_UP, 0)) == SQLITE_DONE;
	for (struct job *job = jobs; ok && job; job = job->next) {
		change_apply(&writer, &job->change);
		ok = job->change.status != 503;
	}
	if (ok && FAILPOINT_ERROR("db/before-commit"))
		ok = false;
	ok = ok && sql_run(sql_start(&writer, SQL_COMMIT, 0)) == SQLITE_DONE;
	if (ok) {
		FAILPOINT("db/after-commit");
		return true;
	}
	log_line("db: a transaction failed: %s", sqlite3_errmsg(writer.db));
	if (!sqlite3_get_autocommit(writer.db))
		sql_run(sql_start(&writer, SQL_ROLLBACK, 0));
	for (struct job *job = jobs; job; job = job->next)
		job->change.status = 503;
	return false;
}

static void *writer_thread(void *arg)
{
	(void)arg;
	for (;;) {
		pthread_mutex_lock(&lock);
		while (!first_job)
			pthread_cond_wait(&arrived, &lock);
		struct job *jobs = first_job;
		first_job = NULL;
		last_job = &first_job;
		pthread_mutex_unlock(&lock);

		transact(jobs);
		pthread_mutex_lock(&lock);
		for (struct job *job = jobs, *next; job; job = next) {
			next = job->next;
			job->done = true;
		}
		pthread_cond_broadcast(&finished);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

int store_change(enum change_kind kind, json_t *args, json_t **answer)
{
	struct job job = {.change = {.kind = kind, .args = args}};

	pthread_mutex_lock(&lock);
	*last_job = &job;
	last_job = &job.next;
	pthread_cond_signal(&arrived);
	while (!job.done)
		pthread_cond_wait(&finished, &lock);
	pthread_mutex_unlock(&lock);
	*answer = job.change.answer;
	return job.change.status;
}

int store_open(const char *dir, struct trouble *trouble)
{
	pthread_t thread;

	snprintf(path, sizeof(path), "%s/meta.sqlite", dir);
	int error = sql_open(&writer, path, true, trouble);
	if (error)
		return error;
	if (pthread_create(&thread, NULL, writer_thread, NULL) != 0)
		return trouble_set(trouble, -EAGAIN, "cannot start a thread");
	return 0;
}

static struct sql *reader_take(void)
{
	struct trouble trouble;

	pthread_mutex_lock(&readers_lock);
	struct sql *sql = free_readers;
	if (sql)
		free_readers = sql->next;
	pthread_mutex_unlock(&readers_lock);
	if (sql)
		return sql;
	sql = calloc(1, sizeof(*sql));
	if (sql && sql_open(sql, path, false, &trouble) < 0) {
		log_line("db: %s", trouble.text);
		free(sql);
		sql = NULL;
	}
	return sql;
}

static void reader_give(struct sql *sql)
{
	pthread_mutex_lock(&readers_lock);
	sql->next = free_readers;
	free_readers = sql;
	pthread_mutex_unlock(&readers_lock);
}

int store_meta(const char *key, json_t **answer)
{
	struct sql *sql = reader_take();
	int status = 503;

	if (!sql)
		return status;
	sqlite3_stmt *s = sql_start(sql, SQL_META, 1, key);
	int code = sqlite3_step(s);
	if (code == SQLITE_ROW && bug_on(BUG_TOMBSTONE_FORGOTTEN_ON_RESTART) &&
	    tombstone_hides(key, sql_text(s, 0)))
		code = SQLITE_DONE;
	if (code == SQLITE_ROW) {
		status = 200;
		*answer = json_pack("{s:s,s:I,s:s,s:s,s:I}", "chunk", sql_text(s, 0), "size",
				    (json_int_t)sqlite3_column_int64(s, 1), "tag", sql_text(s, 2),
				    "replicas", sql_text(s, 3), "seq",
				    (json_int_t)sqlite3_column_int64(s, 4));
		if (!*answer || sql_lost(s))
			status = 503;
	} else if (code == SQLITE_DONE) {
		status = 404;
	}
	sqlite3_reset(s);
	reader_give(sql);
	return status;
}

static json_t *list_entry(sqlite3_stmt *s, const char *key)
{
	return json_pack("{s:s,s:I,s:s}", "key", key, "size",
			 (json_int_t)sqlite3_column_int64(s, 1), "tag", sql_text(s, 2));
}

int store_list(const char *prefix, const char *after, uint64_t limit, json_t **answer)
{
	struct sql *sql = reader_take();
	json_t *entries = json_array();
	bool more = false;
	int code = SQLITE_ERROR;

	if (sql) {
		bool behind = strcmp(after, prefix) >= 0;
		sqlite3_stmt *s = sql_start(sql, SQL_LIST, 1, behind ? after : prefix);

		while ((code = sqlite3_step(s)) == SQLITE_ROW) {
			const char *key = sql_text(s, 0);

			if (behind && is_last_of_page(key, after))
				continue;
			if (bug_on(BUG_LIST_MISSING_RECENT) && recent_hides(key))
				continue;
			if (bug_on(BUG_TOMBSTONE_FORGOTTEN_ON_RESTART) &&
			    tombstone_hides(key, sql_text(s, 3)))
				continue;
			if (!sql_lost(s) && strncmp(key, prefix, strlen(prefix)) != 0)
				break;
			more = json_array_size(entries) == limit;
			if (more)
				break;
			if (json_array_append_new(entries, list_entry(s, key)) || sql_lost(s)) {
				code = SQLITE_NOMEM;
				break;
			}
		}
		sqlite3_reset(s);
		reader_give(sql);
	}
	*answer = json_pack("{s:o,s:b}", "entries", entries, "more", more);
	return code < SQLITE_ROW || !*answer ? 503 : 200;
}

/* What is on which server, and what is on too few of those that live. */
struct census {
	json_int_t under, short_written;
	json_t *held; /* by server: how many chunks */
};

static void census_add(struct census *census, const char *replicas, const char *live, int want)
{
	char server[ADDRESS_MAX];
	int alive = 0, all = 0;

	while (list_next(&replicas, server, sizeof(server))) {
		json_t *n = json_object_get(census->held, server);

		all++;
		alive += list_has(live, server);
		if (n)
			json_integer_set(n, json_integer_value(n) + 1);
		else
			json_object_set_new(census->held, server, json_integer(1));
	}
	census->under += alive < want;
	census->short_written += all < want;
}

static int take_census(struct sql *sql, const char *live, int want, struct census *census)
{
	sqlite3_stmt *s = sql_start(sql, SQL_REPLICAS_ALL, 0);
	int code;

	while ((code = sqlite3_step(s)) == SQLITE_ROW)
		census_add(census, sql_text(s, 0), live, want);
	sqlite3_reset(s);
	return code;
}

/* Chunks as who copies them wants to know them. */
static int list_chunks(sqlite3_stmt *s, json_t *entries)
{
	int code;

	while ((code = sqlite3_step(s)) == SQLITE_ROW)
		json_array_append_new(entries,
				      json_pack("{s:s,s:s,s:I,s:s,s:s}", "key", sql_text(s, 0),
						"chunk", sql_text(s, 1), "size",
						(json_int_t)sqlite3_column_int64(s, 2), "tag",
						sql_text(s, 3), "replicas", sql_text(s, 4)));
	sqlite3_reset(s);
	return code;
}

int store_under(const char *live, int want, int limit, json_t **answer)
{
	struct sql *sql = reader_take();
	struct census census = {.held = json_object()};
	json_t *entries = json_array();
	char offline[SERVERS_TEXT_MAX] = "", serving[SERVERS_TEXT_MAX];
	int code = SQLITE_ERROR;

	if (sql)
		code = sql_offline(sql, offline, sizeof(offline));
	list_split(live, offline, false, serving, sizeof(serving));
	if (code >= SQLITE_ROW)
		code = take_census(sql, serving, want, &census);
	if (census.under && limit && code >= SQLITE_ROW) {
		sqlite3_stmt *s = sql_start(sql, SQL_UNDER, 1, serving);

		sqlite3_bind_int(s, 2, want);
		sqlite3_bind_int(s, 3, limit);
		code = list_chunks(s, entries);
	}
	if (sql)
		reader_give(sql);
	*answer = json_pack("{s:I,s:I,s:s,s:o,s:o}", "count", census.under, "short_written",
			    census.short_written, "offline", offline, "held", census.held,
			    "entries", entries);
	return code < SQLITE_ROW ? 503 : 200;
}

int store_movable(const char *from, const char *to, int limit, json_t **answer)
{
	struct sql *sql = reader_take();
	json_t *entries = json_array();
	int code = SQLITE_ERROR;

	if (sql) {
		sqlite3_stmt *s = sql_start(sql, SQL_MOVABLE, 2, from, to);

		sqlite3_bind_int(s, 3, limit);
		code = list_chunks(s, entries);
		reader_give(sql);
	}
	*answer = json_pack("{s:o}", "entries", entries);
	return code < SQLITE_ROW ? 503 : 200;
}

int store_offline(json_t **answer)
{
	struct sql *sql = reader_take();
	char offline[SERVERS_TEXT_MAX] = "";
	int code = SQLITE_ERROR;

	if (sql) {
		code = sql_offline(sql, offline, sizeof(offline));
		reader_give(sql);
	}
	*answer = json_pack("{s:s}", "offline", offline);
	return code < SQLITE_ROW ? 503 : 200;
}

int store_count(json_t **answer)
{
	struct sql *sql = reader_take();
	int code = SQLITE_ERROR;

	if (!sql)
		return 503;
	sqlite3_stmt *s = sql_start(sql, SQL_OBJECTS, 0);
	code = sqlite3_step(s);
	*answer = json_pack("{s:I,s:I}", "objects", (json_int_t)sqlite3_column_int64(s, 0), "bytes",
			    (json_int_t)sqlite3_column_int64(s, 1));
	sqlite3_reset(s);
	reader_give(sql);
	return code == SQLITE_ROW ? 200 : 503;
}
