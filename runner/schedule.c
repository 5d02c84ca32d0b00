/* schedule.c - see schedule.h for how the list comes about. */
#include "runner/schedule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint/rule.h"
#include "runner/schedule_draw.h"
#include "runner/schedule_phases.h"
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

void schedule_place_all(struct schedule *s)
{
	for (int i = 0; i < s->atoms; i++) {
		s->atom[i].wave = i;
		s->atom[i].phase = -1;
	}
	for (int i = 0; i < s->phases; i++)
		s->phase[i].first = s->phase[i].atoms = 0;
	s->fixed = s->atoms;
}

/* The occurrence-th of this fault: whom it hits. */
static int begin(struct schedule *s, const struct plan *plan, const struct plan_fault *fault,
		 unsigned occurrence, struct why *why)
{
	const struct fault_kind *kind = fault_kind(fault->kind, why);
	char name[PLAN_NAME_MAX + 32];

	if (!kind)
		return -EINVAL;
	if (s->atoms == SCHEDULE_MAX)
		return why_set(why, -ENOSPC, "more than %d faults", SCHEDULE_MAX);
	snprintf(name, sizeof(name), "fault/%s/%u", fault->name, occurrence);
	s->atom[s->atoms] = (struct fault_atom){.number = s->atoms,
						.wave = s->atoms,
						.phase = -1,
						.fault = fault,
						.kind = kind,
						.seed = seed_named(plan->run.seed, name),
						.for_ns = hold_ns(fault, kind)};
	return draw_whom(&s->atom[s->atoms], plan, why);
}

