/*
 * judge_witness.c - a violation made small, without making it a lie.
 *
 * The sweep found that ops[where] can't be. Whatever did not begin before it ended is of no
 * account. Of the rest, keep the latest 8, 32, 128, ... until these contradict each other; then leave
 * out halves, quarters, ... and at last single ones, as long as they still do (ddmin).
 *
 * "Contradict each other" must hold whatever the left out operations did, or leaving out the delete
 * that explains a 404 would make a violation out of nothing. So a value is only read together with
 * its puts; and where a kept operation saw nothing (or something), each delete (or put) that was left
 * out may still take effect in its interval, or not.
 */
#include "runner/judge_frontier_impl.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_WINDOW = 8, WIDER = 4 };

struct search {
	struct judge_frontier *judge;
	const struct judge_op *ops; /* the caller's */
	uint64_t end;               /* of the one that could not be */
	uint32_t *rank;             /* what counts, by begin */
	size_t count;
	int32_t *puts;         /* by rank: of a put, the rank of the one before of the same value */
	int32_t *last_put;     /* by rank: the last put of the value it wants, or -1 */
	uint8_t *kept, *tried; /* by rank */
	struct judge_op *built; /* what is handed to the sweep */
};

static const struct judge_op *op_at(const struct search *s, size_t rank)
{
	return &s->ops[s->rank[rank]];
}

static bool makes_value(const struct judge_op *op)
{
	return op->kind == JUDGE_PUT || op->kind == JUDGE_CAS;
}

/* The value whose put it can't do without; JUDGE_NOTHING: none. */
static uint64_t wanted_value(const struct judge_op *op)
{
	return op->kind == JUDGE_READ  ? op->value
	       : op->kind == JUDGE_CAS ? op->expect
				       : JUDGE_NOTHING;
}

/* A read whose puts are not all there is no part of it. */
static bool has_its_puts(const struct search *s, const uint8_t *set, size_t rank)
{
	for (int32_t put = s->last_put[rank]; put >= 0; put = s->puts[put])
		if (!set[put])
			return false;
	return true;
}

/* What was surely done away with before any of the kept observations began: the begin of the last
 * kept operation of kind that ended before those. Nothing that ended before it can explain them. */
static uint64_t settled(const struct search *s, const uint8_t *set, int kind, uint64_t before)
{
	uint64_t last = 0;

	for (size_t i = 0; i < s->count; i++)
		if (set[i] && op_at(s, i)->kind == kind && op_at(s, i)->outcome == JUDGE_KNOWN &&
		    op_at(s, i)->res < before && op_at(s, i)->inv > last)
			last = op_at(s, i)->inv;
	return last;
}

/* Left out, but still able to have happened; a compare-and-set wherever that helps. */
static void add_loose(const struct search *s, const uint8_t *set, bool puts, uint64_t after,
		      size_t *n)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct judge_op *op = op_at(s, i);
		bool put = makes_value(op);
		if (set[i] || judge_kind_observes(op->kind) || put != puts || op->res < after)
			continue;
		s->built[*n] = *op;
		if (put)
			s->built[*n].kind = JUDGE_PUT;
		s->built[(*n)++].outcome = JUDGE_AMBIGUOUS;
	}
}

/* Nothing that ended before this can explain what was seen instead of values that were put later. */
static uint64_t refused_since(const struct search *s, const uint8_t *set)
{
	uint64_t since = JUDGE_NEVER;

	for (size_t i = 0; i < s->count; i++)
		if (set[i] && op_at(s, i)->kind == JUDGE_UNEQUAL)
			for (size_t k = 0; k < s->count; k++)
				if (makes_value(op_at(s, k)) &&
				    op_at(s, k)->value == op_at(s, i)->expect &&
				    op_at(s, k)->inv < since)
					since = op_at(s, k)->inv;
	return since;
}

/* Drops what wants a value whose puts are not all there, and what wants what was dropped. */
static void drop_orphans(const struct search *s, uint8_t *set)
{
	bool dropped = true;

	while (dropped) {
		dropped = false;
		for (size_t i = 0; i < s->count; i++)
			if (set[i] && wanted_value(op_at(s, i)) && !has_its_puts(s, set, i)) {
				set[i] = 0;
				dropped = true;
			}
	}
}

