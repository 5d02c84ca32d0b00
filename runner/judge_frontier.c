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
	case ITEM_UNEQUAL:
		return now != item->now;
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
	if (item->class > ITEM_UNEQUAL) {
		j->open_puts |= slot_bit(slot);
		if (item->class <= ITEM_CAS && item->optional)
			j->open_maybe |= slot_bit(slot);
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
	j->open_maybe &= ~slot_bit(slot);
}

/* What took effect: of two states that differ in what need not have, one is better (states_add). */
static slot_set taken(const struct state *s)
{
	return s->done | s->used;
}

static void take(struct state *s, const struct item *item)
{
	*(item->optional ? &s->used : &s->done) |= slot_bit(item->slot);
}

static void forget(struct state *s, slot_set bits)
{
	s->done &= ~bits;
	s->used &= ~bits;
}

/* One state further: now it is this, and wanted may be done with it. */
static int reach(struct judge_frontier *j, const struct state *from, int32_t now,
		 const struct item *by, slot_set wanted)
{
	struct state s = *from;

	s.now = now;
	if (by)
		take(&s, by);
	observe(j, &s);
	j->steps++;
	if (!(taken(&s) & wanted))
		return states_add(&j->work, &s);
	forget(&s, wanted);
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

/* Does somebody ask for anything but what is now? */
static bool is_refused(const struct judge_frontier *j, int32_t now)
{
	return now >= NOW_VALUES && j->prepared.use[now - NOW_VALUES].refused;
}

static int apply_first(struct judge_frontier *j, const struct state *s, const struct item *item,
		       slot_set wanted)
{
	bool nothing = s->now == NOW_NOTHING;

	if (!item)
		return 0;
	if (item->class == ITEM_ANYTHING) /* an optional one only helps where that is not */
		return item->optional && !nothing && !is_refused(j, s->now)
			       ? 0
			       : reach(j, s, NOW_ANYTHING, item, wanted);
	if (nothing && (item->optional || item->class == ITEM_TAKE))
		return 0;
	return reach(j, s, NOW_NOTHING, item, wanted);
}

static int apply_endless(struct judge_frontier *j, const struct state *from, slot_set wanted)
{
	bool nothing = from->now == NOW_NOTHING;
	struct state s = *from;
	int rc = 0;

	if (!nothing && s.deletes < j->deletes) {
		s.deletes++;
		rc = reach(j, &s, NOW_NOTHING, NULL, wanted);
		s.deletes--;
	}
	if (!rc && (nothing || is_refused(j, s.now)) && s.puts < j->puts) {
		s.puts++;
		rc = reach(j, &s, NOW_ANYTHING, NULL, wanted);
	}
	return rc;
}

/* May what is now not be left yet? Put once, it never comes back to those who ask for it later. */
static bool is_pinned(const struct judge_frontier *j, int32_t now)
{
	if (now < NOW_VALUES)
		return false;
	const struct value_use *use = &j->prepared.use[now - NOW_VALUES];
	return use->puts == 1 && use->seen && use->last_begin > j->time;
}

/* Is it left only by the compare-and-set that certainly replaced it? */
static bool is_replaced(const struct judge_frontier *j, int32_t now)
{
	if (now < NOW_VALUES)
		return false;
	const struct value_use *use = &j->prepared.use[now - NOW_VALUES];
	return use->puts == 1 && use->replaced;
}

/* Has one just like it, that ends no later, not been used either? */
static bool is_behind(const struct judge_frontier *j, const struct state *s,
		      const struct item *item)
{
	if (!item->optional)
		return false;
	for (slot_set left = j->open_maybe & ~taken(s); left; left &= left - 1) {
		const struct item *other = j->slot[slot_first(left)];
		if (other == item)
			return false;
		if (other->class == item->class && other->now == item->now &&
		    other->expect == item->expect && other->res <= item->res)
			return true;
	}
	return false;
}

/* Puts and compare-and-sets by name. */
static int apply_named(struct judge_frontier *j, const struct state *s, const struct item *item,
		       bool replaced, slot_set wanted)
{
	bool cas = item->class == ITEM_CAS;

	if (replaced && (!cas || item->optional))
		return 0;
	if ((cas && item->expect != s->now) || is_behind(j, s, item))
		return 0;
	return reach(j, s, item->now, item, wanted);
}

/* Every state one step after s. */
static int expand(struct judge_frontier *j, const struct state *s, slot_set wanted)
{
	bool replaced = is_replaced(j, s->now);
	struct firsts firsts = {0};
	int rc = 0;

	if (is_pinned(j, s->now))
		return 0;
	for (slot_set left = j->open_puts & ~taken(s); left && !rc; left &= left - 1) {
		const struct item *item = j->slot[slot_first(left)];
		if (item->class == ITEM_PUT || item->class == ITEM_CAS)
			rc = apply_named(j, s, item, replaced, wanted);
		else
			consider(&firsts, item);
	}
	if (replaced)
		return rc;
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
		int class = j->slot[slot]->class;
		if ((class == ITEM_PUT || class == ITEM_CAS) && j->slot[slot]->now == item->now)
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
		if (!(taken(&s) & bit) && (!read || puts & ~taken(&s)))
			rc = states_add(&j->work, &s);
		if (!rc && (taken(&s) & bit || item->optional)) {
			forget(&s, bit);
			rc = states_add(&j->next, &s);
		}
	}
	return rc;
}

