/* report_read.c - the ledger's rows, as the report's model. */
#include "runner/report_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const report_phase_name[REPORT_PHASES] = {"baseline", "fault", "recovery", "quiet",
						      "sweep"};
const char *const report_verb_name[VERB_COUNT] = {"PUT", "GET", "HEAD", "RANGE", "DELETE", "LIST"};
const char *const report_outcome_name[OUTCOME_COUNT] = {"ok",          "absent",    "refused",
							"not applied", "ambiguous", "garbage"};

struct report_block {
	struct report_block *next;
	max_align_t data[];
};

void *report_keep(struct report *report, size_t size)
{
	struct report_block *block = calloc(1, sizeof(*block) + size);

	if (!block)
		abort();
	block->next = report->memory;
	report->memory = block;
	return block->data;
}

const char *report_text(struct report *report, sqlite3_stmt *row, int column)
{
	const void *text = sqlite3_column_blob(row, column);
	size_t length = (size_t)sqlite3_column_bytes(row, column);
	char *copy = report_keep(report, length + 1);

	if (length)
		memcpy(copy, text, length);
	return copy;
}

void report_fini(struct report *report)
{
	while (report->memory) {
		struct report_block *next = report->memory->next;

		free(report->memory);
		report->memory = next;
	}
}

int report_query(sqlite3 *db, const char *sql, int64_t n, void (*row)(void *arg, sqlite3_stmt *s),
		 void *arg, struct why *why)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);

	if (rc == SQLITE_OK && sqlite3_bind_parameter_count(s) > 0)
		sqlite3_bind_int64(s, 1, n);
	while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		row(arg, s);
		rc = SQLITE_OK;
	}
	if (rc != SQLITE_DONE)
		why_set(why, -EIO, "cannot read the ledger: %s", sqlite3_errmsg(db));
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? 0 : -EIO;
}

static void run_row(void *arg, sqlite3_stmt *s)
{
	struct report *r = arg;
	const struct {
		const char *key;
		const char **value;
	} keys[] = {{"plan", &r->plan},         {"seed", &r->seed},
		    {"version", &r->version},   {"sandbox", &r->sandbox},
		    {"verified", &r->verified}, {"interrupted", &r->interrupted},
		    {"fenced", &r->fenced}};
	const char *key = (const char *)sqlite3_column_text(s, 0);

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i].key, key) == 0)
			*keys[i].value = report_text(r, s, 1);
}

static void phase_row(void *arg, sqlite3_stmt *s)
{
	struct report *r = arg;
	const char *name = (const char *)sqlite3_column_text(s, 1);
	int64_t ns = sqlite3_column_int64(s, 0);

	if (r->start_ns == 0 || strcmp(name, "warmup") == 0)
		r->start_ns = ns;
	r->end_ns = ns;
}

/* A run that was cut has no last phase: it went on at least until its last answer. */
static void last_answer_row(void *arg, sqlite3_stmt *s)
{
	struct report *r = arg;

	if (sqlite3_column_int64(s, 0) > r->end_ns)
		r->end_ns = sqlite3_column_int64(s, 0);
}

static void judgement_row(void *arg, sqlite3_stmt *s)
{
	struct report *r = arg;

	r->verdict = report_text(r, s, 0);
	r->reason = report_text(r, s, 1);
}

static void count_row(void *arg, sqlite3_stmt *s)
{
	*(int *)arg = sqlite3_column_int(s, 0);
}

static struct report_fault *fault_numbered(struct report *r, sqlite3_stmt *s, int column)
{
	int64_t n = sqlite3_column_int64(s, column);

	if (sqlite3_column_type(s, column) == SQLITE_NULL || n < 0 || n >= r->faults)
		return NULL;
	return &r->fault[n];
}

static void fault_row(void *arg, sqlite3_stmt *s)
{
	struct report *r = arg;
	struct report_fault *f = fault_numbered(r, s, 0);

	if (!f)
		return;
	f->number = sqlite3_column_int(s, 0);
	f->name = report_text(r, s, 1);
	f->kind = report_text(r, s, 2);
	f->whom = report_text(r, s, 3);
	f->atom = report_text(r, s, 4);
	f->last = f->detail = "";
}

static void fault_event_row(void *arg, sqlite3_stmt *s)
{
	struct report *r = arg;
	struct report_fault *f = fault_numbered(r, s, 0);
	const char *event = (const char *)sqlite3_column_text(s, 2);
	int64_t ns = sqlite3_column_int64(s, 1);
	uint64_t fires = (uint64_t)sqlite3_column_int64(s, 3);

	if (!f)
		return;
	const struct {
		const char *name;
		int64_t *ns;
	} events[] = {{"reached", &f->reached_ns}, {"applying", &f->applying_ns},
		      {"applied", &f->applied_ns}, {"healing", &f->healing_ns},
		      {"healed", &f->healed_ns},   {"gated", &f->gated_ns}};
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (strcmp(events[i].name, event) == 0)
			*events[i].ns = ns;
	if (fires > f->fires)
		f->fires = fires;
	f->last = report_text(r, s, 2);
	if (sqlite3_column_bytes(s, 4))
		f->detail = report_text(r, s, 4);
}

