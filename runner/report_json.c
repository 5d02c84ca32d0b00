/* report_json.c - the report for machines: RUN/results.json. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "runner/report.h"

static double seconds(const struct report *r, int64_t ns)
{
	return ns ? (double)(ns - r->start_ns) / 1e9 : -1;
}

static json_t *witness(const struct report *r, const struct report_witness *w)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:I, s:f, s:f, s:i, s:f}", "op",
			 (json_int_t)w->op, "verb", w->verb, "key", w->key, "endpoint", w->endpoint,
			 "worker", (json_int_t)w->worker, "generation", (json_int_t)w->generation,
			 "seen", (json_int_t)w->seen, "outcome", w->outcome, "status",
			 (json_int_t)w->status, "asked_s", seconds(r, w->inv_ns), "answered_s",
			 seconds(r, w->res_ns), "fault", w->fault, "since_fault_s",
			 (double)w->since_fault_ns / 1e9);
}

static json_t *causes(const struct report *r, const struct report_violation *v)
{
	json_t *list = json_array();

	for (int i = 0; i < v->causes; i++) {
		const struct cause *c = &v->cause[i];

		json_array_append_new(
			list, json_pack("{s:f, s:i, s:f, s:s, s:s, s:s, s:s, s:s, s:I}", "first_s",
					seconds(r, c->ns), "fault", c->fault, "since_fault_s",
					(double)c->since_ns / 1e9, "node", c->node, "site", c->site,
					"action", c->action, "error", c->error, "subject",
					c->subject, "count", (json_int_t)c->count));
	}
	return list;
}

static json_t *violations(const struct report *r)
{
	json_t *list = json_array();

	for (int i = 0; i < r->violations; i++) {
		const struct report_violation *v = &r->violation[i];
		json_t *witnesses = json_array();

		for (int j = 0; j < v->witnesses; j++)
			json_array_append_new(witnesses, witness(r, &v->witness[j]));
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s, s:I, s:o, s:o}", "code", v->code,
						"key", v->key, "text", v->text, "followers",
						(json_int_t)v->followers, "witness", witnesses,
						"injected", causes(r, v)));
	}
	return list;
}

static json_t *gates(const struct report_gate *gate, int count)
{
	json_t *list = json_array();

	for (int i = 0; i < count; i++)
		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:b, s:f}", "gate", gate[i].gate, "step",
				  gate[i].step, "met", gate[i].met_ns != 0, "took_ms",
				  gate[i].met_ns
					  ? (double)(gate[i].met_ns - gate[i].started_ns) / 1e6
					  : -1.0));
	return list;
}

static json_t *faults(const struct report *r)
{
	json_t *list = json_array();

	for (int i = 0; i < r->faults; i++) {
		const struct report_fault *f = &r->fault[i];

		json_array_append_new(
			list,
			json_pack(
				"{s:i, s:s, s:s, s:s, s:b, s:I, s:I, s:s, s:s, s:f, s:f, s:f, s:f, "
				"s:f, s:f, s:o}",
				"number", f->number, "name", f->name, "kind", f->kind, "whom",
				f->whom, "reached", f->reached_ns != 0, "fires",
				(json_int_t)f->fires, "events", (json_int_t)f->events, "last",
				f->last, "detail", f->detail, "reached_s",
				seconds(r, f->reached_ns), "applied_s", seconds(r, f->applied_ns),
				"healing_s", seconds(r, f->healing_ns), "healed_s",
				seconds(r, f->healed_ns), "gated_s", seconds(r, f->gated_ns),
				"recovery_ms", (double)report_recovery_ns(f) / 1e6, "gate",
				gates(f->gate, f->gates)));
	}
	return list;
}

static void recovery_row(void *arg, const struct report_recovery *g)
{
	json_array_append_new(
		arg, json_pack("{s:s, s:s, s:i, s:i, s:i, s:f, s:f, s:f}", "kind", g->kind, "role",
			       g->role, "reached", g->reached, "fired", g->fired, "gated", g->gated,
			       "min_ms", (double)g->min_ns / 1e6, "median_ms",
			       (double)g->median_ns / 1e6, "max_ms", (double)g->max_ns / 1e6));
}

static json_t *recovery(const struct report *r)
{
	json_t *list = json_array();

	report_recovery(r, recovery_row, list);
	return list;
}

static json_t *traffic(const struct report *r)
{
	json_t *phases = json_object();

	for (int p = 0; p < REPORT_PHASES; p++) {
		json_t *verbs = json_object();

		for (int v = 0; v < VERB_COUNT; v++) {
			const struct report_traffic *t = &r->traffic[p][v];
			json_t *row = json_pack("{s:I, s:I, s:I, s:f, s:f, s:f}", "attempts",
						(json_int_t)t->attempts, "answered",
						(json_int_t)t->answered, "unanswered",
						(json_int_t)t->unanswered, "p50_ms", t->p50_ms,
						"p99_ms", t->p99_ms, "max_ms", t->max_ms);

			for (int o = 0; o < OUTCOME_COUNT; o++)
				json_object_set_new(row, report_outcome_name[o],
						    json_integer((json_int_t)t->outcome[o]));
			json_object_set_new(verbs, report_verb_name[v], row);
		}
		json_object_set_new(phases, report_phase_name[p], verbs);
	}
	return phases;
}

static json_t *processes(const struct report *r)
{
	json_t *list = json_array();

	for (int i = 0; i < r->processes; i++) {
		const struct report_process *p = &r->process[i];

		json_array_append_new(list, json_pack("{s:s, s:I, s:f, s:f, s:I, s:s}", "node",
						      p->node, "pid", (json_int_t)p->pid,
						      "started_s", seconds(r, p->started_ns),
						      "ended_s", seconds(r, p->ended_ns), "status",
						      (json_int_t)p->status, "cause", p->cause));
	}
	return list;
}

int report_json(const struct report *report, FILE *to)
{
	json_t *root = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:f, s:I, s:I, s:I, s:I, s:f, s:o, s:o, s:o, "
		"s:o, s:o, s:o, s:o, s:o}",
		"verdict", report->verdict, "reason", report->reason, "fenced", report->fenced,
		"plan", report->plan, "seed", report->seed, "version", report->version,
		"interrupted", report->interrupted[0] != 0, "length_s",
		seconds(report, report->end_ns), "operations", (json_int_t)report->ops, "verified",
		(json_int_t)strtoll(report->verified, NULL, 10), "acknowledged",
		(json_int_t)report->acks, "ambiguous", (json_int_t)report->ambiguous, "silence_ms",
		(double)report->silence_ns / 1e6, "violations", violations(report), "faults",
		faults(report), "recovery", recovery(report), "gates",
		gates(report->boot, report->boots), "traffic", traffic(report), "processes",
		processes(report), "escapes", report_escapes_json(report), "states",
		report_states_json(report));
	int error = 0;

	if (!root)
		return -ENOMEM;
	if (json_dumpf(root, to, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) || fputc('\n', to) == EOF)
		error = -EIO;
	json_decref(root);
	return error;
}
