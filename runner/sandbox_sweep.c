/* sandbox_sweep.c - see sandbox_sweep.h for the model. */
#include "runner/sandbox_sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "failkit/control.h"
#include "runner/process.h"
#include "runner/sandbox.h"

#define MARK "FAILKIT_GUARDIAN"

enum { ENVIRONMENT_MAX = 131072 };

int sandbox_mark(pid_t guardian, struct why *why)
{
	char text[64];

	snprintf(text, sizeof(text), "%d:%llu", (int)guardian, process_start_ticks(guardian));
	return setenv(MARK, text, 1) ? why_set(why, -ENOMEM, "no memory for %s", MARK) : 0;
}

/* Does this environment name a guardian that is no more? */
static bool is_stray(const char *environment, size_t size)
{
	unsigned long long start;
	int guardian;

	for (const char *at = environment; at < environment + size; at += strlen(at) + 1)
		if (sscanf(at, MARK "=%d:%llu", &guardian, &start) == 2)
			return process_start_ticks(guardian) != start;
	return false;
}

static void end_stray(void *arg, const struct process_facts *facts)
{
	char *environment = arg, path[64];
	int process = (int)syscall(SYS_pidfd_open, facts->pid, 0);
	ssize_t size = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)facts->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && process >= 0)
		size = read(fd, environment, ENVIRONMENT_MAX - 1);
	if (size > 0) {
		environment[size] = 0;
		if (is_stray(environment, (size_t)size))
			syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0);
	}
	if (fd >= 0)
		close(fd);
	if (process >= 0)
		close(process);
}

int sandbox_sweep(struct why *why)
{
	char *environment = malloc(ENVIRONMENT_MAX);
	unsigned removed;

	if (!environment)
		return why_set(why, -ENOMEM, "no memory to read environments");
	process_each(end_stray, environment);
	free(environment);
	return control_sweep(&removed, why);
}
