/* node.c - one node: starting, stopping, pausing it, and why it ended; see cluster.h. */
#include "runner/cluster_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/ready.h"
#include "runner/sandbox.h"

enum { COMMAND_MAX = 8192, WORD_MAX = 256, CHECK_MAX = 1024, POLL_MS = 10 };
static const int64_t ask_limit_ns = INT64_C(1000000000), busy_limit_ns = INT64_C(100000000),
		     state_limit_ns = INT64_C(5000000000), doom_ns = INT64_C(10000000000);

static struct node_own *own_of(struct node *node)
{
	return (struct node_own *)node;
}

/* Why a node ended. */
static const char *cause_of(struct cluster *cluster, struct node_own *own)
{
	const struct node *node = &own->node;

	if (node->asked)
		return "asked";
	node_note_events(cluster);
	if (!own->doomed || own->doomed_ns < node->started_ns)
		return "crashed";
	/* A server may end in good order when a rule has killed another process of it. */
	if (own->doomed == node->pid || process_now_ns() - own->doomed_ns < doom_ns)
		return "rule";
	return "crashed";
}

/* The leader was reaped: whatever is left of its group goes too. */
static void note_end(struct cluster *cluster, struct node_own *own, int status)
{
	struct node *node = &own->node;
	const char *cause = cause_of(cluster, own);
	int64_t now_ns = process_now_ns();

	process_group_end(node->pid);
	if (cluster->options.ledger)
		ledger_process(cluster->options.ledger, node->name, node->pid, node->started_ns,
			       now_ns, status, cause);
	node->pid = 0;
	node->end_status = status;
	node->state = NODE_DOWN;
	if (node->asked)
		node->state = NODE_STOPPED;
	if (strcmp(cause, "crashed") == 0) {
		node->state = NODE_CRASHED;
		node->crashes++;
	}
}

/* Nothing is done to another's process; and pid 0 would be a signal to our own group. */
static int refuse_external(const struct node *node, struct why *why)
{
	return why_set(why, -ENOTSUP, "%s was started elsewhere", node->name);
}

bool node_alive(struct cluster *cluster, struct node *node)
{
	int status;

	if (node->external)
		return true;
	if (node->pid <= 0)
		return false;
	if (process_wait(node->pid, 0, &status) == 0)
		return true;
	note_end(cluster, own_of(node), status);
	return false;
}

/* A stale server may share the port by SO_REUSEPORT and answer half of the requests. */
static int refuse_busy(const struct cluster *cluster, const struct node *node, struct why *why)
{
	char check[CHECK_MAX];
	uint32_t address;
	uint16_t port;
	int r = cluster_expand(cluster, node, node->role->ready, check, sizeof(check), why);

	if (r)
		return why_prefix(why, r, "%s: ready", node->name);
	if (ready_endpoint(check, &address, &port) == 0 &&
	    ready_connects(address, port, busy_limit_ns))
		return why_set(why, -EADDRINUSE, "%s: something answers at %s before it is started",
			       node->name, check);
	return 0;
}

/* A relative program is meant from where failrun was started, but nodes run in their folders. */
static int absolute_program(const char **argv, char *path, size_t size, struct why *why)
{
	char here[PATH_MAX];

	if (argv[0][0] == '/' || !strchr(argv[0], '/'))
		return 0;
	if (!getcwd(here, sizeof(here)) ||
	    snprintf(path, size, "%s/%s", here, argv[0]) >= (int)size)
		return why_set(why, -ENAMETOOLONG, "the path of \"%s\" is too long", argv[0]);
	argv[0] = path;
	return 0;
}

