/*
 * keyspace.h - which keys there are, who writes them, and how many there may be.
 *
 *     shard 3:   k/3/0   k/3/1   k/3/2%41   k/3/3 a+b ...
 *                hot --------->
 *                live    deleted  live        unsure
 *
 * A shard is written by one worker, or by as many as the plan wants on one key: worker w writes shard
 * w modulo the number of shards, Everybody may read
 * how many names a shard has and what is in a slot, as hints of what to ask for. A name follows from
 * shard and number alone.
 *
 * Bounds are marks: where objects or bytes reach the high one, nothing new is put and more is
 * deleted until they are below the low one; where deleted keys do, their names are used again. So a
 * run can go on for ever in constant memory.
 */
#ifndef RUNNER_KEYSPACE_H
#define RUNNER_KEYSPACE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failkit/why.h"
#include "runner/plan.h"

enum { KEY_NONE = -1 };

enum slot_state { SLOT_DELETED, SLOT_LIVE };

struct slot {
	_Atomic uint64_t size;
	_Atomic int state; /* enum slot_state; what is unsure counts as live */
};

struct shard {
	pthread_mutex_t lock; /* of its writers: one changes it at a time */
	struct slot *slot;
	_Atomic unsigned names; /* slots ever used */
	unsigned room, hot;     /* most slots; the first `hot` are the hot set */
	_Atomic unsigned live;
	_Atomic uint64_t bytes;
	unsigned live_max, live_low;
	uint64_t bytes_max, bytes_low;
	atomic_bool draining; /* a high mark was reached, the low ones are not yet */
};

struct keyspace {
	struct shard *shard;
	unsigned shards;
	double hot_share;
	uint64_t size_min, size_max;
};

int keyspace_init(struct keyspace *keyspace, const struct plan_workload *plan, struct why *why);
void keyspace_fini(struct keyspace *keyspace);

/* "k/SHARD/NUMBER", some with characters that need care. */
void keyspace_name(unsigned shard, unsigned number, char *to, size_t size);

/* By a writer of the shard. Slots, or KEY_NONE when there is none. */
int shard_pick_new(struct shard *shard, uint64_t *random);
int shard_pick_live(const struct keyspace *keyspace, const struct shard *shard, uint64_t *random);
void shard_put(struct shard *shard, int slot, uint64_t size); /* it is, or may be, there now */
void shard_delete(struct shard *shard, int slot);

/* Before anybody uses it: what a run that was cut has left in a slot. */
void shard_restore(struct shard *shard, unsigned slot, bool live, uint64_t size);

/* By anybody: a slot that has been used, live or not. */
int shard_pick_any(const struct keyspace *keyspace, const struct shard *shard, uint64_t *random);

/* A size within the bounds, often next to a boundary. */
uint64_t keyspace_size(const struct keyspace *keyspace, uint64_t *random);

#endif
