/* oracle_read.c - one answer about one key: GET, HEAD, Range, and what LIST says of it. */
#include "runner/oracle_internal.h"

#include <stdio.h>
#include <string.h>

#include "runner/body.h"

static const char *verb_names[VERB_COUNT] = {"put", "get", "head", "range", "delete", "list"};

static const char *verb_of(const struct reading *r)
{
	return verb_names[r->intent->verb];
}

/* What a byte-level finding is called. A slice that is whole but not the one asked for is a wrong
 * range, whatever it looks like from inside. */
static enum violation_code mark_code(const struct reading *r)
{
	static const enum violation_code codes[] = {
		[BODY_CORRUPT] = CORRUPT,     [BODY_TORN] = TORN,
		[BODY_ZERO_FILL] = ZERO_FILL, [BODY_TRUNCATED] = TRUNCATED,
		[BODY_EXTENDED] = EXTENDED,   [BODY_MISPLACED] = MISPLACED,
		[BODY_CROSS_KEY] = CROSS_KEY, [BODY_PHANTOM] = PHANTOM,
	};
	int mark = r->outcome->mark;

	if (mark < 0 || mark >= (int)(sizeof(codes) / sizeof(codes[0])))
		return CORRUPT;
	if (r->intent->verb == VERB_RANGE &&
	    (mark == BODY_TRUNCATED || mark == BODY_EXTENDED || mark == BODY_MISPLACED))
		return WRONG_RANGE;
	return codes[mark];
}

/* The write of v, in a witness's words. */
static const char *describe(const struct value *v, char *text, size_t size)
{
	const char *state = v->acked                ? "acknowledged"
			    : v->failed             ? "definitely failed"
			    : v->first_end != NEVER ? "seen by a read"
						    : "outcome unknown";

	if (!v->write_op)
		snprintf(text, size, "the state before the first write");
	else if (!v->generation)
		snprintf(text, size, "the delete of operation %llu (%s)",
			 (unsigned long long)v->write_op, state);
	else
		snprintf(text, size, "generation %llu, put by operation %llu (%s)",
			 (unsigned long long)v->generation, (unsigned long long)v->write_op, state);
	return text;
}

enum violation_code superseded(struct reading *r, const struct value *v,
			       const struct value *against, enum violation_code name)
{
	char old[128], newer[128];
	enum violation_code code = name;

	if (code == VIOLATION_NONE)
		code = !against->generation                        ? RESURRECTED_DELETE
		       : against->acked || against->last_read == 0 ? LOST_WRITE
								   : NON_MONOTONIC;
	return oracle_find(r, code, v, against, "%s %s %s, but %s had taken its place before",
			   verb_of(r),
			   r->intent->verb == VERB_PUT ? "was accepted in place of" : "answered",
			   describe(v, old, sizeof(old)), describe(against, newer, sizeof(newer)));
}

static enum violation_code judge_value(struct reading *r, struct value *v,
				       enum violation_code stale)
{
	const struct value *against;
	char text[128];

	if (v->failed)
		return oracle_find(r, ABORTED_READ, v, NULL, "%s answered %s", verb_of(r),
				   describe(v, text, sizeof(text)));
	if (v->begin > r->end)
		return oracle_find(r, FUTURE_READ, v, NULL, "%s answered %s before it was sent",
				   verb_of(r), describe(v, text, sizeof(text)));
	if (!value_possible(r->key, v, r->begin, r->end, &against))
		return superseded(r, v, against, stale);
	value_seen(v, r->outcome->op, r->begin, r->end);
	return VIOLATION_NONE;
}

/* Told size and tag against those of the generation that the bytes are. */
static enum violation_code judge_told(struct reading *r, const struct value *v)
{
	const struct ledger_outcome *o = r->outcome;

	if (o->size != v->size)
		return oracle_find(
			r, r->intent->verb == VERB_RANGE ? WRONG_RANGE : HEAD_GET_MISMATCH, v, NULL,
			"%s told a size of %llu for generation %llu of %llu bytes", verb_of(r),
			(unsigned long long)o->size, (unsigned long long)v->generation,
			(unsigned long long)v->size);
	if (o->tag[0] && (r->oracle->can & CAN_TAG_XXH3) && strcmp(o->tag, v->tag) != 0)
		return oracle_find(r, HEAD_GET_MISMATCH, v, NULL,
				   "%s told the tag %s for generation %llu, whose tag is %s",
				   verb_of(r), o->tag, (unsigned long long)v->generation, v->tag);
	return VIOLATION_NONE;
}

/* A Range answer: does it hold the bytes that were asked for, of a whole of the told size? */
static enum violation_code judge_range(struct reading *r)
{
	const struct ledger_outcome *o = r->outcome;
	const struct ledger_intent *i = r->intent;
	uint64_t last = i->length ? i->offset + i->length - 1 : NEVER;

	if (o->size && last > o->size - 1)
		last = o->size - 1;
	if (o->first == i->offset && o->last == last)
		return VIOLATION_NONE;
	/* The whole object instead of a part of it is a legal answer. */
	if (o->status == 200 && o->first == 0 && (!o->size || o->last == o->size - 1))
		return VIOLATION_NONE;
	return oracle_find(r, WRONG_RANGE, NULL, NULL,
			   "range asked for bytes %llu to %llu of %llu and was given %llu to %llu",
			   (unsigned long long)i->offset, (unsigned long long)last,
			   (unsigned long long)o->size, (unsigned long long)o->first,
			   (unsigned long long)o->last);
}

