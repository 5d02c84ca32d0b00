/*
 * worker.c - what one worker does next: by weights, among its shard's keys and, to read, everybody's.
 *
 * Every choice comes from the worker's own random stream. What can't be done (nothing to overwrite
 * yet, no room for more) becomes the operation that helps.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "runner/operation.h"
#include "runner/seed.h"

enum { PAGES_MAX = 8, BACKOFF_MS_MAX = 100, TELLING_SIZE = 16 };

static unsigned own_number(const struct worker *worker)
{
	return (unsigned)worker->session.worker % worker->session.workload->keyspace.shards;
}

static struct shard *own_shard(const struct worker *worker)
{
	return &worker->session.workload->keyspace.shard[own_number(worker)];
}

static int next_endpoint(struct worker *worker)
{
	const struct workload_options *o = &worker->session.workload->options;
	unsigned id = (unsigned)worker->session.worker;

	if (o->plan->workload.endpoint == ENDPOINT_PIN)
		return (int)(id % (unsigned)o->endpoints);
	return (int)((id + worker->turn++) % (unsigned)o->endpoints);
}

/* One operation, and a breath when the store is not able: nobody spins on a node that refuses. */
static int operate(struct worker *worker, const struct op *op, uint64_t size, struct answer *answer)
{
	struct session *s = &worker->session;
	int rc = session_do(s, op, next_endpoint(worker), size, answer);

	if (rc < 0)
		return rc;
	if (answer_is_final(answer)) {
		worker->failures = 0;
		return 0;
	}
	int64_t ms = worker->failures < 5 ? INT64_C(4) << worker->failures : BACKOFF_MS_MAX;
	if (ms < answer->retry_after_ms)
		ms = answer->retry_after_ms;
	worker->failures++;
	workload_pause(s->workload, (ms < BACKOFF_MS_MAX ? ms : BACKOFF_MS_MAX) * 1000000);
	return 0;
}

/* tag: of what it is to replace, "*" for nothing; NULL: whatever there is. */
static int put(struct worker *worker, int slot, const char *tag)
{
	struct shard *shard = own_shard(worker);
	uint64_t size = keyspace_size(&worker->session.workload->keyspace, &worker->random);
	struct answer answer;
	char key[KEY_MAX];

	keyspace_name(own_number(worker), (unsigned)slot, key, sizeof(key));
	const struct op op = {.verb = VERB_PUT, .key = key, .tag = tag};
	int rc = operate(worker, &op, size, &answer);
	if (rc == 0 && (answer.outcome == OUTCOME_OK || answer.outcome == OUTCOME_AMBIGUOUS))
		shard_put(shard, slot, size);
	return rc;
}

static int delete_one(struct worker *worker)
{
	struct workload *w = worker->session.workload;
	struct shard *shard = own_shard(worker);
	int slot = shard_pick_live(&w->keyspace, shard, &worker->random);
	struct answer answer;
	char key[KEY_MAX];

	if (slot == KEY_NONE) {
		slot = shard_pick_new(shard, &worker->random);
		return slot == KEY_NONE ? 0 : put(worker, slot, NULL);
	}
	keyspace_name(own_number(worker), (unsigned)slot, key, sizeof(key));
	const struct op op = {.verb = VERB_DELETE, .key = key};
	int rc = operate(worker, &op, 0, &answer);
	if (rc == 0 && (answer.outcome == OUTCOME_OK || answer.outcome == OUTCOME_ABSENT))
		shard_delete(shard, slot);
	return rc;
}

static int put_new(struct worker *worker)
{
	int slot = shard_pick_new(own_shard(worker), &worker->random);

	return slot == KEY_NONE ? delete_one(worker) : put(worker, slot, NULL);
}

static int overwrite(struct worker *worker)
{
	struct shard *shard = own_shard(worker);
	const struct keyspace *keyspace = &worker->session.workload->keyspace;

	if (shard->bytes >= shard->bytes_max)
		return delete_one(worker);
	int slot = shard_pick_live(keyspace, shard, &worker->random);
	return slot == KEY_NONE ? put_new(worker) : put(worker, slot, NULL);
}

/* A put that wants nothing to be there: mostly there is nothing, or another creates it as well. */
static int create(struct worker *worker)
{
	const struct keyspace *keyspace = &worker->session.workload->keyspace;
	struct shard *shard = own_shard(worker);
	int slot = seed_below(&worker->random, 4)
			   ? shard_pick_new(shard, &worker->random)
			   : shard_pick_any(keyspace, shard, &worker->random);

	return slot == KEY_NONE ? delete_one(worker) : put(worker, slot, "*");
}

/* Looks what is there and puts something else in its place, unless another was faster. */
static int replace(struct worker *worker)
{
	const struct keyspace *keyspace = &worker->session.workload->keyspace;
	struct shard *shard = own_shard(worker);
	int slot = shard->bytes < shard->bytes_max
			   ? shard_pick_live(keyspace, shard, &worker->random)
			   : KEY_NONE;
	struct answer seen;
	char key[KEY_MAX];

	if (slot == KEY_NONE)
		return overwrite(worker);
	keyspace_name(own_number(worker), (unsigned)slot, key, sizeof(key));
	const struct op op = {.verb = VERB_HEAD, .key = key};
	int rc = operate(worker, &op, 0, &seen);
	if (rc < 0 || seen.outcome != OUTCOME_OK)
		return rc;
	/* Bodies that are too short to tell their generation share their tags. */
	return put(worker, slot, seen.size < TELLING_SIZE ? NULL : seen.tag);
}

