/*
 * run_internal.h - the state of a run, shared by run*.c, events.c and progress.c.
 *
 * Written by the run's thread alone; the threads of events.c and progress.c read what is const
 * after boot and the atomics.
 */
#ifndef RUNNER_RUN_INTERNAL_H
#define RUNNER_RUN_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "runner/cluster.h"
#include "runner/compact.h"
#include "runner/driver.h"
#include "runner/driver_prefix.h"
#include "runner/events.h"
#include "runner/fault.h"
#include "runner/gate.h"
#include "runner/ledger.h"
#include "runner/metrics.h"
#include "runner/plan.h"
#include "runner/progress.h"
#include "runner/run.h"
#include "runner/schedule.h"
#include "runner/verdict.h"
#include "runner/workload.h"

enum { ENDPOINT_MAX = NODE_COUNT_MAX };

/* What became of an atom. */
struct run_atom {
	bool done, reached, fired, pending, met;
	bool cut; /* was under way when a former epoch ended */
	uint64_t fires, matches;
	char failed[512];
	char watch[64]; /* name of the rule that watches for its hit anchor */
};

struct run {
	const struct run_request *request;
	const struct plan *plan;
	const char *dir;
	struct ledger *ledger;
	struct control *control; /* NULL when no role is under the interposer */
	struct cluster *cluster;
	struct workload *workload;
	struct metrics *metrics;      /* NULL: nothing is measured */
	struct compact_sum compacted; /* before it was resumed: the oracle has not counted it */
	struct compactor *compactor;  /* NULL: the ledger keeps all */
	struct schedule schedule;
	struct run_atom *atom;
	struct fault_context context;
	struct events *events;
	struct progress *progress;
	char endpoint_text[ENDPOINT_MAX][32], client[16];
	char prefix[PREFIX_MAX]; /* of the names of its objects */
	const char *endpoint[ENDPOINT_MAX];
	int endpoints;
	unsigned crashes[NODE_COUNT_MAX]; /* of each node, as far as judged */
	int64_t started_ns;               /* the workload's */
	int64_t gate_ns;                  /* the last gate was passed, or the phase began */
	uint64_t gate_acks;
	const struct fault_run *active[WAVE_MAX]; /* between apply and gate */
	int actives;
	bool unrecovered;         /* a gate was not met: no more faults */
	bool frozen, interrupted; /* frozen: has been, at the first violation */
	struct why environment;   /* what is not the store's fault: there will be no verdict */
	int64_t space_ns;         /* the next look at the room that is left */
	struct ledger_left left;  /* of a resume: what the epochs before have used up */
	int64_t elapsed_ns;       /*   the workload ran for so long */
	long sweep_missed;
	bool swept;
};

/* run.c */
void run_phase(struct run *run, const char *name);
bool run_violated(struct run *run);
bool run_stopping(struct run *run); /* no more faults: interrupted, violated, unrecovered, ledger */
bool run_aborting(struct run *run); /* at once */
/* Reaps, judges crashes and sleeps a little: what every wait does. */
void run_tick(struct run *run);
int run_interrupts(void);
void run_report(struct run *run, enum violation_code code, const char *key, const char *text);
/* Starts every node that is down, then passes the gate. -errno: UNRECOVERED has been reported,
 * unless a violation or the user ended the waiting. */
int run_recover(struct run *run, const char *gate, int fault);

/* The gate while a fault is on, for struct fault_context. */
int run_pass_gate(void *arg, const char *gate, int fault, struct why *why);
bool run_ends(void *arg);
int run_recover_from(void *arg, const char *gate, int fault);

/* run_freeze.c: stops all nodes after the first violation, if the plan wants it; comes back when
 * somebody has thawed them. */
void run_freeze(struct run *run);

/* run_environment.c. Is this error of a start not the store's? Then it is kept. */
bool run_environment(struct run *run, int error, const struct why *why);
void run_check_space(struct run *run);
/* Before any read was answered rightly, answers that no store gives tell of a wrong driver or port. */
int run_check_answers(struct run *run, struct why *why);

/* run_boot.c */
int run_boot(struct run *run, struct why *why);
void run_close(struct run *run);

/* run_resume.c, for a run that was cut. */
int run_resume_nodes(struct run *run, struct why *why); /* once the cluster is open */
int run_resume_state(struct run *run, struct why *why); /* once the workload is open */
int run_resume_start(struct run *run, struct why *why); /* the cluster, and its first gate */

/* run_faults.c: the phases up to the last with faults; those behind it; an atom that the plan has
 * placed and whose turn it is, -1 when there is none. */
int run_faults(struct run *run, struct why *why);
void run_quiet(struct run *run);
int run_next_placed(struct run *run);

/* run_wave.c: all atoms of a wave, from apply to gate. */
void run_wave(struct run *run, int first, const struct schedule_phase *phase);

/* run_judge.c: facts, verdict, judgement. After the cluster was closed; closes the ledger. */
struct run_blind {
	char name[NODE_COUNT_MAX][PLAN_NAME_MAX];
	const char *node[NODE_COUNT_MAX];
	int count;
};
void run_blind(struct run *run, struct run_blind *out); /* before the cluster is closed */
/* run_escapes.c: what no rule could meet, into the ledger; before the cluster is closed. */
void run_escapes(struct run *run, const struct run_blind *blind);
int run_judge(struct run *run, const struct run_blind *blind, struct verdict_result *out,
	      struct why *why);

#endif
