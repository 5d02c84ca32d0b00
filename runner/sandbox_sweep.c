/* sandbox_sweep.c - see sandbox_sweep.h for the model. */
#include "runner/sandbox_sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "failkit/control.h"
#include "runner/cgroup.h"
#include "runner/process.h"
#include "runner/sandbox.h"

#define MARK "FAILKIT_GUARDIAN"

enum { ENVIRONMENT_MAX = 131072, SWEEP_ROUNDS = 2, JANITOR_ROUNDS = 100 };
static const int64_t sweep_limit_ns = INT64_C(5000000000);

/* Pids mean something within one namespace only; a sweep of the host sees those inside, too. */
static unsigned long long pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : (unsigned long long)st.st_ino;
}

static char guardian_text[96];

void sandbox_guardian_is(pid_t guardian)
{
	snprintf(guardian_text, sizeof(guardian_text), "%d:%llu:%llu", (int)guardian,
		 process_start_ticks(guardian), pid_namespace());
}

const char *sandbox_guardian(void)
{
	if (!guardian_text[0])
		sandbox_guardian_is(getpid());
	return guardian_text;
}

bool sandbox_is_stray(const char *guardian)
{
	unsigned long long start, namespace;
	int pid;

	return sscanf(guardian, "%d:%llu:%llu", &pid, &start, &namespace) == 3 &&
	       namespace == pid_namespace() && process_start_ticks(pid) != start;
}

int sandbox_mark(struct why *why)
{
	return setenv(MARK, sandbox_guardian(), 1) ? why_set(why, -ENOMEM, "no memory for %s", MARK)
						   : 0;
}

static bool is_stray(const char *environment, size_t size)
{
	for (const char *at = environment; at < environment + size; at += strlen(at) + 1)
		if (strncmp(at, MARK "=", strlen(MARK) + 1) == 0)
			return sandbox_is_stray(at + strlen(MARK) + 1);
	return false;
}

struct sweep {
	char *environment; /* ENVIRONMENT_MAX bytes */
	int found;
};

static void end_stray(void *arg, const struct process_facts *facts)
{
	struct sweep *sweep = arg;
	char *environment = sweep->environment, path[64];
	int process = (int)syscall(SYS_pidfd_open, facts->pid, 0);
	ssize_t size = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)facts->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && process >= 0)
		size = read(fd, environment, ENVIRONMENT_MAX - 1);
	if (size > 0) {
		environment[size] = 0;
		if (is_stray(environment, (size_t)size)) {
			syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0);
			sweep->found++;
		}
	}
	if (fd >= 0)
		close(fd);
	if (process >= 0)
		close(process);
}

/* Until there is none in that many rounds: who is killed may just have forked, and who is between
 * fork and exec has not shown its environment yet. */
static int end_strays(int rounds)
{
	struct sweep sweep = {.environment = malloc(ENVIRONMENT_MAX)};
	int64_t deadline_ns = process_now_ns() + sweep_limit_ns;

	if (!sweep.environment)
		return -ENOMEM;
	for (int empty = 0; empty < rounds && process_now_ns() < deadline_ns; empty++) {
		sweep.found = 0;
		process_each(end_stray, &sweep);
		if (sweep.found)
			empty = -1;
		poll(NULL, 0, 5);
	}
	free(sweep.environment);
	return 0;
}

int sandbox_sweep(struct why *why)
{
	unsigned removed;

	if (end_strays(SWEEP_ROUNDS))
		return why_set(why, -ENOMEM, "no memory to read environments");
	cgroup_sweep(0);
	return control_sweep(&removed, why);
}

/* A process that is killed closes its files some time before it is gone. */
static void wait_until_gone(pid_t pid, unsigned long long start_ticks)
{
	while (process_start_ticks(pid) == start_ticks)
		poll(NULL, 0, 1);
}

static void be_janitor(int life, pid_t guardian, pid_t worker)
{
	struct pollfd closed = {.fd = 0}; /* events 0: only its end is waited for */
	unsigned long long guardian_start = process_start_ticks(guardian);
	unsigned long long worker_start = process_start_ticks(worker);

	setsid();
	if (dup2(life, 0) || close_range(1, ~0U, 0))
		_exit(1);
	while (poll(&closed, 1, -1) < 0 && errno == EINTR)
		;
	wait_until_gone(guardian, guardian_start);
	if (worker_start)
		wait_until_gone(worker, worker_start);
	_exit(end_strays(JANITOR_ROUNDS) ? 1 : 0);
}

int sandbox_janitor(int life, pid_t worker, pid_t *janitor, struct why *why)
{
	pid_t guardian = getpid();
	pid_t pid = fork();

	if (pid < 0)
		return why_set(why, -errno, "no process: %s", strerror(errno));
	if (pid == 0)
		be_janitor(life, guardian, worker);
	*janitor = pid;
	return 0;
}
