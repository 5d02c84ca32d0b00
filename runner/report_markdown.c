/* report_markdown.c - the report for people: RUN/report.md. */
#include <inttypes.h>
#include <string.h>

#include "runner/report.h"

static double seconds(const struct report *r, int64_t ns)
{
	return (double)(ns - r->start_ns) / 1e9;
}

static double ms(int64_t ns)
{
	return (double)ns / 1e6;
}

/* A cell: no bar, no line end may get through. */
void report_cell(FILE *to, const char *text)
{
	for (; *text; text++)
		fputs(*text == '|' ? "\\|" : *text == '\n' ? " " : (char[]){*text, '\0'}, to);
}

static void verdict(const struct report *r, FILE *to)
{
	fprintf(to, "# %s\n\n", r->verdict);
	if (r->reason[0])
		fprintf(to, "%s.\n\n", r->reason);
	fprintf(to, "| | |\n| --- | --- |\n| plan | `%s`, seed %s |\n", r->plan, r->seed);
	fprintf(to, "| length | %.1f s%s |\n", seconds(r, r->end_ns),
		r->interrupted[0] ? ", interrupted" : "");
	fprintf(to,
		"| operations | %" PRIu64 ", %s verified, %" PRIu64
		" acknowledged mutations, %" PRIu64 " ambiguous |\n",
		r->ops, r->verified, r->acks, r->ambiguous);
	if (r->fenced[0])
		fprintf(to, "| ambiguous operations taken to be over | %s |\n", r->fenced);
	fprintf(to, "| violations | %d |\n", r->violations);
	fprintf(to, "| longest time without an answer | %.0f ms, at %.1f s |\n", ms(r->silence_ns),
		r->silence_ns ? seconds(r, r->silence_at_ns) : 0.0);
	if (r->sandbox[0])
		fprintf(to, "| not isolated | %s |\n", r->sandbox);
	fprintf(to, "| failkit | %s |\n\n", r->version);
	fprintf(to,
		"Judge again: `failrun check %s`. A key's story: `failrun why %s KEY`.\n"
		"The same plan again: `failrun run %s/plan.ini --set run.dir=`.\n\n",
		r->dir, r->dir, r->dir);
}

static void witness(const struct report *r, const struct report_witness *w, FILE *to)
{
	fprintf(to, "| %" PRIu64 " | %s | `", w->op, w->verb);
	report_cell(to, w->key);
	fprintf(to, "` | %" PRId64 " | %s | %" PRId64 " | %.3f | ", w->worker, w->endpoint,
		w->generation, seconds(r, w->inv_ns));
	if (w->res_ns)
		fprintf(to, "%.3f", seconds(r, w->res_ns));
	fprintf(to, " | %s %" PRId64 " | %" PRId64 " | ", w->outcome, w->status, w->seen);
	if (w->fault >= 0)
		fprintf(to, "%.3f s into fault %d", (double)w->since_fault_ns / 1e9, w->fault);
	fputs(" |\n", to);
}

static void causes(const struct report *r, const struct report_violation *v, FILE *to)
{
	char text[512];

	if (v->causes)
		fprintf(to, "Injected between the first and the last of these:\n\n");
	for (int i = 0; i < v->causes; i++) {
		cause_text(&v->cause[i], text, sizeof(text));
		fprintf(to, "- %.3f s: %s\n", seconds(r, v->cause[i].ns), text);
	}
	if (v->causes)
		fputc('\n', to);
}