static bool facts_fit(const struct reading *r, const struct value *v, uint64_t size,
		      const char *tag)
{
	if (!v->generation || v->size != size)
		return false;
	return !tag[0] || !(r->oracle->can & CAN_TAG_XXH3) || !strcmp(tag, v->tag);
}

enum violation_code judge_facts(struct reading *r, const char *name, uint64_t size, const char *tag,
				enum violation_code none, enum violation_code stale)
{
	struct value *only = NULL, *newest = NULL;
	const struct value *against = NULL, *by;
	unsigned possible = 0;

	for (unsigned i = r->key->values; i-- > 0;) {
		struct value *v = &r->key->value[i];
		if (!facts_fit(r, v, size, tag) || v->begin > r->end)
			continue;
		if (value_possible(r->key, v, r->begin, r->end, &by)) {
			possible++;
			only = v;
		} else if (!newest) {
			newest = v;
			against = by;
		}
	}
	if (possible == 1)
		value_seen(only, r->outcome->op, r->begin, r->end);
	if (possible)
		return VIOLATION_NONE;
	if (newest && against)
		return superseded(r, newest, against, stale);
	if (newest)
		return judge_value(r, newest, VIOLATION_NONE);
	return oracle_find(r, none, NULL, NULL,
			   "%s told size %llu and tag \"%s\" for \"%s\", which no put ever sent%s",
			   verb_of(r), (unsigned long long)size, tag, name,
			   r->key->cut ? " since its history was compacted" : "");
}

enum violation_code judge_absent(struct reading *r)
{
	const struct value *against = NULL, *absence;
	char text[128];

	if (key_absence_possible(r->key, r->begin, r->end, &against, &absence))
		return VIOLATION_NONE;
	if (!against)
		return VIOLATION_NONE;
	return oracle_find(r, WRONG_404, absence, against,
			   "%s answered that there is nothing, but %s was there", verb_of(r),
			   describe(against, text, sizeof(text)));
}

/* 416: right when what was there may have been too short. */
static enum violation_code judge_unsatisfiable(struct reading *r)
{
	const struct value *against = NULL, *short_one = NULL, *by;

	for (unsigned i = r->key->values; i-- > 0;) {
		const struct value *v = &r->key->value[i];
		if (!v->generation || v->size > r->intent->offset)
			continue;
		if (value_possible(r->key, v, r->begin, r->end, &by))
			return VIOLATION_NONE;
		if (!short_one && by) {
			short_one = v;
			against = by;
		}
	}
	if (short_one)
		return superseded(r, short_one, against, VIOLATION_NONE);
	return oracle_find(
		r, WRONG_RANGE, NULL, NULL,
		"range from byte %llu was refused (416), but whatever was there is longer",
		(unsigned long long)r->intent->offset);
}

/* A generation from before the cut, and not the one that was there at the cut. */
static enum violation_code judge_forgotten(struct reading *r)
{
	const struct value *base = &r->key->value[0];
	char text[128];

	return oracle_find(r, base->generation ? LOST_WRITE : RESURRECTED_DELETE, NULL, base,
			   "%s answered generation %llu, but when its history was judged and "
			   "compacted, %s had taken its place",
			   verb_of(r), (unsigned long long)r->outcome->seen,
			   describe(base, text, sizeof(text)));
}

static enum violation_code judge_found(struct reading *r)
{
	enum violation_code code;

	if (r->intent->verb == VERB_RANGE && (code = judge_range(r)) != VIOLATION_NONE)
		return code;
	if (!r->outcome->seen) /* the bytes could not tell: HEAD, an empty body, a short slice */
		return judge_facts(r, r->key->name, r->outcome->size, r->outcome->tag,
				   r->intent->verb == VERB_RANGE ? WRONG_RANGE : HEAD_GET_MISMATCH,
				   VIOLATION_NONE);
	struct value *v = key_generation(r->key, r->outcome->seen);
	if (!v && r->outcome->seen <= r->key->cut_op)
		return judge_forgotten(r);
	if (!v)
		return oracle_find(r, PHANTOM, NULL, NULL,
				   "%s answered generation %llu, which was never sent", verb_of(r),
				   (unsigned long long)r->outcome->seen);
	if ((code = judge_told(r, v)) != VIOLATION_NONE)
		return code;
	return judge_value(r, v, VIOLATION_NONE);
}

enum violation_code judge_read(struct reading *r)
{
	switch (r->outcome->kind) {
	case OUTCOME_OK:
		if (r->outcome->mark)
			return oracle_find(r, mark_code(r), NULL, NULL,
					   "%s answered bytes that are not what was put: %s",
					   verb_of(r), violation_meaning(mark_code(r)));
		return judge_found(r);
	case OUTCOME_ABSENT:
		return judge_absent(r);
	case OUTCOME_GARBAGE:
		return oracle_find(r, CORRUPT, NULL, NULL,
				   "%s answered a success that can't be understood (status %d)",
				   verb_of(r), r->outcome->status);
	case OUTCOME_REFUSED:
		if (r->intent->verb == VERB_RANGE && r->outcome->status == 416)
			return judge_unsatisfiable(r);
		return VIOLATION_NONE;
	default:
		return VIOLATION_NONE;
	}
}