static bool is_absence(const struct judge_op *op)
{
	return op->kind == JUDGE_ABSENT || (op->kind == JUDGE_CAS && !op->expect);
}

static bool is_presence(const struct judge_op *op)
{
	return op->kind == JUDGE_PRESENT || (op->kind == JUDGE_UNEQUAL && !op->expect) ||
	       (op->kind == JUDGE_TAKE && op->outcome == JUDGE_KNOWN);
}

/* Do those in set contradict each other, whatever the others did? 1, 0 or -errno. */
static int contradicts(const struct search *s, uint8_t *set)
{
	uint64_t nothing = JUDGE_NEVER, something = JUDGE_NEVER, refused;
	struct judge_answer answer;
	size_t n = 0, where;

	drop_orphans(s, set);
	for (size_t i = 0; i < s->count; i++) {
		const struct judge_op *op = op_at(s, i);
		if (!set[i])
			continue;
		s->built[n] = *op;
		if (op->res > s->end) /* not yet settled then */
			s->built[n].outcome = JUDGE_AMBIGUOUS;
		if (is_absence(op) && op->inv < nothing)
			nothing = op->inv;
		if (is_presence(op) && op->inv < something)
			something = op->inv;
		n++;
	}
	refused = refused_since(s, set);
	uint64_t deletes = nothing != JUDGE_NEVER ? settled(s, set, JUDGE_PUT, nothing) : nothing;
	uint64_t puts =
		something != JUDGE_NEVER ? settled(s, set, JUDGE_DELETE, something) : something;
	if (deletes != JUDGE_NEVER || refused != JUDGE_NEVER)
		add_loose(s, set, false, deletes < refused ? deletes : refused, &n);
	if (puts != JUDGE_NEVER || refused != JUDGE_NEVER)
		add_loose(s, set, true, puts < refused ? puts : refused, &n);
	int rc = sweep(s->judge, s->built, n, &answer, &where);
	return rc ? rc : answer.verdict == JUDGE_VIOLATION;
}

static void accept(struct search *s)
{
	uint8_t *swap = s->kept;

	s->kept = s->tried;
	s->tried = swap;
}

static size_t members(const struct search *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += s->kept[i];
	return n;
}

/* Starts from the latest few and whatever they read. */
static int choose_window(struct search *s)
{
	for (size_t width = FIRST_WINDOW;; width *= WIDER) {
		size_t from = width < s->count ? s->count - width : 0;
		for (size_t i = 0; i < s->count; i++)
			s->tried[i] = i >= from;
		for (size_t i = from; i < s->count; i++)
			if (wanted_value(op_at(s, i)))
				for (int32_t p = s->last_put[i]; p >= 0; p = s->puts[p])
					s->tried[p] = 1;
		int rc = contradicts(s, s->tried);
		if (rc > 0)
			accept(s);
		if (rc || !from)
			return rc < 0 ? rc : rc ? 0 : -ENOENT;
	}
}

/* Tries to do without members [from, from + length) of what is kept. */
static int do_without(struct search *s, size_t from, size_t length)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++) {
		s->tried[i] = s->kept[i] && (n < from || n >= from + length);
		n += s->kept[i];
	}
	int rc = contradicts(s, s->tried);
	if (rc > 0)
		accept(s);
	return rc;
}

static int shrink(struct search *s)
{
	size_t length = members(s) / 2;
	bool any = false;

	while (length) {
		for (size_t from = 0; from < members(s);) {
			int rc = do_without(s, from, length);
			if (rc < 0)
				return rc;
			if (rc > 0)
				any = true;
			else
				from += length;
		}
		if (length > 1)
			length /= 2;
		else if (any)
			any = false; /* once more: what could not be spared may be now */
		else
			length = 0;
	}
	return 0;
}

