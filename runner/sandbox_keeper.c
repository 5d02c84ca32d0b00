/* sandbox_keeper.c - see sandbox_keeper.h. */
#include "runner/sandbox_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runner/disk.h"

static int open_namespace(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* No terminal, no pipe of others that waits for our end; the lock of the run directory stays. */
static void detach(int life)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	setsid();
	close(life);
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void be_keeper(int worker, int user, int mounts, const char *run_dir, int life)
{
	struct pollfd end = {.fd = worker, .events = POLLIN};

	detach(life);
	while (poll(&end, 1, -1) < 0 && errno == EINTR)
		;
	if ((user >= 0 && setns(user, CLONE_NEWUSER)) || setns(mounts, CLONE_NEWNS))
		_exit(1);
	disk_keep_all(run_dir);
	_exit(0);
}

int sandbox_keeper(pid_t worker, int user, const char *run_dir, int life, pid_t *keeper,
		   struct why *why)
{
	int process = (int)syscall(SYS_pidfd_open, worker, 0);
	int users = user ? open_namespace(worker, "user") : -1;
	int mounts = open_namespace(worker, "mnt");
	pid_t pid = -1;
	int r = 0;

	if (process < 0 || mounts < 0 || (user && users < 0))
		r = why_set(why, -errno, "the worker's namespaces can't be opened: %s",
			    strerror(errno));
	else if ((pid = fork()) < 0)
		r = why_set(why, -errno, "no process: %s", strerror(errno));
	else if (pid == 0)
		be_keeper(process, users, mounts, run_dir, life);
	close(process);
	close(users);
	close(mounts);
	if (r == 0)
		*keeper = pid;
	return r;
}
