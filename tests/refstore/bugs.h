/*
 * bugs.h - known bugs that can be planted, one command-line switch each (--bug NAME).
 *
 * They prove that the oracle sees: a run with one of them must end in the violation that the table
 * in bugs.c names. Replication hides what only one data server gets wrong, so every bug is made so
 * that the fault its row names, on one node at a time, reaches a client as a wrong answer and not
 * merely as a 503. `refstore --bugs` prints the table.
 */
#ifndef REFSTORE_BUGS_H
#define REFSTORE_BUGS_H

#include <stdbool.h>
#include <stdio.h>

#include "tests/refstore/util.h"

enum bug {
	BUG_ACK_BEFORE_SYNC,
	BUG_IGNORE_WRITE_ERROR,
	BUG_SHORT_WRITE_IGNORED,
	BUG_DELETE_NOT_REPLICATED,
	BUG_LIST_FROM_STALE_CACHE,
	BUG_RANGE_OFF_BY_ONE,
	BUG_STALE_REPLICA_READ,
	BUG_COMMIT_BEFORE_DATA,
	BUG_ETAG_WRONG,
	BUG_HEAD_STALE_SIZE,
	BUG_CROSS_KEY_BUFFER,
	BUG_LIST_PAGE_BOUNDARY,
	BUG_LIST_MISSING_RECENT,
	BUG_TOMBSTONE_FORGOTTEN_ON_RESTART,
	BUG_ACK_ON_ONE_REPLICA,
	BUG_RETRY_APPLIED_LATE,
	BUG_REPLAY_STOPS_EARLY,
	BUG_TORN_CHUNK_SERVED,
	BUG_RESURRECT_AFTER_REPAIR,
	BUG_NON_MONOTONIC_FRONT_END,
	BUG_REPLAY_SKIPS_CHECKSUM,
	BUG_CONDITIONAL_PUT_RACES,
	BUG_REPAIR_COPIES_STALE,
	BUG_DROP_ON_DRAIN,
	BUG_COUNT
};

/* Plants each bug of a comma-separated list; -EINVAL with the nearest name for an unknown one, or
 * one of another role. Called before any thread starts. */
int bugs_plant(const char *list, const char *role, struct trouble *trouble);
bool bug_on(enum bug bug);
void bugs_print(FILE *to);

#endif
