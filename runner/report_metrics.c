/* report_metrics.c - what was measured: by node, by the store's own numbers, and by tenths of the run. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runner/check_ledger.h"
#include "runner/report_read.h"

static const char series_sql[] =
	"SELECT node, name, count(*), min(value), max(value) FROM metric GROUP BY node, name "
	"ORDER BY node, name";
static const char median_sql[] = "SELECT value FROM metric WHERE node = ?1 AND name = ?2 "
				 "ORDER BY value LIMIT 1 OFFSET ?3";
/* The averages within each tenth of the time of the workload. */
static const char tenths_sql[] =
	"SELECT min(9, max(0, (ns - ?1) * 10 / ?2)) AS tenth, node, name, avg(value) FROM metric "
	"WHERE node IN ('failrun', 'workload') GROUP BY tenth, node, name";

static const struct {
	const char *node, *name;
	size_t at;
} columns[] = {
	{"workload", "ops", offsetof(struct report_tenth, ops)},
	{"workload", "p50_ms", offsetof(struct report_tenth, p50_ms)},
	{"workload", "p99_ms", offsetof(struct report_tenth, p99_ms)},
	{"workload", "not_applied", offsetof(struct report_tenth, not_applied)},
	{"workload", "ambiguous", offsetof(struct report_tenth, ambiguous)},
	{"failrun", "rss_mb", offsetof(struct report_tenth, rss_mb)},
	{"failrun", "cpu", offsetof(struct report_tenth, cpu)},
	{"failrun", "ledger_mb", offsetof(struct report_tenth, ledger_mb)},
	{"failrun", "ledger_ops", offsetof(struct report_tenth, ledger_ops)},
};

static int read_median(sqlite3 *db, struct report_metric *m, uint64_t count)
{
	sqlite3_stmt *s = NULL;
	int rc = -1;

	if (sqlite3_prepare_v2(db, median_sql, -1, &s, NULL) != SQLITE_OK)
		return -1;
	sqlite3_bind_text(s, 1, m->node, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, m->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 3, (sqlite3_int64)((count - 1) / 2));
	if (sqlite3_step(s) == SQLITE_ROW) {
		m->median = sqlite3_column_double(s, 0);
		rc = 0;
	}
	sqlite3_finalize(s);
	return rc;
}

static int read_series(struct report *r, sqlite3 *db)
{
	sqlite3_stmt *s = NULL;
	int row = SQLITE_ERROR;

	if (sqlite3_prepare_v2(db, series_sql, -1, &s, NULL) == SQLITE_OK)
		while ((row = sqlite3_step(s)) == SQLITE_ROW && r->metrics < REPORT_METRIC_MAX) {
			struct report_metric *m = &r->metric[r->metrics++];

			*m = (struct report_metric){.node = report_text(r, s, 0),
						    .name = report_text(r, s, 1),
						    .least = sqlite3_column_double(s, 3),
						    .most = sqlite3_column_double(s, 4)};
			if (read_median(db, m, check_number(s, 2)))
				break;
		}
	sqlite3_finalize(s);
	return row == SQLITE_DONE || r->metrics == REPORT_METRIC_MAX ? 0 : -1;
}

static void tenth_row(struct report *r, sqlite3_stmt *s)
{
	struct report_tenth *t = &r->tenth[sqlite3_column_int(s, 0)];
	double value = sqlite3_column_double(s, 3);

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		if (!strcmp(columns[i].node, check_text(s, 1)) &&
		    !strcmp(columns[i].name, check_text(s, 2))) {
			memcpy((char *)t + columns[i].at, &value, sizeof(value));
			t->measured = true;
		}
}

static int read_tenths(struct report *r, sqlite3 *db)
{
	sqlite3_stmt *s = NULL;
	int row = SQLITE_ERROR;

	if (r->end_ns <= r->start_ns)
		return 0;
	if (sqlite3_prepare_v2(db, tenths_sql, -1, &s, NULL) == SQLITE_OK) {
		sqlite3_bind_int64(s, 1, r->start_ns);
		sqlite3_bind_int64(s, 2, r->end_ns - r->start_ns);
		while ((row = sqlite3_step(s)) == SQLITE_ROW)
			tenth_row(r, s);
	}
	sqlite3_finalize(s);
	return row == SQLITE_DONE ? 0 : -1;
}

int report_read_metrics(struct report *report, sqlite3 *db, struct why *why)
{
	report->metric = report_keep(report, REPORT_METRIC_MAX * sizeof(*report->metric));
	if (read_series(report, db) || read_tenths(report, db))
		return why_set(why, -EIO, "cannot read the ledger: %s", sqlite3_errmsg(db));
	return 0;
}

