/*
 * run_freeze.c - after a violation: every node stopped where it stands, until somebody has looked.
 *
 * Nothing is healed before: rules, cuts and what is paused stay, as does what is on the disks. The
 * clients end. A file "frozen" in the run directory says so; its removal (failrun thaw), Enter on the
 * terminal or ^C ends it, and the run goes on to its end.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "runner/run_dir.h"
#include "runner/run_internal.h"

enum { LOOK_MS = 50 };

static void frozen_path(const struct run *run, char path[PATH_MAX + 16])
{
	snprintf(path, PATH_MAX + 16, "%s/" RUN_DIR_FROZEN, run->dir);
}

/* Lines that were typed and not read. We are in the background there: a read would stop us, and
 * without the mask this, too. */
static void forget_lines(void)
{
	sigset_t output, before;

	sigemptyset(&output);
	sigaddset(&output, SIGTTOU);
	sigprocmask(SIG_BLOCK, &output, &before);
	tcflush(0, TCIFLUSH);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static bool line_was_typed(bool terminal)
{
	struct pollfd line = {.fd = 0, .events = POLLIN};

	return terminal && poll(&line, 1, 0) == 1 && line.revents & POLLIN;
}

/* Tells which were stopped by this. */
static void stop_nodes(struct run *run, bool stopped[NODE_COUNT_MAX])
{
	for (int i = 0; i < cluster_nodes(run->cluster); i++) {
		struct node *node = cluster_node(run->cluster, i);

		stopped[i] = node->state != NODE_PAUSED && node_alive(run->cluster, node) &&
			     node_pause(run->cluster, node, NULL) == 0;
	}
}

static void wait_for_thaw(struct run *run)
{
	bool terminal = isatty(0) == 1;
	int before = run_interrupts();
	char path[PATH_MAX + 16];
	int fd;

	frozen_path(run, path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd >= 0)
		close(fd);
	if (terminal)
		forget_lines();
	progress_news(
		run->progress,
		"violation: every node is stopped; look with failctl enter %s; %sfailrun thaw "
		"%s goes on",
		run->dir, terminal ? "Enter or " : "", run->dir);
	while (access(path, F_OK) == 0 && run_interrupts() == before && !run_aborting(run) &&
	       !line_was_typed(terminal))
		poll(NULL, 0, LOOK_MS);
	if (terminal)
		forget_lines();
	unlink(path);
}

void run_freeze(struct run *run)
{
	bool stopped[NODE_COUNT_MAX];

	if (run->plan->run.on_violation != ON_VIOLATION_FREEZE || run->frozen || !run_violated(run))
		return;
	run->frozen = true;
	stop_nodes(run, stopped);
	workload_stop(run->workload);
	progress_stop(run->progress);
	wait_for_thaw(run);
	progress_news(run->progress, "thawed: heal, sweep and report follow");
	for (int i = 0; i < cluster_nodes(run->cluster); i++)
		if (stopped[i])
			node_continue(run->cluster, cluster_node(run->cluster, i), NULL);
}
