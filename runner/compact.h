/*
 * compact.h - keeps a long run's ledger and memory level: what is closed and judged becomes one row.
 *
 *     horizon     everything that began before it has returned, and is in SQLite
 *     cut         for each key, the latest moment before the horizon that no operation on it spans
 *                 and at which it is certain what was there (compact_cut.h)
 *     judged      what was before the cut, by the exact judges; only what is possible goes on
 *     compacted   one row of "base" (state at the cut, how many operations) takes the place of the
 *                 operations, in one transaction; the oracle forgets them; counts go to "tally"
 *
 * A key with a violation keeps its whole history, and so does what is not decided. A write without
 * an answer keeps its key's history from there on, until a read has shown it or, where the plan says
 * settle =, it can't land any more. A listing goes when every key in its span was cut behind it, but
 * stays if it is a violation itself. What is judged later begins with the base: an answer from before
 * it is still wrong.
 *
 * A thread of its own looks at the number of operations in the ledger and makes a pass when there
 * are more than the plan's ledger-ops. A violation found by a pass is the oracle's at once.
 */
#ifndef RUNNER_COMPACT_H
#define RUNNER_COMPACT_H

#include <stdint.h>

#include "failkit/why.h"
#include "runner/ledger.h"
#include "runner/workload.h"

struct compactor;

struct compact_options {
	const char *dir; /* of the run */
	struct ledger *ledger;
	struct workload *workload;
	uint64_t operations_max; /* in the ledger; 0: all are kept */
};

int compactor_open(struct compactor **out, const struct compact_options *options, struct why *why);
/* Ends a pass under way. 0, or what ended compaction before, with why. */
int compactor_close(struct compactor *compactor, struct why *why);

/* What compaction has taken out of a ledger so far. */
struct compact_sum {
	uint64_t operations, verified, keys;
	uint64_t ok[VERB_COUNT]; /* done or absent */
	int64_t wall_ns;         /* when the last of them was judged */
};
struct sqlite3;
int compact_sum(struct sqlite3 *db, struct compact_sum *out); /* 0 or -EIO */
/* "compacted: 1200 operations of 40 keys, judged by 2026-01-02 03:04:05 UTC"; "" when none. */
void compact_sum_text(const struct compact_sum *sum, char *text, size_t size);

#endif