static void fire_row(void *arg, sqlite3_stmt *s)
{
	struct report_fault *f = fault_numbered(arg, s, 0);

	if (f)
		f->events = (uint64_t)sqlite3_column_int64(s, 1);
}

static void gate_row(void *arg, sqlite3_stmt *s)
{
	struct report *r = arg;
	struct report_fault *f = fault_numbered(r, s, 0);
	struct report_gate *gate = f ? f->gate : r->boot;
	int *gates = f ? &f->gates : &r->boots;

	if (*gates == REPORT_STEP_MAX)
		return;
	gate[(*gates)++] = (struct report_gate){
		.gate = report_text(r, s, 1),
		.step = report_text(r, s, 2),
		.started_ns = sqlite3_column_int64(s, 3),
		.met_ns = sqlite3_column_int64(s, 4),
		.state = report_text(r, s, 5),
	};
}

static void process_row(void *arg, sqlite3_stmt *s)
{
	struct report *r = arg;

	r->process[r->processes++] = (struct report_process){
		.node = report_text(r, s, 0),
		.pid = sqlite3_column_int64(s, 1),
		.started_ns = sqlite3_column_int64(s, 2),
		.ended_ns = sqlite3_column_int64(s, 3),
		.status = sqlite3_column_int64(s, 4),
		.cause = report_text(r, s, 5),
	};
}

struct violations {
	struct report *r;
	int64_t *id;
	struct report_violation *current;
};

static void violation_row(void *arg, sqlite3_stmt *s)
{
	struct violations *v = arg;

	v->id[v->r->violations] = sqlite3_column_int64(s, 0);
	v->r->violation[v->r->violations++] = (struct report_violation){
		.code = report_text(v->r, s, 1),
		.key = report_text(v->r, s, 2),
		.followers = sqlite3_column_int64(s, 3),
		.text = report_text(v->r, s, 4),
	};
}

static void witness_row(void *arg, sqlite3_stmt *s)
{
	struct violations *v = arg;
	struct report_witness *w;
	const struct report_fault *f;

	if (v->current->witnesses == WITNESS_MAX)
		return;
	w = &v->current->witness[v->current->witnesses++];
	*w = (struct report_witness){
		.op = (uint64_t)sqlite3_column_int64(s, 0),
		.verb = report_verb_name[(unsigned)sqlite3_column_int(s, 1) % VERB_COUNT],
		.key = report_text(v->r, s, 2),
		.endpoint = report_text(v->r, s, 3),
		.worker = sqlite3_column_int64(s, 4),
		.generation = sqlite3_column_int64(s, 5),
		.inv_ns = sqlite3_column_int64(s, 6),
		.res_ns = sqlite3_column_int64(s, 7),
		.outcome = sqlite3_column_type(s, 8) == SQLITE_NULL
				   ? "no answer"
				   : report_outcome_name[(unsigned)sqlite3_column_int(s, 8) %
							 OUTCOME_COUNT],
		.status = sqlite3_column_int64(s, 9),
		.seen = sqlite3_column_int64(s, 10),
		.fault = -1,
	};
	f = report_fault_at(v->r, w->inv_ns, NULL);
	if (f) {
		w->fault = f->number;
		w->since_fault_ns = w->inv_ns - f->applying_ns;
	}
}

static int read_causes(struct report *r, sqlite3 *db, struct report_violation *v, struct why *why)
{
	uint64_t op[WITNESS_MAX];

	for (int i = 0; i < v->witnesses; i++)
		op[i] = v->witness[i].op;
	v->cause = report_keep(r, CAUSE_MAX * sizeof(*v->cause));
	v->causes = cause_read(db, op, v->witnesses, v->cause);
	if (v->causes >= 0)
		return 0;
	v->causes = 0;
	return why_set(why, -EIO, "cannot read the ledger: %s", sqlite3_errmsg(db));
}

