/*
 * match_impl.h - what match.c (which clauses are asked, and when) and match_holds.c (one function a
 * key) share.
 */
#ifndef FAILPOINT_MATCH_IMPL_H
#define FAILPOINT_MATCH_IMPL_H

#include "failpoint/core.h"

struct question {
	const struct rule *rule;
	const struct rule_clause *clause;
	const struct rule_value *value;
	struct hit *hit; /* NULL for facts of the process */
	int phase;
	bool ahead; /* at the entrance, of a step that is judged at the exit */
};

/* In the order in which clauses are asked. */
enum cost { COST_PROCESS, COST_HIT, COST_THREAD, COST_SUBJECT, COST_STACK };

struct match_key {
	bool (*holds)(const struct question *); /* for one value; negation is the caller's */
	enum cost cost;
};
CORE_HIDDEN extern const struct match_key match_keys[KEY_COUNT];

/* The class of a write, a read ... depends on what the fd is. */
CORE_HIDDEN uint32_t match_classes(struct hit *hit);
CORE_HIDDEN bool match_reads(const struct hit *hit); /* its bytes are there only at its end */

#endif
