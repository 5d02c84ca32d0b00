/*
 * fault.h - the fault table: one row for each kind, the same four questions asked of all.
 *
 *     apply    do it, to the target that the schedule drew
 *     applied  did it take effect? (the process is gone, the rule fired, packets were dropped)
 *     heal     undo it
 *     healed   is it really undone? (no thread inside an action, a packet gets through)
 *
 * A fault is recorded in the ledger before it is applied.
 */
#ifndef RUNNER_FAULT_H
#define RUNNER_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "failkit/control.h"
#include "failkit/why.h"
#include "runner/cgroup.h"
#include "runner/cluster.h"
#include "runner/ledger.h"
#include "runner/plan.h"

enum fault_class {
	FAULT_PROCESS,
	FAULT_DISK,
	FAULT_NETWORK,
	FAULT_RESOURCE,
	FAULT_CLOCK,
	FAULT_POINT,
	FAULT_CLASSES,
};
extern const char *const fault_class_name[FAULT_CLASSES]; /* as a plan names them */

enum fault_needs {
	NEEDS_INTERPOSER = 1,
	NEEDS_NETFILTER = 2,
	NEEDS_TMPFS = 4,
	NEEDS_QUEUE = 8,     /* net_queue.h */
	NEEDS_UPDATE = 16,   /* a role with a new version */
	NEEDS_CGROUP = 32,   /* cgroup.h */
	NEEDS_STRESS = 64,   /* stress-ng */
	NEEDS_OFFLINE = 128, /* a role with commands to take a node out and back */
};

/* Whom it hits: a node of `on`, a spare of it, a link of `link`, all nodes divided in two, those of
 * `on` in a circle, or all of them. */
enum fault_whom { WHOM_NODE, WHOM_SPARE, WHOM_LINK, WHOM_SPLIT, WHOM_RING, WHOM_EACH };

/* One drawn fault: an entry of the schedule. */
struct fault_atom {
	int number; /* from 0, in the schedule's order */
	const struct plan_fault *fault;
	const struct fault_kind *kind;
	char node[PLAN_NAME_MAX]; /* whom; "" for links and groups */
	char from[PLAN_NAME_MAX], to[PLAN_NAME_MAX];
	char group[800];  /* names: one side of a split, a ring or all of them in their order */
	char anchor[160]; /* "ack 400", "time 12s" */
	int phase;        /* of the schedule; -1: where the plan's anchor puts it */
	int wave;      /* number of the first of those that share their time; its own: no other */
	uint64_t seed; /* of its own draws */
	int64_t for_ns;
	char text[1280]; /* the line that `failrun schedule` prints */
};

struct fault_context {
	const struct plan *plan;
	struct cluster *cluster;
	struct control *control;
	struct ledger *ledger;
	/* Waits until a gate is passed while the fault is still on. -ECANCELED: the run ends. */
	int (*pass_gate)(void *arg, const char *gate, int fault, struct why *why);
	void *arg;
	/* Starts what is down until the gate is passed; not within its limit: UNRECOVERED is told. */
	int (*recover)(void *arg, const char *gate, int fault);
	bool (*ends)(void *arg); /* the run does: nothing more is waited for */
};

/* An atom under way. */
struct fault_run {
	const struct fault_atom *atom;
	struct node *node, *from, *to;
	char rule[64];           /* name of the rule it set */
	uint64_t fires, matches; /* of that rule; packets dropped by cuts; as far as known */
	uint64_t cut[NODE_COUNT_MAX], shape[2];
	int cuts, shapes;
	uint64_t resets;    /* connections that were reset beside its rule */
	uint64_t fires_max; /* how often its rule can fire; 0: no limit, or it sets none */
	bool ends;          /* its rule ends the process it fires in */
	uint64_t log_from[NODE_COUNT_MAX]; /* cluster_log_ends() when it began */
	uint64_t stream;                   /* crash-loop: its draws */
	int64_t next_ns;                   /*   and when it ends next */
	int64_t fired_ns;                  /* seen to have fired */
	int64_t applied_ns, healed_ns;
	int filler;           /* full: the file without a name that fills the disk; 0: none */
	char file[512];       /* io: where the load writes */
	struct cgroup cgroup; /* cpu, memory */
	pid_t load;           /* stress-ng */
	struct why unsettled; /* offline, scale-in, scale-out: why its gate was not passed */
};

struct fault_kind {
	const char *name;
	enum fault_class class_;
	unsigned needs; /* enum fault_needs */
	int whom;       /* enum fault_whom */
	bool disruptive;
	bool alone; /* no other fault may share its time: it waits for gates, or is about many nodes */
	bool lies; /* what it does to a node may cost the node its data: for roles that survive it */
	int64_t hold_ns; /* stays applied for this long where the plan does not say */
	int64_t cost_ns; /* about, from its anchor to its gate, without the hold: spaces the
			    schedule */
	const char *help;
	const char *takes; /* keys of [fault] that mean something to it, beside those of all */
	/* The rule it sets, without a name; NULL for kinds that set none. */
	int (*compose)(const struct fault_atom *atom, char *text, size_t size, struct why *why);
	int (*check)(const struct plan_fault *fault,
		     struct why *why); /* parameters, at plan_read */
	int (*apply)(struct fault_run *run, const struct fault_context *c, struct why *why);
	bool (*applied)(struct fault_run *run, const struct fault_context *c);
	int (*heal)(struct fault_run *run, const struct fault_context *c, struct why *why);
	bool (*healed)(struct fault_run *run, const struct fault_context *c);
};

/* The next name of a list divided by blanks; false after the last. */
bool fault_group_next(const char **list, char name[PLAN_NAME_MAX]);

/* The rule of an atom, named "f3-wal-eio" after its number, so that whoever meets it in an event
 * knows the fault. 0, or -errno with what is wrong with it; "" for kinds that set no rule. */
int fault_rule(const struct fault_atom *atom, char *text, size_t size, struct why *why);
int fault_of_rule(const char *rule_name); /* 3; -1 when it is no fault's rule */

const struct fault_kind *fault_kind_at(int i);                          /* NULL after the last */
const struct fault_kind *fault_kind(const char *name, struct why *why); /* why: the nearest name */

/* Is it possible with external = yes? -EINVAL with why not. */
int fault_external_check(const struct plan *plan, const struct plan_fault *fault,
			 const struct fault_kind *kind, struct why *why);

/* The table as a page of documentation. */
void fault_markdown(FILE *to);

#endif
