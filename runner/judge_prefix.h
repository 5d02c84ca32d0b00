/*
 * judge_prefix.h - after the power was cut: is what survived a state that the store was ever in?
 *
 * A store whose contract is `bounded` or `none` may lose what it acknowledged last when the power is
 * cut, but not this write here and a later one there not: what survives is a prefix. There must be one
 * moment T, within the time that the contract allows, at which every key can have been what it was seen
 * to be after the cut.
 *
 *     key a   put 1 |--|   put 2 |--|                 survives: 1    T in [begin of 1, end of 2]
 *     key b          put 3      |--|   put 4 |--|     survives: 4    T from the begin of 4 on
 *                                                     no such T: a hole
 *
 * A value can have been there at T if its put had begun by T, and so had the last reading of whatever
 * certainly came before it, and nothing that certainly came after it had ended (or been seen) by T.
 * Nothing can have been there before the first put, and after each delete likewise: a key allows a
 * set of intervals, and T lies in one of every key's.
 *
 * The contract holds for power cuts alone. A killed process leaves its writes with the kernel, and an
 * fsync that failed is no cut.
 */
#ifndef RUNNER_JUDGE_PREFIX_H
#define RUNNER_JUDGE_PREFIX_H

#include "runner/judge_general.h"

struct judge_cut {
	uint64_t at;    /* the moment */
	uint64_t since; /* what was acknowledged by then may not be lost; `sync`: at */
};

struct judge_prefix_answer {
	enum judge_verdict verdict; /* JUDGE_OK or JUDGE_VIOLATION */
	uint64_t moment;            /* T, the latest that explains everything */
	/* Of a violation: a key that lost a write by `lost_by`, and one that kept a write that began at
	 * `kept_from`, or count when the contract alone forbids the loss. */
	size_t lost, kept;
	uint64_t lost_by, kept_from;
	uint64_t seen; /* id of the observation of the lost one's key after the cut */
};

/* Judges the keys around one cut; what began before it and has not ended by it is ambiguous. 0 or
 * -ENOMEM. */
int judge_prefix(const struct judge_part *parts, size_t count, const struct judge_cut *cut,
		 struct judge_prefix_answer *answer);

/* A key's history after the cut, from ops[0..n): the survivor as a put (or, when nothing was seen of
 * it, whatever was put, as puts that may have happened) at the cut, then what began after it. And the
 * one before it, in which what had not ended by the cut is ambiguous. Both have room for n; each
 * returns how many. */
size_t judge_prefix_before(const struct judge_op *ops, size_t n, const struct judge_cut *cut,
			   struct judge_op *out);
size_t judge_prefix_after(const struct judge_op *ops, size_t n, const struct judge_cut *cut,
			  struct judge_op *out);

#endif
