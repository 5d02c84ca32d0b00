/* judge_jit.c - breadth first over time, as the frontier judge does, for any model. */
#include "runner/judge_general_impl.h"

#include <errno.h>
#include <stdlib.h>

#include "runner/judge_states.h"

enum { CLOSED = -1, STATES_MAX = 1 << 22 };

/* What is open, in slots: what must happen apart from what may. */
struct open {
	const struct general_op *of[SLOTS];
	slot_set set;
};

struct jit {
	struct states frontier, next, work;
	struct open must, may;
	slot_set observing;
	int16_t *must_slot, *may_slot;
};

struct wanted {
	slot_set done, used; /* one bit in one of them */
};

struct jit *jit_open(void)
{
	return calloc(1, sizeof(struct jit));
}

void jit_close(struct jit *j)
{
	if (!j)
		return;
	states_fini(&j->frontier);
	states_fini(&j->next);
	states_fini(&j->work);
	free(j->must_slot);
	free(j->may_slot);
	free(j);
}

/* 0 or -ENOMEM. */
static int observe(struct jit *j, struct task *t, struct state *s)
{
	for (slot_set left = j->observing & ~s->done; left; left &= left - 1) {
		int slot = slot_first(left);
		int32_t next = task_step(t, s->now, j->must.of[slot]);
		if (next == -ENOMEM)
			return next;
		if (next >= 0)
			s->done |= slot_bit(slot);
	}
	return 0;
}

static int open_slot(struct open *open, const struct general_op *g)
{
	if (!~open->set)
		return -E2BIG;
	int slot = slot_first(~open->set);
	open->of[slot] = g;
	open->set |= slot_bit(slot);
	return slot;
}

static int begin_must(struct jit *j, struct task *t, uint32_t index)
{
	const struct general_op *g = &t->must[index];
	int slot = open_slot(&j->must, g);

	if (slot < 0)
		return slot;
	j->must_slot[index] = (int16_t)slot;
	if (!g->observes)
		return 0;
	j->observing |= slot_bit(slot);
	for (size_t i = 0; i < j->frontier.count; i++) {
		struct state *s = &j->frontier.at[i];
		int rc = s->now < 0 ? 0 : observe(j, t, s);
		if (rc)
			return rc;
	}
	return 0;
}

static int begin_may(struct jit *j, struct task *t, uint32_t index)
{
	int slot = open_slot(&j->may, &t->may[index]);

	if (slot < 0)
		return slot;
	j->may_slot[index] = (int16_t)slot;
	return 0;
}

static int reach(struct jit *j, struct task *t, struct state s, const struct wanted *wanted)
{
	int rc = observe(j, t, &s);

	if (rc)
		return rc;
	if (!(s.done & wanted->done) && !(s.used & wanted->used))
		return states_add(&j->work, &s);
	s.done &= ~wanted->done;
	s.used &= ~wanted->used;
	return states_add(&j->next, &s);
}

/* Is there one like it that ends first and could as well be used? */
static bool is_behind(const struct jit *j, const struct general_op *g, slot_set used)
{
	return g->alike >= 0 && j->may_slot[g->alike] != CLOSED &&
	       !(used & slot_bit(j->may_slot[g->alike]));
}

static int expand(struct jit *j, struct task *t, const struct state *from,
		  const struct wanted *wanted)
{
	slot_set left = j->must.set & ~j->observing & ~from->done;
	int rc = 0;

	for (; left && !rc; left &= left - 1) {
		struct state s = *from;
		int slot = slot_first(left);
		s.now = task_step(t, from->now, j->must.of[slot]);
		s.done |= slot_bit(slot);
		rc = s.now >= 0 ? reach(j, t, s, wanted) : s.now == -ENOMEM ? -ENOMEM : 0;
	}
	for (left = j->may.set & ~from->used; left && !rc; left &= left - 1) {
		struct state s = *from;
		int slot = slot_first(left);
		if (is_behind(j, j->may.of[slot], from->used))
			continue;
		s.now = task_step(t, from->now, j->may.of[slot]);
		s.used |= slot_bit(slot);
		if (s.now >= 0 && s.now != from->now)
			rc = reach(j, t, s, wanted);
		else if (s.now == -ENOMEM)
			rc = -ENOMEM;
	}
	return rc;
}

