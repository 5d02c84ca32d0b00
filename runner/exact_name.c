/* exact_name.c - see exact_name.h. */
#include "runner/exact_name.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum observed { ANYTHING, NOTHING, SOMETHING, VALUE };
enum against { ANYBODY, A_CONDITION, A_DELETE, AN_ABSENCE, AN_ACK, A_READ };
enum { EITHER = -1 };

/* The first row that fits. */
static const struct naming {
	enum judge_reason reason; /* JUDGE_NO_REASON: any */
	enum observed observed;
	enum against against;
	int listed, again; /* 0, 1, EITHER */
	enum violation_code code;
} namings[] = {
	{JUDGE_UNWRITTEN, ANYTHING, ANYBODY, EITHER, EITHER, PHANTOM},
	{JUDGE_ABORTED, ANYTHING, ANYBODY, EITHER, EITHER, ABORTED_READ},
	{JUDGE_FUTURE, ANYTHING, ANYBODY, EITHER, EITHER, FUTURE_READ},
	{JUDGE_NO_REASON, ANYTHING, A_CONDITION, EITHER, EITHER, WRONG_CONDITION},
	{JUDGE_NO_REASON, NOTHING, ANYBODY, 1, EITHER, LIST_OMISSION},
	{JUDGE_NO_REASON, SOMETHING, ANYBODY, 1, EITHER, LIST_PHANTOM},
	{JUDGE_NO_REASON, VALUE, A_DELETE, 1, EITHER, LIST_PHANTOM},
	{JUDGE_NO_REASON, VALUE, ANYBODY, 1, EITHER, LIST_META},
	{JUDGE_NO_REASON, NOTHING, ANYBODY, 0, 1, WRONG_404},
	{JUDGE_NO_REASON, NOTHING, ANYBODY, 0, 0, LOST_WRITE},
	{JUDGE_NO_REASON, SOMETHING, ANYBODY, 0, EITHER, RESURRECTED_DELETE},
	{JUDGE_NO_REASON, VALUE, A_DELETE, 0, EITHER, RESURRECTED_DELETE},
	{JUDGE_NO_REASON, VALUE, AN_ABSENCE, 0, EITHER, WRONG_404},
	{JUDGE_NO_REASON, VALUE, AN_ACK, 0, 1, STALE_READ},
	{JUDGE_NO_REASON, VALUE, AN_ACK, 0, 0, LOST_WRITE},
	{JUDGE_NO_REASON, ANYTHING, ANYBODY, EITHER, EITHER, NON_MONOTONIC},
};

static const enum observed observes[JUDGE_KIND_COUNT] = {
	[JUDGE_TAKE] = SOMETHING,
	[JUDGE_READ] = VALUE,
	[JUDGE_ABSENT] = NOTHING,
	[JUDGE_PRESENT] = SOMETHING,
};

/* The operations that contradict each other, in order of their begin. */
struct witness {
	size_t at[JUDGE_WITNESS_MAX]; /* in the key's arrays */
	int count;
	size_t culprit;
};

static void witness_insert(struct witness *w, const struct evidence_key *key, size_t at)
{
	int i = w->count++;

	for (; i > 0 && key->op[w->at[i - 1]].inv > key->op[at].inv; i--)
		w->at[i] = w->at[i - 1];
	w->at[i] = at;
}

/* In a copy that was made to be judged, names are places. */
static size_t find_op(const struct evidence_key *key, uint64_t id)
{
	size_t i = id < key->count && key->op[id].id == id ? (size_t)id : 0;

	while (i + 1 < key->count && key->op[i].id != id)
		i++;
	return i;
}

/* When was value first certainly there, and last, as far as ops say that began before a moment? */
static void bounds(const struct evidence_key *key, uint64_t value, uint64_t before, uint64_t *first,
		   uint64_t *last)
{
	*first = JUDGE_NEVER;
	*last = 0;
	for (size_t i = 0; i < key->count; i++) {
		const struct judge_op *op = &key->op[i];
		if ((op->kind != JUDGE_PUT && op->kind != JUDGE_READ) || op->value != value ||
		    op->outcome == JUDGE_FAILED || op->inv >= before)
			continue;
		if (op->outcome == JUDGE_KNOWN && op->res < *first)
			*first = op->res;
		if (op->inv > *last)
			*last = op->inv;
	}
}

