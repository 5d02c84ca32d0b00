/*
 * run_faults.c - the faults of a run, one after the other.
 *
 *     reached -> applying -> applied -> healing -> healed -> gated
 *                    |          '- no fire within the limit: not-fired (healed and gated all the
 * same)
 *                    '- failed                                   '- unrecovered
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runner/process.h"
#include "runner/run_internal.h"

static const int64_t LIMIT_NS = 10 * 1000000000LL;  /* where the plan names no limit */
static const int64_t HEALED_NS = 10 * 1000000000LL; /* from heal to healed */

static const char *whom(const struct fault_atom *atom, char text[2 * PLAN_NAME_MAX + 2])
{
	snprintf(text, 2 * PLAN_NAME_MAX + 2, "%s%s%s", atom->from[0] ? atom->from : atom->node,
		 atom->from[0] ? ">" : "", atom->to);
	return text;
}

/* Rules that only watch, for anchors that count the hits of a selector. */
static int set_watches(struct run *run, struct why *why)
{
	for (int i = 0; i < run->schedule.fixed; i++) {
		const struct fault_atom *atom = &run->schedule.atom[i];
		char text[512];
		int error = anchor_watch(atom, text, sizeof(text), why);

		if (!error && text[0] && !run->control)
			error = why_set(why, -ENOTSUP,
					"anchor \"%s\" wants a role with inject = yes",
					atom->anchor);
		if (!error && text[0])
			error = control_set(run->control, text, CONTROL_HELD, NULL,
					    run->atom[i].watch, why);
		if (error)
			return why_prefix(why, error, "fault \"%s\"", atom->fault->name);
	}
	return 0;
}

static bool reached(struct run *run, int i)
{
	struct anchor anchor;
	struct control_rule watch;
	uint64_t acks = workload_acks(run->workload);
	int64_t now = process_now_ns();

	if (anchor_parse(&anchor, run->schedule.atom[i].anchor, NULL))
		return false;
	switch (anchor.kind) {
	case ANCHOR_AFTER:
		return now >= run->gate_ns + anchor.ns;
	case ANCHOR_ACK_MORE:
		return acks >= run->gate_acks + anchor.count;
	case ANCHOR_TIME:
		return now >= run->started_ns + anchor.ns;
	case ANCHOR_ACK:
		return acks >= anchor.count;
	case ANCHOR_HIT:
		return control_rule(run->control, run->atom[i].watch, &watch, NULL) == 0 &&
		       watch.fires > 0;
	}
	return false;
}

/* The next atom whose turn it is, -1 when there is none yet. Those placed by the plan go first; of
 * the drawn ones only the head of the list can be reached, once the warm-up is over and as long as
 * there is time to hold it. */
static int next_atom(struct run *run, int *head)
{
	int64_t now = process_now_ns();

	for (int i = 0; i < run->schedule.fixed; i++)
		if (!run->atom[i].done && reached(run, i))
			return i;
	if (*head == run->schedule.atoms || now < run->gate_ns ||
	    now + run->schedule.atom[*head].for_ns > run->chaos_end_ns)
		return -1;
	return reached(run, *head) ? (*head)++ : -1;
}

static void event(struct run *run, struct fault_run *f, const char *name, const char *detail)
{
	ledger_fault_event(run->ledger, f->atom->number, name, f->fires, detail);
}

