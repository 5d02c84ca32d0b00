/*
 * ledger.h - the write-ahead record of a run: model.sqlite in the run directory (ledger.sql).
 *
 *     worker: ledger_intent()  ... is safe in the spool ...  request leaves
 *     worker: ledger_outcome() ... is safe in the spool
 *     writer: one transaction of SQLite for all that came within 50 ms
 *
 * A row is recorded when its function returns: from then on it survives SIGKILL of failrun, though
 * not a power cut of the host (ledger_spool.h). Who opens a ledger to read it calls
 * ledger_recover() first, for a run that was killed. All functions may be called from any thread.
 * When the ledger can't be written (disk full), the first error is kept: every later call returns
 * it and the run ends as an environment error.
 */
#ifndef RUNNER_LEDGER_H
#define RUNNER_LEDGER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "failkit/why.h"
#include "runner/driver.h"

struct ledger;

struct ledger_intent {
	uint64_t op; /* from ledger_next_op() */
	int worker, endpoint;
	enum verb verb;
	const char *key;     /* LIST: the prefix */
	uint64_t generation; /* of the body sent; 0 when none */
	uint64_t size, offset, length;
	char tag[TAG_MAX];       /* of the body sent */
	char condition[TAG_MAX]; /* tag of what a PUT may replace, "*": nothing; "": none */
	bool again;              /* from the ledger: it was sent more than once */
	int64_t inv_ns;
	uint64_t inv_seq;
};

struct ledger_outcome {
	uint64_t op;
	int64_t res_ns;
	uint64_t res_seq;
	enum outcome kind;
	int status, error;
	uint64_t sent;
	int sends;
	uint64_t seen, size; /* generation read, 0: absent or none; told size */
	char tag[TAG_MAX];
	uint64_t first, last; /* range answered */
	int mark;             /* enum body_mark (body.h) */
	int attempts;         /* of the client; sends: of these, the ones that left */
};

int ledger_create(struct ledger **out, const char *path, struct why *why);

/* What a run that was cut has used up: numbers go on after these. */
struct ledger_left {
	uint64_t epoch; /* the one that begins now */
	uint64_t last_op, last_seq, last_ring;
	uint64_t operations; /* that it holds */
};
/* Goes on with the ledger of a run that was cut, as another epoch. -ESTALE: the machine was started
 * anew since. */
int ledger_resume(struct ledger **out, const char *path, struct ledger_left *left, struct why *why);

int ledger_close(struct ledger *ledger, struct why *why); /* flushes; 0 or the kept error */
int ledger_error(struct ledger *ledger, struct why *why); /* 0 while all is well */

/* Gives SQLite what a killed run left in the spool of the ledger at `path`, each batch exactly once.
 * Leaves the ledger of a run that lives alone; waits for another who does the same. 0, or -errno: then
 * the ledger lacks rows. */
int ledger_recover(const char *path, struct why *why);

uint64_t ledger_next_op(struct ledger *ledger);
int ledger_intent(struct ledger *ledger, const struct ledger_intent *intent);
int ledger_outcome(struct ledger *ledger, const struct ledger_outcome *outcome);
/* A LIST page; entries is the JSON array of [key, size, tag]. */
int ledger_page(struct ledger *ledger, uint64_t op, const char *after, const char *last, bool more,
		const char *entries);

/* Everything else; queued, in order. */
int ledger_run(struct ledger *ledger, const char *key, const char *value);
int ledger_phase(struct ledger *ledger, const char *name);
int ledger_fault(struct ledger *ledger, int fault, const char *name, const char *kind,
		 const char *node, const char *atom, const char *gate);
int ledger_fault_event(struct ledger *ledger, int fault, const char *event, uint64_t fires,
		       const char *detail);
struct control_event;
int ledger_fire(struct ledger *ledger, int fault, const struct control_event *event);
int ledger_gate(struct ledger *ledger, int fault, const char *gate, const char *step,
		int64_t started_ns, int64_t met_ns, const char *state);
int ledger_process(struct ledger *ledger, const char *node, pid_t pid, int64_t started_ns,
		   int64_t ended_ns, int status, const char *cause);
int ledger_command(struct ledger *ledger, int64_t started_ns, int64_t ended_ns, const char *node,
		   const char *line, int status, const char *output);
int ledger_metric(struct ledger *ledger, int64_t ns, const char *node, const char *name,
		  double value);
int ledger_thin_metrics(struct ledger *ledger, int64_t now_ns); /* metrics.h */
struct control_escape;
int ledger_escape(struct ledger *ledger, const struct control_escape *escape);

/* Compaction (compact.h): bases take the place of operations, in one transaction. */
struct ledger_base {
	const char *key;
	uint64_t cut_seq, cut_op, generation, size, op, operations, verified, generations;
	char tag[TAG_MAX];
};
struct ledger_tally {
	int phase, verb, kind; /* kind -1: no outcome */
	int64_t le_ns;
	uint64_t operations;
};
struct ledger_cut {
	struct ledger_base *base;
	struct ledger_tally *tally;
	uint64_t *op;   /* of which intent and outcome go, */
	uint64_t *page; /* and page too */
	size_t bases, tallies, ops, pages;
};
int ledger_compact(struct ledger *ledger, const struct ledger_cut *cut);
int ledger_drop_fires(struct ledger *ledger); /* of before all operations that are left */
int ledger_vacuum(struct ledger *ledger);     /* gives some free pages of the file back */
uint64_t
ledger_held(const struct ledger *ledger); /* operations that are recorded and not compacted */

int ledger_finding(struct ledger *ledger, const char *code, const char *key, const char *text);
int ledger_state(struct ledger *ledger, const char *node, const char *state, pid_t pid,
		 const char *log);
int ledger_flush(struct ledger *ledger); /* until SQLite has all that is recorded */

#endif
