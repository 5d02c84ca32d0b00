/* report_escapes.c - what ran and no rule could meet: read, and in both forms of the report. */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "runner/report_read.h"

static void count_row(void *arg, sqlite3_stmt *s)
{
	*(int *)arg = sqlite3_column_int(s, 0);
}

static void escape_row(void *arg, sqlite3_stmt *s)
{
	struct report *r = arg;

	r->escape[r->escapes++] = (struct report_escape){
		.node = report_text(r, s, 0),
		.comm = report_text(r, s, 1),
		.kind = report_text(r, s, 2),
		.call = report_text(r, s, 3),
		.subject = report_text(r, s, 4),
		.count = (uint64_t)sqlite3_column_int64(s, 5),
		.reached = sqlite3_column_int(s, 6),
		.reason = report_text(r, s, 7),
	};
}

int report_read_escapes(struct report *report, sqlite3 *db, struct why *why)
{
	int escapes = 0;
	int error = report_query(db, "SELECT count(*) FROM escaped", 0, count_row, &escapes, why);

	report->escape = report_keep(report, ((size_t)escapes + 1) * sizeof(*report->escape));
	if (error)
		return error;
	return report_query(db,
			    "SELECT node, comm, kind, call, subject, count, reached, reason "
			    "FROM escaped ORDER BY node, rowid",
			    0, escape_row, report, why);
}

static bool is_alike(const struct report_escape *a, const struct report_escape *b)
{
	return strcmp(a->comm, b->comm) == 0 && strcmp(a->kind, b->kind) == 0 &&
	       strcmp(a->call, b->call) == 0 && strcmp(a->subject, b->subject) == 0 &&
	       strcmp(a->reason, b->reason) == 0 && a->reached == b->reached;
}

/* One line for all nodes of which the same is to be said. */
static void line(const struct report *r, int first, FILE *to)
{
	const struct report_escape *e = &r->escape[first];
	uint64_t count = 0;

	fputs("| ", to);
	for (int i = first; i < r->escapes; i++) {
		if (!is_alike(&r->escape[i], e))
			continue;
		fprintf(to, "%s%s", i == first ? "" : ", ", r->escape[i].node);
		count += r->escape[i].count;
	}
	fputs(" | ", to);
	report_cell(to, e->comm);
	fprintf(to, " | %s | %s | ", e->kind, e->call);
	if (count)
		fprintf(to, "%" PRIu64, count);
	fprintf(to, " | %s | ", e->reached ? "yes" : "");
	report_cell(to, e->subject);
	fputs(" | ", to);
	report_cell(to, e->reason);
	fputs(" |\n", to);
}

void report_escapes_markdown(const struct report *r, FILE *to)
{
	fprintf(to, "\n## Escapes\n\n");
	if (r->escapes == 0) {
		fprintf(to, "Nothing is known to have passed the interposer by.\n");
		return;
	}
	fprintf(to, "What ran and no rule could meet, or only by the deep tier.\n\n"
		    "| nodes | command | kind | call | count | deep | subject | reason |\n"
		    "| --- | --- | --- | --- | --- | --- | --- | --- |\n");
	for (int i = 0; i < r->escapes; i++) {
		bool told = false;

		for (int j = 0; j < i && !told; j++)
			told = is_alike(&r->escape[j], &r->escape[i]);
		if (!told)
			line(r, i, to);
	}
}

json_t *report_escapes_json(const struct report *r)
{
	json_t *list = json_array();

	for (int i = 0; i < r->escapes; i++) {
		const struct report_escape *e = &r->escape[i];

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:b, s:s}", "node", e->node,
					"comm", e->comm, "kind", e->kind, "call", e->call,
					"subject", e->subject, "count",
					e->count ? json_integer((json_int_t)e->count) : json_null(),
					"reached", e->reached, "reason", e->reason));
	}
	return list;
}