/* Somewhere around the edges of blocks and of the object, now and then past its end. */
static void choose_range(struct worker *worker, uint64_t size, struct op *op)
{
	uint64_t *random = &worker->random;

	op->offset = size ? seed_below(random, size) : 0;
	op->length = 1 + seed_below(random, size ? size : 64);
	switch (seed_below(random, 8)) {
	case 0:
		op->length = 0;
		break;
	case 1:
		op->offset = 0;
		break;
	case 2:
	case 3:
		op->offset -= op->offset % BODY_BLOCK;
		op->length = (op->length / BODY_BLOCK + 1) * BODY_BLOCK;
		break;
	case 4:
		op->length = 1 + seed_below(random, 2 * BODY_BLOCK);
		break;
	case 5:
		if (seed_below(random, 8) == 0)
			op->offset = size + seed_below(random, 2);
		break;
	}
}

static int read_some(struct worker *worker, enum verb verb)
{
	struct workload *w = worker->session.workload;
	const struct keyspace *keyspace = &w->keyspace;
	unsigned owner = own_number(worker);
	struct answer answer;
	char key[KEY_MAX];

	if (seed_below(&worker->random, 2))
		owner = (unsigned)seed_below(&worker->random, keyspace->shards);
	const struct shard *shard = &keyspace->shard[owner];
	int slot = shard_pick_any(keyspace, shard, &worker->random);
	if (slot == KEY_NONE)
		return put_new(worker);
	keyspace_name(owner, (unsigned)slot, key, sizeof(key));
	struct op op = {.verb = verb, .key = key};
	if (verb == VERB_RANGE)
		choose_range(worker, atomic_load(&shard->slot[slot].size), &op);
	return operate(worker, &op, 0, &answer);
}

static void choose_prefix(struct worker *worker, char *prefix, size_t size)
{
	const struct workload *w = worker->session.workload;
	unsigned owner = (unsigned)seed_below(&worker->random, w->keyspace.shards);

	switch (seed_below(&worker->random, 8)) {
	case 0:
		if (w->options.driver->can & CAN_LIST_DEEP) {
			snprintf(prefix, size, "k/%u", owner);
			break;
		}
		/* fall through */
	case 1:
		snprintf(prefix, size, "k/%u/%u", owner, (unsigned)seed_below(&worker->random, 10));
		break;
	default:
		snprintf(prefix, size, "k/%u/", owner);
	}
}

static int list(struct worker *worker)
{
	static const uint32_t limits[] = {3, 20, 100, 1000};
	struct answer answer;
	char prefix[KEY_MAX], after[KEY_MAX] = "";
	int rc = 0;

	choose_prefix(worker, prefix, sizeof(prefix));
	struct op op = {.verb = VERB_LIST,
			.prefix = prefix,
			.after = after,
			.limit = limits[seed_below(&worker->random, 4)]};
	for (int page = 0; page < PAGES_MAX; page++) {
		rc = operate(worker, &op, 0, &answer);
		if (rc < 0 || answer.outcome != OUTCOME_OK || !answer.after[0] ||
		    answer.violation != VIOLATION_NONE)
			break;
		strcpy(after, answer.after);
	}
	return rc;
}

static int get(struct worker *worker)
{
	return read_some(worker, VERB_GET);
}

static int head(struct worker *worker)
{
	return read_some(worker, VERB_HEAD);
}

static int range(struct worker *worker)
{
	uint32_t can = worker->session.workload->options.driver->can;

	return read_some(worker, can & CAN_RANGE ? VERB_RANGE : VERB_GET);
}

static const struct {
	size_t weight; /* its place in plan_mix */
	int (*run)(struct worker *worker);
} operations[] = {
	{offsetof(struct plan_mix, put), put_new},
	{offsetof(struct plan_mix, overwrite), overwrite},
	{offsetof(struct plan_mix, get), get},
	{offsetof(struct plan_mix, head), head},
	{offsetof(struct plan_mix, range), range},
	{offsetof(struct plan_mix, delete_), delete_one},
	{offsetof(struct plan_mix, list), list},
	{offsetof(struct plan_mix, create), create},
	{offsetof(struct plan_mix, replace), replace},
};
enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]) };

static int64_t weight_of(const struct plan_mix *mix, int operation)
{
	return *(const int64_t *)((const char *)mix + operations[operation].weight);
}

static int operate_next(struct worker *worker)
{
	const struct plan_mix *mix = &worker->session.workload->options.plan->workload.mix;
	int64_t sum = 0, drawn;
	int which = 0;

	for (int i = 0; i < OPERATIONS; i++)
		sum += weight_of(mix, i);
	drawn = (int64_t)seed_below(&worker->random, (uint64_t)sum);
	while (drawn >= weight_of(mix, which))
		drawn -= weight_of(mix, which++);
	return operations[which].run(worker);
}

void *worker_run(void *arg)
{
	struct worker *worker = arg;
	struct workload *w = worker->session.workload;
	char name[64];

	snprintf(name, sizeof(name), "workload/worker%d", worker->session.worker);
	if (w->options.epoch > 1)
		snprintf(name, sizeof(name), "workload/epoch%llu/worker%d",
			 (unsigned long long)w->options.epoch, worker->session.worker);
	worker->random = seed_named(w->options.plan->run.seed, name);
	while (!atomic_load(&w->stopping) && operate_next(worker) == 0) {
		int64_t think_ns = w->options.plan->workload.think_ns + w->more_think_ns;

		if (think_ns)
			workload_pause(w, think_ns);
	}
	return NULL;
}
