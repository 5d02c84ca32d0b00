/*
 * run_wave.c - faults that share their time, each through its stages, and then their gates.
 *
 *     waiting -> applying -> holding -> healing -> done
 *        |          '- no fire within the limit: not-fired (healed and gated all the same)
 *        '- failed: what was half done is healed and gated like any other
 *
 * Without a budget a wave is one fault. One thread does it all: what a fault waits for is asked
 * again and again, in turn with the others. A fault that the plan has placed joins a wave that is
 * under way if there is room for it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runner/process.h"
#include "runner/run_internal.h"
#include "runner/schedule_phases.h"

static const int64_t LIMIT_NS = 10 * 1000000000LL;  /* where the plan names no limit */
static const int64_t HEALED_NS = 10 * 1000000000LL; /* from heal to healed */

enum stage { WAITING, APPLYING, HOLDING, HEALING, DONE };

struct member {
	struct fault_run f;
	struct run_atom *state;
	enum stage stage;
	int64_t until_ns; /* of its stage */
	bool counts;      /* held until its rule has fired as often as it can */
};

struct wave {
	struct run *run;
	struct member member[WAVE_MAX];
	int count;
};

static const char *whom(const struct fault_atom *atom, char text[2 * PLAN_NAME_MAX + 2])
{
	snprintf(text, 2 * PLAN_NAME_MAX + 2, "%s%s%s", atom->from[0] ? atom->from : atom->node,
		 atom->from[0] ? ">" : "", atom->to);
	return text;
}

static void event(struct run *run, struct fault_run *f, const char *name, const char *detail)
{
	ledger_fault_event(run->ledger, f->atom->number, name, f->fires, detail);
}

/* What it could not be healed of does not hide what kept it from being applied. */
static void fail(struct run *run, struct fault_run *f, const char *what, const struct why *why)
{
	struct run_atom *state = &run->atom[f->atom->number];
	size_t used = strlen(state->failed);

	snprintf(state->failed + used, sizeof(state->failed) - used, "%s%s: %.200s",
		 used ? "; " : "", what, why->text);
	event(run, f, "failed", state->failed);
	progress_news(run->progress, "fault %d %s: %s", f->atom->number, f->atom->fault->name,
		      state->failed);
}

static int find_nodes(struct run *run, struct fault_run *f, struct why *why)
{
	const struct fault_atom *atom = f->atom;

	f->node = atom->node[0] ? cluster_find(run->cluster, atom->node) : NULL;
	f->from = atom->from[0] ? cluster_find(run->cluster, atom->from) : NULL;
	f->to = atom->to[0] ? cluster_find(run->cluster, atom->to) : NULL;
	if ((atom->node[0] && !f->node) || (atom->from[0] && !f->from) || (atom->to[0] && !f->to))
		return why_set(why, -ENOENT, "\"%s\" is no node of the cluster",
			       atom->node[0] ? atom->node : atom->text);
	return 0;
}

static int64_t limit_ns(const struct fault_run *f)
{
	return f->atom->fault->limit_ns > 0 ? f->atom->fault->limit_ns : LIMIT_NS;
}

static void note_unfired(struct run *run, struct fault_run *f)
{
	struct control_rule rule;
	char detail[256];

	if (f->atom->kind->compose && control_rule(run->control, f->rule, &rule, NULL) == 0) {
		run->atom[f->atom->number].pending = rule.pending;
		snprintf(detail, sizeof(detail), "%s%llu hits, %llu matches",
			 rule.pending ? "no process has its failpoint, " : "",
			 (unsigned long long)rule.hits, (unsigned long long)rule.matches);
	} else {
		snprintf(detail, sizeof(detail), "no effect within its limit");
	}
	event(run, f, "not-fired", detail);
}

static void end(struct run *run, struct member *m, int error, const struct why *why)
{
	struct fault_run *f = &m->f;

	m->stage = DONE;
	f->healed_ns = process_now_ns();
	if (!error) {
		event(run, f, "healed", "");
	} else if (run_environment(run, error, why)) {
		event(run, f, "failed", why->text);
	} else if (f->atom->kind->class_ == FAULT_PROCESS && f->applied_ns) {
		run_report(run, UNRECOVERED, f->atom->node, why->text);
		run->unrecovered = true;
		event(run, f, "failed", why->text);
	} else {
		/* One that was never applied can fail by its plan alone: how the store is, its gate
		 * tells. */
		fail(run, f, "heal", why);
	}
}

static void heal(struct run *run, struct member *m)
{
	struct why why = {""};
	int error;

	event(run, &m->f, "healing", "");
	error = m->f.atom->kind->heal(&m->f, &run->context, &why);
	m->until_ns = process_now_ns() + HEALED_NS;
	m->stage = HEALING;
	if (error)
		end(run, m, error, &why);
}

/* An error is what keeps the fault from counting at all. */
static void begin(struct run *run, struct member *m)
{
	const struct fault_atom *atom = m->f.atom;
	char target[2 * PLAN_NAME_MAX + 2], when[224];
	struct why why = {""};

	m->state->done = m->state->reached = true;
	progress_fault(run->progress, "%s %s", atom->fault->name, whom(atom, target));
	/* Where it really struck: what a replay aims at. */
	snprintf(when, sizeof(when), "%s, at ack %llu", atom->anchor,
		 (unsigned long long)workload_acks(run->workload));
	event(run, &m->f, "reached", when);
	cluster_log_ends(run->cluster, m->f.log_from);
	run->active[run->actives++] = &m->f;
	m->stage = DONE;
	if (find_nodes(run, &m->f, &why)) {
		fail(run, &m->f, "target", &why);
		return;
	}
	event(run, &m->f, "applying", "");
	if (atom->kind->apply(&m->f, &run->context, &why)) {
		fail(run, &m->f, "apply", &why);
		heal(run, m); /* what was half done */
		return;
	}
	m->f.applied_ns = process_now_ns();
	m->until_ns = m->f.applied_ns + limit_ns(&m->f);
	m->stage = APPLYING;
}

