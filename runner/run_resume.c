/*
 * run_resume.c - a run that was cut by a crash of failrun goes on in its directory.
 *
 * With failrun ended its worker, and with it every process of the cluster, every rule, cut and mount:
 * for the store that was a SIGKILL of all nodes at once, for a fault under way its heal. So the
 * cluster starts on what is in the run directory, and must come back with all that it had
 * acknowledged: if it does not, that is the store's, not the environment's. What was asked and not
 * answered stays without an outcome, which is ambiguous. Atoms that were reached count as they
 * stand; the others follow. The time in between is no time of the run.
 *
 * What does not end with processes is healed as its kind does: a disk that lied is thrown away before
 * its node starts, whom the store has taken out is taken back, a spare that had joined leaves.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runner/check_ledger.h"
#include "runner/fault_kinds.h"
#include "runner/past.h"
#include "runner/process.h"
#include "runner/run_internal.h"

int run_resume_nodes(struct run *run, struct why *why)
{
	int error = 0;

	for (int i = 0; i < cluster_nodes(run->cluster) && !error; i++) {
		struct node *node = cluster_node(run->cluster, i);
		char key[PLAN_NAME_MAX + 8], kept[64];

		snprintf(key, sizeof(key), "node %s", node->name);
		past_text(run->request->resumes, key, kept, sizeof(kept));
		error = node_restore(run->cluster, node, kept, why);
	}
	return error;
}

/* One event of an atom, in their order. */
static void take_event(struct run *run, int i, const char *event, uint64_t fires,
		       const char *detail)
{
	struct run_atom *state = &run->atom[i];

	if (fires > state->fires)
		state->fires = fires;
	if (strcmp(event, "reached") == 0)
		state->done = state->reached = state->cut = true;
	state->fired |= strcmp(event, "applied") == 0;
	if (strcmp(event, "failed") == 0)
		snprintf(state->failed, sizeof(state->failed), "%s", detail);
	if (strcmp(event, "gated") == 0 || strcmp(event, "unrecovered") == 0)
		state->cut = false;
}

static int take_events(struct run *run, struct why *why)
{
	static const char sql[] =
		"SELECT fault, event, fires, detail FROM fault_event ORDER BY rowid";
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(run->request->resumes->db, sql, -1, &s, NULL) != SQLITE_OK)
		return why_set(why, -EINVAL, "cannot read the ledger's faults");
	while (sqlite3_step(s) == SQLITE_ROW) {
		int i = sqlite3_column_int(s, 0);

		if (i >= 0 && i < run->schedule.atoms)
			take_event(run, i, check_text(s, 1), check_number(s, 2), check_text(s, 3));
	}
	sqlite3_finalize(s);
	return 0;
}

/* Did anything come back while it was on? */
static bool was_met(const struct past *past, int fault)
{
	return past_number(
		       past,
		       "SELECT count(*) FROM outcome WHERE res_ns >= (SELECT ns FROM fault_event "
		       "WHERE fault = ?1 AND event = 'reached') LIMIT 1",
		       fault) > 0;
}

/* What the ring told of it came later than its last event. One that had no effect yet is to come
 * again. */
static void take_cut_atom(const struct past *past, int i, struct run_atom *state)
{
	static const char fires_sql[] =
		"SELECT (SELECT count(*) FROM fire WHERE fault = ?1) + "
		"(SELECT coalesce(sum(fires), 0) FROM fired WHERE fault = ?1)";
	uint64_t seen = (uint64_t)past_number(past, fires_sql, i);

	if (seen > state->fires)
		state->fires = seen;
	state->fired |= state->fires > 0;
	state->done = state->reached = state->cut = state->fired || state->failed[0];
}

int run_resume_state(struct run *run, struct why *why)
{
	static const char last_sql[] = "SELECT max((SELECT coalesce(max(inv_ns), 0) FROM intent), "
				       "(SELECT coalesce(max(ns), 0) FROM fault_event), "
				       "(SELECT coalesce(max(ns), 0) FROM phase))";
	const struct past *past = run->request->resumes;
	int64_t began_ns = past_number(past, "SELECT value FROM run WHERE key = 'began'", 0);
	char interrupted[8];
	int error = workload_restore(run->workload, past->db, run->left.last_seq, why);

	if (!error && compact_sum(past->db, &run->compacted))
		error = why_set(why, -EIO, "cannot read what the ledger has compacted");
	if (!error)
		error = take_events(run, why);
	if (error)
		return error;
	for (int i = 0; i < run->schedule.atoms; i++) {
		run->atom[i].met = run->atom[i].reached && was_met(past, i);
		if (run->atom[i].cut)
			take_cut_atom(past, i, &run->atom[i]);
	}
	if (began_ns)
		run->elapsed_ns = past_number(past, last_sql, 0) - began_ns;
	past_text(past, "interrupted", interrupted, sizeof(interrupted));
	if (interrupted[0])
		run->elapsed_ns = run->plan->run.duration_ns;
	return 0;
}

