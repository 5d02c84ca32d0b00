/* schedule.c - see schedule.h for how the list comes about. */
#include "runner/schedule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint/rule.h"
#include "runner/schedule_draw.h"
#include "runner/seed.h"

static const int64_t MS = 1000000;

static bool is_fixed(const struct plan_fault *fault)
{
	return fault->anchor && fault->anchor[0];
}

static int64_t hold_ns(const struct plan_fault *fault, const struct fault_kind *kind)
{
	return fault->for_ns > 0 ? fault->for_ns : kind->hold_ns;
}

static int compose_line(struct fault_atom *atom, struct why *why)
{
	char whom[2 * PLAN_NAME_MAX + 2], rule[sizeof(atom->text)];
	int error = fault_rule(atom, rule, sizeof(rule), why);
	int n;

	if (error)
		return why_prefix(why, error, "fault \"%s\"", atom->fault->name);
	if (atom->from[0])
		snprintf(whom, sizeof(whom), "%s>%s", atom->from, atom->to);
	else
		snprintf(whom, sizeof(whom), "%s", atom->node[0] ? atom->node : "-");
	n = snprintf(atom->text, sizeof(atom->text),
		     "%-3d  %-14s  %-16s  %-11s  %-10s  %6lldms  %-10s%s%s%s", atom->number,
		     atom->anchor, atom->fault->name, atom->kind->name, whom,
		     (long long)(atom->for_ns / MS),
		     atom->fault->gate && atom->fault->gate[0] ? atom->fault->gate : "default",
		     rule[0] || atom->group[0] ? "  " : "", atom->group, rule);
	if (n < 0 || (size_t)n >= sizeof(atom->text))
		return why_set(why, -ENOSPC, "fault \"%s\": its line is too long",
			       atom->fault->name);
	while (n > 0 && atom->text[n - 1] == ' ')
		atom->text[--n] = '\0';
	return 0;
}

int schedule_anchor(struct fault_atom *atom, const char *anchor, struct why *why)
{
	if (strlen(anchor) >= sizeof(atom->anchor))
		return why_set(why, -ENOSPC, "fault \"%s\": the anchor \"%.40s...\" is too long",
			       atom->fault->name, anchor);
	strcpy(atom->anchor, anchor);
	return compose_line(atom, why);
}

/* Adds one atom: the occurrence-th of this fault. */
static int add(struct schedule *s, const struct plan *plan, const struct plan_fault *fault,
	       unsigned occurrence, int64_t *cost_ns, struct why *why)
{
	const struct fault_kind *kind = fault_kind(fault->kind, why);
	struct fault_atom *atom;
	char name[PLAN_NAME_MAX + 32];
	int64_t gap_ns = 0;
	int error;

	if (!kind)
		return -EINVAL;
	if (s->atoms == SCHEDULE_MAX)
		return why_set(why, -ENOSPC, "more than %d faults", SCHEDULE_MAX);
	atom = &s->atom[s->atoms];
	snprintf(name, sizeof(name), "fault/%s/%u", fault->name, occurrence);
	*atom = (struct fault_atom){.number = s->atoms,
				    .fault = fault,
				    .kind = kind,
				    .seed = seed_named(plan->run.seed, name),
				    .for_ns = hold_ns(fault, kind)};
	error = draw_whom(atom, plan, why);
	if (!error && is_fixed(fault))
		error = draw_fixed_anchor(atom, why);
	else if (!error)
		gap_ns = draw_anchor(atom, plan);
	if (!error)
		error = compose_line(atom, why);
	if (error)
		return error;
	*cost_ns = gap_ns + kind->cost_ns + atom->for_ns;
	s->atoms++;
	return 0;
}

struct card {
	uint64_t rank;
	int fault;
};

static int by_rank(const void *a, const void *b)
{
	const struct card *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->fault - y->fault;
}

/* A shuffled deck: each fault without an anchor as often as its weight (at most 16 times). */
static int shuffle(struct card *deck, const struct plan *plan, unsigned round)
{
	char name[PLAN_NAME_MAX + 48];
	int cards = 0;

	for (int i = 0; i < plan->faults; i++) {
		const struct plan_fault *fault = &plan->fault[i];
		int64_t weight = is_fixed(fault) ? 0 : fault->weight;

		for (int copy = 0; copy < weight && copy < DECK_COPIES_MAX; copy++) {
			snprintf(name, sizeof(name), "order/%u/%s/%d", round, fault->name, copy);
			deck[cards++] = (struct card){seed_named(plan->run.seed, name), i};
		}
	}
	qsort(deck, (size_t)cards, sizeof(*deck), by_rank);
	return cards;
}

static int deal(struct schedule *s, const struct plan *plan, int64_t left_ns, struct why *why)
{
	static const int64_t at_least_ns = 100 * 1000000LL;
	struct card deck[FAULT_MAX * DECK_COPIES_MAX];
	unsigned occurrence[FAULT_MAX] = {0};

	for (unsigned round = 0; left_ns > 0; round++) {
		int cards = shuffle(deck, plan, round);

		if (cards == 0)
			return 0;
		for (int i = 0; i < cards; i++) {
			int f = deck[i].fault;
			int64_t cost_ns;
			int error = add(s, plan, &plan->fault[f], occurrence[f]++, &cost_ns, why);

			if (error)
				return error;
			left_ns -= cost_ns > at_least_ns ? cost_ns : at_least_ns;
			if (left_ns >= 0)
				continue;
			/* The one too many; a plan too short for any still gets its first. */
			if (s->atoms > 1)
				s->atoms--;
			return 0;
		}
	}
	return 0;
}

int schedule_make(struct schedule *out, const struct plan *plan, struct why *why)
{
	struct schedule s = {.atom = calloc(SCHEDULE_MAX, sizeof(*s.atom))};
	int64_t left_ns = plan->run.duration_ns - plan->run.warmup_ns - plan->run.quiet_ns;
	int error = 0;

	if (!s.atom)
		return why_set(why, -ENOMEM, "no memory for the schedule");
	if (plan->run.budget > 1)
		error = why_set(why, -ENOTSUP,
				"budget = %lld: more than one fault at a time is not built yet",
				(long long)plan->run.budget);
	for (int i = 0; i < plan->faults && !error; i++) {
		int64_t cost_ns = 0;

		if (is_fixed(&plan->fault[i]))
			error = add(&s, plan, &plan->fault[i], 0, &cost_ns, why);
		left_ns -= cost_ns;
	}
	s.fixed = s.atoms;
	if (!error)
		error = deal(&s, plan, left_ns, why);
	if (error) {
		free(s.atom);
		return error;
	}
	*out = s;
	return 0;
}

void schedule_fini(struct schedule *schedule)
{
	free(schedule->atom);
	*schedule = (struct schedule){0};
}

void schedule_print(const struct schedule *schedule, FILE *to)
{
	fprintf(to, "%-3s  %-14s  %-16s  %-11s  %-10s  %8s  %-10s  %s\n", "#", "anchor", "fault",
		"kind", "whom", "for", "gate", "rule");
	for (int i = 0; i < schedule->atoms; i++)
		fprintf(to, "%s\n", schedule->atom[i].text);
}
