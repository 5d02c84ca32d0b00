/*
 * ledger.c - the queue in front of the ledger's writer; see ledger.h for the promise.
 *
 * Callers append rows to the batch that fills; the writer takes the whole batch, commits it as one
 * transaction and meanwhile the next one fills. Rows whose caller waits wake the writer; the others
 * ride along, or go after LINGER at the latest.
 *
 *     filling: batch n + 1   |   writing: batch n   |   committed: batch n - 1
 *
 * Waiters of odd and even batches sleep on conditions of their own, so that a commit wakes those
 * whose rows it holds and nobody else.
 */
#include "runner/ledger.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "failkit/control.h"
#include "runner/ledger_write.h"

enum { LINGER_MS = 20 };

struct ledger {
	struct ledger_db *db;
	pthread_t writer;
	pthread_mutex_t lock;
	pthread_cond_t urgent, committed_odd, committed_even;
	struct ledger_rows filling;
	uint64_t batch, committed; /* number of the batch that fills; of the last one committed */
	bool awaited;              /* somebody waits for what fills */
	bool closing;
	int error;
	struct why why;
	_Atomic uint64_t next_op;
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static pthread_cond_t *committed(struct ledger *ledger, uint64_t batch)
{
	return batch & 1 ? &ledger->committed_odd : &ledger->committed_even;
}

/* Sleeps until there is something worth a transaction. */
static void await_rows(struct ledger *ledger)
{
	while (!ledger->awaited && !ledger->closing) {
		int64_t until = now_ns() + LINGER_MS * INT64_C(1000000);
		struct timespec t = {until / 1000000000, until % 1000000000};

		if (pthread_cond_timedwait(&ledger->urgent, &ledger->lock, &t) == ETIMEDOUT &&
		    ledger->filling.used)
			return;
	}
}

/* Lets those run who are about to ask: a transaction of many rows costs little more than one. */
static void gather_rows(struct ledger *ledger)
{
	pthread_mutex_unlock(&ledger->lock);
	sched_yield();
	pthread_mutex_lock(&ledger->lock);
}

static void *write_batches(void *arg)
{
	struct ledger *ledger = arg;
	struct ledger_rows rows = {0}, empty;
	struct why why = {""};

	pthread_mutex_lock(&ledger->lock);
	for (;;) {
		await_rows(ledger);
		gather_rows(ledger);
		if (ledger->closing && !ledger->filling.used)
			break;
		empty = rows;
		rows = ledger->filling;
		empty.used = 0;
		ledger->filling = empty;
		uint64_t batch = ledger->batch++;
		int rc = ledger->error;
		ledger->awaited = false;
		pthread_mutex_unlock(&ledger->lock);

		if (rc == 0 && rows.used)
			rc = ledger_db_write(ledger->db, &rows, &why);

		pthread_mutex_lock(&ledger->lock);
		if (rc < 0 && !ledger->error) {
			ledger->error = rc;
			ledger->why = why;
		}
		ledger->committed = batch;
		pthread_cond_broadcast(committed(ledger, batch));
	}
	pthread_mutex_unlock(&ledger->lock);
	free(rows.bytes);
	return NULL;
}

int ledger_create(struct ledger **out, const char *path, struct why *why)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));
	pthread_condattr_t monotonic;
	int rc;

	if (!ledger)
		return why_set(why, -ENOMEM, "no memory for the ledger");
	rc = ledger_db_open(&ledger->db, path, why);
	if (rc < 0) {
		free(ledger);
		return rc;
	}
	ledger->batch = 1;
	ledger->next_op = 1;
	pthread_mutex_init(&ledger->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&ledger->urgent, &monotonic);
	pthread_cond_init(&ledger->committed_odd, NULL);
	pthread_cond_init(&ledger->committed_even, NULL);
	pthread_condattr_destroy(&monotonic);
	rc = -pthread_create(&ledger->writer, NULL, write_batches, ledger);
	if (rc < 0) {
		ledger_db_close(ledger->db, NULL);
		free(ledger);
		return why_set(why, rc, "no thread for the ledger");
	}
	*out = ledger;
	return 0;
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
	closed = ledger_db_close(ledger->db, rc ? NULL : why);
	pthread_mutex_destroy(&ledger->lock);
	pthread_cond_destroy(&ledger->urgent);
	pthread_cond_destroy(&ledger->committed_odd);
	pthread_cond_destroy(&ledger->committed_even);
	free(ledger->filling.bytes);
	free(ledger);
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

