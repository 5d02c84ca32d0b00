/*
 * workload_empty.c - is there nothing yet where the objects of this run will be?
 *
 * Asked before the first operation of a run on a cluster that it did not make, and recorded nowhere:
 * what is found is another's, and neither the oracle's nor to be overwritten.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runner/operation.h"

enum { LIST_BYTES_MAX = 64 << 20, RETRY_MS = 100 };
static const int64_t ANSWER_NS = INT64_C(10000000000);

struct look {
	struct workload *w;
	struct client *client;
	char found[KEY_MAX];
};

static int keep_first(void *arg, const struct list_entry *entry)
{
	struct look *look = arg;

	snprintf(look->found, sizeof(look->found), "%s", entry->key);
	return 0;
}

static int ask(struct look *look, const char *prefix, int endpoint, struct why *why)
{
	const struct workload_options *o = &look->w->options;
	const struct op plain = {.verb = VERB_LIST, .prefix = prefix, .after = "", .limit = 1};
	struct driver_prefixed prefixed;
	const struct op *op = driver_prefix_op(&prefixed, &plain, o->prefix);
	struct fact fact = {.outcome = OUTCOME_NOT_APPLIED};
	struct client_result result;
	struct request request;
	char after[KEY_MAX];
	int r = o->driver->request(look->w->store, op, endpoint, &request, why);

	if (r)
		return r;
	client_send(look->client, &request, false, NULL, 0, LIST_BYTES_MAX, &result);
	if (result.reply.status)
		o->driver->reply(look->w->store, op, &result.reply, &fact, why);
	if (fact.outcome == OUTCOME_ABSENT)
		return 0;
	if (fact.outcome != OUTCOME_OK)
		return why_set(why, -EAGAIN,
			       "a listing of \"%s\" at %s was not answered (status %d)", op->prefix,
			       o->endpoint[endpoint], result.reply.status);
	r = driver_prefix_page(o->driver, look->w->store, op, "", &result.reply, keep_first, look,
			       after, sizeof(after), why);
	if (r)
		return r;
	return look->found[0] ? why_set(why, -ENOTEMPTY,
					"\"%s\" is in the store already: a run on a cluster that "
					"was started elsewhere wants a prefix under which there is "
					"nothing",
					look->found)
			      : 0;
}

/* Again until it answers: it may still be on its way up. */
static int ask_until(struct look *look, const char *prefix, struct why *why)
{
	const struct timespec wait = {0, RETRY_MS * 1000000};
	int64_t deadline_ns = process_now_ns() + ANSWER_NS;
	int endpoint = 0, r;

	while ((r = ask(look, prefix, endpoint, why)) == -EAGAIN &&
	       process_now_ns() < deadline_ns) {
		endpoint = (endpoint + 1) % look->w->options.endpoints;
		nanosleep(&wait, NULL);
	}
	return r;
}

int workload_empty(struct workload *w, struct why *why)
{
	struct look look = {.w = w};
	char prefix[KEY_MAX];
	int r = client_open(&look.client, w->options.client_address,
			    w->options.plan->store.timeout_ns, why);

	if (r)
		return r;
	if (w->options.driver->can & CAN_LIST_DEEP) {
		r = ask_until(&look, "", why);
	} else {
		r = ask_until(&look, "probe/", why);
		for (unsigned i = 0; i < w->keyspace.shards && r == 0; i++) {
			snprintf(prefix, sizeof(prefix), "k/%u/", i);
			r = ask_until(&look, prefix, why);
		}
	}
	client_close(look.client);
	return r;
}