static const struct report_metric *find(const struct report *r, const char *node, const char *name)
{
	for (int i = 0; i < r->metrics; i++)
		if (!strcmp(r->metric[i].node, node) && !strcmp(r->metric[i].name, name))
			return &r->metric[i];
	return NULL;
}

static void cell(const struct report_metric *m, FILE *to)
{
	if (m)
		fprintf(to, " %.4g, %.4g, %.4g |", m->least, m->median, m->most);
	else
		fputs(" |", to);
}

/* The kernel's numbers: a line for each node. */
static void processes(const struct report *r, FILE *to)
{
	fputs("| whose | memory MB | processor % | descriptors | processes |\n"
	      "| --- | --- | --- | --- | --- |\n",
	      to);
	for (int i = 0; i < r->metrics; i++) {
		const char *node = r->metric[i].node;

		if (strcmp(r->metric[i].name, "rss_mb") != 0)
			continue;
		fprintf(to, "| %s |", node);
		cell(&r->metric[i], to);
		cell(find(r, node, "cpu"), to);
		cell(find(r, node, "fds"), to);
		cell(find(r, node, "processes"), to);
		fputc('\n', to);
	}
	fputs("\nThe least, the median and the most; the median of older measurements is that of "
	      "each minute's extremes.\n\n",
	      to);
}

static bool is_own(const char *node, const char *name)
{
	static const char *const names[] = {"rss_mb", "cpu", "fds", "processes"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return !strcmp(node, "workload") || !strcmp(node, "failrun");
}

/* The store's numbers, if they ever changed. */
static void numbers(const struct report *r, FILE *to)
{
	bool any = false;

	for (int i = 0; i < r->metrics; i++) {
		const struct report_metric *m = &r->metric[i];

		if (is_own(m->node, m->name) || m->least >= m->most)
			continue;
		if (!any)
			fputs("| node | its own number | least | median | most |\n"
			      "| --- | --- | --- | --- | --- |\n",
			      to);
		any = true;
		fprintf(to, "| %s | `%s` | %.6g | %.6g | %.6g |\n", m->node, m->name, m->least,
			m->median, m->most);
	}
	if (any)
		fputs("\nNumbers that never changed are left out.\n\n", to);
}

static void tenths(const struct report *r, FILE *to)
{
	fputs("| from s | operations/s | p50 ms | p99 ms | not applied/s | ambiguous/s | failrun "
	      "MB "
	      "| failrun % | ledger MB | operations in it |\n"
	      "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
	      to);
	for (int i = 0; i < REPORT_TENTHS; i++) {
		const struct report_tenth *t = &r->tenth[i];

		if (t->measured)
			fprintf(to,
				"| %.0f | %.0f | %.2f | %.2f | %.2f | %.2f | %.1f | %.0f | %.1f | "
				"%.0f |\n",
				(double)(r->end_ns - r->start_ns) / 1e9 * i / REPORT_TENTHS, t->ops,
				t->p50_ms, t->p99_ms, t->not_applied, t->ambiguous, t->rss_mb,
				t->cpu, t->ledger_mb, t->ledger_ops);
	}
	fputs("\nAverages over each tenth of the run.\n\n", to);
}

void report_metrics(const struct report *report, FILE *to)
{
	if (!report->metrics)
		return;
	fputs("## Metrics\n\n", to);
	tenths(report, to);
	processes(report, to);
	numbers(report, to);
	fprintf(to, "All of them: `failrun metrics %s`.\n\n", report->dir);
}

int report_metrics_csv(const char *dir, FILE *to, struct why *why)
{
	sqlite3_stmt *s = NULL;
	sqlite3 *db = NULL;
	int row = SQLITE_ERROR, rc = check_ledger_open(dir, &db, why);

	if (rc)
		return rc;
	fputs("seconds,node,name,value\n", to);
	if (sqlite3_prepare_v2(
		    db,
		    "SELECT (ns - coalesce((SELECT ns FROM phase WHERE name = 'warmup'), "
		    "0)) / 1e9, node, name, value FROM metric ORDER BY ns",
		    -1, &s, NULL) == SQLITE_OK)
		while ((row = sqlite3_step(s)) == SQLITE_ROW)
			fprintf(to, "%.3f,%s,%s,%.10g\n", sqlite3_column_double(s, 0),
				check_text(s, 1), check_text(s, 2), sqlite3_column_double(s, 3));
	if (row != SQLITE_DONE)
		rc = why_set(why, -EIO, "cannot read the ledger: %s", sqlite3_errmsg(db));
	sqlite3_finalize(s);
	sqlite3_close(db);
	if (!rc && (fflush(to) || ferror(to)))
		rc = why_set(why, -EIO, "cannot write the metrics");
	return rc;
}