/* Had this value been there before the read, and what it answered been there before that? */
static bool superseded(const struct evidence_key *key, const struct judge_op *read, uint64_t value)
{
	uint64_t own_first, own_last, first, last;

	bounds(key, read->value, read->inv, &own_first, &own_last);
	bounds(key, value, read->inv, &first, &last);
	return value != read->value && first < read->inv && own_first < last;
}

static bool is_superseded(const struct evidence_key *key, const struct witness *w,
			  const struct judge_op *read)
{
	for (int i = 0; i < w->count; i++) {
		const struct judge_op *op = &key->op[w->at[i]];
		if ((op->kind == JUDGE_PUT || op->kind == JUDGE_READ) &&
		    superseded(key, read, op->value))
			return true;
	}
	return false;
}

/* The nothing that was read between two reads of a value; the first read of what had been replaced;
 * else the last observation. */
static void find_culprit(const struct evidence_key *key, enum judge_reason reason,
			 struct witness *w)
{
	for (int i = 0; i < w->count; i++) {
		const struct judge_op *op = &key->op[w->at[i]];
		if (reason == JUDGE_GONE ? op->kind == JUDGE_ABSENT
					 : observes[op->kind] != ANYTHING)
			w->culprit = w->at[i];
		if (op->kind == JUDGE_READ && reason != JUDGE_GONE && is_superseded(key, w, op))
			return;
	}
}

static void find_witness(const struct evidence_key *key, const struct judge_answer *a,
			 struct witness *w)
{
	w->count = 0;
	for (int i = 0; i < a->witnesses; i++)
		witness_insert(w, key, find_op(key, a->witness[i]));
	w->culprit = find_op(key, a->op);
	find_culprit(key, a->reason, w);
}

static bool any_delete(const struct evidence_key *key)
{
	for (size_t i = 0; i < key->count; i++)
		if ((key->op[i].kind == JUDGE_DELETE || key->op[i].kind == JUDGE_TAKE) &&
		    key->op[i].outcome != JUDGE_FAILED)
			return true;
	return false;
}

/* Was the put of this value acknowledged before the moment? */
static bool acknowledged(const struct evidence_key *key, uint64_t value, uint64_t before)
{
	for (size_t i = 0; i < key->count; i++)
		if (key->op[i].kind == JUDGE_PUT && key->op[i].value == value &&
		    key->op[i].outcome == JUDGE_KNOWN && key->op[i].res < before)
			return true;
	return false;
}

/* A compare-and-set among them, or what a refused one has seen. */
static bool is_about_condition(const struct evidence_key *key, const struct witness *w)
{
	bool any =
		key->op[w->culprit].kind == JUDGE_PRESENT && key->note[w->culprit].verb == VERB_PUT;

	for (int i = 0; i < w->count; i++)
		any |= key->op[w->at[i]].kind == JUDGE_CAS ||
		       key->op[w->at[i]].kind == JUDGE_UNEQUAL;
	return any;
}

static enum against find_against(const struct evidence_key *key, const struct witness *w)
{
	const struct judge_op *culprit = &key->op[w->culprit];
	enum against against = A_READ;

	if (is_about_condition(key, w))
		return A_CONDITION;
	for (int i = 0; i < w->count; i++) {
		const struct judge_op *op = &key->op[w->at[i]];
		if (op == culprit)
			continue;
		if (op->kind == JUDGE_DELETE || op->kind == JUDGE_TAKE)
			return A_DELETE;
		if (op->kind == JUDGE_ABSENT)
			return any_delete(key) ? A_DELETE : AN_ABSENCE;
		if ((op->kind == JUDGE_PUT || op->kind == JUDGE_READ) &&
		    op->value != culprit->value && acknowledged(key, op->value, culprit->inv))
			against = AN_ACK;
	}
	return against;
}

