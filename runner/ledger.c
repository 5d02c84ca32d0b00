/*
 * ledger.c - the queue in front of the ledger's writer; see ledger.h for the promise.
 *
 * Callers append rows to the spool that fills, where they are safe; the writer takes the whole of
 * it as one transaction while the other one fills. Nobody waits for SQLite but who wants to read
 * there (ledger_flush) or is more than SPOOL_MOST ahead of it.
 *
 *     filling: batch n + 1   |   writing: batch n   |   committed: batch n - 1
 */
#include "runner/ledger.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "failkit/control.h"
#include "runner/ledger_write.h"
#include "runner/process.h"

enum { LINGER_MS = 50, SPOOL_MOST = 16 << 20 };

struct ledger {
	char *path;
	struct ledger_db *db;
	pthread_t writer;
	pthread_mutex_t lock;
	pthread_cond_t urgent, changed;
	struct spool spool[SPOOLS]; /* batch n is in number n % 2 */
	uint64_t batch, committed;  /* number of the batch that fills; of the last one committed */
	bool awaited;               /* somebody waits for what fills, or it is long */
	bool closing;
	int error;
	struct why why;
	_Atomic uint64_t next_op, held;
	struct ledger_left left; /* by the epochs before this one */
};

static void keep_error(struct ledger *ledger, int rc, const struct why *why)
{
	ledger->error = rc;
	ledger->why = *why;
	pthread_cond_broadcast(&ledger->changed);
}

static struct spool *filling(struct ledger *ledger)
{
	return &ledger->spool[ledger->batch % SPOOLS];
}

/* Sleeps until there is something worth a transaction. */
static void await_rows(struct ledger *ledger)
{
	while (!ledger->awaited && !ledger->closing) {
		int64_t until = process_now_ns() + LINGER_MS * INT64_C(1000000);
		struct timespec t = {until / 1000000000, until % 1000000000};

		if (pthread_cond_timedwait(&ledger->urgent, &ledger->lock, &t) == ETIMEDOUT &&
		    filling(ledger)->used)
			return;
	}
}

/* With the lock held: the batch that filled, while the next one fills. */
static const struct spool *next_batch(struct ledger *ledger)
{
	const struct spool *rows = filling(ledger);

	ledger->batch++;
	ledger->awaited = false;
	spool_begin(filling(ledger), ledger->batch);
	pthread_cond_broadcast(&ledger->changed);
	return rows;
}

/* After an error it ends: what is spooled stays there for ledger_recover(). */
static void *write_batches(void *arg)
{
	struct ledger *ledger = arg;
	struct why why = {""};

	pthread_mutex_lock(&ledger->lock);
	while (!ledger->error) {
		await_rows(ledger);
		if (ledger->closing && !filling(ledger)->used)
			break;
		const struct spool *rows = next_batch(ledger);
		uint64_t batch = spool_batch(rows);
		pthread_mutex_unlock(&ledger->lock);

		int rc = ledger_db_write(ledger->db, rows, &why);

		pthread_mutex_lock(&ledger->lock);
		if (rc == 0)
			ledger->committed = batch;
		else if (!ledger->error)
			keep_error(ledger, rc, &why);
		pthread_cond_broadcast(&ledger->changed);
	}
	pthread_mutex_unlock(&ledger->lock);
	return NULL;
}

static int resume_db(struct ledger *ledger, const char *path, struct why *why)
{
	int rc = ledger_recover(path, why);

	if (rc == 0)
		rc = ledger_db_open(&ledger->db, path, why);
	if (rc == 0)
		rc = ledger_db_resume(ledger->db, &ledger->left, why);
	if (rc == 0)
		rc = ledger_db_batch(ledger->db, &ledger->committed, why);
	ledger->batch = ledger->committed + 1;
	ledger->next_op = ledger->left.last_op + 1;
	ledger->held = ledger->left.operations;
	return rc;
}

