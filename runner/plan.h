/*
 * plan.h - the plan: what to run, in an INI file.
 *
 *     [run] [store] [workload]      one each
 *     [role NAME]                   a kind of node: how many, how to start one, when it is ready
 *     [fault NAME]                  something to inject: a kind, whom, how often, when
 *     [phase NAME]                  a stretch of the run and what may happen in it, in their order
 *     [gate NAME]                   what "recovered" means; gate "default" where a fault names none
 *
 * Every key, its type, default, range and help stand in one table (plan_keys.c); `failrun plan
 * --help` prints it, --set SECTION.KEY=VALUE goes through it, an unknown key is refused with its
 * line and the nearest name. Keys of the store's driver come from the driver's own rows.
 *
 * Strings are owned by the plan and live until plan_free().
 */
#ifndef RUNNER_PLAN_H
#define RUNNER_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failkit/why.h"

enum { PLAN_NAME_MAX = 32, ROLE_MAX = 16, FAULT_MAX = 64, GATE_MAX = 16, GATE_STEP_MAX = 16 };
enum { PHASE_MAX = 32 };
enum { STORE_SETTING_MAX = 64 };
enum { RETRIES_MAX = 10 }; /* of one operation */

/* One of some words; with some goes a time: bounded(5s). */
struct plan_term {
	int word;
	int64_t ns;
};

enum contract { CONTRACT_SYNC, CONTRACT_BOUNDED, CONTRACT_NONE };
enum listing { LIST_STRICT, LIST_EVENTUAL };
enum on_violation { ON_VIOLATION_STOP, ON_VIOLATION_FREEZE, ON_VIOLATION_CONTINUE };
enum net_mode { NET_AUTO, NET_PRIVATE, NET_HOST }; /* auto: private where possible */

struct plan_run {
	uint64_t seed;
	int64_t duration_ns, quiet_ns, warmup_ns;
	struct plan_term contract;   /* enum contract; bounded: how much it may lose */
	int on_violation;            /* enum on_violation */
	int net;                     /* enum net_mode */
	int64_t budget;              /* disruptive faults at the same time */
	int64_t min_ops;             /* fewer verified operations make the run INVALID */
	int64_t metrics_ns;          /* how often; 0: never */
	int64_t log_bytes, log_keep; /* of each node: the size of its log, and older parts */
	int64_t ledger_ops;          /* operations kept in the ledger, about; 0: all */
	bool external;               /* the cluster was started elsewhere */
	const char *plane;           /*   and its processes are in this plane; "": in none */
	const char *dir;             /* run directory; "": run/NAME-SEED-TIME */
};

struct plan_store {
	const char *driver;
	const char *endpoints; /* the role whose nodes clients talk to */
	int64_t port;
	int64_t timeout_ns;    /* of one request */
	struct plan_term list; /* enum listing; eventual: when it has caught up at the latest */
	const char
		*prefix; /* of every name of an object; "": none, external: one of the run's own */
	int64_t settle_ns; /* after which an unanswered write can't take effect; 0: never */
	struct plan_setting {
		const char *key, *value;
	} setting[STORE_SETTING_MAX]; /* the driver's own keys */
	int settings;
};

/* Weights, not percents. */
struct plan_mix {
	int64_t put, overwrite, create, replace, get, head, range, delete_, list;
};

enum endpoint_policy { ENDPOINT_ROTATE, ENDPOINT_PIN };

struct plan_workload {
	int64_t workers;
	struct plan_mix mix;
	int endpoint; /* enum endpoint_policy */
	int64_t writers_per_key;
	int64_t retries;            /* of a mutation whose outcome is not known */
	int64_t hot_keys;           /* size of the hot set */
	double hot_share;           /* of operations that go to it, 0..1 */
	int64_t objects_max;        /* bounds: live objects, */
	int64_t live_bytes_max;     /*   bytes in them, */
	int64_t deleted_max;        /*   deleted keys remembered */
	double low_mark;            /*   share of a bound to fall to once it was reached */
	int64_t size_min, size_max; /* of bodies, bytes */
	int64_t think_ns;           /* pause of a worker between operations */
};

enum inject_tier { TIER_PRELOAD, TIER_NOTIFY };
enum uring_policy { URING_WARN, URING_DENY, URING_ALLOW };