static bool all_done(const struct judge_frontier *j, slot_set bit)
{
	for (size_t i = 0; i < j->frontier.count; i++)
		if (j->frontier.at[i].now >= 0 && !(taken(&j->frontier.at[i]) & bit))
			return false;
	return true;
}

static void forget_all(struct judge_frontier *j, slot_set bits)
{
	for (size_t i = 0; i < j->frontier.count; i++)
		forget(&j->frontier.at[i], bits);
}

/* Can the key still become what a compare-and-set wants? */
static bool is_open(const struct judge_frontier *j, int32_t wanted)
{
	const struct value_use *use = &j->prepared.use[wanted - NOW_VALUES];

	if (use->puts > 1 || use->first_begin > j->time)
		return true;
	for (size_t i = 0; i < j->frontier.count; i++)
		if (j->frontier.at[i].now == wanted)
			return true;
	for (slot_set left = j->open_puts; left; left &= left - 1)
		if (j->slot[slot_first(left)]->now == wanted)
			return true;
	return false;
}

/* Compare-and-sets that may have happened, but now no longer can, give back their slots. */
static void close_missed(struct judge_frontier *j)
{
	for (slot_set left = j->open_maybe; left; left &= left - 1) {
		struct item *item = j->slot[slot_first(left)];
		if (item->class != ITEM_CAS || item->expect < NOW_VALUES ||
		    is_open(j, item->expect))
			continue;
		forget_all(j, slot_bit(item->slot));
		close_slot(j, item->slot);
		item->slot = SLOTS;
	}
}

/* item took effect by now, if it ever did. -ENOENT: in no state it has; -E2BIG: out of budget. */
static int end(struct judge_frontier *j, const struct item *item)
{
	if (item->slot == SLOTS)
		return 0;
	slot_set bit = slot_bit(item->slot);

	if (all_done(j, bit)) {
		forget_all(j, bit);
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
	close_missed(j);
	return 0;
}

/* Nobody asks for its value by name any more: it is a put like any other. */
static void fade(struct judge_frontier *j, struct item *item)
{
	if (item->slot == SLOTS)
		return;
	slot_set bit = slot_bit(item->slot);

	if (item->class == ITEM_CAS) {
		item->now = NOW_ANYTHING;
		return;
	}
	item->class = ITEM_ANYTHING;
	if (item->res != JUDGE_NEVER)
		return;
	for (size_t i = 0; i < j->frontier.count; i++)
		j->frontier.at[i].puts += (j->frontier.at[i].used & bit) != 0;
	j->puts++;
	forget_all(j, bit);
	close_slot(j, item->slot);
}

static int step(struct judge_frontier *j, const struct judge_moment *m)
{
	struct item *item = &j->prepared.item[m->index];

	j->steps++;
	j->time = m->key >> 1;
	switch (m->what) {
	case MOMENT_BEGIN:
		return begin(j, item);
	case MOMENT_END:
		return end(j, item);
	case MOMENT_FADE:
		fade(j, item);
		return 0;
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
	int32_t wanted = item->class == ITEM_READ ? item->now : item->expect;
	if ((item->class != ITEM_READ && item->class != ITEM_CAS) || wanted < NOW_VALUES)
		return;
	const struct value_use *use = &j->prepared.use[wanted - NOW_VALUES];
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
	j->open = j->open_reads = j->open_puts = j->open_maybe = 0;
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
