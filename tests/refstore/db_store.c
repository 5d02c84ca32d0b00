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
#include "tests/refstore/db_sql.h"
#include "tests/refstore/tombstones.h"

struct job {
	struct job *next;
	enum change_kind kind;
	json_t *args, *answer;
	int status;
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

/* What a key refers to now, for the front end to drop, and its tag; {} if nothing. */
static int read_old(const char *key, json_t **old)
{
	sqlite3_stmt *s = sql_start(&writer, SQL_META, 1, key);
	int code = sqlite3_step(s);

	*old = code == SQLITE_ROW ? json_pack("{s:s,s:s,s:s}", "chunk", sql_text(s, 0), "tag",
					      sql_text(s, 2), "replicas", sql_text(s, 3))
				  : json_object();
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
	return !match || (tag && (strcmp(match, "*") == 0 || strcmp(match, tag) == 0));
}

static int apply_commit(struct job *job)
{
	const char *key, *chunk, *tag, *replicas;
	json_int_t size;
	json_t *old;

	if (json_unpack(job->args, "{s:s,s:s,s:I,s:s,s:s}", "key", &key, "chunk", &chunk, "size",
			&size, "tag", &tag, "replicas", &replicas) < 0)
		return 400;
	int code = sql_run(sql_start(&writer, SQL_IS_CONDEMNED, 1, chunk));
	if (code == SQLITE_ROW)
		return 409;
	if (code != SQLITE_DONE || (code = read_old(key, &old)) < SQLITE_ROW)
		return 503;
	job->answer = json_pack("{s:o}", "old", old);
	if (!condition_holds(job->args, old))
		return 412;
	if (bug_on(BUG_LIST_MISSING_RECENT) && !json_object_size(old))
		recent_set(key);
	sqlite3_stmt *s = sql_start(&writer, SQL_PUT, 4, key, chunk, tag, replicas);
	sqlite3_bind_int64(s, 5, size);
	return sql_run(s) == SQLITE_DONE ? 200 : 503;
}

static int apply_delete(struct job *job)
{
	const char *key;
	json_t *old;

	if (json_unpack(job->args, "{s:s}", "key", &key) < 0)
		return 400;
	int code = read_old(key, &old);
	job->answer = json_pack("{s:b,s:o}", "existed", code == SQLITE_ROW, "old", old);
	if (code < SQLITE_ROW)
		return 503;
	if (bug_on(BUG_TOMBSTONE_FORGOTTEN_ON_RESTART))
		return forget_later(key, job->answer);
	return sql_run(sql_start(&writer, SQL_DELETE, 1, key)) == SQLITE_DONE ? 200 : 503;
}

static int apply_replicas(struct job *job)
{
	json_t *update;
	size_t i;

	json_array_foreach(json_object_get(job->args, "updates"), i, update)
	{
		const char *key, *chunk, *replicas;

		if (json_unpack(update, "{s:s,s:s,s:s}", "key", &key, "chunk", &chunk, "replicas",
				&replicas) < 0)
			return 400;
		if (sql_run(sql_start(&writer, SQL_REPLICAS, 3, key, chunk, replicas)) !=
		    SQLITE_DONE)
			return 503;
	}
	return 200;
}

static int apply_condemn(struct job *job)
{
	json_t *condemned = json_array(), *each;
	size_t i;

	job->answer = json_pack("{s:o}", "condemned", condemned);
	json_array_foreach(json_object_get(job->args, "chunks"), i, each)
	{
		const char *chunk = json_string_value(each);

		if (!chunk)
			return 400;
		if (sql_run(sql_start(&writer, SQL_CONDEMN, 1, chunk)) != SQLITE_DONE)
			return 503;
		int code = sql_run(sql_start(&writer, SQL_IS_CONDEMNED, 1, chunk));
		if (code < SQLITE_ROW)
			return 503;
		if (code == SQLITE_ROW)
			json_array_append(condemned, each);
	}
	return 200;
}

static int (*const apply[CHANGE_COUNT])(struct job *) = {
	[CHANGE_COMMIT] = apply_commit,
	[CHANGE_DELETE] = apply_delete,
	[CHANGE_REPLICAS] = apply_replicas,
	[CHANGE_CONDEMN] = apply_condemn,
};

/* Runs all of the jobs as one transaction; false if it was rolled back. */
static bool transact(struct job *jobs)
{
	bool ok = sql_run(sql_start(&writer, SQL_BEGIN, 0)) == SQLITE_DONE;

	ok = ok && sql_run(sql_start(&writer, SQL_COUNT_UP, 0)) == SQLITE_DONE;
	for (struct job *job = jobs; ok && job; job = job->next) {
		job->status = apply[job->kind](job);
		ok = job->status != 503;
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
		job->status = 503;
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
	struct job job = {.kind = kind, .args = args};

	pthread_mutex_lock(&lock);
	*last_job = &job;
	last_job = &job.next;
	pthread_cond_signal(&arrived);
	while (!job.done)
		pthread_cond_wait(&finished, &lock);
	pthread_mutex_unlock(&lock);
	*answer = job.answer;
	return job.status;
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
	} else if (code == SQLITE_DONE) {
		status = 404;
	}
	sqlite3_reset(s);
	reader_give(sql);
	return status;
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
			if (behind && is_last_of_page(sql_text(s, 0), after))
				continue;
			if (bug_on(BUG_LIST_MISSING_RECENT) && recent_hides(sql_text(s, 0)))
				continue;
			if (bug_on(BUG_TOMBSTONE_FORGOTTEN_ON_RESTART) &&
			    tombstone_hides(sql_text(s, 0), sql_text(s, 3)))
				continue;
			if (strncmp(sql_text(s, 0), prefix, strlen(prefix)) != 0)
				break;
			more = json_array_size(entries) == limit;
			if (more)
				break;
			json_array_append_new(
				entries, json_pack("{s:s,s:I,s:s}", "key", sql_text(s, 0), "size",
						   (json_int_t)sqlite3_column_int64(s, 1), "tag",
						   sql_text(s, 2)));
		}
		sqlite3_reset(s);
		reader_give(sql);
	}
	*answer = json_pack("{s:o,s:b}", "entries", entries, "more", more);
	return code < SQLITE_ROW ? 503 : 200;
}

int store_under(const char *live, int want, int limit, json_t **answer)
{
	struct sql *sql = reader_take();
	json_t *entries = json_array();
	json_int_t count = 0;
	int code = SQLITE_ERROR;

	if (sql) {
		sqlite3_stmt *s = sql_start(sql, SQL_UNDER_COUNT, 1, live);
		sqlite3_bind_int(s, 2, want);
		code = sqlite3_step(s);
		count = sqlite3_column_int64(s, 0);
		sqlite3_reset(s);
	}
	if (count && limit && code == SQLITE_ROW) {
		sqlite3_stmt *s = sql_start(sql, SQL_UNDER, 1, live);
		sqlite3_bind_int(s, 2, want);
		sqlite3_bind_int(s, 3, limit);
		while ((code = sqlite3_step(s)) == SQLITE_ROW)
			json_array_append_new(
				entries, json_pack("{s:s,s:s,s:I,s:s,s:s}", "key", sql_text(s, 0),
						   "chunk", sql_text(s, 1), "size",
						   (json_int_t)sqlite3_column_int64(s, 2), "tag",
						   sql_text(s, 3), "replicas", sql_text(s, 4)));
		sqlite3_reset(s);
	}
	if (sql)
		reader_give(sql);
	*answer = json_pack("{s:I,s:o}", "count", count, "entries", entries);
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
