/*
 * cluster_impl.h - what the files of the cluster share; see cluster.h for the model.
 *
 *     cluster.c  the list of nodes, their beginning and end as a whole
 *     node.c     one node: start, stop, pause, and why it ended
 *     expand.c   {addr} and the like in commands
 *     node_log.c what nodes print, and how much of it is kept
 *     ready.c    is something there ready to serve?
 */
#ifndef RUNNER_CLUSTER_IMPL_H
#define RUNNER_CLUSTER_IMPL_H

#include <limits.h>

#include "runner/cluster.h"
#include "runner/process.h"

/* struct node is what others see; it stands first. */
struct node_own {
	struct node node;
	bool prepared, mounted; /* folder, disk and setup are done; a disk is there */
	pid_t doomed;           /* last process of this node in which a rule ended the program, */
	int64_t doomed_ns;
};

struct cluster {
	struct cluster_options options;
	char plan_dir[512];
	struct node_own own[NODE_COUNT_MAX];
	int count;
	uint64_t event;     /* the last one read from the plane */
	int64_t rotated_ns; /* when the logs were last looked at */
};

/* Splits a command into words like a shell, with quotes and backslashes and nothing else. The words
 * live in text, which is changed. -EINVAL on an open quote, -E2BIG. argv ends with NULL. */
int expand_split(char *text, const char **argv, int max, struct why *why);

/* Everything before the first start: folder, disk, owner, setup. */
int node_prepare(struct cluster *cluster, struct node_own *own, const struct process_user *user,
		 struct why *why);

/* Puts the notify tier's supervisor, whose path is kept in path, in front of a node's command. */
int node_supervise(const struct cluster *cluster, const struct node *node, const char **argv,
		   size_t size, char path[PATH_MAX], struct why *why);

/* What is on a disk of the node's own ends with the sandbox: copies it into the run directory,
 * where a plain folder would be. After the node has ended. */
int node_keep_disk(struct node_own *own, struct why *why);

/* Reads the plane's new events and keeps which processes a rule has ended. */
void node_note_events(struct cluster *cluster);

/* What a resume must know of the node, into the ledger, before it is relied on. */
void node_record(const struct cluster *cluster, const struct node_own *own);

/* Cuts a log that is longer than `most` bytes, 0: none is; `keep` older parts stay. 0 or -errno:
 * then it is as it was. */
int node_log_rotate(struct node *node, int64_t most, int keep);
/* What the node has printed from *at on, rotated or not: how many bytes of it, 0 at the end. Bytes
 * are counted from the beginning of its log when the cluster was opened; what was rotated out of all
 * `parts` is passed over, and *at moved behind it. */
size_t node_log_read(const struct node *node, int parts, uint64_t *at, char *text, size_t size);
uint64_t node_log_end(const struct node *node);
void cluster_rotate_logs(struct cluster *cluster); /* once a second */

#endif
