/*
 * judge_frontier_impl.h - inside the frontier judge: prepare, sweep, witness.
 *
 *     judge_prepare.c     operations -> items with classes, and their moments in order
 *     judge_frontier.c    the sweep over the moments
 *     judge_witness.c     a violation made small
 */
#ifndef RUNNER_JUDGE_FRONTIER_IMPL_H
#define RUNNER_JUDGE_FRONTIER_IMPL_H

#include <stdbool.h>

#include "runner/judge_frontier.h"
#include "runner/judge_sort.h"
#include "runner/judge_states.h"
#include "runner/judge_values.h"

enum { NOW_NOTHING, NOW_ANYTHING, NOW_VALUES }; /* what the key is: then a value's number + this */

enum item_class {
	ITEM_READ,
	ITEM_ABSENT,
	ITEM_PRESENT,
	ITEM_UNEQUAL,
	ITEM_PUT, /* of a value that somebody asks for */
	ITEM_CAS,
	/* Interchangeable among themselves: */
	ITEM_ANYTHING, /* a put of a value that nobody reads */
	ITEM_DELETE,
	ITEM_TAKE,
};

struct item {
	uint64_t res;
	uint64_t id;
	int32_t now;    /* of READ, PUT and CAS: what the key is then; of UNEQUAL: what it is not */
	int32_t expect; /* of CAS: what it was */
	uint8_t class;
	bool optional; /* it may never have happened */
	uint8_t slot;
};

struct value_use {
	uint32_t puts;          /* compare-and-sets included */
	uint64_t first_begin;   /* of its puts */
	uint64_t first_end;     /* of those that certainly saw it */
	uint64_t last_begin;    /* likewise */
	uint64_t last_end;      /* of all that ask for it by name */
	bool seen;              /* certainly */
	bool asked;             /* by name: a read, a compare-and-set, one that was refused */
	bool refused, replaced; /* by one that was refused; by one that certainly happened */
	bool failed;            /* its put */
};

/* MOMENT_USE: from now on one more delete or put without an end may happen. MOMENT_FADE: from now on
 * nobody asks for this value by name. */
enum { MOMENT_BEGIN, MOMENT_END, MOMENT_FADE, MOMENT_USE_DELETE, MOMENT_USE_PUT };

struct prepared {
	struct judge_values values;
	struct value_use *use;
	size_t use_capacity;
	struct item *item; /* one for each operation; those that were dropped have no moment */
	size_t item_capacity;
	struct judge_moment *moment;
	size_t moments, moment_capacity;
};

struct judge_frontier {
	struct prepared prepared;
	struct states frontier, next, work;
	struct item *slot[SLOTS];
	slot_set open, open_reads, open_puts, open_maybe; /* maybe: of optional ones by name */
	uint64_t time;
	uint32_t deletes, puts; /* without an end, begun */
	uint64_t steps, budget;
};

int prepare(struct prepared *p, const struct judge_op *ops, size_t n);
void prepared_fini(struct prepared *p);

/* The sweep alone. On a violation *where is the index of the operation. */
int sweep(struct judge_frontier *judge, const struct judge_op *ops, size_t n,
	  struct judge_answer *answer, size_t *where);

/* Fills answer's witness for a violation by ops[where]. */
int find_witness(struct judge_frontier *judge, const struct judge_op *ops, size_t n, size_t where,
		 struct judge_answer *answer);

#endif
