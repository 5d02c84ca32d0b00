/*
 * evidence_fence.h - moments after which an ambiguous operation can no longer take effect.
 *
 * Once every process of the store had ended at one moment, what a request had not done by then it never
 * will, but for what is replayed before the first node answers again: a restart fence is the passing
 * of the gate that follows, when every node was ready. It holds for operations whose client had given
 * up before. Processes that are left of a run without an end can't be known, so such a run has no
 * fences; nor has one in which a process outlived all nodes: it had left its node's group.
 *
 * That a request may also be believed to be over some time after it was given up is the plan's to say
 * (settle, evidence_clock_fence); that is weaker, and the report tells both apart.
 */
#ifndef RUNNER_EVIDENCE_FENCE_H
#define RUNNER_EVIDENCE_FENCE_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

struct evidence_fence {
	int64_t before_ns; /* for clients that had given up by then */
	uint64_t sequence;
};

struct evidence_fences {
	struct evidence_fence *at; /* in order of time */
	size_t count, room;
};

int evidence_fences_read(struct evidence_fences *fences, sqlite3 *db); /* 0, -EIO or -ENOMEM */
void evidence_fences_free(struct evidence_fences *fences);

/* The end of an operation that was given up at res_ns; JUDGE_NEVER: no fence came. */
uint64_t evidence_fences_find(const struct evidence_fences *fences, int64_t res_ns);

#endif
