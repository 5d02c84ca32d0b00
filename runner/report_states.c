/* report_states.c - the state of every node when a gate was not met. */
#include <inttypes.h>
#include <jansson.h>

#include "runner/report_read.h"

static void count_row(void *arg, sqlite3_stmt *s)
{
	*(int *)arg = sqlite3_column_int(s, 0);
}

static void state_row(void *arg, sqlite3_stmt *s)
{
	struct report *r = arg;

	r->state[r->states++] = (struct report_state){
		.ns = sqlite3_column_int64(s, 0),
		.node = report_text(r, s, 1),
		.state = report_text(r, s, 2),
		.pid = sqlite3_column_int64(s, 3),
		.log = report_text(r, s, 4),
	};
}

int report_read_states(struct report *report, sqlite3 *db, struct why *why)
{
	int states = 0;
	int error = report_query(db, "SELECT count(*) FROM state", 0, count_row, &states, why);

	report->state = report_keep(report, ((size_t)states + 1) * sizeof(*report->state));
	if (error)
		return error;
	return report_query(db, "SELECT ns, node, state, pid, log FROM state ORDER BY rowid", 0,
			    state_row, report, why);
}

static double seconds(const struct report *r, int64_t ns)
{
	return (double)(ns - r->start_ns) / 1e9;
}

void report_states_markdown(const struct report *r, FILE *to)
{
	if (r->states == 0)
		return;
	fprintf(to, "## Nodes when the store did not recover\n\n"
		    "| s | node | state | pid | its log ends |\n"
		    "| --- | --- | --- | --- | --- |\n");
	for (int i = 0; i < r->states; i++) {
		const struct report_state *n = &r->state[i];

		fprintf(to, "| %.2f | %s | %s | %" PRId64 " | ", seconds(r, n->ns), n->node,
			n->state, n->pid);
		report_cell(to, n->log);
		fputs(" |\n", to);
	}
	fputc('\n', to);
}

/* What nodes print, and where its last bytes begin, need be no UTF-8. */
static json_t *log_json(const char *log)
{
	json_t *text = json_string(log);
	char plain[512];
	size_t n = 0;

	if (text)
		return text;
	for (; n < sizeof(plain) - 1 && log[n]; n++)
		plain[n] = log[n] & 0x80 ? '?' : log[n];
	plain[n] = 0;
	return json_string(plain);
}

json_t *report_states_json(const struct report *r)
{
	json_t *list = json_array();

	for (int i = 0; i < r->states; i++) {
		const struct report_state *n = &r->state[i];

		json_array_append_new(list, json_pack("{s:f, s:s, s:s, s:I, s:o}", "at_s",
						      seconds(r, n->ns), "node", n->node, "state",
						      n->state, "pid", (json_int_t)n->pid, "log",
						      log_json(n->log)));
	}
	return list;
}
