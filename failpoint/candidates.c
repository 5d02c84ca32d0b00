/*
 * candidates.c - which rules could meet a hit at this site, in order of id? See core.h.
 *
 * What was found for a site is remembered with the version of the plane it was found at, and the
 * process it was found for: a fork is another process. Every publishing and retiring ends with
 * another version, so what is remembered under the current one is complete; whether a rule is in
 * force just now is asked at each meeting.
 *
 *     key   process, version    0: never written; version 0: being written
 *     rule  id and entry of each candidate, 0 ends the list
 *
 * Versions only go forward, so a key never comes back and a reader that finds the same one before
 * and after has read one whole list. Who finds a list being written does without.
 */
#include "failpoint/core.h"

enum { KEPT_MAX = 7, INDEX_BITS = 10, GATHER_MAX = 64 };

struct kept {
	alignas(64) _Atomic uint64_t key;
	_Atomic uint64_t rule[KEPT_MAX];
};

_Static_assert(RULE_MAX == 1 << INDEX_BITS, "an entry's index fits");

static struct kept kept[SITE_POINT + POINT_MAX];

/* ---- Asking each rule ---- */

static bool step_is_about(const struct rule *rule, const struct rule_step *step, uint32_t site)
{
	return match_site(rule, step, site) && match_process(rule, step);
}

static bool rule_is_about(const struct rule *rule, uint32_t site)
{
	for (unsigned s = 0; s < rule->steps && s < RULE_STEP_MAX; s++)
		if (step_is_about(rule, &rule->step[s], site) ||
		    (s > 0 && match_unless_site(&rule->step[s], site)))
			return true;
	return false;
}

static void insert(struct candidates *c, uint64_t id, uint32_t index)
{
	unsigned at = c->count;

	if (at == CANDIDATES_MAX && id >= c->id[CANDIDATES_MAX - 1])
		return;
	if (at == CANDIDATES_MAX)
		at--;
	else
		c->count++;
	for (; at > 0 && c->id[at - 1] > id; at--) {
		c->id[at] = c->id[at - 1];
		c->index[at] = c->index[at - 1];
	}
	c->id[at] = id;
	c->index[at] = (uint16_t)index;
}

/* Returns false when the rule went while it was looked at: another may have come in its place. An
 * entry that is being written will raise the site when it is done: it keeps it armed till then. */
static bool consider(struct candidates *c, uint32_t index, uint32_t site, uint64_t above)
{
	struct meeting look = {.entry = &core.rules[index]};
	enum rule_state state;
	uint64_t id;
	bool about;

	look.sequence = atomic_load_explicit(&look.entry->sequence, memory_order_acquire);
	id = atomic_load(&look.entry->id);
	if (look.sequence & 1) {
		c->writing = true;
		return false;
	}
	about = id > above && rule_is_about(&look.entry->rule, site);
	state = rule_state(index, id);
	if (state == RULE_GONE || !meeting_is_whole(&look))
		return false;
	if (about && state != RULE_ENDED)
		insert(c, id, index);
	return true;
}

static bool gather_once(struct candidates *c, uint32_t site, uint64_t above)
{
	bool whole = true;

	c->count = 0;
	for (unsigned w = 0; w < RULE_MAX / 64; w++)
		for (uint64_t live = atomic_load(&core.head->live[w]); live; live &= live - 1)
			whole &= consider(c, w * 64 + (unsigned)__builtin_ctzll(live), site, above);
	return whole;
}

/* Bounded, since a broken plane may never be whole. */
static __attribute__((noinline)) void gather(struct candidates *c, uint32_t site, uint64_t above)
{
	for (unsigned attempt = 0; attempt < GATHER_MAX; attempt++)
		if (gather_once(c, site, above))
			return;
	c->writing = true;
}

/* ---- Remembering ---- */

static uint64_t key_at(uint32_t version)
{
	return (uint64_t)core.pid << 32 | version;
}

static bool recall(struct candidates *c, struct kept *k, uint64_t key)
{
	if (atomic_load_explicit(&k->key, memory_order_acquire) != key)
		return false;
	for (unsigned i = 0; i < KEPT_MAX; i++) {
		uint64_t rule = atomic_load_explicit(&k->rule[i], memory_order_relaxed);

		if (!rule)
			break;
		c->id[i] = rule >> INDEX_BITS;
		c->index[i] = rule & (RULE_MAX - 1);
		c->count = i + 1;
	}
	raw_load_barrier();
	if (atomic_load_explicit(&k->key, memory_order_relaxed) == key)
		return true;
	c->count = 0;
	return false;
}

/* May key be written over what is there? */
static bool is_newer(uint64_t key, uint64_t there)
{
	return key >> 32 != there >> 32 ||
	       ((uint32_t)there != 0 && (int32_t)((uint32_t)key - (uint32_t)there) > 0);
}

static void keep(const struct candidates *c, struct kept *k, uint64_t key)
{
	uint64_t there = atomic_load_explicit(&k->key, memory_order_relaxed);

	if (c->count > KEPT_MAX || c->writing || !is_newer(key, there) ||
	    !atomic_compare_exchange_strong(&k->key, &there, key_at(0)))
		return;
	for (unsigned i = 0; i < KEPT_MAX; i++)
		atomic_store_explicit(&k->rule[i],
				      i < c->count ? c->id[i] << INDEX_BITS | c->index[i] : 0,
				      memory_order_release);
	atomic_store_explicit(&k->key, key, memory_order_release);
}

void candidates_find(struct candidates *c, uint32_t site, uint64_t above)
{
	uint32_t version = atomic_load_explicit(&core.head->version, memory_order_acquire);
	struct kept *k = &kept[site];

	c->count = 0;
	c->writing = false;
	if (above == 0 && recall(c, k, key_at(version)))
		return;
	gather(c, site, above);
	if (above == 0)
		keep(c, k, key_at(version));
}
