/* compact_cut.c - see compact_cut.h. */
#include "runner/compact_cut.h"

#include <stdlib.h>

struct span {
	uint64_t inv, end;
	const struct judge_op *op;
	bool happened; /* a write that certainly did */
};

static bool is_write(const struct judge_op *op)
{
	return !judge_kind_observes(op->kind);
}

static bool is_put(const struct judge_op *op)
{
	return op->kind == JUDGE_PUT || op->kind == JUDGE_CAS;
}

/* A write that may have happened: until when, and does a read show that it has? */
static void span_ambiguous(struct span *span, const struct judge_op *op, size_t count)
{
	const struct judge_op *w = span->op;
	uint64_t seen = JUDGE_NEVER;
	int sent = 0;

	for (size_t i = 0; i < count && is_put(w); i++) {
		if (is_put(&op[i]) && op[i].value == w->value)
			sent++;
		else if (op[i].kind == JUDGE_READ && op[i].value == w->value &&
			 op[i].outcome == JUDGE_KNOWN && op[i].res < seen)
			seen = op[i].res;
	}
	span->happened = sent == 1 && seen != JUDGE_NEVER;
	span->end = span->happened && seen < w->res ? seen : w->res;
}

static int latest_first(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->inv < y->inv ? 1 : x->inv > y->inv ? -1 : 0;
}

/* All that counts, the latest begin first. A failed write did nothing, but its value must be known
 * for as long as it may be read. */
static struct span *make_spans(const struct judge_op *op, size_t count)
{
	struct span *span = calloc(count + 1, sizeof(*span));

	for (size_t i = 0; span && i < count; i++) {
		span[i] = (struct span){.inv = op[i].inv, .end = op[i].res, .op = &op[i]};
		span[i].happened = is_write(&op[i]) && op[i].outcome == JUDGE_KNOWN;
		if (op[i].outcome == JUDGE_FAILED)
			span[i].end = op[i].inv;
		if (op[i].outcome == JUDGE_AMBIGUOUS && is_write(&op[i]))
			span_ambiguous(&span[i], op, count);
	}
	if (span)
		qsort(span, count, sizeof(*span), latest_first);
	return span;
}

/* The latest moment, not after seq, that no operation spans. */
static uint64_t closed_before(const struct span *span, size_t count, uint64_t seq)
{
	for (size_t i = 0; i < count; i++)
		if (span[i].inv < seq && span[i].end >= seq)
			seq = span[i].inv;
	return seq;
}

static uint64_t value_after(const struct judge_op *op)
{
	return is_put(op) || op->kind == JUDGE_READ ? op->value : JUDGE_NOTHING;
}

/* What is there at the end of these, all of them closed: the last write's, if it began after all
 * others had ended, or what a read told that did. False when that is not certain. */
static bool state_after(const struct span *span, size_t count, struct compact_cut *out)
{
	const struct span *write = NULL;
	uint64_t others = 0, all;

	for (size_t i = 0; i < count; i++) {
		if (!is_write(span[i].op) || span[i].op->outcome == JUDGE_FAILED)
			continue;
		if (!write)
			write = &span[i];
		else if (span[i].end > others)
			others = span[i].end;
	}
	out->value = JUDGE_NOTHING;
	out->op = 0;
	if (!write)
		return true;
	all = write->end > others ? write->end : others;
	for (size_t i = 0; i < count && span[i].inv > all; i++) {
		const struct judge_op *op = span[i].op;

		if (op->outcome != JUDGE_KNOWN ||
		    (op->kind != JUDGE_READ && op->kind != JUDGE_ABSENT))
			continue;
		out->value = value_after(op);
		out->op = op->id;
		return true;
	}
	if (!write->happened || write->inv <= others)
		return false;
	out->value = value_after(write->op);
	out->op = write->op->id;
	return true;
}

bool compact_cut(struct compact_cut *out, const struct judge_op *op, size_t count, uint64_t horizon)
{
	struct span *span = make_spans(op, count);
	size_t from = 0;
	bool found = false;

	for (size_t i = 0; i < count; i++)
		if (op[i].kind == JUDGE_APPEND)
			count = 0; /* a text has no last write */
	/* Where nothing is certain, the operation before may still be a place to cut. */
	while (span && !found) {
		out->seq = closed_before(span + from, count - from, horizon);
		while (from < count && span[from].inv >= out->seq)
			from++;
		if (from == count)
			break;
		found = state_after(span + from, count - from, out);
		out->ops = count - from;
		horizon = span[from].inv;
	}
	free(span);
	return found;
}
