/*
 * sandbox.c - see sandbox.h for the model.
 *
 *     guardian          go-between                worker
 *       fork ------------> unshare
 *                          fork -------------------> settle
 *       <--- pid --------- _exit                     |
 *       reap: the worker is now our own child        |
 *       <--- settled --------------------------------'
 *       --- go -------------------------------------> PR_SET_PDEATHSIG, then: is "life" still open?
 *
 * The guardian alone holds the writing end of the pipe "life". A worker whose guardian died before
 * the death signal was set finds it closed; getppid() would tell it nothing, being 0 in there.
 */
#include "runner/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failkit/control.h"
#include "runner/cgroup.h"
#include "runner/plan.h"
#include "runner/process.h"
#include "runner/sandbox_keeper.h"
#include "runner/sandbox_namespaces.h"
#include "runner/sandbox_sweep.h"

enum { EXIT_ENVIRONMENT = 3, EXIT_INVALID = 4, END_AT_ONCE_S = 5, LOOPBACK = 0x7f000000 };

static struct {
	unsigned layers;
	pid_t guardian, janitor, keeper;
	uid_t uid;
	gid_t gid;
	uint32_t network;
	char missing[WHY_MAX + 64];
} here = {.network = LOOPBACK};

/* What the go-between and the worker tell the guardian. */
struct report {
	int error;
	pid_t worker;
	struct why why;
};

struct pipes {
	int life[2], report[2];
};

unsigned sandbox_has(void)
{
	return here.layers;
}

const char *sandbox_missing(void)
{
	return here.missing;
}

uint32_t sandbox_network(void)
{
	return here.network;
}

static void tell(const struct pipes *pipes, const struct report *report)
{
	if (write(pipes->report[1], report, sizeof(*report)) != sizeof(*report))
		_exit(EXIT_ENVIRONMENT);
}

static void end_worker(int signal_number)
{
	_exit(128 + signal_number);
}

/* Pid 1 gets no signal that it has no handler for. failrun puts its own in place of these. */
static void handle_signals(const sigset_t *mask)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = end_worker};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	sigprocmask(SIG_SETMASK, mask, NULL);
}

static void draw_network(void)
{
	uint8_t x[2] = {0};

	if (here.layers & SANDBOX_NET || here.network != LOOPBACK)
		return;
	if (getrandom(x, sizeof(x), 0) != sizeof(x))
		x[0] = (uint8_t)getpid();
	here.network |= (uint32_t)(1 + x[0] % 254) << 16 | (uint32_t)x[1] << 8;
}

static bool guardian_lives(const struct pipes *pipes)
{
	struct pollfd life = {.fd = pipes->life[0], .events = POLLIN};

	return poll(&life, 1, 0) == 0;
}

/* Returns in the worker only, ready to work. */
static void become_worker(const struct pipes *pipes, unsigned layers, const sigset_t *mask)
{
	struct report report = {0};
	char go;

	setpgid(0, 0); /* a terminal's ^C goes to the guardian, which passes it on, once */
	report.error = sandbox_settle(layers, &report.why);
	if (report.error == 0 && !(layers & SANDBOX_PID))
		report.error = sandbox_mark(&report.why);
	tell(pipes, &report);
	if (report.error || read(pipes->life[0], &go, 1) != 1)
		_exit(EXIT_ENVIRONMENT);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || prctl(PR_SET_CHILD_SUBREAPER, 1) ||
	    !guardian_lives(pipes))
		_exit(EXIT_ENVIRONMENT);
	close(pipes->report[1]);
	here.layers = layers;
	draw_network();
	handle_signals(mask);
}

/* As become_worker(): the go-between itself never returns. */
static void go_between(const struct pipes *pipes, unsigned layers, const sigset_t *mask)
{
	struct report report = {0};

	close(pipes->life[1]);
	close(pipes->report[0]);
	report.error = sandbox_unshare(layers, here.uid, here.gid, &report.why);
	if (report.error == 0) {
		report.worker = fork();
		if (report.worker == 0) {
			become_worker(pipes, layers, mask);
			return;
		}
		if (report.worker < 0)
			report.error =
				why_set(&report.why, -errno, "no process: %s", strerror(errno));
	}
	tell(pipes, &report);
	_exit(0);
}

/* The pid may come before or after the worker's own word: take both, unless one is an error. */
static int hear(const struct pipes *pipes, pid_t *worker, struct why *why)
{
	struct report report = {0};

	for (int i = 0; i < 2; i++) {
		ssize_t n = read(pipes->report[0], &report, sizeof(report));
		if (n != sizeof(report))
			return why_set(why, -EPIPE, "the worker ended while it was set up");
		if (report.worker > 0)
			*worker = report.worker;
		if (report.error) {
			*why = report.why;
			return report.error;
		}
	}
	return 0;
}

static void write_state(const char *run_dir, pid_t worker, unsigned layers, const char *state,
			int status)
{
	char path[4096], new[4096 + 8];
	FILE *file;

	snprintf(path, sizeof(path), "%s/run.json", run_dir);
	snprintf(new, sizeof(new), "%s.new", path);
	file = fopen(new, "we");
	if (!file)
		return;
	fprintf(file,
		"{\"guardian_pid\": %d, \"worker_pid\": %d, \"plane\": \"%s\", \"user\": %s, "
		"\"mount\": %s, \"net\": %s, \"pid\": %s, \"state\": \"%s\", \"status\": %d}\n",
		(int)getpid(), (int)worker,
		layers & SANDBOX_MOUNT ? "/dev/shm" : control_directory(),
		layers & SANDBOX_USER ? "true" : "false", layers & SANDBOX_MOUNT ? "true" : "false",
		layers & SANDBOX_NET ? "true" : "false", layers & SANDBOX_PID ? "true" : "false",
		state, status);
	if (fclose(file) == 0)
		rename(new, path);
}