static int link_puts(struct search *s)
{
	struct judge_values values;
	int rc = judge_values_init(&values);
	int32_t *last = malloc((2 * s->count + 1) * sizeof(*last));

	if (!rc && !last)
		rc = -ENOMEM;
	for (int wants = 0; wants < 2; wants++)
		for (size_t i = 0; i < s->count && !rc; i++) {
			const struct judge_op *op = op_at(s, i);
			uint64_t value = wants             ? wanted_value(op)
					 : makes_value(op) ? op->value
							   : JUDGE_NOTHING;
			s->last_put[i] = -1;
			if (value == JUDGE_NOTHING)
				continue;
			uint32_t known = values.count;
			int64_t number = judge_values_number(&values, value);
			if (number < 0) {
				rc = (int)number;
				break;
			}
			if (values.count > known)
				last[number] = -1;
			if (wants) {
				s->last_put[i] = last[number];
			} else {
				s->puts[i] = last[number];
				last[number] = (int32_t)i;
			}
		}
	free(last);
	judge_values_fini(&values);
	return rc;
}

static int rank_ops(struct search *s, size_t n)
{
	struct judge_moment *moment = malloc(n * sizeof(*moment));
	size_t count = 0;

	if (!moment)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct judge_op *op = &s->ops[i];
		bool observes = judge_kind_observes(op->kind);
		if (op->outcome == JUDGE_FAILED || op->inv > s->end ||
		    (observes && (op->outcome != JUDGE_KNOWN || op->res > s->end)))
			continue;
		moment[count++] = (struct judge_moment){.key = op->inv, .index = (uint32_t)i};
	}
	int rc = judge_sort(moment, count);
	for (size_t i = 0; i < count && !rc; i++)
		s->rank[i] = moment[i].index;
	s->count = count;
	free(moment);
	return rc;
}

static int choose(struct search *s, size_t n)
{
	int rc = rank_ops(s, n);

	if (!rc)
		rc = link_puts(s);
	return rc ? rc : choose_window(s);
}

static void report(const struct search *s, struct judge_answer *a)
{
	a->witnesses = 0;
	for (size_t i = 0; i < s->count && a->witnesses < JUDGE_WITNESS_MAX; i++)
		if (s->kept[i])
			a->witness[a->witnesses++] = op_at(s, i)->id;
}

static const struct judge_op *find_id(const struct search *s, size_t n, uint64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (s->ops[i].id == id)
			return &s->ops[i];
	return NULL;
}

static bool is_told(const struct search *s, size_t n, const struct judge_answer *a, uint64_t value)
{
	for (int i = 0; i < a->witnesses; i++) {
		const struct judge_op *op = find_id(s, n, a->witness[i]);
		if (makes_value(op) && op->value == value)
			return true;
	}
	return false;
}

/* A put that failed or came too late is the other half of its read. */
static void add_useless_puts(const struct search *s, size_t n, struct judge_answer *a)
{
	for (int i = 0; i < a->witnesses; i++) {
		uint64_t value = wanted_value(find_id(s, n, a->witness[i]));
		if (value == JUDGE_NOTHING || is_told(s, n, a, value))
			continue;
		for (size_t k = 0; k < n && a->witnesses < JUDGE_WITNESS_MAX; k++)
			if (makes_value(&s->ops[k]) && s->ops[k].value == value) {
				a->witness[a->witnesses++] = s->ops[k].id;
				break;
			}
	}
}

static void search_free(struct search *s)
{
	free(s->rank);
	free(s->puts);
	free(s->last_put);
	free(s->kept);
	free(s->tried);
	free(s->built);
}

int find_witness(struct judge_frontier *judge, const struct judge_op *ops, size_t n, size_t where,
		 struct judge_answer *a)
{
	a->witness[0] = a->op;
	a->witnesses = 1;
	struct search s = {.judge = judge, .ops = ops, .end = ops[where].res};
	s.rank = malloc(n * sizeof(*s.rank));
	s.puts = malloc(n * sizeof(*s.puts));
	s.last_put = malloc(n * sizeof(*s.last_put));
	s.kept = calloc(n, 1);
	s.tried = calloc(n, 1);
	s.built = malloc(n * sizeof(*s.built));
	int rc = -ENOMEM;
	if (s.rank && s.puts && s.last_put && s.kept && s.tried && s.built)
		rc = choose(&s, n);
	if (rc == -ENOENT) { /* a read that came later says that a fenced put was done */
		s.end = JUDGE_NEVER;
		rc = choose(&s, n);
	}
	if (!rc)
		rc = shrink(&s);
	if (!rc) {
		report(&s, a);
		add_useless_puts(&s, n, a);
	}
	search_free(&s);
	return rc == -ENOENT ? 0 : rc; /* out of budget: the witness is who could not be */
}
