/* judge_frontier.c - the sweep: see judge_frontier.h. */
#include "runner/judge_frontier_impl.h"

#include <errno.h>
#include <stdlib.h>

static bool fits(const struct item *item, int32_t now)
{
	switch (item->class) {
	case ITEM_READ:
		return now == item->now;
	case ITEM_ABSENT:
		return now == NOW_NOTHING;
	default:
		return now != NOW_NOTHING;
	}
}

/* Every open observation that what is now explains takes effect at once. */
static void observe(const struct judge_frontier *j, struct state *s)
{
	for (slot_set left = j->open_reads & ~s->done; left; left &= left - 1) {
		int slot = slot_first(left);
		if (fits(j->slot[slot], s->now))
			s->done |= slot_bit(slot);
	}
}

static int begin(struct judge_frontier *j, struct item *item)
{
	slot_set free_slots = ~j->open;

	if (!free_slots)
		return -E2BIG;
	int slot = slot_first(free_slots);
	j->slot[slot] = item;
	item->slot = (uint8_t)slot;
	j->open |= slot_bit(slot);
	if (item->class > ITEM_PRESENT) {
		j->open_puts |= slot_bit(slot);
		return 0;
	}
	j->open_reads |= slot_bit(slot);
	for (size_t i = 0; i < j->frontier.count; i++)
		if (fits(item, j->frontier.at[i].now))
			j->frontier.at[i].done |= slot_bit(slot);
	return 0;
}

static void close_slot(struct judge_frontier *j, int slot)
{
	j->open &= ~slot_bit(slot);
	j->open_reads &= ~slot_bit(slot);
	j->open_puts &= ~slot_bit(slot);
}

/* One state further: now it is this, and wanted may be done with it. */
static int reach(struct judge_frontier *j, const struct state *from, int32_t now, slot_set done,
		 slot_set wanted)
{
	struct state s = *from;

	s.now = now;
	s.done |= done;
	observe(j, &s);
	j->steps++;
	if (!(s.done & wanted))
		return states_add(&j->work, &s);
	s.done &= ~wanted;
	return states_add(&j->next, &s);
}

/* Of those that are interchangeable, the open one that ends first: by class and by optional. */
struct firsts {
	const struct item *of[ITEM_TAKE + 1][2];
};

static void consider(struct firsts *f, const struct item *item)
{
	const struct item **first = &f->of[item->class][item->optional];

	if (!*first || item->res < (*first)->res)
		*first = item;
}

static int apply_first(struct judge_frontier *j, const struct state *s, const struct item *item,
		       slot_set wanted)
{
	bool nothing = s->now == NOW_NOTHING;

	if (!item)
		return 0;
	if (item->class == ITEM_ANYTHING) /* an optional one only helps where nothing is */
		return item->optional && !nothing
			       ? 0
			       : reach(j, s, NOW_ANYTHING, slot_bit(item->slot), wanted);
	if (nothing && (item->optional || item->class == ITEM_TAKE))
		return 0;
	return reach(j, s, NOW_NOTHING, slot_bit(item->slot), wanted);
}

static int apply_endless(struct judge_frontier *j, const struct state *from, slot_set wanted)
{
	struct state s = *from;

	if (s.now != NOW_NOTHING && s.deletes < j->deletes) {
		s.deletes++;
		return reach(j, &s, NOW_NOTHING, 0, wanted);
	}
	if (s.now == NOW_NOTHING && s.puts < j->puts) {
		s.puts++;
		return reach(j, &s, NOW_ANYTHING, 0, wanted);
	}
	return 0;
}

/* Every state one step after s. */
static int expand(struct judge_frontier *j, const struct state *s, slot_set wanted)
{
	struct firsts firsts = {0};
	int rc = 0;

	for (slot_set left = j->open_puts & ~s->done; left && !rc; left &= left - 1) {
		const struct item *item = j->slot[slot_first(left)];
		if (item->class == ITEM_PUT)
			rc = reach(j, s, item->now, slot_bit(item->slot), wanted);
		else
			consider(&firsts, item);
	}
	for (int class = ITEM_ANYTHING; class <= ITEM_TAKE && !rc; class ++) {
		rc = apply_first(j, s, firsts.of[class][false], wanted);
		if (!rc)
			rc = apply_first(j, s, firsts.of[class][true], wanted);
	}
	return rc ? rc : apply_endless(j, s, wanted);
}

/* The open puts of what item reads; without one left, no way leads there. */
static slot_set puts_of(const struct judge_frontier *j, const struct item *item)
{
	slot_set puts = 0;

	for (slot_set left = j->open_puts; left; left &= left - 1) {
		int slot = slot_first(left);
		if (j->slot[slot]->class == ITEM_PUT && j->slot[slot]->now == item->now)
			puts |= slot_bit(slot);
	}
	return puts;
}

/* Keeps what is done with item, without its mark; the others go to work if they still can be. An
 * optional item does both: it may not have happened, but if it did then by now. */
