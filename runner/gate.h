/*
 * gate.h - what "recovered" means: steps met in order, each timed.
 *
 *     step = process                       every node that should be up is alive
 *     step = port                          every such node accepts TCP on its ready address
 *     step = ready                         every such node passes its role's ready check
 *     step = health PATH OP VALUE          on the JSON of each node of `on` that has PATH
 *                                          ("health under_replicated == 0", "health ms.registered >= 3")
 *     step = log NODES REGEX               one of these nodes has printed such a line since the
 *                                          fault began ("log ds* \"recovered in\"", gate_log.h)
 *     step = command SHELL                 exits with 0
 *     step = probe                         put, get, head, range, delete on a key of the run's own
 *
 * A gate that is not met within its limit makes the run UNRECOVERED, with the state of every node.
 */
#ifndef RUNNER_GATE_H
#define RUNNER_GATE_H

#include <stdint.h>

#include "failkit/why.h"
#include "runner/cluster.h"
#include "runner/ledger.h"
#include "runner/plan.h"
#include "runner/workload.h"

/* Is this step understood? For plan_read(): why quotes it and offers the nearest word. */
int gate_step_check(const char *step, struct why *why);
/* Has this plan what the step names? For plan_check(). */
int gate_step_fits(const struct plan *plan, const char *step, struct why *why);

struct gate_context {
	struct cluster *cluster;
	struct workload *workload; /* for probe; NULL: probe steps pass */
	struct ledger *ledger;
	int fault;                /* whose gate; -1: the one before the first */
	const uint64_t *log_from; /* cluster_log_ends() when it began; NULL: all that was printed */
	int (*cancelled)(void *arg); /* non-zero: give up at once with -ECANCELED */
	void *arg;
};

/* 0 when every step was met; -ETIMEDOUT with why ("step \"health ...\": ds2 answered ...") when not. */
int gate_pass(const struct plan_gate *gate, const struct gate_context *context, struct why *why);

/* Into the ledger: each node's state, pid and last lines. For UNRECOVERED. */
void gate_note_nodes(struct cluster *cluster, struct ledger *ledger);

#endif
