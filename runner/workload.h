/*
 * workload.h - the clients: workers that put, read and delete through a driver, on libcurl.
 *
 * Each worker is a thread with its own connections and its own random stream (named from the seed,
 * "workload/worker3"), and writes the keys of one shard (keyspace.h), alone or with others. An operation is recorded in
 * the ledger before its first byte leaves, judged by the oracle when it returns, and counted by
 * phase. A mutation is never resent in silence: it goes out on a fresh connection, or on one where
 * a resend would show (CURLINFO_NUM_CONNECTS), and is ambiguous if it might have gone twice.
 */
#ifndef RUNNER_WORKLOAD_H
#define RUNNER_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "failkit/why.h"
#include "runner/driver.h"
#include "runner/ledger.h"
#include "runner/oracle.h"
#include "runner/plan.h"

struct workload;

struct workload_options {
	const struct plan *plan;
	const struct driver *driver;
	const char *const *endpoint; /* "127.0.0.5:7000"; fixed for the run */
	int endpoints;
	struct ledger
		*ledger; /* NULL: nothing is recorded nor judged; for measuring what that costs */
	uint64_t run_id;
	uint64_t epoch;               /* of the ledger: a resumed run draws anew */
	bool (*cancelled)(void *arg); /* is the sweep to end at once? may be NULL */
	void *arg;
	const char *client_address; /* to bind to: links to clients can be cut; may be NULL */
	const char *prefix;         /* driver_prefix.h; NULL or "": none */
};

int workload_open(struct workload **out, const struct workload_options *options, struct why *why);
/* Takes over what the ledger of a run that was cut tells; before the start. last_seq: the last
 * number of its order of operations. */
int workload_restore(struct workload *workload, sqlite3 *db, uint64_t last_seq, struct why *why);
/* Is nothing there yet under the prefix? -ENOTEMPTY, or why that was not told. */
int workload_empty(struct workload *workload, struct why *why);
int workload_start(struct workload *workload, struct why *why); /* threads begin to send */
void workload_stop(struct workload *workload); /* and end, each after its operation */
void workload_close(struct workload *workload);

/* Reads every key ever written, and all LIST pages, until each has answered or deadline_ns. Returns
 * the number of keys and listings that never answered, or -errno. Workers must have stopped. */
int workload_sweep(struct workload *workload, int64_t deadline_ns, struct why *why);

/* One put, get, head, range, delete and get on a key of its own through every endpoint; for gates.
 * 0 when all succeeded, -EAGAIN with why when the store is not yet able. */
int workload_probe(struct workload *workload, struct why *why);

/* From now on every worker pauses this much longer between its operations. */
void workload_pace(struct workload *workload, int64_t more_think_ns);

uint64_t workload_acks(const struct workload *workload); /* acknowledged mutations so far */
/* Sleeps until acks reach n, a violation is found (-ECANCELED, unless on-violation is continue), the
 * harness itself failed (its -errno) or deadline_ns (-ETIMEDOUT). */
int workload_wait_acks(struct workload *workload, uint64_t n, int64_t deadline_ns);

struct workload_status {
	struct oracle_count count;
	uint64_t ops, errors, ambiguous, violations;
	double ops_per_s; /* over the last second */
};
void workload_status(struct workload *workload, struct workload_status *out);

/* What returned since it was asked last. Latencies of what was answered, to within an eighth. */
struct workload_interval {
	uint64_t outcome[OUTCOME_COUNT];
	int64_t p50_ns, p99_ns, max_ns;
};
void workload_interval(struct workload *workload, struct workload_interval *out);

/* 0, or the first failure of the harness itself (the ledger): the run must end. */
int workload_error(struct workload *workload, struct why *why);

/* A place in the order of operations, for what is none: oracle_fence(). */
uint64_t workload_next_seq(struct workload *workload);

/* Every operation that began before this place in the order has returned. */
uint64_t workload_horizon(struct workload *workload);

/* The oracle, locked for the duration of use(): for violations found by others and for the report. */
void workload_oracle(struct workload *workload, void (*use)(void *arg, struct oracle *oracle),
		     void *arg);

#endif
