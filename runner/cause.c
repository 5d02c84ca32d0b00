/* cause.c - see cause.h. */
#include "runner/cause.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runner/oracle.h"

static const char causes_sql[] =
	"WITH span AS (SELECT min(i.inv_ns) AS a, max(coalesce(o.res_ns, i.inv_ns)) AS b "
	"  FROM intent i LEFT JOIN outcome o USING(op) WHERE i.op IN (?1, ?2, ?3, ?4, ?5, ?6)) "
	"SELECT min(f.ns), count(*), f.fault, t.name, f.node, f.site, f.action, f.error, "
	"f.subject, "
	"  min(f.ns) - (SELECT min(ns) FROM fault_event e "
	"               WHERE e.fault = f.fault AND e.event = 'applying') "
	"FROM span JOIN fire f ON f.ns BETWEEN span.a AND span.b "
	"LEFT JOIN fault t ON t.fault = f.fault "
	"GROUP BY f.fault, f.node, f.site, f.action, f.error ORDER BY 1 LIMIT ?7";

static void copy(char *to, size_t size, sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

	snprintf(to, size, "%s", text ? text : "");
}

static void read_row(sqlite3_stmt *s, struct cause *c)
{
	int error = sqlite3_column_int(s, 7);
	const char *name = error ? strerrorname_np(error) : NULL;
	char subject[4096];

	*c = (struct cause){
		.ns = sqlite3_column_int64(s, 0),
		.count = (uint64_t)sqlite3_column_int64(s, 1),
		.fault = sqlite3_column_type(s, 3) == SQLITE_NULL ? -1 : sqlite3_column_int(s, 2),
		.since_ns =
			sqlite3_column_type(s, 9) == SQLITE_NULL ? -1 : sqlite3_column_int64(s, 9),
	};
	copy(c->fault_name, sizeof(c->fault_name), s, 3);
	copy(c->node, sizeof(c->node), s, 4);
	copy(c->site, sizeof(c->site), s, 5);
	copy(c->action, sizeof(c->action), s, 6);
	copy(subject, sizeof(subject), s, 8);
	snprintf(c->error, sizeof(c->error), "%s", name ? name : "");
	/* Of a long path its end tells more. */
	size_t length = strlen(subject), most = sizeof(c->subject) - 1;
	strcpy(c->subject, length > most ? subject + length - most : subject);
}

int cause_read(sqlite3 *db, const uint64_t *op, int ops, struct cause out[CAUSE_MAX])
{
	sqlite3_stmt *s = NULL;
	int n = 0, rc = SQLITE_DONE;

	if (sqlite3_prepare_v2(db, causes_sql, -1, &s, NULL) != SQLITE_OK)
		return -EIO;
	for (int i = 0; i < WITNESS_MAX; i++)
		sqlite3_bind_int64(s, i + 1, i < ops ? (sqlite3_int64)op[i] : 0);
	sqlite3_bind_int(s, WITNESS_MAX + 1, CAUSE_MAX);
	while (n < CAUSE_MAX && (rc = sqlite3_step(s)) == SQLITE_ROW)
		read_row(s, &out[n++]);
	sqlite3_finalize(s);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? n : -EIO;
}

void cause_text(const struct cause *c, char *text, int size)
{
	char times[48] = "", when[96] = "";

	if (c->count > 1)
		snprintf(times, sizeof(times), ", %llu times, first", (unsigned long long)c->count);
	if (c->fault >= 0 && c->since_ns >= 0)
		snprintf(when, sizeof(when), "%s%.3f s into fault %d %s", c->count > 1 ? " " : ", ",
			 (double)c->since_ns / 1e9, c->fault, c->fault_name);
	snprintf(text, (size_t)size, "%s%s%s by %s on %s%s%s%s%s%s", c->action,
		 *c->error ? " " : "", c->error, c->site, c->node, times, when,
		 *c->subject ? " (" : "", c->subject, *c->subject ? ")" : "");
}