static void fail(struct run *run, struct fault_run *f, const char *what, const struct why *why)
{
	struct run_atom *state = &run->atom[f->atom->number];

	snprintf(state->failed, sizeof(state->failed), "%s: %.200s", what, why->text);
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

/* Waits until it has taken effect. False when it did not within its limit. */
static bool wait_applied(struct run *run, struct fault_run *f)
{
	int64_t deadline_ns = process_now_ns() + limit_ns(f);

	while (!f->atom->kind->applied(f, &run->context)) {
		if (process_now_ns() >= deadline_ns || run_stopping(run))
			return f->atom->kind->applied(f, &run->context);
		run_tick(run);
	}
	return true;
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

/* For as long as the schedule says; where it says nothing, until a counting rule has fired as often
 * as it can. */
static void hold(struct run *run, struct fault_run *f)
{
	bool counts = f->atom->for_ns == 0 && f->fires_max > 1 && !f->ends;
	int64_t until_ns = process_now_ns() + (counts ? limit_ns(f) : f->atom->for_ns);

	while (process_now_ns() < until_ns && !run_stopping(run)) {
		if (counts && f->atom->kind->applied(f, &run->context) && f->fires >= f->fires_max)
			break;
		run_tick(run);
	}
}

static int heal(struct run *run, struct fault_run *f, struct why *why)
{
	int64_t deadline_ns = process_now_ns() + HEALED_NS;
	int error;

	event(run, f, "healing", "");
	error = f->atom->kind->heal(f, &run->context, why);
	while (!error && !f->atom->kind->healed(f, &run->context)) {
		if (process_now_ns() >= deadline_ns)
			error = why_set(why, -ETIMEDOUT, "not healed within its limit");
		run_tick(run);
	}
	return error;
}

/* From apply to healed. An error is what keeps the fault from counting at all. */
static void disturb(struct run *run, struct fault_run *f, struct run_atom *state)
{
	struct why why = {""};
	int error;

	event(run, f, "applying", "");
	error = f->atom->kind->apply(f, &run->context, &why);
	if (error) {
		fail(run, f, "apply", &why);
		f->atom->kind->heal(f, &run->context, NULL); /* what was half done */
		return;
	}
	f->applied_ns = process_now_ns();
	state->fired = wait_applied(run, f);
	if (state->fired) {
		event(run, f, "applied", "");
		hold(run, f);
	} else if (run_stopping(run)) {
		state->reached = false; /* it was not given its time */
	} else {
		note_unfired(run, f);
	}
	error = heal(run, f, &why);
	f->healed_ns = process_now_ns();
	if (error && f->atom->kind->class_ == FAULT_PROCESS)
		run_report(run, UNRECOVERED, f->atom->node, why.text);
	else if (error)
		fail(run, f, "heal", &why);
	if (error)
		run->unrecovered = f->atom->kind->class_ == FAULT_PROCESS;
	event(run, f, error ? "failed" : "healed", error ? why.text : "");
}

static void run_atom(struct run *run, int i)
{
	const struct fault_atom *atom = &run->schedule.atom[i];
	struct fault_run f = {.atom = atom};
	struct run_atom *state = &run->atom[i];
	struct workload_status before, after;
	char target[2 * PLAN_NAME_MAX + 2], when[224];
	struct why why = {""};

	state->done = state->reached = true;
	workload_status(run->workload, &before);
	progress_fault(run->progress, "%s %s", atom->fault->name, whom(atom, target));
	/* Where it really struck: what a replay aims at. */
	snprintf(when, sizeof(when), "%s, at ack %llu", atom->anchor,
		 (unsigned long long)workload_acks(run->workload));
	event(run, &f, "reached", when);
	run->active = &f;
	if (find_nodes(run, &f, &why))
		fail(run, &f, "target", &why);
	else
		disturb(run, &f, state);
	state->fires = f.fires;
	state->matches = f.matches;
	if (!run->unrecovered && !run_aborting(run)) {
		int error = run_recover(run, atom->fault->gate, atom->number);

		event(run, &f, !error ? "gated" : run->unrecovered ? "unrecovered" : "cut", "");
		progress_news(run->progress,
			      "fault %d %s on %s: %llu fires, %s %.2f s after its end", i,
			      atom->fault->name, target[0] ? target : "any",
			      (unsigned long long)f.fires, error ? "not recovered" : "recovered",
			      (double)(process_now_ns() - f.healed_ns) / 1e9);
	}
	workload_status(run->workload, &after);
	state->met = after.ops > before.ops;
	run->active = NULL;
	progress_fault(run->progress, "%s", "");
	run->gate_ns = process_now_ns();
	run->gate_acks = workload_acks(run->workload);
}

static int start_workload(struct run *run, struct why *why)
{
	const struct plan_run *p = &run->plan->run;
	int error;

	run_phase(run, "warmup");
	error = workload_start(run->workload, why);
	if (error)
		return error;
	run->started_ns = process_now_ns();
	run->gate_ns = run->started_ns + p->warmup_ns;
	run->chaos_end_ns = run->started_ns + p->duration_ns - p->quiet_ns;
	progress_start(run->progress, run->workload, run->started_ns,
		       run->started_ns + p->duration_ns);
	return 0;
}

int run_faults(struct run *run, struct why *why)
{
	int head = run->schedule.fixed, error = start_workload(run, why);
	bool chaos = false;

	if (!error)
		error = set_watches(run, why);
	while (!error && process_now_ns() < run->chaos_end_ns && !run_stopping(run)) {
		int next = next_atom(run, &head);

		if (!chaos && (next >= 0 || process_now_ns() >= run->gate_ns)) {
			chaos = true;
			run_phase(run, "chaos");
			run->gate_acks = workload_acks(run->workload);
		}
		if (next >= 0)
			run_atom(run, next);
		else
			run_tick(run);
	}
	return error;
}
