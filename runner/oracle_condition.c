/*
 * oracle_condition.c - what a conditional put proves: it was accepted or refused (412) by what was
 * there.
 *
 * Accepted, it has seen what it wanted: a read of that value, or of nothing. And it took it away in
 * the same moment: of two that were accepted for one value, one is wrong, unless the value was there
 * twice. Refused, it has seen anything else.
 */
#include "runner/oracle_internal.h"

#include <string.h>

static bool wants_nothing(const struct reading *r)
{
	return strcmp(r->intent->condition, "*") == 0;
}

static bool has_tag(const struct reading *r, const struct value *v)
{
	return v->generation && !strcmp(v->tag, r->intent->condition);
}

/* Can this delete have come between two puts that overlap? */
static bool is_between(const struct value *d, const struct value *a, const struct value *b,
		       uint64_t b_end)
{
	uint64_t from = a->begin < b->begin ? a->begin : b->begin;

	if (d->generation || !d->write_op || d->failed)
		return false;
	return d->begin <= (a->first_end > b_end ? a->first_end : b_end) && d->first_end >= from;
}

static bool any_between(const struct key *key, const struct value *a, const struct value *b,
			uint64_t b_end)
{
	for (unsigned i = 0; i < key->values; i++)
		if (is_between(&key->value[i], a, b, b_end))
			return true;
	return false;
}

/* Another put that found nothing at the same time, with nothing that took it away. */
static const struct value *find_twin(const struct reading *r, const struct value *v)
{
	for (unsigned i = r->key->values; i-- > 0;) {
		const struct value *w = &r->key->value[i];
		bool overlaps = w->first_end > v->begin && w->begin < r->end;
		if (w != v && w->created && !w->twice && overlaps &&
		    !any_between(r->key, w, v, r->end))
			return w;
	}
	return NULL;
}

static enum violation_code accepted_twice(struct reading *r, const struct value *v,
					  const struct value *other)
{
	if (!other)
		return VIOLATION_NONE;
	return oracle_find(
		r, WRONG_CONDITION, v, other,
		"two conditional puts were accepted in place of one thing: generation %llu, put by "
		"operation %llu, and generation %llu, put by operation %llu",
		(unsigned long long)other->generation, (unsigned long long)other->write_op,
		(unsigned long long)v->generation, (unsigned long long)v->write_op);
}

static enum violation_code judge_created(struct reading *r, struct value *v)
{
	enum violation_code code = judge_absent(r);
	const struct value *twin;

	if (code != VIOLATION_NONE)
		return code;
	twin = v->twice ? NULL : find_twin(r, v);
	v->created = true;
	return twin ? accepted_twice(r, v, twin) : VIOLATION_NONE;
}

/* What it wanted was not there at the cut any more, and nobody has put it since. */
static enum violation_code accepted_forgotten(struct reading *r)
{
	return oracle_find(
		r, WRONG_CONDITION, NULL, &r->key->value[0],
		"put was accepted in place of the tag %s, which nothing has had since its "
		"history was judged and compacted",
		r->intent->condition);
}

static enum violation_code judge_replaced(struct reading *r, struct value *v)
{
	const struct value *against = NULL, *by;
	struct value *wanted = NULL, *gone = NULL;
	unsigned named = 0, possible = 0;

	for (unsigned i = r->key->values; i-- > 0;) {
		struct value *w = &r->key->value[i];
		if (w == v || !has_tag(r, w) || w->begin > r->end)
			continue;
		named++;
		if (value_possible(r->key, w, r->begin, r->end, &by)) {
			possible++;
			wanted = w;
		} else if (!gone && by) {
			gone = w;
			against = by;
		}
	}
	if (!possible && gone)
		return superseded(r, gone, against, VIOLATION_NONE);
	if (!named && r->key->cut && (r->oracle->can & CAN_TAG_XXH3))
		return accepted_forgotten(r);
	if (possible != 1)
		return VIOLATION_NONE; /* a tag of several, or of nobody's we know */
	value_seen(wanted, r->outcome->op, r->begin, r->end);
	if (wanted->twice || v->twice)
		return VIOLATION_NONE;
	if (wanted->taken)
		return accepted_twice(r, v, key_generation(r->key, wanted->taken));
	wanted->taken = v->generation;
	return VIOLATION_NONE;
}

/* Can anything have been there that the condition does not want? */
static enum violation_code judge_refused(struct reading *r)
{
	bool nothing = wants_nothing(r);
	const struct value *by;

	for (unsigned i = r->key->values; i-- > 0;) {
		const struct value *w = &r->key->value[i];
		bool wanted = nothing ? !w->generation : has_tag(r, w);
		if (!wanted && value_possible(r->key, w, r->begin, r->end, &by))
			return VIOLATION_NONE;
	}
	return oracle_find(r, WRONG_CONDITION, NULL, NULL,
			   "put was refused (412) although its condition (%s) held all the time",
			   nothing ? "nothing is there" : r->intent->condition);
}

enum violation_code judge_condition(struct reading *r, struct value *v)
{
	if (!r->intent->condition[0])
		return VIOLATION_NONE;
	if (r->outcome->kind == OUTCOME_OK)
		return wants_nothing(r) ? judge_created(r, v) : judge_replaced(r, v);
	if (r->outcome->kind == OUTCOME_REFUSED && r->outcome->status == 412)
		return judge_refused(r);
	return VIOLATION_NONE;
}