static int open_files(struct ledger *ledger, const char *path, bool resume, struct why *why)
{
	int rc;

	for (int i = 0; i < SPOOLS; i++)
		ledger->spool[i].fd = -1;
	rc = resume ? resume_db(ledger, path, why) : ledger_db_create(&ledger->db, path, why);
	for (int i = 0; i < SPOOLS && rc == 0; i++)
		rc = spool_create(&ledger->spool[i], path, i, why);
	if (rc == 0)
		spool_begin(filling(ledger), ledger->batch);
	return rc;
}

static int discard(struct ledger *ledger, struct why *why)
{
	int rc = ledger->db ? ledger_db_close(ledger->db, why) : 0;

	for (int i = 0; i < SPOOLS; i++)
		spool_close(&ledger->spool[i]);
	pthread_mutex_destroy(&ledger->lock);
	pthread_cond_destroy(&ledger->urgent);
	pthread_cond_destroy(&ledger->changed);
	free(ledger->path);
	free(ledger);
	return rc;
}

static int open_ledger(struct ledger **out, const char *path, bool resume, struct why *why)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));
	char *name = strdup(path);
	pthread_condattr_t monotonic;
	int rc;

	if (!ledger || !name) {
		free(ledger);
		free(name);
		return why_set(why, -ENOMEM, "no memory for the ledger");
	}
	ledger->path = name;
	ledger->batch = 1;
	ledger->next_op = 1;
	ledger->left.epoch = 1;
	pthread_mutex_init(&ledger->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&ledger->urgent, &monotonic);
	pthread_cond_init(&ledger->changed, NULL);
	pthread_condattr_destroy(&monotonic);
	rc = open_files(ledger, path, resume, why);
	if (rc == 0) {
		rc = -pthread_create(&ledger->writer, NULL, write_batches, ledger);
		if (rc < 0)
			why_set(why, rc, "no thread for the ledger");
	}
	if (rc < 0) {
		discard(ledger, NULL);
		return rc;
	}
	*out = ledger;
	return 0;
}

int ledger_create(struct ledger **out, const char *path, struct why *why)
{
	return open_ledger(out, path, false, why);
}

int ledger_resume(struct ledger **out, const char *path, struct ledger_left *left, struct why *why)
{
	int rc = open_ledger(out, path, true, why);

	if (rc == 0)
		*left = (*out)->left;
	return rc;
}

int ledger_close(struct ledger *ledger, struct why *why)
{
	int rc, closed;

	if (!ledger)
		return 0;
	pthread_mutex_lock(&ledger->lock);
	ledger->closing = true;
	pthread_cond_signal(&ledger->urgent);
	pthread_mutex_unlock(&ledger->lock);
	pthread_join(ledger->writer, NULL);
	rc = ledger_error(ledger, why);
	if (rc == 0)
		spool_remove(ledger->path);
	closed = discard(ledger, rc ? NULL : why);
	return rc ? rc : closed;
}

int ledger_error(struct ledger *ledger, struct why *why)
{
	pthread_mutex_lock(&ledger->lock);
	int rc = ledger->error;
	if (rc && why)
		*why = ledger->why;
	pthread_mutex_unlock(&ledger->lock);
	return rc;
}

uint64_t ledger_next_op(struct ledger *ledger)
{
	return atomic_fetch_add_explicit(&ledger->next_op, 1, memory_order_relaxed);
}

uint64_t ledger_held(const struct ledger *ledger)
{
	return atomic_load_explicit(&ledger->held, memory_order_relaxed);
}

static void hurry(struct ledger *ledger)
{
	if (!ledger->awaited) {
		ledger->awaited = true;
		pthread_cond_signal(&ledger->urgent);
	}
}

/* Who is far ahead of SQLite waits, and memory stays small. */
static int await_room(struct ledger *ledger)
{
	while (filling(ledger)->used > SPOOL_MOST && !ledger->error) {
		hurry(ledger);
		pthread_cond_wait(&ledger->changed, &ledger->lock);
	}
	return ledger->error;
}

