/* run_judge.c - the facts of a run, put before verdict_decide(), and its judgement in the ledger.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/check_exact.h"
#include "runner/check_ledger.h"
#include "runner/compact.h"
#include "runner/run_internal.h"

void run_blind(struct run *run, struct run_blind *out)
{
	out->count = 0;
	for (int i = 0; run->control && i < cluster_nodes(run->cluster); i++) {
		const struct node *node = cluster_node(run->cluster, i);

		if (!node->role->inject || node->starts == 0)
			continue;
		if (control_seen_calls(run->control, node->name))
			continue;
		snprintf(out->name[out->count], PLAN_NAME_MAX, "%s", node->name);
		out->node[out->count] = out->name[out->count];
		out->count++;
	}
}

/* Which verbs the plan gives weight, of those that the store can. */
static void wanted_verbs(const struct plan_mix *mix, bool wanted[VERB_COUNT])
{
	wanted[VERB_PUT] = mix->put + mix->overwrite + mix->create + mix->replace > 0;
	wanted[VERB_GET] = mix->get > 0;
	wanted[VERB_HEAD] = mix->head > 0;
	wanted[VERB_RANGE] = mix->range > 0;
	wanted[VERB_DELETE] = mix->delete_ > 0;
	wanted[VERB_LIST] = mix->list > 0;
}

static void collect_faults(const struct run *run, struct verdict_fault *fault)
{
	for (int i = 0; i < run->schedule.atoms; i++) {
		const struct run_atom *state = &run->atom[i];

		fault[i] = (struct verdict_fault){
			.number = i,
			.name = run->schedule.atom[i].fault->name,
			.reached = state->reached,
			.met = state->met,
			.sets_rule = run->schedule.atom[i].kind->compose != NULL,
			.pending = state->pending,
			.fires = state->fires,
			.matches = state->matches,
			.failed = state->failed[0] ? state->failed : NULL,
		};
	}
}

/* The ledger holds answers, not which of them proved something: that is the judge's to tell. */
static void record_verified(void *arg, struct oracle *oracle)
{
	struct run *run = arg;
	struct oracle_count count;
	uint64_t verified = run->compacted.verified;
	char number[24];

	oracle_count(oracle, &count);
	for (int i = 0; i < VERB_COUNT; i++)
		verified += count.verified[i];
	snprintf(number, sizeof(number), "%llu", (unsigned long long)verified);
	ledger_run(run->ledger, "verified", number);
}

struct judging {
	struct run *run;
	struct verdict_facts *facts;
	struct verdict_result *out;
	char path[4096], reasons[4096], compacted[128];
	struct exact_result exact;
	struct why *why;
	int error;
};

/* Every key once more, from the closed ledger, as `failrun check` does. */
static int judge_exactly(struct judging *j, struct oracle *oracle)
{
	struct compact_sum sum = {0};
	sqlite3 *db;
	int rc = check_ledger_open(j->run->dir, &db, j->why);

	if (rc)
		return rc;
	rc = check_exact(db, (uint32_t)check_ledger_number(db, "can"), &exact_budget, oracle, NULL,
			 NULL, &j->exact, j->why);
	if (!rc && (rc = compact_sum(db, &sum)))
		why_set(j->why, rc, "cannot read the ledger: %s", sqlite3_errmsg(db));
	sqlite3_close(db);
	compact_sum_text(&sum, j->compacted, sizeof(j->compacted));
	j->facts->compacted = j->compacted;
	if (j->exact.undecided)
		j->facts->undecided = j->exact.text;
	return rc;
}

static void judge(void *arg, struct oracle *oracle)
{
	struct judging *j = arg;
	struct oracle_count count;

	if (!j->facts->ledger)
		j->error = judge_exactly(j, oracle);
	if (j->error)
		return;
	oracle_count(oracle, &count);
	j->facts->violations = count.violations;
	for (int i = 0; i < VERB_COUNT; i++)
		j->facts->ok[i] = count.verified[i] + j->run->compacted.ok[i];
	verdict_decide(j->out, j->facts);
	verdict_reasons(j->out, j->reasons, sizeof(j->reasons));
	if (!j->out->environment)
		j->error = judgement_append(j->path, "run", oracle, j->out->verdict, j->reasons,
					    j->why);
}

int run_judge(struct run *run, const struct run_blind *blind, struct verdict_result *out,
	      struct why *why)
{
	struct verdict_fault *fault = calloc((size_t)run->schedule.atoms + 1, sizeof(*fault));
	struct why ledger = {""};
	struct verdict_facts facts = {
		.fault = fault,
		.faults = run->schedule.atoms,
		.blind = blind->node,
		.blinds = blind->count,
		.min_ops = (uint64_t)run->plan->run.min_ops,
		.swept = run->swept,
		.environment = run->environment.text[0] ? run->environment.text : NULL,
		.sweep_missed = run->sweep_missed,
	};
	struct judging j = {.run = run, .facts = &facts, .out = out, .why = why};

	if (!fault)
		return why_set(why, -ENOMEM, "no memory for the verdict");
	collect_faults(run, fault);
	wanted_verbs(&run->plan->workload.mix, facts.wanted);
	events_close(run->events);
	run->events = NULL;
	workload_oracle(run->workload, record_verified, run);
	if (ledger_close(run->ledger, &ledger))
		facts.ledger = ledger.text;
	run->ledger = NULL;
	snprintf(j.path, sizeof(j.path), "%s/model.sqlite", run->dir);
	workload_oracle(run->workload, judge, &j);
	free(fault);
	return j.error;
}
