/* run_faults.c - the phases of a run, and when the turn of each fault has come. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runner/process.h"
#include "runner/run_internal.h"

/* Rules that only watch, for anchors that count the hits of a selector. */
static int set_watches(struct run *run, struct why *why)
{
	for (int i = 0; i < run->schedule.fixed; i++) {
		const struct fault_atom *atom = &run->schedule.atom[i];
		char text[512] = "";
		int error = run->atom[i].done ? 0 : anchor_watch(atom, text, sizeof(text), why);

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
	case ANCHOR_WITH:
		return true; /* its wave's first was taken out of the list */
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

int run_next_placed(struct run *run)
{
	for (int i = 0; i < run->schedule.fixed; i++)
		if (!run->atom[i].done && reached(run, i))
			return i;
	return -1;
}

/* The first atom of the next wave whose turn it is, -1 when there is none yet. Those placed by the
 * plan go first; of the phase's own only the head of the list can be reached, as long as there is
 * time to hold it. */
static int next_wave(struct run *run, const struct schedule_phase *phase)
{
	int64_t end_ns = run->started_ns + phase->end_ns;
	int placed = run_next_placed(run), head = phase->first;

	if (placed >= 0)
		return placed;
	while (head < phase->first + phase->atoms && run->atom[head].done)
		head++;
	if (head == phase->first + phase->atoms ||
	    process_now_ns() + run->schedule.atom[head].for_ns > end_ns)
		return -1;
	return reached(run, head) ? head : -1;
}

static void run_one_phase(struct run *run, const struct schedule_phase *phase)
{
	int64_t end_ns = run->started_ns + phase->end_ns;

	if (run->elapsed_ns >= phase->end_ns)
		return; /* before the resume */
	run_phase(run, phase->name);
	workload_pace(run->workload, phase->think_ns);
	run->gate_ns = process_now_ns();
	run->gate_acks = workload_acks(run->workload);
	while (process_now_ns() < end_ns && !run_stopping(run)) {
		int next = next_wave(run, phase);

		if (next >= 0)
			run_wave(run, next, phase);
		else
			run_tick(run);
	}
}

static int start_workload(struct run *run, struct why *why)
{
	char began[24];
	int error;

	if (!run->elapsed_ns)
		run_phase(run, "warmup");
	error = workload_start(run->workload, why);
	if (error)
		return error;
	run->started_ns = process_now_ns() - run->elapsed_ns;
	snprintf(began, sizeof(began), "%lld", (long long)run->started_ns);
	ledger_run(run->ledger, "began", began);
	progress_start(run->progress, run->workload, run->started_ns,
		       run->started_ns + run->plan->run.duration_ns);
	return 0;
}

/* Those behind it have no faults: run_quiet() is theirs. */
static int last_of_chaos(const struct schedule *schedule)
{
	for (int i = schedule->phases - 1; i >= 0; i--)
		if (strcmp(schedule->phase[i].faults, "none") != 0)
			return i;
	return schedule->phases - 1;
}

int run_faults(struct run *run, struct why *why)
{
	int error = start_workload(run, why);

	if (!error)
		error = set_watches(run, why);
	for (int i = 0; i <= last_of_chaos(&run->schedule) && !error && !run_stopping(run); i++)
		run_one_phase(run, &run->schedule.phase[i]);
	return error;
}

void run_quiet(struct run *run)
{
	run_phase(run, "quiet");
	for (int i = last_of_chaos(&run->schedule) + 1; i < run->schedule.phases; i++) {
		const struct schedule_phase *phase = &run->schedule.phase[i];
		int64_t until_ns = process_now_ns() + phase->end_ns - phase->start_ns;

		if (strcmp(phase->name, "quiet") != 0)
			run_phase(run, phase->name);
		workload_pace(run->workload, phase->think_ns);
		while (process_now_ns() < until_ns && !run_stopping(run))
			run_tick(run);
	}
}