static int add_fixed(struct schedule *s, const struct plan *plan, const struct plan_fault *fault,
		     int64_t *placed_ns, struct why *why)
{
	struct fault_atom *atom = &s->atom[s->atoms];
	int error = begin(s, plan, fault, 0, why);

	if (!error)
		error = draw_fixed_anchor(atom, why);
	if (!error)
		error = compose_line(atom, why);
	if (error)
		return error;
	*placed_ns += atom->kind->cost_ns + atom->for_ns;
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

/* Dealing a phase under way. */
struct dealing {
	struct schedule *s;
	const struct plan *plan;
	struct schedule_phase *phase;
	int number; /* of the phase */
	unsigned occurrence[FAULT_MAX];
	int64_t left_ns;
	int wave, room; /* its first atom; how many more it takes */
	unsigned waves;
};

/* A shuffled deck: each fault without an anchor that the phase allows, as often as its weight (at
 * most 16 times). */
static int shuffle(struct card *deck, const struct dealing *d, unsigned round)
{
	const struct plan *plan = d->plan;
	char name[2 * PLAN_NAME_MAX + 48];
	int cards = 0;

	for (int i = 0; i < plan->faults; i++) {
		const struct plan_fault *fault = &plan->fault[i];
		int64_t weight = is_fixed(fault) ? 0 : fault->weight;

		if (!phase_allows(d->phase, fault, fault_kind(fault->kind, NULL)))
			continue;
		for (int copy = 0; copy < weight && copy < DECK_COPIES_MAX; copy++) {
			snprintf(name, sizeof(name), "%s%sorder/%u/%s/%d",
				 plan->phases ? d->phase->name : "", plan->phases ? "/" : "", round,
				 fault->name, copy);
			deck[cards++] = (struct card){seed_named(plan->run.seed, name), i};
		}
	}
	qsort(deck, (size_t)cards, sizeof(*deck), by_rank);
	return cards;
}

/* Does the atom join the wave before it? Otherwise it begins one, of a size that is drawn. */
static bool joins(struct dealing *d, const struct fault_atom *atom)
{
	const struct fault_atom *wave[WAVE_MAX];
	char name[PLAN_NAME_MAX + 48];
	uint64_t stream;
	int count = 0;

	for (int i = d->wave; i < atom->number; i++)
		wave[count++] = &d->s->atom[i];
	if (d->room > 0 && wave_takes(d->plan, wave, count, WAVE_MAX, atom)) {
		d->room--;
		return true;
	}
	snprintf(name, sizeof(name), "wave/%s/%u", d->phase->name, d->waves++);
	stream = seed_named(d->plan->run.seed, name);
	d->wave = atom->number;
	d->room = (int)seed_below(&stream, (uint64_t)d->phase->budget);
	return false;
}

/* Adds a fault of the phase: an atom of a wave. About how long it takes, of the phase's time. */
static int add_drawn(struct dealing *d, int fault, int64_t *cost_ns, struct why *why)
{
	struct schedule *s = d->s;
	struct fault_atom *atom = &s->atom[s->atoms];
	int error = begin(s, d->plan, &d->plan->fault[fault], d->occurrence[fault]++, why);

	if (error)
		return error;
	atom->phase = d->number;
	*cost_ns = atom->kind->cost_ns + atom->for_ns;
	if (joins(d, atom)) {
		draw_with(atom, &s->atom[d->wave]);
		*cost_ns /= 2;
	} else {
		*cost_ns += draw_anchor(atom, d->plan);
	}
	atom->wave = d->wave;
	error = compose_line(atom, why);
	s->atoms += !error;
	return error;
}

static int deal_card(struct dealing *d, int fault, struct why *why)
{
	static const int64_t at_least_ns = 100 * 1000000LL;
	int64_t cost_ns;
	int error = add_drawn(d, fault, &cost_ns, why);

	if (error)
		return error;
	d->left_ns -= cost_ns > at_least_ns ? cost_ns : at_least_ns;
	/* The one too many; a plan too short for any still gets its first. */
	if (d->left_ns < 0 && d->s->atoms > 1)
		d->s->atoms--;
	return 0;
}

static int deal(struct dealing *d, struct why *why)
{
	struct card deck[FAULT_MAX * DECK_COPIES_MAX];

	d->phase->first = d->wave = d->s->atoms;
	d->room = 0;
	for (unsigned round = 0; d->left_ns > 0; round++) {
		int cards = shuffle(deck, d, round);

		if (cards == 0)
			break;
		for (int i = 0; i < cards && d->left_ns >= 0; i++) {
			int error = deal_card(d, deck[i].fault, why);

			if (error)
				return error;
		}
	}
	d->phase->atoms = d->s->atoms - d->phase->first;
	return 0;
}

/* Each phase for itself; what the plan places is taken from the first that deals any. */
static int deal_phases(struct schedule *s, const struct plan *plan, int64_t placed_ns,
		       struct why *why)
{
	struct dealing d = {.s = s, .plan = plan};
	int error = 0;

	for (int i = 0; i < s->phases && !error; i++) {
		d.phase = &s->phase[i];
		d.number = i;
		d.left_ns = d.phase->end_ns - d.phase->start_ns - placed_ns;
		error = deal(&d, why);
		if (strcmp(d.phase->faults, "none") != 0)
			placed_ns = 0;
	}
	return error;
}

int schedule_make(struct schedule *out, const struct plan *plan, struct why *why)
{
	struct schedule s = {.atom = calloc(SCHEDULE_MAX + 1, sizeof(*s.atom))};
	int64_t placed_ns = 0;
	int error;

	if (!s.atom)
		return why_set(why, -ENOMEM, "no memory for the schedule");
	s.phases = phases_of(s.phase, plan);
	error = phases_check(plan, why);
	for (int i = 0; i < plan->faults && !error; i++)
		if (is_fixed(&plan->fault[i]))
			error = add_fixed(&s, plan, &plan->fault[i], &placed_ns, why);
	s.fixed = s.atoms;
	if (!error)
		error = deal_phases(&s, plan, placed_ns, why);
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
	for (int i = 0; i < schedule->atoms; i++) {
		const struct fault_atom *atom = &schedule->atom[i];

		if (atom->phase >= 0 && (i == 0 || schedule->atom[i - 1].phase != atom->phase))
			fprintf(to, "    %s, %lld s\n", schedule->phase[atom->phase].name,
				(long long)((schedule->phase[atom->phase].end_ns -
					     schedule->phase[atom->phase].start_ns) /
					    1000000000));
		fprintf(to, "%s\n", atom->text);
	}
}
