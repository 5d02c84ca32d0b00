/*
 * workload_sweep.c - the last look: every key that was ever written, and every listing.
 *
 * Ordinary reads, recorded and judged as all others; asked again until answered. What was lost
 * shows here at the latest, because nothing else runs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runner/operation.h"

enum { SWEEPERS = 8, RETRY_MS = 20, PAGE_LIMIT = 1000 };

struct sweep {
	struct workload *workload;
	int64_t deadline_ns;
	char **key;
	size_t keys, room;
	bool no_memory;
	_Atomic size_t next;
	_Atomic int unanswered, failed;
};

static int keep_key(void *arg, const char *key, bool present)
{
	struct sweep *sweep = arg;

	(void)present;
	if (sweep->keys == sweep->room) {
		size_t room = sweep->room ? sweep->room * 2 : 1024;
		char **grown = realloc(sweep->key, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		sweep->key = grown;
		sweep->room = room;
	}
	sweep->key[sweep->keys] = strdup(key);
	return sweep->key[sweep->keys++] ? 0 : -ENOMEM;
}

static void keep_keys(void *arg, struct oracle *oracle)
{
	struct sweep *sweep = arg;

	sweep->no_memory = oracle_keys(oracle, keep_key, sweep) < 0;
}

/* Asks until there is an answer, each endpoint in turn. False at the deadline or when failing. */
static bool ask(struct sweep *sweep, struct session *session, const struct op *op,
		struct answer *answer)
{
	const struct timespec wait = {0, RETRY_MS * 1000000};
	const struct workload_options *o = &sweep->workload->options;
	int endpoints = o->endpoints;

	for (unsigned turn = (unsigned)session->worker;; turn++) {
		int rc = session_do(session, op, (int)(turn % (unsigned)endpoints), 0, answer);

		if (rc < 0) {
			sweep->failed = rc;
			return false;
		}
		if (answer_is_final(answer))
			return true;
		if (process_now_ns() >= sweep->deadline_ns ||
		    (o->cancelled && o->cancelled(o->arg)))
			return false;
		nanosleep(&wait, NULL);
	}
}

static void list_all(struct sweep *sweep, struct session *session, const char *prefix)
{
	char after[KEY_MAX] = "";
	struct op op = {.verb = VERB_LIST, .prefix = prefix, .after = after, .limit = PAGE_LIMIT};
	struct answer answer;

	do {
		if (!ask(sweep, session, &op, &answer)) {
			sweep->unanswered++;
			return;
		}
		if (strcmp(answer.after, after) <=
		    0) /* the end, or a listing that runs in circles */
			return;
		strcpy(after, answer.after);
	} while (answer.outcome == OUTCOME_OK);
}

static void list_everything(struct sweep *sweep, struct session *session)
{
	const struct workload *w = sweep->workload;
	char prefix[KEY_MAX];

	if (w->options.driver->can & CAN_LIST_DEEP) {
		list_all(sweep, session, "");
		return;
	}
	for (unsigned i = 0; i < w->keyspace.shards && !sweep->failed; i++) {
		snprintf(prefix, sizeof(prefix), "k/%u/", i);
		list_all(sweep, session, prefix);
	}
	list_all(sweep, session, "probe/");
}

struct sweeper {
	struct sweep *sweep;
	struct session session;
	pthread_t thread;
	bool running;
};

static void *sweep_keys(void *arg)
{
	struct sweeper *sweeper = arg;
	struct sweep *sweep = sweeper->sweep;
	struct answer answer;
	size_t i;

	while (!sweep->failed && (i = sweep->next++) < sweep->keys) {
		const struct op op = {.verb = VERB_GET, .key = sweep->key[i]};

		if (!ask(sweep, &sweeper->session, &op, &answer))
			sweep->unanswered++;
	}
	return NULL;
}

static int run_sweepers(struct sweep *sweep, struct why *why)
{
	struct sweeper sweeper[SWEEPERS] = {0};
	int first = (int)sweep->workload->options.plan->workload.workers, rc = 0;

	for (int i = 0; i < SWEEPERS && rc == 0; i++) {
		sweeper[i].sweep = sweep;
		rc = session_open(&sweeper[i].session, sweep->workload, first + i, why);
		if (rc == 0) {
			rc = -pthread_create(&sweeper[i].thread, NULL, sweep_keys, &sweeper[i]);
			sweeper[i].running = rc == 0;
			if (rc < 0)
				why_set(why, rc, "no thread for the sweep");
		}
	}
	if (rc < 0)
		sweep->failed = rc;
	for (int i = 0; i < SWEEPERS; i++)
		if (sweeper[i].running)
			pthread_join(sweeper[i].thread, NULL);
	if (!sweep->failed)
		list_everything(sweep, &sweeper[0].session);
	for (int i = 0; i < SWEEPERS; i++)
		if (sweeper[i].session.body)
			session_close(&sweeper[i].session);
	return rc;
}

int workload_sweep(struct workload *w, int64_t deadline_ns, struct why *why)
{
	struct sweep sweep = {.workload = w, .deadline_ns = deadline_ns};
	int rc;

	workload_oracle(w, keep_keys, &sweep);
	if (sweep.no_memory)
		rc = why_set(why, -ENOMEM, "no memory for the keys of the sweep");
	else
		rc = run_sweepers(&sweep, why);
	if (rc == 0 && sweep.failed)
		rc = workload_error(w, why);
	for (size_t i = 0; i < sweep.keys; i++)
		free(sweep.key[i]);
	free(sweep.key);
	return rc < 0 ? rc : sweep.unanswered;
}