static int value_order(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Is some value seen after the culprit that had certainly been there before it? */
static bool came_back(const struct evidence_key *key, const struct judge_op *culprit)
{
	uint64_t *before = malloc((key->count + 1) * sizeof(*before));
	size_t count = 0;
	bool back = false;

	if (!before)
		return false;
	for (size_t i = 0; i < key->count; i++) {
		const struct judge_op *op = &key->op[i];
		if ((op->kind == JUDGE_PUT || op->kind == JUDGE_READ) &&
		    op->outcome == JUDGE_KNOWN && op->res < culprit->inv &&
		    op->value != culprit->value)
			before[count++] = op->value;
	}
	qsort(before, count, sizeof(*before), value_order);
	for (size_t i = 0; i < key->count && !back; i++) {
		const struct judge_op *op = &key->op[i];
		back = op->kind == JUDGE_READ && op->inv > culprit->res &&
		       bsearch(&op->value, before, count, sizeof(*before), value_order);
	}
	free(before);
	return back;
}

static enum violation_code find_code(const struct evidence_key *key, enum judge_reason reason,
				     const struct witness *w)
{
	const struct judge_op *culprit = &key->op[w->culprit];
	enum observed observed = observes[culprit->kind];
	enum against against = find_against(key, w);
	int listed = key->note[w->culprit].verb == VERB_LIST, again = came_back(key, culprit);
	const struct naming *n = namings;

	while ((n->reason != JUDGE_NO_REASON && n->reason != reason) ||
	       (n->observed != ANYTHING && n->observed != observed) ||
	       (n->against != ANYBODY && n->against != against) ||
	       (n->listed != EITHER && n->listed != listed) ||
	       (n->again != EITHER && n->again != again))
		n++;
	return n->code;
}

static const char *const verbs[VERB_COUNT] = {"put", "get", "head", "range", "delete", "list"};
static const char *const told[JUDGE_KIND_COUNT] = {
	[JUDGE_PUT] = "of generation",
	[JUDGE_DELETE] = "",
	[JUDGE_TAKE] = "found something",
	[JUDGE_READ] = "answered generation",
	[JUDGE_ABSENT] = "answered nothing",
	[JUDGE_PRESENT] = "answered something",
	[JUDGE_CAS] = "under a condition that it found fulfilled, of generation",
	[JUDGE_UNEQUAL] = "refused, since its condition did not hold",
};

static int tell(char *text, size_t size, const struct judge_op *op, const struct evidence_note *n)
{
	char value[32] = "", when[64];
	bool valued = op->kind == JUDGE_PUT || op->kind == JUDGE_READ || op->kind == JUDGE_CAS;

	if (valued)
		snprintf(value, sizeof(value), " %llu", (unsigned long long)op->value);
	if (n->res_ns < 0 || op->outcome == JUDGE_AMBIGUOUS)
		snprintf(when, sizeof(when), "from %.6f s, outcome unknown",
			 (double)n->inv_ns / 1e9);
	else
		snprintf(when, sizeof(when), "%.6f to %.6f s", (double)n->inv_ns / 1e9,
			 (double)n->res_ns / 1e9);
	return snprintf(text, size, "operation %llu, %s%s%s%s (%s)", (unsigned long long)n->op,
			verbs[n->verb], *told[op->kind] ? " " : "", told[op->kind], value, when);
}

static void tell_all(const struct evidence_key *key, const struct witness *w, struct violation *out)
{
	size_t room = sizeof(out->text);
	int n = snprintf(out->text, room,
			 "%s; no order explains these:", violation_meaning(out->code));

	for (int i = 0; i < w->count && n > 0 && (size_t)n < room; i++) {
		n += snprintf(out->text + n, room - (size_t)n, "%s", i ? "; " : " ");
		if ((size_t)n < room)
			n += tell(out->text + n, room - (size_t)n, &key->op[w->at[i]],
				  &key->note[w->at[i]]);
	}
}

/* One operation may be a read and a put; the culprit comes last. */
static void add_witness(struct violation *out, uint64_t op)
{
	bool known = op == out->op;

	for (int i = 0; i < out->witnesses; i++)
		known |= out->witness[i] == op;
	if (!known && out->witnesses < WITNESS_MAX - 1)
		out->witness[out->witnesses++] = op;
}

void exact_name(const struct evidence_key *key, const struct judge_answer *answer,
		struct violation *out)
{
	struct witness w;

	find_witness(key, answer, &w);
	*out = (struct violation){
		.code = find_code(key, answer->reason, &w),
		.key = key->name,
		.op = key->note[w.culprit].op,
	};
	for (int i = 0; i < w.count; i++)
		add_witness(out, key->note[w.at[i]].op);
	out->witness[out->witnesses++] = out->op;
	tell_all(key, &w, out);
}
