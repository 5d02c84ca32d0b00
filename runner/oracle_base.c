/* oracle_base.c - forgetting what was judged: a key goes on from a state; see oracle.h. */
#include <stdlib.h>
#include <string.h>

#include "runner/oracle_internal.h"

/* What the oracle knows of it, or as if it had been put at the last moment before the cut. */
static struct value value_at(const struct key *key, const struct oracle_base *base)
{
	uint64_t at = base->seq - 1;
	struct value v = {
		.generation = base->generation,
		.size = base->size,
		.write_op = base->op,
		.begin = at,
		.first_end = NEVER,
	};

	memcpy(v.tag, base->tag, sizeof(v.tag) - 1);
	for (unsigned i = 0; i < key->values; i++)
		if (key->value[i].generation == base->generation &&
		    (base->generation || key->value[i].write_op == base->op))
			v = key->value[i];
	if (at < v.first_end) {
		v.first_end = at;
		v.first_end_op = base->op;
	}
	if (at > v.last_begin) {
		v.last_begin = at;
		v.last_begin_op = base->op;
	}
	v.acked = true;
	v.failed = v.ambiguous = v.twice = false;
	return v;
}

static void shrink(struct key *key)
{
	struct value *less;

	if (key->room < 16 || key->values * 4 > key->room)
		return;
	less = realloc(key->value, key->values * 2 * sizeof(*less));
	if (!less)
		return;
	key->value = less;
	key->room = key->values * 2;
}

void oracle_base(struct oracle *oracle, const struct oracle_base *base)
{
	struct key *key = oracle_key(oracle, base->key);
	struct value first = value_at(key, base);
	unsigned kept = 1, gone;

	for (unsigned i = 1; i < key->values; i++) {
		if (key->value[i].begin >= base->seq)
			key->value[kept++] = key->value[i];
		else
			oracle->resolved += value_resolved(&key->value[i]);
	}
	gone = key->values - kept;
	key->value[0] = first;
	key->values = kept;
	key->cut = base->seq;
	key->cut_op = base->cut_op;
	for (unsigned i = 0; i < oracle->pendings; i++)
		if (oracle->pending[i].key == key && oracle->pending[i].value >= gone)
			oracle->pending[i].value -= gone;
	shrink(key);
}

uint64_t oracle_oldest(const struct oracle *oracle, uint64_t first_op)
{
	uint64_t oldest = NEVER;

	for (unsigned i = 0; i < oracle->pendings; i++) {
		const struct ledger_intent *intent = &oracle->pending[i].intent;
		if (intent->op >= first_op && intent->inv_seq < oldest)
			oldest = intent->inv_seq;
	}
	return oldest;
}