/* As divide() of the frontier judge: what may have happened goes both ways. */
static int divide(struct jit *j, const struct wanted *wanted)
{
	int rc = 0;

	states_clear(&j->next);
	states_clear(&j->work);
	for (size_t i = 0; i < j->frontier.count && !rc; i++) {
		struct state s = j->frontier.at[i];
		bool has = s.done & wanted->done || s.used & wanted->used;
		if (s.now < 0)
			continue;
		if (!has)
			rc = states_add(&j->work, &s);
		if (rc || (!has && wanted->done))
			continue;
		s.done &= ~wanted->done;
		s.used &= ~wanted->used;
		rc = states_add(&j->next, &s);
	}
	return rc;
}

/* -ENOENT: there is no state in which that has happened. */
static int end(struct jit *j, struct task *t, const struct wanted *wanted)
{
	int rc = divide(j, wanted);

	for (size_t i = 0; i < j->work.count && !rc; i++) {
		struct state s = j->work.at[i]; /* the array may move */
		if (s.now >= 0)
			rc = expand(j, t, &s, wanted);
		if (!rc && t->steps > t->limit)
			rc = -EAGAIN;
		if (!rc && j->work.count + j->next.count > STATES_MAX)
			rc = -E2BIG;
	}
	states_swap(&j->frontier, &j->next);
	return rc ? rc : j->frontier.count ? 0 : -ENOENT;
}

static int end_must(struct jit *j, struct task *t, uint32_t index)
{
	slot_set bit = slot_bit(j->must_slot[index]);
	int rc = end(j, t, &(struct wanted){.done = bit});

	j->must.set &= ~bit;
	j->observing &= ~bit;
	return rc;
}

static int end_may(struct jit *j, struct task *t, uint32_t index)
{
	slot_set bit = slot_bit(j->may_slot[index]);
	int rc = end(j, t, &(struct wanted){.used = bit});

	j->may.set &= ~bit;
	j->may_slot[index] = CLOSED;
	return rc;
}

static int (*const moments[])(struct jit *, struct task *, uint32_t) = {
	begin_must,
	end_must,
	begin_may,
	end_may,
};

enum { END = 1, MAY = 2 };

static void add_moments(struct judge_moment *moment, size_t *n, const struct general_op *g,
			uint32_t index, uint32_t what)
{
	moment[(*n)++] = (struct judge_moment){.key = g->inv << 1, .index = index, .what = what};
	if (g->res != JUDGE_NEVER)
		moment[(*n)++] = (struct judge_moment){
			.key = g->res << 1 | 1, .index = index, .what = what | END};
}

static int start(struct jit *j, struct task *t, struct judge_moment **moment, size_t *n)
{
	free(j->must_slot);
	free(j->may_slot);
	j->must_slot = malloc((t->musts + 1) * sizeof(*j->must_slot));
	j->may_slot = malloc((t->mays + 1) * sizeof(*j->may_slot));
	*moment = malloc((2 * (t->musts + t->mays) + 1) * sizeof(**moment));
	*n = 0;
	if (!j->must_slot || !j->may_slot || !*moment)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->mays; i++)
		j->may_slot[i] = CLOSED;
	for (uint32_t i = 0; i < t->musts; i++)
		add_moments(*moment, n, &t->must[i], i, 0);
	for (uint32_t i = 0; i < t->mays; i++)
		add_moments(*moment, n, &t->may[i], i, MAY);
	j->must.set = j->may.set = j->observing = 0;
	states_clear(&j->frontier);
	int rc = states_add(&j->frontier, &(struct state){.now = 0});
	return rc ? rc : judge_sort(*moment, *n);
}

int jit_search(struct jit *j, struct task *t)
{
	struct judge_moment *moment = NULL;
	size_t n = 0, i = 0;
	int rc = start(j, t, &moment, &n);

	while (!rc && i < n) {
		rc = moments[moment[i].what](j, t, moment[i].index);
		i++;
	}
	if (rc == -ENOENT)
		t->dead = t->must[moment[i - 1].index].op->id;
	free(moment);
	return rc == -ENOENT ? 0 : rc ? rc : 1;
}
