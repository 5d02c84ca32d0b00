/* compact.c - the thread that makes the passes; see compact.h. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runner/check_ledger.h"
#include "runner/compact_impl.h"
#include "runner/memory.h"

enum {
	LOOK_MS = 100,
	REST_MS = 5000
}; /* a pass that could take little away is not soon repeated */

struct compactor {
	struct compact_options options;
	sqlite3 *db;
	pthread_t thread;
	_Atomic bool ending;
	int error; /* that ended it */
	struct why why;
};

static void pause_ms(const struct compactor *c, int ms)
{
	const struct timespec look = {0, LOOK_MS * 1000000};

	for (; ms > 0 && !atomic_load(&c->ending); ms -= LOOK_MS)
		nanosleep(&look, NULL);
}

static int64_t pragma(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *s = NULL;
	int64_t n = 0;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
		n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return n;
}

/* Now that the ledger is at its fullest, what is free was not needed since the last pass. */
static void give_back(struct compactor *c)
{
	int64_t free_pages = pragma(c->db, "PRAGMA freelist_count");

	if (free_pages > 1024 && free_pages > pragma(c->db, "PRAGMA page_count") / 4)
		ledger_vacuum(c->options.ledger);
}

static bool is_full(const struct compactor *c)
{
	return ledger_held(c->options.ledger) > c->options.operations_max;
}

static void *loop(void *arg)
{
	struct compactor *c = arg;

	while (!atomic_load(&c->ending)) {
		if (!is_full(c)) {
			pause_ms(c, LOOK_MS);
			continue;
		}
		give_back(c);
		c->error = compact_pass(c->db, &c->options, &c->ending, &c->why);
		if (c->error == -ECANCELED)
			c->error = 0;
		if (c->error)
			break;
		memory_give_back(); /* what the oracle has forgotten lies between what it keeps */
		pause_ms(c, REST_MS);
	}
	return NULL;
}

int compactor_open(struct compactor **out, const struct compact_options *options, struct why *why)
{
	struct compactor *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return why_set(why, -ENOMEM, "no memory for compaction");
	c->options = *options;
	rc = check_ledger_open(options->dir, &c->db, why);
	if (!rc) {
		/* Beside a run, not alone with a ledger: less memory. */
		sqlite3_exec(c->db, "PRAGMA cache_size = -8192", NULL, NULL, NULL);
		rc = -pthread_create(&c->thread, NULL, loop, c);
		if (rc)
			why_set(why, rc, "no thread for compaction: %s", strerror(-rc));
	}
	if (rc) {
		sqlite3_close(c->db);
		free(c);
		return rc;
	}
	*out = c;
	return 0;
}

int compactor_close(struct compactor *c, struct why *why)
{
	int error;

	if (!c)
		return 0;
	atomic_store(&c->ending, true);
	pthread_join(c->thread, NULL);
	sqlite3_close(c->db);
	error = c->error;
	if (error && why)
		*why = c->why;
	free(c);
	return error;
}
