/*
 * run.h - one run, from an empty run directory to a verdict.
 *
 *     boot     ledger, plane, network, cluster; the gate before the first fault
 *     warmup   the workload alone: the baseline
 *     chaos    wait for an anchor -> record -> apply -> applied? -> hold -> heal -> healed? ->
 * start whatever is down -> gate, timed -> next heal     every rule removed, every node up, the
 * gate quiet    the workload alone again sweep    every key ever written is read, everything is
 * listed end      verdict, judgement, report
 *
 * Everything runs on the caller's thread but the workers, the ledger's writer, the reader of the
 * plane's events and the progress line. The first SIGINT or SIGTERM ends the faults and goes on
 * with heal and sweep; the second ends at once, which leaves the run INVALID.
 */
#ifndef RUNNER_RUN_H
#define RUNNER_RUN_H

#include "failkit/why.h"
#include "runner/plan.h"
#include "runner/schedule.h"

struct past;

struct run_request {
	const struct plan *plan;
	const char *dir;                 /* the run directory, existing, absolute */
	const struct schedule *schedule; /* of this plan; the caller's */
	const char *replays, *atoms;     /* past.h; "" when it is no replay */
	struct past *resumes;            /* the run in dir, which was cut; NULL: a new one */
};

/* To be called in the worker of the sandbox. Returns the exit code: 0 PASS, 1 FAIL, 3 environment
 * (why tells), 4 INVALID or UNKNOWN. */
int run_execute(const struct run_request *request, struct why *why);

#endif