/* For every atom that was under way. */
static void cut_event(struct run *run, const char *event, const char *detail)
{
	for (int i = 0; i < run->schedule.atoms; i++)
		if (run->atom[i].cut)
			ledger_fault_event(run->ledger, i, event, run->atom[i].fires, detail);
}

/* A store remembers whom it has taken out of service: that did not end with the processes. */
static bool may_be_out(const struct run *run, int i)
{
	static const char begun_sql[] =
		"SELECT count(*) FROM fault_event b WHERE b.fault = ?1 AND b.event = 'applying' "
		"AND NOT "
		"EXISTS (SELECT 1 FROM fault_event e WHERE e.fault = ?1 AND e.rowid > b.rowid AND "
		"e.event IN ('gated', 'unrecovered'))";
	const struct fault_kind *kind = run->schedule.atom[i].kind;

	return ((kind->needs & NEEDS_OFFLINE) || strncmp(kind->name, "scale-", 6) == 0) &&
	       past_number(run->request->resumes, begun_sql, i) > 0;
}

/* And one that joined or left is what it was at first, in the way that its kind has for it. */
static int move_back(struct run *run, int i, struct why *why)
{
	const struct fault_atom *atom = &run->schedule.atom[i];
	struct node *node = cluster_find(run->cluster, atom->node);
	struct fault_run f = {.atom = atom, .node = node};
	const char *command;
	int error = 0;

	if (!node)
		return 0;
	command = node->role->online_command;
	if (*command)
		error = node_command(run->cluster, node, "online-command", command, why);
	if (node->spare == node_born_spare(node))
		return error;
	return atom->kind->heal(&f, &run->context, why);
}

static void take_back(struct run *run)
{
	struct why why = {""};

	for (int i = 0; i < run->schedule.atoms; i++)
		if (may_be_out(run, i) && move_back(run, i, &why))
			progress_news(run->progress, "%s", why.text);
}

/* What a lying disk has is not started on. */
static bool has_lied(const struct run *run, int i)
{
	return run->atom[i].cut && run->schedule.atom[i].kind->lies && run->atom[i].fires > 0;
}

static void hold_liars(struct run *run)
{
	for (int i = 0; i < run->schedule.atoms; i++) {
		struct node *node = cluster_find(run->cluster, run->schedule.atom[i].node);

		if (node && has_lied(run, i))
			node->state = NODE_STOPPED;
	}
}

static void replace_liars(struct run *run)
{
	struct why why = {""};

	for (int i = 0; i < run->schedule.atoms && !run->unrecovered; i++) {
		const struct fault_atom *atom = &run->schedule.atom[i];
		struct node *node = cluster_find(run->cluster, atom->node);
		struct fault_run f = {.atom = atom, .node = node};

		if (!node || !has_lied(run, i) || life_replace(&f, &run->context, &why) == 0)
			continue;
		run->unrecovered = true;
		run_report(run, UNRECOVERED, atom->node, why.text);
	}
}

/* Their gates, or the default one. */
static void pass_gates(struct run *run)
{
	bool any = false;

	for (int i = 0; i < run->schedule.atoms && !run->unrecovered; i++) {
		if (!run->atom[i].cut)
			continue;
		any = true;
		run_recover(run, run->schedule.atom[i].fault->gate, i);
	}
	if (!any && !run->unrecovered)
		run_recover(run, "", -1);
}

/* A store whose processes were all killed must come back; that nothing of ours is in its way was
 * seen to before they were started. */
static int start_all(struct run *run, struct why *why)
{
	int error = cluster_start(run->cluster, why);

	if (error != -ETIMEDOUT && error != -ECHILD)
		return error;
	run->unrecovered = true;
	run_report(run, UNRECOVERED, "resume", why->text);
	return 0;
}

int run_resume_start(struct run *run, struct why *why)
{
	int done = 0, error;

	cut_event(run, "healing",
		  run->plan->run.external ? "failrun ended, and with it the fault"
					  : "failrun ended, and with it the fault and every node");
	hold_liars(run);
	error = start_all(run, why);
	if (error)
		return error;
	replace_liars(run);
	take_back(run);
	cut_event(run, "healed", "");
	pass_gates(run);
	cut_event(run, run->unrecovered ? "unrecovered" : "gated", "");
	for (int i = 0; i < run->schedule.atoms; i++)
		done += run->atom[i].done;
	progress_news(run->progress,
		      "resumed after %.1f s of the workload; %d of %d faults are done",
		      (double)run->elapsed_ns / 1e9, done, run->schedule.atoms);
	return 0;
}