static int divide(struct judge_frontier *j, const struct item *item)
{
	slot_set bit = slot_bit(item->slot);
	bool read = item->class == ITEM_READ;
	slot_set puts = read ? puts_of(j, item) : 0;
	int rc = 0;

	states_clear(&j->next);
	states_clear(&j->work);
	for (size_t i = 0; i < j->frontier.count && !rc; i++) {
		struct state s = j->frontier.at[i];
		if (s.now < 0)
			continue;
		if (!(s.done & bit) && (!read || puts & ~s.done))
			rc = states_add(&j->work, &s);
		if (!rc && (s.done & bit || item->optional)) {
			s.done &= ~bit;
			rc = states_add(&j->next, &s);
		}
	}
	return rc;
}

static bool all_done(const struct judge_frontier *j, slot_set bit)
{
	for (size_t i = 0; i < j->frontier.count; i++)
		if (!(j->frontier.at[i].done & bit))
			return false;
	return true;
}

/* item took effect by now, if it ever did. -ENOENT: in no state it has; -E2BIG: out of budget. */
static int end(struct judge_frontier *j, const struct item *item)
{
	slot_set bit = slot_bit(item->slot);

	if (all_done(j, bit)) {
		for (size_t i = 0; i < j->frontier.count; i++)
			j->frontier.at[i].done &= ~bit;
		close_slot(j, item->slot);
		return 0;
	}
	int rc = divide(j, item);
	for (size_t i = 0; i < j->work.count && !rc; i++) {
		struct state s = j->work.at[i]; /* the array may move */
		if (s.now >= 0)
			rc = expand(j, &s, bit);
		if (!rc && j->budget && j->steps > j->budget)
			rc = -E2BIG;
	}
	if (rc)
		return rc;
	close_slot(j, item->slot);
	if (!j->next.count)
		return -ENOENT;
	states_swap(&j->frontier, &j->next);
	return 0;
}

static int step(struct judge_frontier *j, const struct judge_moment *m)
{
	struct item *item = &j->prepared.item[m->index];

	j->steps++;
	switch (m->what) {
	case MOMENT_BEGIN:
		return begin(j, item);
	case MOMENT_END:
		return end(j, item);
	case MOMENT_USE_DELETE:
		j->deletes++;
		return 0;
	default:
		j->puts++;
		return 0;
	}
}

static void unknown(struct judge_frontier *j, const struct item *item, struct judge_answer *a)
{
	a->verdict = JUDGE_UNKNOWN;
	a->reason = j->budget && j->steps > j->budget ? JUDGE_BUDGET : JUDGE_TOO_WIDE;
	a->op = item->id;
}

static void violation(const struct judge_frontier *j, const struct item *item,
		      struct judge_answer *a)
{
	a->verdict = JUDGE_VIOLATION;
	a->reason = JUDGE_DEAD_END;
	a->op = item->id;
	if (item->class != ITEM_READ)
		return;
	const struct value_use *use = &j->prepared.use[item->now - NOW_VALUES];
	if (!use->puts)
		a->reason = use->failed ? JUDGE_ABORTED : JUDGE_UNWRITTEN;
	else if (use->first_begin > item->res)
		a->reason = JUDGE_FUTURE;
}

int sweep(struct judge_frontier *j, const struct judge_op *ops, size_t n, struct judge_answer *a,
	  size_t *where)
{
	struct prepared *p = &j->prepared;
	int rc = prepare(p, ops, n);

	*a = (struct judge_answer){.verdict = JUDGE_OK};
	j->open = j->open_reads = j->open_puts = 0;
	j->deletes = j->puts = 0;
	states_clear(&j->frontier);
	if (!rc)
		rc = states_add(&j->frontier, &(struct state){.now = NOW_NOTHING});
	for (size_t i = 0; i < p->moments && !rc; i++) {
		rc = step(j, &p->moment[i]);
		*where = p->moment[i].index;
	}
	if (rc == -E2BIG)
		unknown(j, &p->item[*where], a);
	else if (rc == -ENOENT)
		violation(j, &p->item[*where], a);
	else
		return rc;
	return 0;
}

int judge_frontier(struct judge_frontier *j, const struct judge_op *ops, size_t n, uint64_t budget,
		   struct judge_answer *a)
{
	size_t where = 0;

	j->steps = 0;
	j->budget = budget;
	int rc = sweep(j, ops, n, a, &where);
	a->steps = j->steps;
	if (rc || a->verdict != JUDGE_VIOLATION)
		return rc;
	j->budget = budget ? j->steps + budget : 0;
	return find_witness(j, ops, n, where, a);
}

struct judge_frontier *judge_frontier_open(void)
{
	return calloc(1, sizeof(struct judge_frontier));
}

void judge_frontier_close(struct judge_frontier *j)
{
	if (!j)
		return;
	prepared_fini(&j->prepared);
	states_fini(&j->frontier);
	states_fini(&j->next);
	states_fini(&j->work);
	free(j);
}
