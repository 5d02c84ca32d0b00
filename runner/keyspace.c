/* keyspace.c - see keyspace.h. */
#include "runner/keyspace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "runner/seed.h"

/* Out of 16 names these many need escaping in a URL, a query or JSON. */
static const char *const endings[16] = {
	[2] = "%41",      [3] = " a+b",   [6] = "\xc3\xa9",
	[9] = "?q=1&r#f", [12] = "~'(!)", [15] = "\"\\",
};

static uint64_t share(int64_t whole, int64_t parts, uint64_t least)
{
	uint64_t part = (uint64_t)(whole / parts);

	return part > least ? part : least;
}

int keyspace_init(struct keyspace *keyspace, const struct plan_workload *plan, struct why *why)
{
	int64_t shards = plan->workers / plan->writers_per_key;

	*keyspace = (struct keyspace){
		.shards = (unsigned)shards,
		.hot_share = plan->hot_share,
		.size_min = (uint64_t)plan->size_min,
		.size_max = (uint64_t)plan->size_max,
		.shard = calloc((size_t)shards, sizeof(struct shard)),
	};
	if (!keyspace->shard)
		return why_set(why, -ENOMEM, "no memory for the keys");
	for (unsigned i = 0; i < keyspace->shards; i++)
		pthread_mutex_init(&keyspace->shard[i].lock, NULL);
	for (unsigned i = 0; i < keyspace->shards; i++) {
		struct shard *s = &keyspace->shard[i];

		s->live_max = (unsigned)share(plan->objects_max, shards, 1);
		s->bytes_max = share(plan->live_bytes_max, shards, keyspace->size_max);
		s->live_low = (unsigned)((double)s->live_max * plan->low_mark);
		s->bytes_low = (uint64_t)((double)s->bytes_max * plan->low_mark);
		s->hot = (unsigned)share(plan->hot_keys, shards, 1);
		s->room = s->live_max + (unsigned)share(plan->deleted_max, shards, 1);
		s->slot = calloc(s->room, sizeof(*s->slot));
		if (!s->slot) {
			keyspace_fini(keyspace);
			return why_set(why, -ENOMEM, "no memory for %u keys", s->room);
		}
	}
	return 0;
}

void keyspace_fini(struct keyspace *keyspace)
{
	for (unsigned i = 0; keyspace->shard && i < keyspace->shards; i++) {
		pthread_mutex_destroy(&keyspace->shard[i].lock);
		free(keyspace->shard[i].slot);
	}
	free(keyspace->shard);
	keyspace->shard = NULL;
}

void keyspace_name(unsigned shard, unsigned number, char *to, size_t size)
{
	const char *ending = endings[number % 16];

	snprintf(to, size, "k/%u/%u%s", shard, number, ending ? ending : "");
}

static bool is_live(const struct shard *shard, unsigned slot)
{
	return atomic_load_explicit(&shard->slot[slot].state, memory_order_relaxed) == SLOT_LIVE;
}

/* A slot of this state, at random; by trying, then by walking from a random place. */
static int pick(const struct shard *shard, unsigned among, bool live, uint64_t *random)
{
	if (!among)
		return KEY_NONE;
	for (int i = 0; i < 8; i++) {
		unsigned slot = (unsigned)seed_below(random, among);

		if (is_live(shard, slot) == live)
			return (int)slot;
	}
	unsigned start = (unsigned)seed_below(random, among);
	for (unsigned i = 0; i < among; i++)
		if (is_live(shard, (start + i) % among) == live)
			return (int)((start + i) % among);
	return KEY_NONE;
}

/* How many slots to choose among: the hot ones, or all. */
static unsigned among(const struct keyspace *keyspace, const struct shard *shard, uint64_t *random)
{
	unsigned names = atomic_load_explicit(&shard->names, memory_order_relaxed);
	bool hot = (double)seed_below(random, 1 << 20) < keyspace->hot_share * (1 << 20);

	return hot && shard->hot < names ? shard->hot : names;
}