static void violations(const struct report *r, FILE *to)
{
	if (r->violations == 0)
		return;
	fprintf(to, "## Violations\n\n");
	for (int i = 0; i < r->violations; i++) {
		const struct report_violation *v = &r->violation[i];

		fprintf(to, "### %s%s%s%s\n\n%s\n\n", v->code, v->key[0] ? " `" : "", v->key,
			v->key[0] ? "`" : "", v->text);
		if (v->followers)
			fprintf(to, "%" PRId64 " more %s.\n\n", v->followers,
				v->key[0] ? "on this key" : "like it");
		if (v->witnesses == 0)
			continue;
		fprintf(to,
			"| op | verb | key | worker | endpoint | wrote | asked s | answered s | "
			"answer | saw | when |\n"
			"| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
		for (int j = 0; j < v->witnesses; j++)
			witness(r, &v->witness[j], to);
		fputc('\n', to);
		causes(r, v, to);
	}
}

static const char *fate(const struct report_fault *f)
{
	if (!f->reached_ns)
		return "not reached";
	return f->last;
}

static void gate_steps(const struct report_gate *gate, int gates, FILE *to)
{
	for (int i = 0; i < gates; i++) {
		fputs(i ? ", " : "", to);
		report_cell(to, gate[i].step);
		if (gate[i].met_ns)
			fprintf(to, " %.0f ms", ms(gate[i].met_ns - gate[i].started_ns));
		else
			fputs(" **not met**", to);
	}
}

static void faults(const struct report *r, FILE *to)
{
	fprintf(to, "## Faults\n\n");
	fprintf(to, "| # | fault | kind | whom | reached s | to effect ms | fires | held ms | "
		    "recovery ms | gate | fate |\n"
		    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
	for (int i = 0; i < r->faults; i++) {
		const struct report_fault *f = &r->fault[i];

		fprintf(to, "| %d | %s | %s | %s | ", f->number, f->name, f->kind, f->whom);
		if (f->reached_ns)
			fprintf(to, "%.2f", seconds(r, f->reached_ns));
		fputs(" | ", to);
		if (f->applied_ns)
			fprintf(to, "%.0f", ms(f->applied_ns - f->applying_ns));
		fprintf(to, " | %" PRIu64 " | ", f->fires);
		if (f->applied_ns && f->healing_ns)
			fprintf(to, "%.0f", ms(f->healing_ns - f->applied_ns));
		fputs(" | ", to);
		if (report_recovery_ns(f))
			fprintf(to, "%.0f", ms(report_recovery_ns(f)));
		fputs(" | ", to);
		gate_steps(f->gate, f->gates, to);
		fprintf(to, " | %s", fate(f));
		if (strcmp(f->last, "gated") != 0 && f->detail[0] && f->reached_ns) {
			fputs(": ", to);
			report_cell(to, f->detail);
		}
		fputs(" |\n", to);
	}
	fprintf(to, "\nThe schedule with its rules is in `schedule.txt`. Other gates: ");
	gate_steps(r->boot, r->boots, to);
	fprintf(to, ".\n\n");
}

static void recovery_row(void *arg, const struct report_recovery *group)
{
	FILE *to = arg;

	fprintf(to, "| %s | %s | %d | %d | %d | ", group->kind, group->role[0] ? group->role : "-",
		group->reached, group->fired, group->gated);
	if (group->gated)
		fprintf(to, "%.0f | %.0f | %.0f |\n", ms(group->min_ns), ms(group->median_ns),
			ms(group->max_ns));
	else
		fputs("| | |\n", to);
}

static void recovery(const struct report *r, FILE *to)
{
	fputs("## Recovery by kind and role\n\n"
	      "| kind | role | reached | fired | gated | min ms | median ms | max ms |\n"
	      "| --- | --- | --- | --- | --- | --- | --- | --- |\n",
	      to);
	report_recovery(r, recovery_row, to);
	fputs("\nFrom the end of a fault to its passed gate; with a budget, those of a wave wait "
	      "for "
	      "each other.\n\n",
	      to);
}

static void traffic(const struct report *r, FILE *to)
{
	fputs("## Availability and latency\n\n"
	      "| phase | operation | asked | answered | % | ambiguous | not applied | "
	      "p50 ms | p99 ms | max ms |\n"
	      "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
	      to);
	for (int p = 0; p < REPORT_PHASES; p++)
		for (int v = 0; v < VERB_COUNT; v++) {
			const struct report_traffic *t = &r->traffic[p][v];

			if (t->attempts == 0)
				continue;
			fprintf(to,
				"| %s | %s | %" PRIu64 " | %" PRIu64 " | %.2f | %" PRIu64
				" | %" PRIu64 " | %.2f | %.2f | %.2f |\n",
				report_phase_name[p], report_verb_name[v], t->attempts, t->answered,
				100.0 * (double)t->answered / (double)t->attempts,
				t->outcome[OUTCOME_AMBIGUOUS], t->outcome[OUTCOME_NOT_APPLIED],
				t->p50_ms, t->p99_ms, t->max_ms);
		}
	fprintf(to,
		"\nA phase is when an operation began: baseline without a fault, fault from its "
		"apply to its heal, recovery from heal to the passed gate.\n\n");
}

static void processes(const struct report *r, FILE *to)
{
	fprintf(to, "## Processes that ended\n\n| node | pid | from s | to s | status | cause |\n"
		    "| --- | --- | --- | --- | --- | --- |\n");
	for (int i = 0; i < r->processes; i++) {
		const struct report_process *p = &r->process[i];

		fprintf(to, "| %s | %" PRId64 " | %.2f | %.2f | %" PRId64 " | %s |\n", p->node,
			p->pid, seconds(r, p->started_ns), seconds(r, p->ended_ns), p->status,
			p->cause);
	}
}

void report_markdown(const struct report *report, FILE *to)
{
	verdict(report, to);
	violations(report, to);
	report_states_markdown(report, to);
	faults(report, to);
	recovery(report, to);
	traffic(report, to);
	report_metrics(report, to);
	processes(report, to);
	report_escapes_markdown(report, to);
}
