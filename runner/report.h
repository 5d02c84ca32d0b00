/*
 * report.h - what a run was, read back from its ledger alone: one model, several forms.
 *
 *     report_read()       model.sqlite -> struct report
 *     report_markdown()   for people: RUN/report.md
 *     report_json()       for machines: RUN/results.json
 *
 * Nothing is taken from the memory of the run, so `failrun report DIR` gives the same report later,
 * and also one of a run that was killed. Times are CLOCK_MONOTONIC in ns, shown from the workload's
 * start.
 */
#ifndef RUNNER_REPORT_H
#define RUNNER_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "failkit/why.h"
#include "runner/cause.h"
#include "runner/driver.h"
#include "runner/oracle.h"

/* When an operation began: no fault yet or none now; from apply to heal; from heal to gate; the
 * quiet phase; the sweep. */
enum report_phase { IN_BASELINE, IN_FAULT, IN_RECOVERY, IN_QUIET, IN_SWEEP, REPORT_PHASES };

struct report_traffic {
	uint64_t attempts, answered; /* answered: done, absent or refused */
	uint64_t outcome[OUTCOME_COUNT];
	uint64_t unanswered;           /* no outcome: failrun ended first */
	double p50_ms, p99_ms, max_ms; /* of what was answered */
};

struct report_gate {
	const char *gate, *step, *state;
	int64_t started_ns, met_ns; /* met 0: not met */
};

enum { REPORT_STEP_MAX = 24 };

struct report_fault {
	int number;
	const char *name, *kind, *whom, *atom;
	int64_t reached_ns, applying_ns, applied_ns, healing_ns, healed_ns, gated_ns; /* 0: never */
	const char *last, *detail; /* event, and what it said */
	uint64_t fires, events;    /* counted; seen in the ring */
	struct report_gate gate[REPORT_STEP_MAX];
	int gates;
};

struct report_witness {
	uint64_t op;
	const char *verb, *key, *endpoint, *outcome;
	int64_t worker, generation, seen, status;
	int64_t inv_ns, res_ns; /* res 0: no answer */
	int fault;              /* active when it began, -1: none */
	int64_t since_fault_ns;
};

struct report_violation {
	const char *code, *key, *text;
	int64_t followers;
	struct report_witness witness[WITNESS_MAX];
	int witnesses;
	struct cause *cause; /* what was injected meanwhile */
	int causes;
};

struct report_process {
	const char *node, *cause;
	int64_t pid, started_ns, ended_ns, status;
};

/* One series of numbers (metrics.h). */
struct report_metric {
	const char *node, *name;
	double least, median, most;
};

enum { REPORT_METRIC_MAX = 4096, REPORT_TENTHS = 10 };

/* Averages over a tenth of the run. */
struct report_tenth {
	bool measured;
	double ops, p50_ms, p99_ms, not_applied, ambiguous, rss_mb, cpu, ledger_mb, ledger_ops;
};

struct report_escape {
	const char *node, *comm, *kind, *call, *subject, *reason;
	uint64_t count; /* 0: not counted */
	bool reached;   /* by the deep tier */
};

/* A node when the store did not recover. */
struct report_state {
	int64_t ns, pid;
	const char *node, *state, *log;
};

struct report {
	const char *dir, *plan, *seed, *version, *sandbox, *verified, *interrupted, *fenced;
	const char *verdict, *reason; /* of the last judgement; "NONE" when the run was cut */
	int64_t start_ns, end_ns;
	uint64_t ops, acks, ambiguous;
	struct report_violation *violation;
	int violations;
	struct report_fault *fault;
	int faults;
	struct report_process *process;
	int processes;
	struct report_state *state;
	int states;
	struct report_escape *escape;
	int escapes;
	struct report_traffic traffic[REPORT_PHASES][VERB_COUNT];
	int64_t silence_ns, silence_at_ns;        /* the longest time without any answer */
	struct report_gate boot[REPORT_STEP_MAX]; /* gates that belong to no fault */
	int boots;
	struct report_metric *metric;
	int metrics;
	struct report_tenth tenth[REPORT_TENTHS];
	struct report_block *memory; /* of the texts and lists */
};

extern const char *const report_phase_name[REPORT_PHASES];
extern const char *const report_verb_name[VERB_COUNT];
extern const char *const report_outcome_name[OUTCOME_COUNT];

int report_read(struct report *out, const char *dir, struct why *why);
void report_fini(struct report *report);

/* Recovery: from the end of the fault to the passed gate; 0 when there was none. */
int64_t report_recovery_ns(const struct report_fault *fault);

/* From the end of the fault to the passed gate, by kind and role ("ds", "fe>ds", "" for groups). */
struct report_recovery {
	const char *kind;
	char role[64];
	int reached, fired, gated;
	int64_t min_ns, median_ns, max_ns; /* of those that were gated */
};
/* In the order in which they were met first. */
void report_recovery(const struct report *report,
		     void (*each)(void *arg, const struct report_recovery *), void *arg);

void report_metrics(const struct report *report, FILE *to); /* a part of report_markdown() */
/* All that was measured in the run of dir, for `failrun metrics`. */
int report_metrics_csv(const char *dir, FILE *to, struct why *why);

/* A cell of a table: no bar, no line end gets through. */
void report_cell(FILE *to, const char *text);
/* report_states.c: the nodes when a gate was not met; nothing where all were. */
void report_states_markdown(const struct report *report, FILE *to);
struct json_t *report_states_json(const struct report *report);
/* report_escapes.c: what no rule could meet. */
void report_escapes_markdown(const struct report *report, FILE *to);
struct json_t *report_escapes_json(const struct report *report);

void report_markdown(const struct report *report, FILE *to);
int report_json(const struct report *report, FILE *to);

/* Reads, and writes DIR/report.md and DIR/results.json. */
int report_write(const char *dir, struct why *why);
/* The short form, to stdout. */
int report_summary(const char *dir, struct why *why);

#endif