static int make_command(const struct cluster *cluster, const struct node *node, char *text,
			const char **argv, struct why *why)
{
	const struct plan_role *role = node->role;
	bool other = node->updated && *role->update_command;
	char all[COMMAND_MAX];
	int n = snprintf(all, sizeof(all), "%s %s %s %s",
			 other ? role->update_command : role->command, role->args,
			 node->spare ? role->spare_args : "",
			 node->updated ? role->update_args : "");
	int r = n >= (int)sizeof(all) ? why_set(why, -ENAMETOOLONG, "the command is too long") : 0;

	if (r == 0)
		r = cluster_expand(cluster, node, all, text, COMMAND_MAX, why);
	if (r == 0)
		r = expand_split(text, argv, WORD_MAX, why);
	return r ? why_prefix(why, r, "%s: command", node->name) : 0;
}

static int open_log(const struct node *node, struct why *why)
{
	int fd = open(node->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	return fd < 0 ? why_set(why, -errno, "%s: %s", node->log, strerror(errno)) : fd;
}

static bool is_supervised(const struct cluster *cluster, const struct node *node)
{
	return node->role->inject && node->role->tier == TIER_NOTIFY && cluster->options.control;
}

static int spawn(struct cluster *cluster, struct node *node, const char *const *argv,
		 const struct process_user *user, struct why *why)
{
	struct control *control = node->role->inject && !is_supervised(cluster, node)
					  ? cluster->options.control
					  : NULL;
	struct process_options options = {.argv = argv, .dir = node->dir, .user = user};
	char **environment = NULL;
	pid_t pid;
	int r;

	if (control) {
		environment = control_environment(control, node->name, NULL, environ, why);
		if (!environment)
			return -ENOENT;
		if (node->role->deep && control_environment_deep(environment, why)) {
			control_environment_free(environment);
			return -ENOMEM;
		}
	}
	options.environment = (const char *const *)environment;
	options.before = node->role->io_uring == URING_DENY ? control_deny_io_uring : NULL;
	/* With a pid namespace the kernel sees to it, whichever thread started the node. */
	options.dies_with_us = !(sandbox_has() & SANDBOX_PID) && gettid() == getpid();
	options.output = open_log(node, why);
	r = options.output < 0 ? options.output : process_start(&pid, &options, why);
	if (options.output >= 0)
		close(options.output);
	if (environment)
		control_environment_free(environment);
	if (r)
		return why_prefix(why, r, "%s", node->name);
	node->pid = pid;
	return 0;
}

/* It is there: only its folder, for what is run about it, is not. */
static int attach(struct node *node, struct why *why)
{
	if (mkdir(node->dir, 0755) && errno != EEXIST)
		return why_set(why, -errno, "no folder %s: %s", node->dir, strerror(errno));
	node->state = NODE_STARTING;
	node->starts++;
	return 0;
}

/* Where no node runs, a process that has left its node's group may still do what that node did not:
 * then no start is a fence (evidence_fence.h). */
static void note_survivor(struct cluster *cluster)
{
	char pid[24];
	pid_t survivor;

	for (int i = 0; i < cluster->count; i++)
		if (cluster->own[i].node.pid > 0 || cluster->own[i].node.external)
			return;
	survivor = process_adopted();
	if (!survivor || !cluster->options.ledger)
		return;
	snprintf(pid, sizeof(pid), "%d", (int)survivor);
	ledger_run(cluster->options.ledger, "survivor", pid);
}

int node_start(struct cluster *cluster, struct node *node, struct why *why)
{
	char text[COMMAND_MAX], program[PATH_MAX], supervisor[PATH_MAX];
	const char *argv[WORD_MAX];
	struct process_user user;
	bool other = *node->role->user;
	int r;

	if (node->external)
		return attach(node, why);
	if (node_alive(cluster, node))
		return why_set(why, -EALREADY, "%s is running", node->name);
	r = other ? process_user_find(&user, node->role->user, why) : 0;
	if (r == 0)
		r = node_prepare(cluster, own_of(node), other ? &user : NULL, why);
	if (r == 0)
		r = refuse_busy(cluster, node, why);
	if (r == 0)
		r = make_command(cluster, node, text, argv, why);
	if (r == 0)
		r = absolute_program(argv, program, sizeof(program), why);
	if (r == 0 && is_supervised(cluster, node))
		r = node_supervise(cluster, node, argv, WORD_MAX, supervisor, why);
	if (r)
		return r;
	node_record(cluster, own_of(node));
	note_survivor(cluster);
	node->asked = false;
	node->started_ns = process_now_ns();
	r = spawn(cluster, node, argv, other ? &user : NULL, why);
	if (r)
		return r;
	node->state = NODE_STARTING;
	node->starts++;
	return 0;
}

int node_wait_ready(struct cluster *cluster, struct node *node, int64_t deadline_ns,
		    struct why *why)
{
	char check[CHECK_MAX], tail[256];
	struct why last = {"it was not asked"};
	int r = cluster_expand(cluster, node, node->role->ready, check, sizeof(check), why);

	if (r)
		return why_prefix(why, r, "%s: ready", node->name);
	while (node_alive(cluster, node)) {
		if (ready_ask(check, ask_limit_ns, &last) == 0) {
			node->state = NODE_UP;
			return 0;
		}
		if (process_now_ns() >= deadline_ns && node->external)
			return why_set(why, -ETIMEDOUT, "%s is not ready in time: %s", node->name,
				       last.text);
		if (process_now_ns() >= deadline_ns) {
			node_log_tail(node, tail, sizeof(tail));
			return why_set(why, -ETIMEDOUT,
				       "%s is not ready in time: %s; its log ends: \"%s\"",
				       node->name, last.text, tail);
		}
		poll(NULL, 0, POLL_MS);
	}
	node_log_tail(node, tail, sizeof(tail));
	return why_set(why, -ECHILD, "%s ended before it was ready; its log ends: \"%s\"",
		       node->name, tail);
}

/* Waits for the end of what was told to end. */
static int wait_end(struct cluster *cluster, struct node *node, int64_t limit_ns)
{
	int status;
	int r = process_wait(node->pid, process_now_ns() + limit_ns, &status);

	if (r == 0)
		return -ETIMEDOUT;
	if (r > 0)
		note_end(cluster, own_of(node), status);
	return 0;
}

int node_kill(struct cluster *cluster, struct node *node, struct why *why)
{
	if (node->external)
		return refuse_external(node, why);
	if (!node_alive(cluster, node))
		return 0;
	node->asked = true;
	kill(-node->pid, SIGKILL);
	if (wait_end(cluster, node, state_limit_ns))
		return why_set(why, -ETIMEDOUT, "%s (pid %d) survives SIGKILL", node->name,
			       (int)node->pid);
	return 0;
}

int node_stop(struct cluster *cluster, struct node *node, struct why *why)
{
	if (node->external)
		return refuse_external(node, why);
	if (!node_alive(cluster, node)) {
		node->state = NODE_STOPPED;
		return 0;
	}
	node->asked = true;
	kill(node->pid, SIGTERM);
	if (node->state == NODE_PAUSED)
		kill(-node->pid, SIGCONT);
	if (wait_end(cluster, node, node->role->stop_ns) == 0)
		return 0;
	return node_kill(cluster, node, why);
}

int node_pause(struct cluster *cluster, struct node *node, struct why *why)
{
	int64_t deadline_ns = process_now_ns() + state_limit_ns;

	if (node->external)
		return refuse_external(node, why);
	while (node_alive(cluster, node)) {
		/* Again and again: a process may fork while its group is being stopped. */
		kill(-node->pid, SIGSTOP);
		if (process_group_is(node->pid, 'T')) {
			node->state = NODE_PAUSED;
			return 0;
		}
		if (process_now_ns() > deadline_ns)
			return why_set(why, -ETIMEDOUT, "%s does not stop", node->name);
		poll(NULL, 0, 1);
	}
	return why_set(why, -ESRCH, "%s is not running", node->name);
}

int node_continue(struct cluster *cluster, struct node *node, struct why *why)
{
	if (node->external)
		return refuse_external(node, why);
	if (!node_alive(cluster, node))
		return why_set(why, -ESRCH, "%s is not running", node->name);
	kill(-node->pid, SIGCONT);
	node->state = NODE_UP;
	return 0;
}
