/* oracle.c - the feed: what was asked, what was answered; see oracle.h. */
#include "runner/oracle_internal.h"

#include <stdlib.h>
#include <string.h>

struct oracle *oracle_open(uint32_t can)
{
	struct oracle *oracle = calloc(1, sizeof(*oracle));

	if (oracle)
		oracle->can = can;
	return oracle;
}

void oracle_list_lag(struct oracle *oracle, int64_t ns)
{
	oracle->list_lag_ns = ns;
}

void oracle_close(struct oracle *oracle)
{
	if (!oracle)
		return;
	for (unsigned i = 0; i < oracle->keys; i++) {
		free(oracle->key[i]->name);
		free(oracle->key[i]->value);
		free(oracle->key[i]);
	}
	for (unsigned i = 0; i < oracle->pendings; i++)
		free(oracle->pending[i].name);
	for (unsigned i = 0; i < oracle->findings; i++)
		free(oracle->finding[i].key_name);
	free(oracle->key);
	free(oracle->pending);
	free(oracle->finding);
	free(oracle);
}

static struct pending *pending_room(struct oracle *oracle)
{
	if (oracle->pendings == oracle->pending_room) {
		unsigned room = oracle->pending_room ? oracle->pending_room * 2 : 64;
		struct pending *grown = realloc(oracle->pending, room * sizeof(*grown));
		if (!grown)
			abort();
		oracle->pending = grown;
		oracle->pending_room = room;
	}
	return &oracle->pending[oracle->pendings++];
}

void oracle_invoke(struct oracle *oracle, const struct ledger_intent *intent)
{
	struct pending *p = pending_room(oracle);

	*p = (struct pending){.intent = *intent, .name = strdup(intent->key)};
	if (!p->name)
		abort();
	p->intent.key = p->name;
	if (intent->verb == VERB_LIST)
		return;
	p->key = oracle_key(oracle, intent->key);
	if (intent->verb != VERB_PUT && intent->verb != VERB_DELETE)
		return;
	p->value = key_add_value(p->key, intent);
	p->key->writing++;
}

void oracle_again(struct oracle *oracle, uint64_t op)
{
	unsigned i = oracle->pendings;

	while (i > 0 && oracle->pending[i - 1].intent.op != op)
		i--;
	if (i-- == 0)
		return;
	struct value *v = &oracle->pending[i].key->value[oracle->pending[i].value];
	v->twice = true;
	v->first_end = NEVER;
}

/* A mutation came back: what is certain about its value from now on? */
static void settle_write(struct value *v, const struct ledger_outcome *o)
{
	v->failed = false;
	v->twice |= o->sends > 1;
	if (v->twice)
		v->first_end = NEVER; /* another sending can still land */
	switch (o->kind) {
	case OUTCOME_OK:
	case OUTCOME_ABSENT: /* a delete of nothing leaves nothing */
		v->acked = true;
		if (!v->twice && o->res_seq < v->first_end) {
			v->first_end = o->res_seq;
			v->first_end_op = v->write_op;
		}
		break;
	case OUTCOME_REFUSED:
	case OUTCOME_NOT_APPLIED:
		v->failed = !v->twice;
		break;
	default:
		v->ambiguous = true;
	}
}

/* It has been written to, or nobody knows. */
static void note_written(struct key *key, const struct ledger_outcome *o)
{
	bool known = o->sends <= 1 && o->kind != OUTCOME_AMBIGUOUS && o->kind != OUTCOME_GARBAGE;
	int64_t ns = known ? o->res_ns : NEVER_NS;

	key->writing--;
	if (ns > key->written_ns)
		key->written_ns = ns;
}

static enum violation_code judge_write(struct reading *r, struct value *v)
{
	const struct ledger_outcome *o = r->outcome;
	enum violation_code code = VIOLATION_NONE;

