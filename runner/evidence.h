/*
 * evidence.h - what a closed ledger tells of each key, in the words of the exact judges.
 *
 *     put, delete       known when acknowledged, ambiguous when the outcome is not known or there is
 *                       none, up to a fence (evidence_fence.h); once more, ambiguous, for each time
 *                       it may have been sent again
 *     conditional put   compare-and-set; refused (412), it has seen what is unequal, or present
 *     get, range        the generation that the bytes tell; 404 is absent
 *     head, empty body  the generation whose tag it told, if the store's tags are of the body and no
 *                       other put of the key has the same; else no more than that it is there
 *     list page         the same for each key in its span: named, or absent
 *
 * Times are the ledger's sequence numbers. An observation that is not beyond doubt is left out: bytes
 * that are wrong, errors, 416, pages that are ill-formed. A possible write never is.
 *
 * The ledger is read by key, one key in memory at a time; listings are kept, for they are about all.
 *
 * A key that was compacted (compact.h) begins with its base, as a put that ended before everything
 * else began. Where the plan says how long an unanswered write can still land (settle), an ambiguous
 * one ends that long after it was given up.
 */
#ifndef RUNNER_EVIDENCE_H
#define RUNNER_EVIDENCE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failkit/why.h"
#include "runner/driver.h"
#include "runner/judge_history.h"

/* What ends an operation without a clear answer: a restart of every process of the store, or the time
 * in which it settles. */
enum evidence_fence_kind { FENCE_NONE, FENCE_RESTART, FENCE_SETTLE, FENCE_KINDS };

/* Beside each judge_op, whose id is the number of the ledger's operation. */
struct evidence_note {
	uint64_t op; /* that number, also where ids are places */
	enum verb verb;
	enum evidence_fence_kind fence;
	int64_t inv_ns, res_ns; /* since the ledger's first operation; res_ns -1: no answer */
};

/* When an operation was, and whose. */
struct evidence_when {
	uint64_t op, inv, res;
	int64_t inv_ns, res_ns;
	uint32_t client;
	bool settles; /* the clock that runs is that of its answer */
};

/* An operation as the ledger has it. */
struct evidence_row {
	struct evidence_when when;
	enum verb verb;
	uint64_t generation, size, tag; /* sent */
	bool answered;
	enum outcome kind;
	int status, sends, mark;
	uint64_t seen, told_tag;
	enum { NO_CONDITION, WANTS_NOTHING, WANTS_TAG } condition;
	uint64_t wanted_tag;
};

/* What compaction left of a key: its state at the cut, and how much was judged to be possible. */
struct evidence_base {
	uint64_t seq;        /* what began before this is gone; 0: nothing is */
	uint64_t generation; /* there at the cut, 0: nothing */
	uint64_t size, tag;
	uint64_t op;     /* that put it there or showed it */
	uint64_t cut_op; /* the newest operation that is gone */
	uint64_t operations, verified, generations;
};

struct evidence_key {
	const char *name;
	uint32_t rank; /* its place in byte order */
	const struct judge_op *op;
	const struct evidence_note *note;
	size_t count;
	const struct evidence_row *row; /* its own, not those of listings */
	size_t rows;
	const struct evidence_base *base;
	bool conditional; /* it has compare-and-sets, or such as were refused */
};

struct evidence;

/* One moment of a ledger that may still be written to; can: enum store_can. 0, -EIO or -ENOMEM. */
int evidence_open(struct evidence **out, sqlite3 *db, uint32_t can, struct why *why);
/* Stops when each returns non-zero, and returns that. Else 0, -EIO or -ENOMEM. */
int evidence_keys(struct evidence *evidence, int (*each)(void *arg, const struct evidence_key *key),
		  void *arg, struct why *why);
void evidence_close(struct evidence *evidence);

/* All three in one. */
int evidence_each(sqlite3 *db, uint32_t can, int (*each)(void *arg, const struct evidence_key *key),
		  void *arg, struct why *why);

#endif