/* Has it taken effect? Waits for that no longer than its limit. */
static void step_applying(struct run *run, struct member *m)
{
	struct fault_run *f = &m->f;
	bool over = process_now_ns() >= m->until_ns || run_stopping(run);

	if (f->atom->kind->applied(f, &run->context)) {
		m->state->fired = true;
		event(run, f, "applied", "");
		/* Where the schedule says nothing, until a counting rule has fired as often as it
		 * can. */
		m->counts = f->atom->for_ns == 0 && f->fires_max > 1 && !f->ends;
		m->until_ns = process_now_ns() + (m->counts ? limit_ns(f) : f->atom->for_ns);
		m->stage = HOLDING;
	} else if (over) {
		if (run_stopping(run))
			m->state->reached = false; /* it was not given its time */
		else
			note_unfired(run, f);
		heal(run, m);
	}
}

static void step_holding(struct run *run, struct member *m)
{
	struct fault_run *f = &m->f;

	if (process_now_ns() >= m->until_ns || run_stopping(run) ||
	    (m->counts && f->atom->kind->applied(f, &run->context) && f->fires >= f->fires_max))
		heal(run, m);
}

static void step_healing(struct run *run, struct member *m)
{
	struct why why = {"not healed within its limit"};

	if (m->f.atom->kind->healed(&m->f, &run->context))
		end(run, m, 0, &why);
	else if (process_now_ns() >= m->until_ns)
		end(run, m, -ETIMEDOUT, &why);
}

/* Those of a wave follow the effect of its first. */
static void step_waiting(struct wave *w, struct member *m)
{
	const struct member *first = &w->member[0];
	struct anchor anchor = {.ns = 0};

	if (m != first && first->stage <= APPLYING)
		return;
	anchor_parse(&anchor, m->f.atom->anchor, NULL);
	if (anchor.kind == ANCHOR_WITH && first->stage != DONE &&
	    process_now_ns() < first->f.applied_ns + anchor.ns)
		return;
	begin(w->run, m);
}

static void step(struct wave *w, struct member *m)
{
	switch (m->stage) {
	case WAITING:
		step_waiting(w, m);
		break;
	case APPLYING:
		step_applying(w->run, m);
		break;
	case HOLDING:
		step_holding(w->run, m);
		break;
	case HEALING:
		step_healing(w->run, m);
		break;
	case DONE:
		break;
	}
}

static void add(struct wave *w, int atom)
{
	struct member *m = &w->member[w->count++];

	*m = (struct member){.f.atom = &w->run->schedule.atom[atom], .state = &w->run->atom[atom]};
}

static void join(struct wave *w, const struct schedule_phase *phase)
{
	const struct fault_atom *under_way[WAVE_MAX];
	int next = run_next_placed(w->run);

	for (int i = 0; i < w->count; i++)
		under_way[i] = w->member[i].f.atom;
	if (next >= 0 && wave_takes(w->run->plan, under_way, w->count, phase->budget,
				    &w->run->schedule.atom[next])) {
		add(w, next);
		begin(w->run, &w->member[w->count - 1]);
	}
}

static bool all_done(const struct wave *w)
{
	for (int i = 0; i < w->count; i++)
		if (w->member[i].stage != DONE)
			return false;
	return true;
}

static void gate(struct run *run, struct member *m)
{
	const struct fault_atom *atom = m->f.atom;
	char target[2 * PLAN_NAME_MAX + 2];
	int error;

	m->state->fires = m->f.fires;
	m->state->matches = m->f.matches;
	if (run->unrecovered || run_aborting(run))
		return;
	error = run_recover(run, atom->fault->gate, atom->number);
	event(run, &m->f, !error ? "gated" : run->unrecovered ? "unrecovered" : "cut", "");
	whom(atom, target);
	progress_news(run->progress, "fault %d %s on %s: %llu fires, %s %.2f s after its end",
		      atom->number, atom->fault->name, target[0] ? target : "any",
		      (unsigned long long)m->f.fires, error ? "not recovered" : "recovered",
		      m->f.healed_ns ? (double)(process_now_ns() - m->f.healed_ns) / 1e9 : 0.0);
}

void run_wave(struct run *run, int first, const struct schedule_phase *phase)
{
	struct wave w = {.run = run};
	struct workload_status before, after;

	workload_status(run->workload, &before);
	add(&w, first);
	for (int i = first + 1; i < run->schedule.atoms && run->schedule.atom[i].wave == first; i++)
		if (!run->atom[i].done)
			add(&w, i);
	while (!all_done(&w)) {
		for (int i = 0; i < w.count; i++)
			step(&w, &w.member[i]);
		if (!run_stopping(run))
			join(&w, phase);
		run_tick(run);
	}
	for (int i = 0; i < w.count; i++)
		gate(run, &w.member[i]);
	workload_status(run->workload, &after);
	for (int i = 0; i < w.count; i++)
		w.member[i].state->met = after.ops > before.ops;
	run->actives = 0;
	progress_fault(run->progress, "%s", "");
	run->gate_ns = process_now_ns();
	run->gate_acks = workload_acks(run->workload);
}