	if (o->kind == OUTCOME_GARBAGE)
		code = oracle_find(
			r, BAD_ACK, v, NULL,
			"a mutation was answered with a success that can't be understood");
	else if (r->intent->verb == VERB_PUT && o->kind == OUTCOME_OK && o->tag[0] &&
		 (r->oracle->can & CAN_TAG_XXH3) && strcmp(o->tag, r->intent->tag) != 0)
		code = oracle_find(r, BAD_ACK, v, NULL,
				   "put was acknowledged with the tag %s, but the body's is %s",
				   o->tag, r->intent->tag);
	else if (r->intent->verb == VERB_DELETE && o->kind == OUTCOME_ABSENT && o->sends <= 1 &&
		 (r->oracle->can & CAN_DELETE_TELLS)) {
		v->failed = true; /* what it found can't be its own doing */
		code = judge_absent(r);
	}
	settle_write(v, o);
	note_written(r->key, o);
	return code != VIOLATION_NONE ? code : judge_condition(r, v);
}

static bool is_evidence(const struct ledger_intent *i, const struct ledger_outcome *o)
{
	if (o->kind == OUTCOME_OK || o->kind == OUTCOME_ABSENT)
		return true;
	if (o->kind != OUTCOME_REFUSED)
		return false;
	return i->verb == VERB_RANGE ? o->status == 416 : i->condition[0] && o->status == 412;
}

static void count_return(struct oracle *oracle, const struct ledger_intent *i,
			 const struct ledger_outcome *o, enum violation_code code)
{
	bool mutation = i->verb == VERB_PUT || i->verb == VERB_DELETE;

	oracle->count.ops[i->verb]++;
	oracle->count.outcome[o->kind]++;
	if (is_evidence(i, o) && code == VIOLATION_NONE)
		oracle->count.verified[i->verb]++;
	if (mutation && (o->kind == OUTCOME_OK || o->kind == OUTCOME_ABSENT))
		oracle->count.acks++;
}

/* Ambiguous writes that a read has shown to have happened. */
static uint64_t count_resolved(const struct oracle *oracle)
{
	uint64_t n = oracle->resolved;

	for (unsigned i = 0; i < oracle->keys; i++)
		for (unsigned j = 0; j < oracle->key[i]->values; j++)
			n += value_resolved(&oracle->key[i]->value[j]);
	return n;
}

enum violation_code oracle_return(struct oracle *oracle, const struct ledger_outcome *outcome,
				  const char *entries, const char *after, const char *last,
				  bool more)
{
	enum violation_code code;
	unsigned i = oracle->pendings;

	/* From the newest: in front are those that were never answered. */
	while (i > 0 && oracle->pending[i - 1].intent.op != outcome->op)
		i--;
	if (i-- == 0)
		return VIOLATION_NONE;
	struct pending p = oracle->pending[i];
	oracle->pending[i] = oracle->pending[--oracle->pendings];

	struct reading r = {oracle, p.key, &p.intent, outcome, p.intent.inv_seq, outcome->res_seq};
	if (p.intent.verb == VERB_LIST)
		code = judge_list(oracle, &p.intent, outcome, entries, after, last, more);
	else if (p.intent.verb == VERB_PUT || p.intent.verb == VERB_DELETE)
		code = judge_write(&r, &p.key->value[p.value]);
	else
		code = judge_read(&r);
	count_return(oracle, &p.intent, outcome, code);
	free(p.name);
	return code;
}

void oracle_finish(struct oracle *oracle)
{
	oracle_settle(oracle);
	oracle->count.ambiguous_resolved = count_resolved(oracle);
}

void oracle_count(const struct oracle *oracle, struct oracle_count *out)
{
	*out = oracle->count;
}

int oracle_violations(const struct oracle *oracle, int (*each)(void *, const struct violation *),
		      void *arg)
{
	for (int code = VIOLATION_NONE + 1; code < VIOLATION_COUNT; code++)
		for (unsigned i = 0; i < oracle->findings; i++) {
			if (oracle->finding[i].violation.code != (enum violation_code)code)
				continue;
			int stop = each(arg, &oracle->finding[i].violation);
			if (stop)
				return stop;
		}
	return 0;
}

int oracle_keys(const struct oracle *oracle, int (*each)(void *, const char *key, bool present),
		void *arg)
{
	const struct value *against;

	for (unsigned i = 0; i < oracle->keys; i++) {
		const struct key *key = oracle->key[i];
		bool present = false;
		for (unsigned j = 0; j < key->values && !present; j++)
			present =
				key->value[j].generation &&
				value_possible(key, &key->value[j], NEVER - 1, NEVER - 1, &against);
		int stop = each(arg, key->name, present);
		if (stop)
			return stop;
	}
	return 0;
}
