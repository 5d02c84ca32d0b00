/*
 * cluster.h - the nodes of a run: processes at addresses, in roles.
 *
 *     spare -> starting -> up <-> paused
 *                 ^         |-> stopped (asked)   -> starting
 *                 |         '-> crashed, killed (by a rule or a fault)
 *                 '--------------'
 *
 * Node i of all has address 127.0.0.(i+1) in a private network namespace (127.X.Y.(i+1) with the
 * host's network, X.Y drawn so that runs do not meet). Each is its own process group with its own
 * folder and log, started under the interposer with FAILKIT_NODE set. Whatever ends is recorded in
 * the ledger with its cause: asked, rule (a kill action fired there), crashed. A node runs in its
 * folder; a disk of its own is copied into the run directory at cluster_close(). One thread at a
 * time.
 */
#ifndef RUNNER_CLUSTER_H
#define RUNNER_CLUSTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "failkit/control.h"
#include "failkit/why.h"
#include "runner/ledger.h"
#include "runner/plan.h"

enum { NODE_COUNT_MAX = 128 };

enum node_state { NODE_DOWN, NODE_STARTING, NODE_UP, NODE_PAUSED, NODE_STOPPED, NODE_CRASHED };

struct node {
	char name[PLAN_NAME_MAX]; /* "ds2"; spares go on counting */
	const struct plan_role *role;
	int index;        /* in its role, from 0 */
	bool spare;       /* started with the role's spare-args */
	bool updated;     /* started as the role's new version */
	bool external;    /* was started elsewhere: never down, and nothing is done to it */
	uint32_t address; /* host order */
	uint16_t port;    /* of an external one, where the plan gives it; else the store's */
	char address_text[16];
	char dir[512], log[512];
	uint64_t log_first; /* bytes that were in its log before: of a run that was cut */
	uint64_t log_gone;  /* bytes that were rotated out of its log */
	enum node_state state;
	pid_t pid;
	int64_t started_ns;
	bool asked; /* we ended it, or are about to */
	unsigned starts, crashes;
	int end_status; /* of its last end, as of waitpid() */
};

struct cluster;

struct cluster_options {
	const struct plan *plan;
	const char *run_dir;     /* nodes live in run_dir/nodes/NAME */
	uint32_t network;        /* addresses are network + 1, + 2 ...; 127.0.0.0 in a namespace */
	struct control *control; /* NULL: without the interposer */
	struct ledger *ledger;
};

int cluster_open(struct cluster **out, const struct cluster_options *options, struct why *why);
void cluster_close(struct cluster *cluster); /* kills every process group left, and reaps */

int cluster_nodes(const struct cluster *cluster);
struct node *cluster_node(struct cluster *cluster, int i);
struct node *cluster_find(struct cluster *cluster, const char *name);

/* Starts every node that is not NODE_STOPPED (roles in the order of the plan), waits until each is ready. */
int cluster_start(struct cluster *cluster, struct why *why);

int node_start(struct cluster *cluster, struct node *node, struct why *why); /* does not wait */
int node_wait_ready(struct cluster *cluster, struct node *node, int64_t deadline_ns,
		    struct why *why);
/* SIGTERM, then SIGKILL after the role's stop limit; returns when reaped. */
int node_stop(struct cluster *cluster, struct node *node, struct why *why);
int node_kill(struct cluster *cluster, struct node *node, struct why *why); /* SIGKILL, reaped */
int node_pause(struct cluster *cluster, struct node *node, struct why *why);
int node_continue(struct cluster *cluster, struct node *node, struct why *why);
/* Runs a shell command about the node in its folder, noted in the ledger; what names it in why. */
int node_command(struct cluster *cluster, const struct node *node, const char *what,
		 const char *command, struct why *why);
/* Of a run that was cut: what the ledger tells of the node ("prepared updated", "new spare"; "" is
 * nothing), before its first start. */
int node_restore(struct cluster *cluster, struct node *node, const char *kept, struct why *why);
/* Was it so when the run began? */
bool node_born_spare(const struct node *node);
/* Empties the folder of a node that is down; its setup runs again before the next start. */
int node_wipe(struct cluster *cluster, struct node *node, struct why *why);
bool node_alive(struct cluster *cluster, struct node *node); /* not a zombie; reaps what ended */

/* Reaps whatever has ended since; a node that nobody asked to end and in which no kill, abort or
 * exit rule fired is counted as crashed. To be called often (by the run's main thread). */
void cluster_reap(struct cluster *cluster);

/* How much each node has printed until now, for gates that ask what it printed since. */
void cluster_log_ends(const struct cluster *cluster, uint64_t end[]);

/* The last lines of the node's log, on one line, " | " between them. */
void node_log_tail(const struct node *node, char *text, size_t size);

/* {addr} {port} {dir} {node} {index} {plan} {bin} {addrs:ROLE} {addrs:ROLE:PORT} filled in; {{ is a
 * brace.
 * node NULL: outside of any node. -ENOSPC, -EINVAL with why. */
int cluster_expand(const struct cluster *cluster, const struct node *node, const char *text,
		   char *out, size_t size, struct why *why);

/* Would it be? For plan_read(): names of placeholders and roles. */
int expand_check(const struct plan *plan, bool of_node, const char *text, struct why *why);

#endif
