/* judge_prefix.c - see judge_prefix.h. */
#include "runner/judge_prefix.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "runner/judge_sort.h"

/* A state that the key was in: a value, or the nothing that a delete left. */
struct past {
	uint64_t begin;      /* of its write; 0: the nothing at first */
	uint64_t first_end;  /* from then on it certainly had been there */
	uint64_t last_begin; /* it certainly was there after this */
	uint64_t value;
};

struct span {
	uint64_t from, to;
};

struct key_spans {
	struct span *span; /* disjoint, in order */
	size_t count, room;
	bool asked; /* something survived of the key, or nothing did: it says something of T */
};

static bool is_put(const struct judge_op *op)
{
	return (op->kind == JUDGE_PUT || op->kind == JUDGE_CAS) && op->outcome != JUDGE_FAILED;
}

static bool is_write(const struct judge_op *op)
{
	return !judge_kind_observes(op->kind) && op->outcome != JUDGE_FAILED;
}

static bool is_seen(const struct judge_op *op)
{
	return op->outcome == JUDGE_KNOWN &&
	       (op->kind == JUDGE_READ || op->kind == JUDGE_ABSENT || op->kind == JUDGE_PRESENT);
}

/* What showed the key after the cut before anything was written to it again; NULL: nothing did. */
static const struct judge_op *find_survivor(const struct judge_part *part, uint64_t at)
{
	const struct judge_op *first = NULL;
	uint64_t written = JUDGE_NEVER;

	for (size_t i = 0; i < part->count; i++) {
		const struct judge_op *op = &part->ops[i];
		if (op->inv < at)
			continue;
		if (is_write(op) && op->inv < written)
			written = op->inv;
		if (is_seen(op) && (!first || op->res < first->res))
			first = op;
	}
	return first && first->res < written ? first : NULL;
}

static struct past past_of(const struct judge_part *part, const struct judge_op *write, uint64_t at)
{
	bool known = write->outcome == JUDGE_KNOWN && write->res < at;
	struct past p = {.begin = write->inv,
			 .first_end = known ? write->res : JUDGE_NEVER,
			 .last_begin = write->inv,
			 .value = is_put(write) ? write->value : JUDGE_NOTHING};

	for (size_t i = 0; i < part->count && p.value; i++) {
		const struct judge_op *op = &part->ops[i];
		if (op->kind != JUDGE_READ || op->outcome != JUDGE_KNOWN || op->value != p.value ||
		    op->res >= at)
			continue;
		if (op->res < p.first_end)
			p.first_end = op->res;
		if (op->inv > p.last_begin)
			p.last_begin = op->inv;
	}
	return p;
}

/* Every state before the cut. 0 or -ENOMEM. */
static int gather(const struct judge_part *part, uint64_t at, struct past **out, size_t *count)
{
	struct past *past = malloc((part->count + 1) * sizeof(*past));
	size_t n = 0;

	if (!past)
		return -ENOMEM;
	past[n++] = (struct past){.value = JUDGE_NOTHING};
	for (size_t i = 0; i < part->count; i++)
		if (is_write(&part->ops[i]) && part->ops[i].inv < at)
			past[n++] = past_of(part, &part->ops[i], at);
	*out = past;
	*count = n;
	return 0;
}

static bool fits(const struct judge_op *survivor, const struct past *p)
{
	return survivor->kind == JUDGE_READ     ? p->value == survivor->value
	       : survivor->kind == JUDGE_ABSENT ? p->value == JUDGE_NOTHING
						: p->value != JUDGE_NOTHING;
}

/* Until when nothing that certainly came after p had certainly been there. */
static uint64_t last_moment(const struct past *past, size_t n, const struct past *p)
{
	uint64_t last = JUDGE_NEVER;

	for (size_t i = 0; i < n; i++)
		if (&past[i] != p && past[i].last_begin > p->first_end && past[i].first_end < last)
			last = past[i].first_end;
	return last;
}

