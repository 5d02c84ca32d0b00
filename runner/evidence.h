/*
 * evidence.h - what a closed ledger tells of each key, in the words of the exact judges.
 *
 *     put, delete       known when acknowledged, ambiguous when the outcome is not known or there is
 *                       none; once more, ambiguous, for each time it may have been sent again
 *     get, range        the generation that the bytes tell; 404 is absent
 *     head, empty body  the generation whose tag it told, if the store's tags are of the body and no
 *                       other put of the key has the same; else no more than that it is there
 *     list page         the same for each key in its span: named, or absent
 *
 * Times are the ledger's sequence numbers. An observation that is not beyond doubt is left out: bytes
 * that are wrong, errors, 416, pages that are ill-formed. A possible write never is.
 *
 * The ledger is read by key, one key in memory at a time; listings are kept, for they are about all.
 */
#ifndef RUNNER_EVIDENCE_H
#define RUNNER_EVIDENCE_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include "failkit/why.h"
#include "runner/driver.h"
#include "runner/judge_history.h"

/* Beside each judge_op, whose id is the number of the ledger's operation. */
struct evidence_note {
	enum verb verb;
	int64_t inv_ns, res_ns; /* since the ledger's first operation; res_ns -1: no answer */
};

struct evidence_key {
	const char *name;
	const struct judge_op *op;
	const struct evidence_note *note;
	size_t count;
};

/* can: enum store_can. Stops when each returns non-zero, and returns that. Else 0, -EIO or -ENOMEM. */
int evidence_each(sqlite3 *db, uint32_t can, int (*each)(void *arg, const struct evidence_key *key),
		  void *arg, struct why *why);

#endif