struct plan_role {
	char name[PLAN_NAME_MAX];
	int64_t count, spares;
	int64_t survives; /* nodes that may be disturbed at once, up to the loss of their data */
	const char *addresses;  /* of an external cluster's nodes: HOST[:PORT], commas between */
	const char *command;    /* {addr} {dir} ... are filled in (cluster_expand) */
	const char *args;       /* appended to it (--set role.ds.args=...) */
	const char *spare_args; /* appended for spares */
	const char *update_command, *update_args;     /* of its new version; "": as the old one */
	const char *offline_command, *online_command; /* take a node out of service, and back */
	const char *setup;   /* run once in {dir} before the first start; may be "" */
	const char *metrics; /* addresses that tell numbers; may be "" */
	const char *ready;   /* http://... answering 200, tcp://addr:port, or command ... */
	int64_t ready_ns;    /* limit of one start */
	const char *user;
	int64_t disk_bytes; /* a tmpfs of this size for {dir}; 0: a plain folder */
	int64_t stop_ns;    /* from SIGTERM to SIGKILL when stopping */
	bool inject;        /* under the interposer (default yes) */
	int tier;           /* enum inject_tier */
	const char *calls; /* of the notify tier: what its filter stops; "": failctl's own choice */
	bool deep;         /* of the preload tier: docs/deep.md (default no) */
	int io_uring;      /* enum uring_policy */
};

struct plan_fault {
	char name[PLAN_NAME_MAX];
	const char *kind;   /* a row of the fault table (fault.h); a rule alone means "point" */
	const char *on;     /* a role, a node, or a comma list; one is drawn for each firing */
	const char *link;   /* from>to: roles or nodes */
	const char *rule;   /* for point and the disk faults: the rule, or its selector part */
	const char *anchor; /* "ack N", "time D", "hit N SELECTOR"; "": drawn from the seed */
	const char *gate;
	const char *path, *error; /* disk faults: what and with which errno */
	int64_t weight;
	int64_t for_ns; /* how long it stays applied; 0: until it fired, or at once healed */
	int64_t delay_ns, jitter_ns;
	int64_t count;     /* how many fires a rule may have; default 1 for point */
	int64_t limit_ns;  /* applied but not fired by then: healed, "not fired" */
	int64_t bytes;     /* full: leave this much; short, cut: so many get through */
	double share;      /* of packets, 0..1 */
	int64_t rate;      /* bytes a second */
	bool both;         /* the way back as well */
	const char *until; /* dead, lying disks: a gate that is passed without the node */
	int64_t shift_ns;  /* clock-jump */
	double drift;      /* clock-drift: of the time, 0..1 */
	bool back;         /* behind, not ahead */
	int64_t bits;      /* corrupt: so many are wrong */
};

struct plan_gate {
	char name[PLAN_NAME_MAX];
	const char *step[GATE_STEP_MAX]; /* as written: "process", "health x == 0", ... */
	int steps;
	int64_t limit_ns;
};

struct plan_phase {
	char name[PLAN_NAME_MAX];
	int64_t for_ns;
	const char *faults; /* all, none; else names and classes of faults */
	int64_t budget;     /* 0: the run's */
	int64_t think_ns;   /* beside the workload's */
};

struct plan {
	const char *path; /* of the file, for messages */
	char *text;       /* the file as read, kept in the run directory */
	struct plan_run run;
	struct plan_store store;
	struct plan_workload workload;
	struct plan_role role[ROLE_MAX];
	int roles;
	struct plan_fault fault[FAULT_MAX];
	int faults;
	struct plan_gate gate[GATE_MAX];
	int gates;
	struct plan_phase phase[PHASE_MAX];
	int phases;
	void *strings; /* what the pointers above point into */
};

/* Reads and checks a plan. overrides: "SECTION.KEY=VALUE" texts, NULL-terminated, may be NULL
 * ("role.ds.args=--bug x", "run.seed=7"). Returns 0 or -errno; why: "FILE:LINE: ...". */
int plan_read(struct plan **out, const char *path, const char *const *overrides, struct why *why);
void plan_free(struct plan *plan);

/* Writes the plan as it will run, all keys with their values, readable by plan_read(). */
int plan_write(const struct plan *plan, const char *path, struct why *why);

/* The table of keys, for `failrun plan --help`; written to stdout by the caller's each. */
int plan_help(int (*each)(void *arg, const char *section, const char *key, const char *value,
			  const char *range, const char *help),
	      void *arg);

const struct plan_role *plan_role(const struct plan *plan, const char *name);
/* The role that a word names, or whose node it names. NULL for other words. */
const struct plan_role *plan_role_of(const struct plan *plan, const char *word, size_t length);
const struct plan_gate *plan_gate(const struct plan *plan, const char *name);

#endif