static int read_violations(struct report *r, sqlite3 *db, struct why *why)
{
	static const char violations_sql[] =
		"SELECT v.violation, v.code, o.key, v.followers, v.text FROM violation v "
		"LEFT JOIN object o ON o.object = v.object "
		"WHERE v.judgement = (SELECT max(judgement) FROM judgement) ORDER BY v.violation";
	static const char witness_sql[] =
		"SELECT w.op, i.verb, o.key, e.value, i.worker, i.generation, i.inv_ns, u.res_ns, "
		"u.kind, u.status, u.seen FROM witness w JOIN intent i ON i.op = w.op "
		"LEFT JOIN outcome u ON u.op = w.op LEFT JOIN object o ON o.object = i.object "
		"LEFT JOIN run e ON e.key = 'endpoint' || i.endpoint "
		"WHERE w.violation = ?1 ORDER BY i.inv_seq";
	struct violations v = {.r = r};
	int n = 0, error;

	error = report_query(db,
			     "SELECT count(*) FROM violation WHERE judgement = "
			     "(SELECT max(judgement) FROM judgement)",
			     0, count_row, &n, why);
	v.id = report_keep(r, ((size_t)n + 1) * sizeof(*v.id));
	r->violation = report_keep(r, ((size_t)n + 1) * sizeof(*r->violation));
	if (!error)
		error = report_query(db, violations_sql, 0, violation_row, &v, why);
	for (int i = 0; i < r->violations && !error; i++) {
		v.current = &r->violation[i];
		error = report_query(db, witness_sql, v.id[i], witness_row, &v, why);
		if (!error)
			error = read_causes(r, db, v.current, why);
	}
	return error;
}

static int read_lists(struct report *r, sqlite3 *db, struct why *why)
{
	int processes = 0;
	int error = report_query(db, "SELECT coalesce(max(fault) + 1, 0) FROM fault", 0, count_row,
				 &r->faults, why);

	if (!error)
		error = report_query(db, "SELECT count(*) FROM process", 0, count_row, &processes,
				     why);
	r->fault = report_keep(r, ((size_t)r->faults + 1) * sizeof(*r->fault));
	r->process = report_keep(r, ((size_t)processes + 1) * sizeof(*r->process));
	const struct {
		const char *sql;
		void (*row)(void *arg, sqlite3_stmt *s);
	} queries[] = {
		{"SELECT key, value FROM run", run_row},
		{"SELECT ns, name FROM phase ORDER BY ns", phase_row},
		{"SELECT max(res_ns) FROM outcome", last_answer_row},
		{"SELECT verdict, reason FROM judgement ORDER BY judgement", judgement_row},
		{"SELECT fault, name, kind, node, atom FROM fault", fault_row},
		{"SELECT fault, ns, event, fires, detail FROM fault_event ORDER BY ns, rowid",
		 fault_event_row},
		{"SELECT fault, sum(n) FROM (SELECT fault, count(*) AS n FROM fire GROUP BY fault "
		 "UNION ALL SELECT fault, fires FROM fired) GROUP BY fault",
		 fire_row},
		{"SELECT fault, gate, step, started_ns, met_ns, state FROM gate ORDER BY "
		 "started_ns",
		 gate_row},
		{"SELECT node, pid, started_ns, ended_ns, status, cause FROM process "
		 "ORDER BY ended_ns",
		 process_row},
	};
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]) && !error; i++)
		error = report_query(db, queries[i].sql, 0, queries[i].row, r, why);
	return error;
}

const struct report_fault *report_fault_at(const struct report *report, int64_t ns,
					   enum report_phase *phase)
{
	for (int i = 0; i < report->faults; i++) {
		const struct report_fault *f = &report->fault[i];
		int64_t end_ns = f->gated_ns ? f->gated_ns : report->end_ns;

		if (f->applying_ns == 0 || ns < f->applying_ns || ns >= end_ns)
			continue;
		if (phase)
			*phase = f->healing_ns && ns >= f->healing_ns ? IN_RECOVERY : IN_FAULT;
		return f;
	}
	return NULL;
}

int64_t report_recovery_ns(const struct report_fault *fault)
{
	if (!fault->gated_ns || !fault->healing_ns)
		return 0;
	return fault->gated_ns - fault->healing_ns;
}

int report_read(struct report *out, const char *dir, struct why *why)
{
	struct report r = {.plan = "",
			   .seed = "",
			   .version = "",
			   .sandbox = "",
			   .verified = "0",
			   .interrupted = "",
			   .fenced = "",
			   .verdict = "NONE",
			   .reason = "the run was cut before its verdict"};
	char path[4096];
	sqlite3 *db = NULL;
	int error = 0;

	snprintf(path, sizeof(path), "%s/model.sqlite", dir);
	r.dir = strcpy(report_keep(&r, strlen(dir) + 1), dir);
	/* Read-write: a ledger cut by SIGKILL has its last groups in the write-ahead log. */
	error = ledger_recover(path, why);
	if (!error && sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		error = why_set(why, -ENOENT, "cannot open \"%s\": %s", path, sqlite3_errmsg(db));
	if (!error)
		error = read_lists(&r, db, why);
	if (!error)
		error = read_violations(&r, db, why);
	if (!error)
		error = report_read_states(&r, db, why);
	if (!error)
		error = report_read_escapes(&r, db, why);
	if (!error)
		error = report_read_traffic(&r, db, why);
	if (!error)
		error = report_read_metrics(&r, db, why);
	sqlite3_close(db);
	if (error)
		report_fini(&r);
	else
		*out = r;
	return error;
}