static bool is_full(struct shard *shard)
{
	if (shard->live >= shard->live_max || shard->bytes >= shard->bytes_max)
		shard->draining = true;
	else if (shard->live <= shard->live_low && shard->bytes <= shard->bytes_low)
		shard->draining = false;
	return shard->draining;
}

int shard_pick_new(struct shard *shard, uint64_t *random)
{
	unsigned names = atomic_load_explicit(&shard->names, memory_order_relaxed);

	if (is_full(shard))
		return KEY_NONE;
	/* A deleted key is worth putting again now and then: that is where the dead come back. */
	if (names == shard->room || (shard->live < names && seed_below(random, 4) == 0))
		return pick(shard, names, false, random);
	return (int)names;
}

int shard_pick_live(const struct keyspace *keyspace, const struct shard *shard, uint64_t *random)
{
	int slot = pick(shard, among(keyspace, shard, random), true, random);

	if (slot == KEY_NONE && shard->live)
		slot = pick(shard, atomic_load_explicit(&shard->names, memory_order_relaxed), true,
			    random);
	return slot;
}

int shard_pick_any(const struct keyspace *keyspace, const struct shard *shard, uint64_t *random)
{
	unsigned n = among(keyspace, shard, random);

	if (!n)
		return KEY_NONE;
	/* Mostly what is there; the others must stay away. */
	int slot = seed_below(random, 8) ? pick(shard, n, true, random) : KEY_NONE;
	return slot == KEY_NONE ? (int)seed_below(random, n) : slot;
}

void shard_put(struct shard *shard, int slot, uint64_t size)
{
	struct slot *s = &shard->slot[slot];
	uint64_t before = 0;

	pthread_mutex_lock(&shard->lock);
	if (is_live(shard, (unsigned)slot))
		before = atomic_load_explicit(&s->size, memory_order_relaxed);
	else
		shard->live++;
	shard->bytes += size - before;
	atomic_store_explicit(&s->size, size, memory_order_relaxed);
	atomic_store_explicit(&s->state, SLOT_LIVE, memory_order_relaxed);
	if ((unsigned)slot == atomic_load_explicit(&shard->names, memory_order_relaxed))
		atomic_store_explicit(&shard->names, (unsigned)slot + 1, memory_order_release);
	pthread_mutex_unlock(&shard->lock);
}

void shard_delete(struct shard *shard, int slot)
{
	struct slot *s = &shard->slot[slot];

	pthread_mutex_lock(&shard->lock);
	if (is_live(shard, (unsigned)slot)) {
		shard->live--;
		shard->bytes -= atomic_load_explicit(&s->size, memory_order_relaxed);
		atomic_store_explicit(&s->state, SLOT_DELETED, memory_order_relaxed);
	}
	pthread_mutex_unlock(&shard->lock);
}

void shard_restore(struct shard *shard, unsigned slot, bool live, uint64_t size)
{
	if (slot >= shard->room)
		return;
	if (slot >= atomic_load(&shard->names))
		atomic_store(&shard->names, slot + 1);
	if (live)
		shard_put(shard, (int)slot, size);
	else
		shard_delete(shard, (int)slot);
}

uint64_t keyspace_size(const struct keyspace *keyspace, uint64_t *random)
{
	static const uint64_t edges[] = {0, 1, 63, 64, 65, 4095, 4096, 4097, 65535, 65536, 65537};
	uint64_t least = keyspace->size_min, most = keyspace->size_max;
	uint64_t edge = edges[seed_below(random, sizeof(edges) / sizeof(edges[0]))];

	if (seed_below(random, 5) < 2 && edge >= least && edge <= most)
		return edge;
	/* Each power of two as likely as the next: small ones are many, large ones not missing. */
	uint64_t span = most - least + 1;
	unsigned bits = 64 - (unsigned)__builtin_clzll(span);
	uint64_t below = UINT64_C(1) << (1 + seed_below(random, bits));
	return least + seed_below(random, below < span ? below : span);
}