/* With the lock held: until all that is queued now is committed. */
static int await_commit(struct ledger *ledger)
{
	uint64_t batch = ledger->batch;

	if (!ledger->awaited) {
		ledger->awaited = true;
		pthread_cond_signal(&ledger->urgent);
	}
	while (ledger->committed < batch)
		pthread_cond_wait(committed(ledger, batch), &ledger->lock);
	return ledger->error;
}

static int queue(struct ledger *ledger, bool durable, enum ledger_row row, ...)
{
	va_list values;
	int rc;

	pthread_mutex_lock(&ledger->lock);
	rc = ledger->error;
	if (rc == 0) {
		va_start(values, row);
		rc = ledger_rows_add(&ledger->filling, row, values);
		va_end(values);
		if (rc < 0) {
			ledger->error = rc;
			why_set(&ledger->why, rc, "ledger: no memory");
		} else if (durable) {
			rc = await_commit(ledger);
		}
	}
	pthread_mutex_unlock(&ledger->lock);
	return rc;
}

int ledger_flush(struct ledger *ledger)
{
	pthread_mutex_lock(&ledger->lock);
	int rc = ledger->error ? ledger->error : await_commit(ledger);
	pthread_mutex_unlock(&ledger->lock);
	return rc;
}

#define I(x) ((int64_t)(x))

int ledger_intent(struct ledger *ledger, const struct ledger_intent *i)
{
	return queue(ledger, true, ROW_INTENT, I(i->op), I(i->worker), I(i->endpoint), I(i->verb),
		     i->key, I(i->generation), I(i->size), I(i->offset), I(i->length),
		     i->tag[0] ? i->tag : NULL, I(i->inv_ns), I(i->inv_seq));
}

int ledger_outcome(struct ledger *ledger, const struct ledger_outcome *o)
{
	return queue(ledger, false, ROW_OUTCOME, I(o->op), I(o->res_ns), I(o->res_seq), I(o->kind),
		     I(o->status), I(o->error), I(o->sent), I(o->sends), I(o->seen), I(o->size),
		     o->tag[0] ? o->tag : NULL, I(o->first), I(o->last), I(o->mark));
}

int ledger_page(struct ledger *ledger, uint64_t op, const char *after, const char *last, bool more,
		const char *entries)
{
	return queue(ledger, false, ROW_PAGE, I(op), after, last, I(more), entries);
}

int ledger_run(struct ledger *ledger, const char *key, const char *value)
{
	return queue(ledger, false, ROW_RUN, key, value);
}

int ledger_phase(struct ledger *ledger, const char *name)
{
	return queue(ledger, false, ROW_PHASE, now_ns(), name);
}

int ledger_fault(struct ledger *ledger, int fault, const char *name, const char *kind,
		 const char *node, const char *atom, const char *gate)
{
	return queue(ledger, false, ROW_FAULT, I(fault), name, kind, node, atom, gate);
}

int ledger_fault_event(struct ledger *ledger, int fault, const char *event, uint64_t fires,
		       const char *detail, bool durable)
{
	return queue(ledger, durable, ROW_FAULT_EVENT, I(fault), now_ns(), event, I(fires), detail);
}

int ledger_fire(struct ledger *ledger, int fault, const struct control_event *e)
{
	return queue(ledger, false, ROW_FIRE, I(e->sequence), e->ns, I(fault), e->rule_name,
		     e->node, I(e->pid), I(e->tid), e->site, e->action, I(e->ordinal), e->subject,
		     e->result, I(e->error));
}

int ledger_gate(struct ledger *ledger, int fault, const char *gate, const char *step,
		int64_t started_ns, int64_t met_ns, const char *state)
{
	return queue(ledger, false, ROW_GATE, I(fault), gate, step, started_ns, met_ns, state);
}

int ledger_process(struct ledger *ledger, const char *node, pid_t pid, int64_t started_ns,
		   int64_t ended_ns, int status, const char *cause)
{
	return queue(ledger, false, ROW_PROCESS, node, I(pid), started_ns, ended_ns, I(status),
		     cause);
}

int ledger_command(struct ledger *ledger, int64_t started_ns, int64_t ended_ns, const char *node,
		   const char *line, int status, const char *output)
{
	return queue(ledger, false, ROW_COMMAND, started_ns, ended_ns, node, line, I(status),
		     output);
}

int ledger_metric(struct ledger *ledger, const char *node, const char *name, double value)
{
	return queue(ledger, false, ROW_METRIC, now_ns(), node, name, value);
}
