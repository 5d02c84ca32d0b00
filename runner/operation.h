/*
 * operation.h - one operation from its intent to its verdict.
 *
 *     seq, oracle_invoke | ledger_intent, committed | sent ... answered | checked | seq,
 * oracle_return | ledger_outcome
 *
 * A mutation without a clear answer may be sent again, if the plan wants clients that retry: it stays
 * one operation from its first sending to its last answer, and the ledger tells how often it went.
 *
 * A session is one client of the store with its buffers: a worker, a thread of the sweep, the
 * probe. The oracle is fed under one lock, in the order of the sequence numbers taken there.
 */
#ifndef RUNNER_OPERATION_H
#define RUNNER_OPERATION_H

#include <pthread.h>
#include <stdatomic.h>

#include "runner/body.h"
#include "runner/client.h"
#include "runner/driver_prefix.h"
#include "runner/keyspace.h"
#include "runner/process.h"
#include "runner/workload.h"

struct session {
	struct workload *workload;
	int worker; /* -1: the probe */
	struct client *client;
	uint8_t *body;
	struct list_text {
		char *text; /* JSON array of [key, size, tag] */
		size_t used, room;
		char last[KEY_MAX];
		bool broken; /* no memory */
	} list;
};

struct worker {
	struct session session;
	pthread_t thread;
	uint64_t random;
	unsigned turn;     /* of the endpoints */
	unsigned failures; /* in a row */
};

/* Counts of what returned, and classes of latencies: eight to a doubling. */
enum { LATENCY_CLASSES = 64 * 8 };
struct workload_recent {
	uint64_t outcome[OUTCOME_COUNT];
	uint32_t latency[LATENCY_CLASSES];
};

struct workload {
	struct workload_options options;
	void *store;
	struct keyspace keyspace;
	struct worker *worker;
	int workers; /* threads running */
	atomic_bool stopping;
	_Atomic int64_t more_think_ns; /* beside the plan's */

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t change;
	struct oracle *oracle;
	uint64_t sequence;
	uint64_t first_op; /* of this process; before it are those of a run that was resumed */
	_Atomic uint64_t acks;
	_Atomic uint64_t unrecorded; /* operations without a ledger */
	uint64_t ack_wanted;         /* by workload_wait_acks(); UINT64_MAX: nobody */
	uint64_t errors, ambiguous;
	uint64_t violations; /* findings, followers included */
	int error;           /* the first of the harness itself */
	struct why why;
	int64_t second; /* operations returned in this second and the one before */
	uint64_t this_second, last_second;

	struct workload_recent recent; /* since workload_interval() */

	pthread_mutex_t probe_lock;
	struct session probe;
	bool probe_open;
	unsigned probes;
};

int session_open(struct session *session, struct workload *workload, int worker, struct why *why);
void session_close(struct session *session);

struct answer {
	enum outcome outcome;
	enum violation_code violation;
	int status;
	uint32_t retry_after_ms;
	uint64_t size;       /* of the object, as told */
	char tag[TAG_MAX];   /* likewise; "" when not told */
	char after[KEY_MAX]; /* LIST: where the next page starts, "" at the end */
	char text[256];      /* what went wrong, "" when nothing did */
};

/* size: of the body, for PUT. Returns 0, or -errno when the harness itself failed (the ledger): it
 * is kept, and the run must end. */
int session_do(struct session *session, const struct op *op, int endpoint, uint64_t size,
	       struct answer *answer);

/* Will asking again tell more? */
bool answer_is_final(const struct answer *answer);

/* Under the lock. */
void workload_count_recent(struct workload_recent *recent, enum outcome outcome, int64_t took_ns);

/* Sleeps, unless the workload ends first. */
void workload_pause(struct workload *workload, int64_t ns);
void *worker_run(void *worker);

#endif
