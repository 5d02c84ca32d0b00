/*
 * judge_frontier.h - judging a key with deletes, in one sweep and exactly.
 *
 * The sweep walks over the begins and ends of the operations. It keeps the frontier: every state the
 * key could be in now, each with the set of open operations that took effect already. Nothing takes
 * effect before it must: only when an operation ends without having done so, the open ones are
 * applied in every order that gets it done.
 *
 *     put 1 |-------|                     {nothing}  {1: put 1 done}
 *     delete   |--------|
 *     get = 1         |----|              get ends: {1, delete still to come}, {1, delete before it}
 *     get = nothing           |---|       ends: no state left is nothing, unless delete came last
 *
 * An empty frontier is a violation, by the operation that ended. What keeps it small:
 *  - observations take effect at once where they fit, and cost no branch;
 *  - an ambiguous put that somebody read took effect before that read ended; one that nobody read
 *    can only have made a key present, and is dropped if no one ever asked just that;
 *  - ambiguous deletes, and puts that nobody read, are interchangeable: the one that ends first
 *    goes first, and those without an end are only counted. Of two states that differ in how many
 *    of these they used up, the thriftier one rules the other out (a Pareto set).
 *  - a value that was put once and is read, or replaced by a compare-and-set, later on is not left
 *    before that: there is no way back to it.
 * So the cost is n times two to the number of puts open at one time that somebody reads.
 *
 * A compare-and-set is a put where its value is, and nothing elsewhere; one that was refused has seen
 * anything else. With unique values both cost no more than a put and a read. An ambiguous one that
 * nobody read stays open as long as there is a way to what it wants.
 *
 * Two puts of one value are allowed (a request that was sent twice). Those that need not have happened
 * are used in the order of their ends, so that many of them cost no more than their number.
 *
 * A violation comes with a witness: operations that contradict each other whatever the others did,
 * which is more than that they contradict each other alone. While it is made smaller, deletes that
 * are left out may still take effect within their own interval or not, and no value is read without
 * its put. Nothing in it can be left out; two to six operations are usual.
 *
 * One judge is one workspace, to be used again for the next key; one thread.
 */
#ifndef RUNNER_JUDGE_FRONTIER_H
#define RUNNER_JUDGE_FRONTIER_H

#include <stddef.h>

#include "runner/judge_history.h"

struct judge_frontier;

struct judge_frontier *judge_frontier_open(void); /* NULL with errno */
void judge_frontier_close(struct judge_frontier *judge);

/* Judges ops[0..n). budget: steps after which the answer is UNKNOWN, 0: none; the steps spent on a
 * witness are extra, and as many at most. Returns 0, or -EINVAL (an interval that ends before it
 * begins or lies beyond 2^63, JUDGE_NOTHING as a value), -ENOTSUP (APPEND), -ENOMEM. */
int judge_frontier(struct judge_frontier *judge, const struct judge_op *ops, size_t n,
		   uint64_t budget, struct judge_answer *answer);

#endif