/* From when on: what certainly came before p was certainly still there at some moment after this. */
static uint64_t first_moment(const struct past *past, size_t n, const struct past *p)
{
	uint64_t first = p->begin;

	for (size_t i = 0; i < n; i++)
		if (&past[i] != p && p->last_begin > past[i].first_end &&
		    past[i].last_begin > first)
			first = past[i].last_begin;
	return first;
}

static int span_order(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

static void merge(struct key_spans *k)
{
	size_t n = 0;

	qsort(k->span, k->count, sizeof(*k->span), span_order);
	for (size_t i = 0; i < k->count; i++) {
		if (n && k->span[i].from <= k->span[n - 1].to) {
			if (k->span[i].to > k->span[n - 1].to)
				k->span[n - 1].to = k->span[i].to;
		} else {
			k->span[n++] = k->span[i];
		}
	}
	k->count = n;
}

static int add_span(struct key_spans *k, uint64_t from, uint64_t to)
{
	if (from > to)
		return 0;
	if (k->count == k->room) {
		size_t room = k->room * 2 + 8;
		struct span *more = realloc(k->span, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		k->span = more;
		k->room = room;
	}
	k->span[k->count++] = (struct span){from, to};
	return 0;
}

static int past_order(const void *a, const void *b)
{
	const struct past *x = a, *y = b;

	return x->first_end < y->first_end ? -1 : x->first_end > y->first_end;
}

/* From first to last, but for the times in which another value was there and no other. past is in
 * order of first_end. */
static int add_gaps(struct key_spans *k, const struct past *past, size_t n, const struct past *p,
		    uint64_t first, uint64_t last)
{
	int rc = 0;

	for (size_t i = 0; i < n && past[i].first_end < last && !rc; i++) {
		if (&past[i] == p || !past[i].value || past[i].last_begin <= past[i].first_end ||
		    past[i].last_begin <= first)
			continue;
		rc = add_span(k, first, past[i].first_end);
		first = past[i].last_begin;
	}
	return rc ? rc : add_span(k, first, last);
}

/* The moments that explain what survived of a key. A survivor that was never there explains none. */
static int find_spans(const struct judge_part *part, const struct judge_op *survivor, uint64_t at,
		      struct key_spans *out)
{
	struct past *past = NULL;
	size_t n = 0;
	int rc = gather(part, at, &past, &n);

	out->asked = true;
	if (!rc)
		qsort(past, n, sizeof(*past), past_order);
	for (size_t i = 0; i < n && !rc; i++) {
		uint64_t last = last_moment(past, n, &past[i]);
		if (fits(survivor, &past[i]))
			rc = add_gaps(out, past, n, &past[i], first_moment(past, n, &past[i]),
				      last < at ? last : at);
	}
	free(past);
	if (!rc && out->count)
		merge(out);
	return rc;
}

struct sweep {
	struct key_spans *key;
	size_t keys, wanted; /* of those that were asked */
	struct judge_moment *edge;
	size_t edges;
};

static int list_edges(struct sweep *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->keys; i++)
		n += 2 * s->key[i].count;
	s->edge = malloc((n + 1) * sizeof(*s->edge));
	if (!s->edge)
		return -ENOMEM;
	for (size_t i = 0; i < s->keys; i++)
		for (size_t k = 0; k < s->key[i].count; k++) {
			const struct span *span = &s->key[i].span[k];
			s->edge[s->edges++] = (struct judge_moment){
				.key = span->from << 1, .index = (uint32_t)i, .what = 0};
			s->edge[s->edges++] = (struct judge_moment){
				.key = span->to << 1 | 1, .index = (uint32_t)i, .what = 1};
		}
	return judge_sort(s->edge, s->edges);
}

/* The latest moment from `since` on that lies in a span of every key. */
static bool find_moment(const struct sweep *s, const struct judge_cut *cut, uint64_t *moment)
{
	size_t covered = 0;
	bool found = !s->wanted;

	*moment = cut->at;
	for (size_t i = 0; i < s->edges; i++) {
		uint64_t time = s->edge[i].key >> 1;
		if (s->edge[i].what && covered-- == s->wanted && time >= cut->since) {
			*moment = time;
			found = true;
		}
		covered += !s->edge[i].what;
	}
	return found;
}

/* Who forbids it: the key whose last moment is the earliest, and the one whose first is the latest. */
static void find_hole(const struct sweep *s, const struct judge_cut *cut,
		      struct judge_prefix_answer *a)
{
	a->lost = a->kept = s->keys;
	a->lost_by = JUDGE_NEVER;
	for (size_t i = 0; i < s->keys; i++) {
		const struct key_spans *k = &s->key[i];
		if (!k->asked)
			continue;
		uint64_t last = k->count ? k->span[k->count - 1].to : 0;
		uint64_t first = k->count ? k->span[0].from : 0;
		if (last < a->lost_by) {
			a->lost = i;
			a->lost_by = last;
		}
		if (first > a->kept_from) {
			a->kept = i;
			a->kept_from = first;
		}
	}
	if (a->lost_by < cut->since || a->kept_from <= a->lost_by)
		a->kept = s->keys;
}

int judge_prefix(const struct judge_part *parts, size_t count, const struct judge_cut *cut,
		 struct judge_prefix_answer *a)
{
	struct sweep s = {.key = calloc(count + 1, sizeof(*s.key)), .keys = count};
	const struct judge_op *survivor;
	int rc = s.key ? 0 : -ENOMEM;

	*a = (struct judge_prefix_answer){.verdict = JUDGE_OK};
	for (size_t i = 0; i < count && !rc; i++) {
		survivor = find_survivor(&parts[i], cut->at);
		if (!survivor)
			continue;
		rc = find_spans(&parts[i], survivor, cut->at, &s.key[i]);
		s.wanted++;
	}
	if (!rc)
		rc = list_edges(&s);
	if (!rc && !find_moment(&s, cut, &a->moment)) {
		a->verdict = JUDGE_VIOLATION;
		find_hole(&s, cut, a);
		a->seen = find_survivor(&parts[a->lost], cut->at)->id;
	}
	for (size_t i = 0; i < count && s.key; i++)
		free(s.key[i].span);
	free(s.key);
	free(s.edge);
	return rc;
}

size_t judge_prefix_before(const struct judge_op *ops, size_t n, const struct judge_cut *cut,
			   struct judge_op *out)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		bool open = ops[i].res >= cut->at;
		if (ops[i].inv >= cut->at || (open && judge_kind_observes(ops[i].kind)))
			continue;
		out[count] = ops[i];
		if (open && ops[i].outcome == JUDGE_KNOWN)
			out[count].outcome = JUDGE_AMBIGUOUS;
		if (open)
			out[count].res = cut->at;
		count++;
	}
	return count;
}

size_t judge_prefix_after(const struct judge_op *ops, size_t n, const struct judge_cut *cut,
			  struct judge_op *out)
{
	const struct judge_part all = {.ops = ops, .count = n};
	const struct judge_op *survivor = find_survivor(&all, cut->at);
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		bool before = ops[i].inv < cut->at;
		bool survived =
			survivor && survivor->kind == JUDGE_READ && ops[i].value == survivor->value;
		bool unsure = !survivor || survivor->kind == JUDGE_PRESENT;
		if (before && (!is_put(&ops[i]) || !(survived || unsure)))
			continue;
		out[count] = ops[i];
		if (before) {
			out[count].kind = JUDGE_PUT;
			out[count].outcome = survived ? JUDGE_KNOWN : JUDGE_AMBIGUOUS;
			out[count].res = cut->at;
		}
		count++;
	}
	return count;
}
