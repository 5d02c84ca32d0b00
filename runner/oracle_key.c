/* oracle_key.c - keys and their values: what can have been there, see oracle_internal.h. */
#include "runner/oracle_internal.h"

#include <stdlib.h>
#include <string.h>

unsigned oracle_key_at(const struct oracle *oracle, const char *name)
{
	unsigned low = 0, high = oracle->keys;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		if (strcmp(oracle->key[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct value *value_room(struct key *key)
{
	if (key->values == key->room) {
		unsigned room = key->room ? key->room * 2 : 4;
		struct value *grown = realloc(key->value, room * sizeof(*grown));
		if (!grown)
			abort();
		key->value = grown;
		key->room = room;
	}
	struct value *v = &key->value[key->values++];
	*v = (struct value){.first_end = NEVER};
	return v;
}

static struct key *key_new(const char *name)
{
	struct key *key = calloc(1, sizeof(*key));

	if (!key || !(key->name = strdup(name)))
		abort();
	key->root = -1;
	/* Before the run nothing is there, and that is certain. */
	struct value *nothing = value_room(key);
	nothing->first_end = 0;
	nothing->acked = true;
	return key;
}

struct key *oracle_key(struct oracle *oracle, const char *name)
{
	unsigned at = oracle_key_at(oracle, name);

	if (at < oracle->keys && !strcmp(oracle->key[at]->name, name))
		return oracle->key[at];
	if (oracle->keys == oracle->room) {
		unsigned room = oracle->room ? oracle->room * 2 : 256;
		struct key **grown = realloc(oracle->key, room * sizeof(struct key *));
		if (!grown)
			abort();
		oracle->key = grown;
		oracle->room = room;
	}
	memmove(&oracle->key[at + 1], &oracle->key[at], (oracle->keys - at) * sizeof(struct key *));
	oracle->keys++;
	return oracle->key[at] = key_new(name);
}

unsigned key_add_value(struct key *key, const struct ledger_intent *intent)
{
	struct value *v = value_room(key);

	v->generation = intent->generation;
	v->size = intent->size;
	memcpy(v->tag, intent->tag, sizeof(v->tag) - 1);
	v->write_op = intent->op;
	v->begin = v->last_begin = intent->inv_seq;
	v->last_begin_op = intent->op;
	v->twice = intent->again;
	return key->values - 1;
}

bool value_resolved(const struct value *v)
{
	return v->ambiguous && v->last_read;
}

struct value *key_generation(struct key *key, uint64_t generation)
{
	for (unsigned i = key->values; i-- > 0;)
		if (key->value[i].generation == generation)
			return &key->value[i];
	return NULL;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The zone test of v, extended by a reading of [begin, end], against every other value. Absences
 * can stand for each other, so none of them forbids another. */
static bool forbidden(const struct key *key, const struct value *v, uint64_t first_end,
		      uint64_t last_begin, const struct value **against)
{
	for (unsigned i = key->values; i-- > 0;) {
		const struct value *w = &key->value[i];
		if (w == v || w->failed || (!v->generation && !w->generation))
			continue;
		if (first_end < w->last_begin && w->first_end < last_begin) {
			*against = w;
			return true;
		}
	}
	return false;
}

bool value_possible(const struct key *key, const struct value *v, uint64_t begin, uint64_t end,
		    const struct value **against)
{
	*against = NULL;
	if (v->failed || v->begin > end)
		return false;
	uint64_t first_end = v->twice ? NEVER : least(v->first_end, end);
	return !forbidden(key, v, first_end, most(v->last_begin, begin), against);
}

bool key_absence_possible(const struct key *key, uint64_t begin, uint64_t end,
			  const struct value **against, const struct value **absence)
{
	*absence = NULL;
	/* The newest absence is the one that a witness should speak of. */
	for (unsigned i = key->values; i-- > 0;) {
		const struct value *v = &key->value[i], *by;
		if (v->generation)
			continue;
		/* An answer of absence can come from any of them, so it extends none for good. */
		if (value_possible(key, v, begin, end, &by))
			return true;
		if (!*absence && by) {
			*absence = v;
			*against = by;
		}
	}
	/* Of a key that goes on from a cut the absence before its first write is forgotten. */
	if (!*absence && key->value[0].generation)
		*against = &key->value[0];
	return false;
}

void value_seen(struct value *v, uint64_t op, uint64_t begin, uint64_t end)
{
	if (!v->twice && end < v->first_end) {
		v->first_end = end;
		v->first_end_op = op;
	}
	if (begin > v->last_begin) {
		v->last_begin = begin;
		v->last_begin_op = op;
	}
	v->last_read = most(v->last_read, begin);
}