/* With the lock held: one row more, not yet published. */
static int add(struct ledger *ledger, enum ledger_row row, va_list values)
{
	struct why why = {""};
	int rc = ledger_rows_add(filling(ledger), row, values);

	if (rc == 0)
		return 0;
	why_set(&why, rc, "ledger: no room in the spool: %s", strerror(-rc));
	keep_error(ledger, rc, &why);
	return rc;
}

static int queue(struct ledger *ledger, enum ledger_row row, ...)
{
	va_list values;
	int rc;

	pthread_mutex_lock(&ledger->lock);
	rc = await_room(ledger);
	if (rc == 0) {
		va_start(values, row);
		rc = add(ledger, row, values);
		va_end(values);
		if (rc == 0)
			spool_publish(filling(ledger));
	}
	pthread_mutex_unlock(&ledger->lock);
	return rc;
}

int ledger_flush(struct ledger *ledger)
{
	pthread_mutex_lock(&ledger->lock);
	uint64_t batch = ledger->batch;
	while (ledger->committed < batch && !ledger->error) {
		hurry(ledger);
		pthread_cond_wait(&ledger->changed, &ledger->lock);
	}
	int rc = ledger->error;
	pthread_mutex_unlock(&ledger->lock);
	return rc;
}

#define I(x) ((int64_t)(x))

int ledger_intent(struct ledger *ledger, const struct ledger_intent *i)
{
	atomic_fetch_add_explicit(&ledger->held, 1, memory_order_relaxed);
	return queue(ledger, ROW_INTENT, I(i->op), I(ledger->left.epoch), I(i->worker),
		     I(i->endpoint), I(i->verb), i->key, I(i->generation), I(i->size), I(i->offset),
		     I(i->length), i->condition[0] ? i->condition : NULL, i->tag[0] ? i->tag : NULL,
		     I(i->inv_ns), I(i->inv_seq));
}

int ledger_outcome(struct ledger *ledger, const struct ledger_outcome *o)
{
	return queue(ledger, ROW_OUTCOME, I(o->op), I(o->res_ns), I(o->res_seq), I(o->kind),
		     I(o->status), I(o->error), I(o->sent), I(o->sends), I(o->seen), I(o->size),
		     o->tag[0] ? o->tag : NULL, I(o->first), I(o->last), I(o->mark),
		     I(o->attempts));
}

int ledger_page(struct ledger *ledger, uint64_t op, const char *after, const char *last, bool more,
		const char *entries)
{
	return queue(ledger, ROW_PAGE, I(op), after, last, I(more), entries);
}

int ledger_run(struct ledger *ledger, const char *key, const char *value)
{
	return queue(ledger, ROW_RUN, key, value);
}

int ledger_phase(struct ledger *ledger, const char *name)
{
	return queue(ledger, ROW_PHASE, process_now_ns(), name);
}

int ledger_fault(struct ledger *ledger, int fault, const char *name, const char *kind,
		 const char *node, const char *atom, const char *gate)
{
	return queue(ledger, ROW_FAULT, I(fault), name, kind, node, atom, gate);
}

int ledger_fault_event(struct ledger *ledger, int fault, const char *event, uint64_t fires,
		       const char *detail)
{
	return queue(ledger, ROW_FAULT_EVENT, I(fault), process_now_ns(), event, I(fires), detail);
}

int ledger_fire(struct ledger *ledger, int fault, const struct control_event *e)
{
	return queue(ledger, ROW_FIRE, I(ledger->left.last_ring + e->sequence), e->ns, I(fault),
		     e->rule_name, e->node, I(e->pid), I(e->tid), e->site, e->action, I(e->ordinal),
		     e->subject, e->result, I(e->error));
}

int ledger_gate(struct ledger *ledger, int fault, const char *gate, const char *step,
		int64_t started_ns, int64_t met_ns, const char *state)
{
	return queue(ledger, ROW_GATE, I(fault), gate, step, started_ns, met_ns, state);
}

