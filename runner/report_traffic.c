/* report_traffic.c - availability and latency by operation and phase. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runner/report_read.h"

struct latencies {
	double *ms;
	size_t count, room;
};

struct reading {
	struct report *r;
	int64_t quiet_ns, sweep_ns, last_answer_ns;
	struct latencies latency[REPORT_PHASES][VERB_COUNT];
};

static void add_latency(struct latencies *l, double ms)
{
	if (l->count == l->room) {
		l->room = l->room ? 2 * l->room : 1024;
		l->ms = realloc(l->ms, l->room * sizeof(*l->ms));
		if (!l->ms)
			abort();
	}
	l->ms[l->count++] = ms;
}

static enum report_phase phase_of(const struct reading *in, int64_t ns)
{
	enum report_phase phase = IN_BASELINE;

	if (in->sweep_ns && ns >= in->sweep_ns)
		return IN_SWEEP;
	if (in->quiet_ns && ns >= in->quiet_ns)
		return IN_QUIET;
	report_fault_at(in->r, ns, &phase);
	return phase;
}

static void phase_row(void *arg, sqlite3_stmt *s)
{
	struct reading *in = arg;
	const char *name = (const char *)sqlite3_column_text(s, 1);

	if (strcmp(name, "quiet") == 0)
		in->quiet_ns = sqlite3_column_int64(s, 0);
	if (strcmp(name, "sweep") == 0)
		in->sweep_ns = sqlite3_column_int64(s, 0);
}

static bool is_answer(enum outcome outcome)
{
	return outcome == OUTCOME_OK || outcome == OUTCOME_ABSENT || outcome == OUTCOME_REFUSED;
}

static void op_row(void *arg, sqlite3_stmt *s)
{
	struct reading *in = arg;
	unsigned verb = (unsigned)sqlite3_column_int(s, 0) % VERB_COUNT;
	int64_t inv_ns = sqlite3_column_int64(s, 1), res_ns = sqlite3_column_int64(s, 2);
	enum outcome outcome = (unsigned)sqlite3_column_int(s, 3) % OUTCOME_COUNT;
	enum report_phase phase = phase_of(in, inv_ns);
	struct report_traffic *t = &in->r->traffic[phase][verb];

	in->r->ops++;
	t->attempts++;
	if (sqlite3_column_type(s, 3) == SQLITE_NULL) {
		t->unanswered++;
		return;
	}
	t->outcome[outcome]++;
	in->r->ambiguous += outcome == OUTCOME_AMBIGUOUS;
	if (!is_answer(outcome))
		return;
	t->answered++;
	in->r->acks += (verb == VERB_PUT || verb == VERB_DELETE) && outcome != OUTCOME_REFUSED;
	add_latency(&in->latency[phase][verb], (double)(res_ns - inv_ns) / 1e6);
}

/* In the order of the answers: the longest time in which nobody got any. */
static void answer_row(void *arg, sqlite3_stmt *s)
{
	struct reading *in = arg;
	int64_t ns = sqlite3_column_int64(s, 0);

	if (in->last_answer_ns && ns - in->last_answer_ns > in->r->silence_ns) {
		in->r->silence_ns = ns - in->last_answer_ns;
		in->r->silence_at_ns = in->last_answer_ns;
	}
	in->last_answer_ns = ns;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void settle(struct report_traffic *t, struct latencies *l)
{
	if (l->count == 0)
		return;
	qsort(l->ms, l->count, sizeof(*l->ms), by_size);
	t->p50_ms = l->ms[(l->count - 1) / 2];
	t->p99_ms = l->ms[(l->count - 1) * 99 / 100];
	t->max_ms = l->ms[l->count - 1];
	free(l->ms);
}

int report_read_traffic(struct report *report, sqlite3 *db, struct why *why)
{
	struct reading *in = calloc(1, sizeof(*in));
	int error;

	if (!in)
		return why_set(why, -ENOMEM, "no memory for the report");
	in->r = report;
	error = report_query(db, "SELECT ns, name FROM phase", 0, phase_row, in, why);
	if (!error)
		error = report_query(db,
				     "SELECT i.verb, i.inv_ns, u.res_ns, u.kind FROM intent i "
				     "LEFT JOIN outcome u ON u.op = i.op",
				     0, op_row, in, why);
	if (!error)
		error = report_query(db,
				     "SELECT res_ns FROM outcome WHERE kind <= 2 ORDER BY res_ns",
				     0, answer_row, in, why);
	for (int p = 0; p < REPORT_PHASES; p++)
		for (int v = 0; v < VERB_COUNT; v++)
			settle(&report->traffic[p][v], &in->latency[p][v]);
	free(in);
	return error;
}
