/*
 * metrics.h - what a run measures of itself, of its nodes and of its store, second by second.
 *
 *     workload   ops  p50_ms p99_ms max_ms  absent refused not_applied ambiguous garbage
 *     failrun    rss_mb  cpu  ledger_mb  ledger_ops
 *     NODE       rss_mb  cpu (of one core, in percent)  fds  processes
 *     NODE       whatever numbers the addresses of its role's metrics = answer, as JSON (members of
 *                members with dots) or as lines of "name{labels} value"
 *
 * Rows of "metric" in the ledger; all of one moment have the same ns. After ten minutes only the
 * lowest and the highest of each minute stay, after six hours those of each hour: what is shown as
 * least and most is true, and the table is level. A thread of its own; the pids of nodes are told to
 * it by the run, so that it reads nothing that the run changes.
 */
#ifndef RUNNER_METRICS_H
#define RUNNER_METRICS_H

#include <stdint.h>

#include "failkit/why.h"
#include "runner/cluster.h"
#include "runner/ledger.h"
#include "runner/workload.h"

struct metrics;

struct metrics_options {
	const char *dir; /* of the run */
	int64_t every_ns;
	struct ledger *ledger;
	struct workload *workload;
	struct cluster *cluster; /* for what does not change: names, addresses, roles */
};

int metrics_open(struct metrics **out, const struct metrics_options *options, struct why *why);
/* Which processes are the nodes now; by the thread that starts them, as often as it likes. */
void metrics_note(struct metrics *metrics, struct cluster *cluster);
void metrics_close(struct metrics *metrics);

/* Numbers in an answer of a store. */
void metrics_parse(const char *answer, void (*each)(void *arg, const char *name, double value),
		   void *arg);

#endif
