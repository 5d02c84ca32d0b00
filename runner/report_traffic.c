/* report_traffic.c - availability and latency by operation and phase. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runner/report_read.h"

struct latencies {
	struct latency {
		double ms;
		uint64_t operations;
	} * at;
	size_t count, room;
	uint64_t operations;
};

struct reading {
	struct report *r;
	int64_t quiet_ns, sweep_ns, last_answer_ns;
	struct latencies latency[REPORT_PHASES][VERB_COUNT];
};

static void add_latency(struct latencies *l, double ms, uint64_t operations)
{
	if (l->count == l->room) {
		l->room = l->room ? 2 * l->room : 1024;
		l->at = realloc(l->at, l->room * sizeof(*l->at));
		if (!l->at)
			abort();
	}
	l->at[l->count++] = (struct latency){ms, operations};
	l->operations += operations;
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

/* n operations of one kind. outcome -1: there was none. */
static void add_traffic(struct reading *in, enum report_phase phase, unsigned verb, int outcome,
			int64_t took_ns, uint64_t n)
{
	struct report_traffic *t = &in->r->traffic[phase][verb];

	in->r->ops += n;
	t->attempts += n;
	if (outcome < 0 || outcome >= OUTCOME_COUNT) {
		t->unanswered += n;
		return;
	}
	t->outcome[outcome] += n;
	in->r->ambiguous += outcome == OUTCOME_AMBIGUOUS ? n : 0;
	if (!is_answer((enum outcome)outcome))
		return;
	t->answered += n;
	if ((verb == VERB_PUT || verb == VERB_DELETE) && outcome != OUTCOME_REFUSED)
		in->r->acks += n;
	add_latency(&in->latency[phase][verb], (double)took_ns / 1e6, n);
}

static void op_row(void *arg, sqlite3_stmt *s)
{
	struct reading *in = arg;
	int64_t inv_ns = sqlite3_column_int64(s, 1), res_ns = sqlite3_column_int64(s, 2);
	bool none = sqlite3_column_type(s, 3) == SQLITE_NULL;

	add_traffic(in, phase_of(in, inv_ns), (unsigned)sqlite3_column_int(s, 0) % VERB_COUNT,
		    none ? -1 : sqlite3_column_int(s, 3), res_ns - inv_ns, 1);
}

/* Operations that were compacted. */
static void tally_row(void *arg, sqlite3_stmt *s)
{
	add_traffic(arg, (enum report_phase)((unsigned)sqlite3_column_int(s, 0) % REPORT_PHASES),
		    (unsigned)sqlite3_column_int(s, 1) % VERB_COUNT, sqlite3_column_int(s, 2),
		    sqlite3_column_int64(s, 3), (uint64_t)sqlite3_column_int64(s, 4));
}

static void silence_row(void *arg, sqlite3_stmt *s)
{
	struct reading *in = arg;

	in->r->silence_ns = sqlite3_column_int64(s, 0);
	in->r->silence_at_ns = sqlite3_column_int64(s, 1);
	in->last_answer_ns = sqlite3_column_int64(s, 2);
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
	double x = ((const struct latency *)a)->ms, y = ((const struct latency *)b)->ms;

	return (x > y) - (x < y);
}

static void settle(struct report_traffic *t, struct latencies *l)
{
	uint64_t sum = 0;

	if (l->count == 0)
		return;
	qsort(l->at, l->count, sizeof(*l->at), by_size);
	for (size_t i = 0; i < l->count; i++) {
		uint64_t before = sum;

		sum += l->at[i].operations;
		if (before <= (l->operations - 1) / 2)
			t->p50_ms = l->at[i].ms;
		if (before <= (l->operations - 1) * 99 / 100)
			t->p99_ms = l->at[i].ms;
	}
	t->max_ms = l->at[l->count - 1].ms;
	free(l->at);
}

/* Compaction has looked at the answers up to this place in their order. */
static const char silence_sql[] =
	"SELECT CAST(a.value AS INTEGER), CAST(b.value AS INTEGER), CAST(c.value AS INTEGER) "
	"FROM run a, run b, run c WHERE a.key = 'silence_ns' AND b.key = 'silence_at_ns' AND "
	"c.key = 'silence_last_ns'";
static const char answers_sql[] =
	"SELECT res_ns FROM outcome WHERE kind <= 2 AND res_seq >= coalesce((SELECT "
	"CAST(value AS INTEGER) FROM run WHERE key = 'silence_seq'), 0) ORDER BY res_ns";

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
		error = report_query(db, "SELECT phase, verb, kind, le_ns, operations FROM tally",
				     0, tally_row, in, why);
	if (!error)
		error = report_query(db, silence_sql, 0, silence_row, in, why);
	if (!error)
		error = report_query(db, answers_sql, 0, answer_row, in, why);
	for (int p = 0; p < REPORT_PHASES; p++)
		for (int v = 0; v < VERB_COUNT; v++)
			settle(&report->traffic[p][v], &in->latency[p][v]);
	free(in);
	return error;
}