enum { IN_WORKER = 1 };

/* One attempt: 0 in the guardian, IN_WORKER in the worker, -errno when these layers can't be had.
 */
static int attempt(const struct sandbox_options *options, unsigned layers, const sigset_t *mask,
		   pid_t *worker, struct why *why)
{
	struct pipes pipes;
	pid_t between;
	int r;

	if (pipe2(pipes.life, O_CLOEXEC) || pipe2(pipes.report, O_CLOEXEC))
		return why_set(why, -errno, "no pipe: %s", strerror(errno));
	fflush(NULL);
	between = sandbox_fork(layers);
	if (between == 0) {
		go_between(&pipes, layers, mask);
		return IN_WORKER;
	}
	close(pipes.report[1]);
	*worker = -1;
	r = between < 0
		    ? why_set(why, -errno, "no%s process: %s",
			      layers & SANDBOX_USER ? " user namespace or" : "", strerror(errno))
		    : hear(&pipes, worker, why);
	if (between > 0)
		waitpid(between, NULL, 0);
	if (r == 0 && !(layers & SANDBOX_PID))
		r = sandbox_janitor(pipes.life[0], *worker, &here.janitor, why);
	if (r == 0 && options->disks && (layers & SANDBOX_MOUNT))
		r = sandbox_keeper(*worker, layers & SANDBOX_USER, options->run_dir, pipes.life[1],
				   &here.keeper, why);
	close(pipes.life[0]);
	close(pipes.report[0]);
	if (r == 0)
		write_state(options->run_dir, *worker, layers, "running", 0);
	/* The pipe "life" stays open for as long as the guardian lives. */
	if (r == 0 && write(pipes.life[1], "g", 1) == 1)
		return 0;
	close(pipes.life[1]);
	if (*worker > 0)
		waitpid(*worker, NULL, 0);
	return r;
}

/* Waits for the worker, passing signals on; returns its exit status. Told twice to end, it has a
 * moment for that. */
static int guard(pid_t worker, const sigset_t *watched)
{
	static const struct timespec moment = {.tv_sec = END_AT_ONCE_S};
	int status, signal_number, interrupts = 0;

	for (;;) {
		pid_t ended = waitpid(-1, &status, WNOHANG);
		if (ended == worker)
			return WIFEXITED(status) ? WEXITSTATUS(status)
			       : interrupts > 1  ? EXIT_INVALID
						 : EXIT_ENVIRONMENT;
		if (ended > 0)
			continue;
		if (ended < 0 && errno == ECHILD)
			return EXIT_ENVIRONMENT;
		signal_number = sigtimedwait(watched, NULL, interrupts > 1 ? &moment : NULL);
		if (signal_number > 0 && signal_number != SIGCHLD) {
			interrupts++;
			kill(worker, signal_number);
		} else if (signal_number < 0 && errno == EAGAIN) {
			kill(worker, SIGKILL);
		}
	}
}

static int layers_of(const struct sandbox_options *options, int i)
{
	return options->none ? -(i > 0) : sandbox_attempt(i, options->net);
}

/* Returns as attempt(), for the first attempt that works. */
static int try_all(const struct sandbox_options *options, const sigset_t *mask, pid_t *worker,
		   int *layers, struct why *why)
{
	struct why last = {""};
	int r = -ENOTSUP;

	for (int i = 0; r < 0 && (*layers = layers_of(options, i)) >= 0; i++) {
		bool whole = (*layers & SANDBOX_PID) &&
			     ((*layers & SANDBOX_NET) || options->net == NET_HOST);

		/* Copied before the fork, for the worker to tell. */
		snprintf(here.missing, sizeof(here.missing), "%s",
			 options->none              ? "the plan says external = yes"
			 : !whole                   ? last.text
			 : options->net == NET_HOST ? "the plan says net = host"
						    : "");
		r = attempt(options, (unsigned)*layers, mask, worker, &last);
	}
	if (r < 0)
		return why_set(why, r, "no sandbox: %s", last.text);
	return r;
}

int sandbox_enter(const struct sandbox_options *options, struct why *why)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD};
	sigset_t watched, mask;
	int layers = 0, status, r;
	pid_t worker = -1;

	if (options->network)
		here.network = options->network;
	here.guardian = getpid();
	sandbox_guardian_is(here.guardian);
	here.uid = geteuid();
	here.gid = getegid();
	sigemptyset(&watched);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&watched, signals[i]);
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &watched, &mask);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		return why_set(why, -errno, "not a subreaper: %s", strerror(errno));
	r = try_all(options, &mask, &worker, &layers, why);
	if (r == IN_WORKER)
		return 0;
	if (r < 0) {
		sigprocmask(SIG_SETMASK, &mask, NULL);
		return r;
	}
	status = guard(worker, &watched);
	if (here.keeper > 0)
		waitpid(here.keeper, NULL, 0);
	/* The janitor looks after us, should we be killed meanwhile. */
	process_children_end(here.janitor);
	cgroup_sweep(1);
	write_state(options->run_dir, worker, (unsigned)layers, "ended", status);
	_exit(status);
}