int ledger_process(struct ledger *ledger, const char *node, pid_t pid, int64_t started_ns,
		   int64_t ended_ns, int status, const char *cause)
{
	return queue(ledger, ROW_PROCESS, node, I(pid), started_ns, ended_ns, I(status), cause);
}

int ledger_command(struct ledger *ledger, int64_t started_ns, int64_t ended_ns, const char *node,
		   const char *line, int status, const char *output)
{
	return queue(ledger, ROW_COMMAND, started_ns, ended_ns, node, line, I(status), output);
}

int ledger_metric(struct ledger *ledger, int64_t ns, const char *node, const char *name,
		  double value)
{
	return queue(ledger, ROW_METRIC, ns, node, name, value);
}

int ledger_thin_metrics(struct ledger *ledger, int64_t at_ns)
{
	static const int64_t minute_ns = INT64_C(60000000000);
	int rc = queue(ledger, ROW_THIN_METRICS, at_ns - 10 * minute_ns, at_ns - 12 * minute_ns,
		       minute_ns);

	return rc ? rc
		  : queue(ledger, ROW_THIN_METRICS, at_ns - 360 * minute_ns,
			  at_ns - 480 * minute_ns, 60 * minute_ns);
}

int ledger_drop_fires(struct ledger *ledger)
{
	int rc = queue(ledger, ROW_COUNT_FIRES);

	return rc ? rc : queue(ledger, ROW_DROP_FIRES);
}

int ledger_escape(struct ledger *ledger, const struct control_escape *e)
{
	return queue(ledger, ROW_ESCAPE, process_now_ns(), e->node, e->comm, e->kind, e->call,
		     e->subject, I(e->count), I(e->reached), e->reason);
}

int ledger_vacuum(struct ledger *ledger)
{
	return queue(ledger, ROW_VACUUM);
}

/* One of many that are published together. */
static int part(struct ledger *ledger, int rc, enum ledger_row row, ...)
{
	va_list values;

	if (rc == 0) {
		va_start(values, row);
		rc = add(ledger, row, values);
		va_end(values);
	}
	return rc;
}

static int64_t wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int ledger_compact(struct ledger *ledger, const struct ledger_cut *cut)
{
	int64_t wall = wall_ns();
	int rc;

	pthread_mutex_lock(&ledger->lock);
	rc = await_room(ledger);
	for (size_t i = 0; i < cut->bases; i++) {
		const struct ledger_base *b = &cut->base[i];

		rc = part(ledger, rc, ROW_BASE, b->key, I(b->cut_seq), I(b->cut_op),
			  I(b->generation), I(b->size), b->tag, I(b->op), I(b->operations),
			  I(b->verified), I(b->generations), wall);
	}
	for (size_t i = 0; i < cut->tallies; i++) {
		const struct ledger_tally *t = &cut->tally[i];

		rc = part(ledger, rc, ROW_TALLY, I(t->phase), I(t->verb), I(t->kind), t->le_ns,
			  I(t->operations));
	}
	for (size_t i = 0; i < cut->ops; i++) {
		rc = part(ledger, rc, ROW_DROP_INTENT, I(cut->op[i]));
		rc = part(ledger, rc, ROW_DROP_OUTCOME, I(cut->op[i]));
	}
	for (size_t i = 0; i < cut->pages; i++)
		rc = part(ledger, rc, ROW_DROP_PAGE, I(cut->page[i]));
	if (rc == 0)
		spool_publish(filling(ledger));
	pthread_mutex_unlock(&ledger->lock);
	atomic_fetch_sub_explicit(&ledger->held, cut->ops, memory_order_relaxed);
	return rc;
}

int ledger_finding(struct ledger *ledger, const char *code, const char *key, const char *text)
{
	return queue(ledger, ROW_FINDING, process_now_ns(), code, key, text);
}

int ledger_state(struct ledger *ledger, const char *node, const char *state, pid_t pid,
		 const char *log)
{
	return queue(ledger, ROW_STATE, process_now_ns(), node, state, I(pid), log);
}
