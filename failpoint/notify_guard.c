/*
 * notify_guard.c - nothing of the target outlives its supervisor. See notify.h and notify_impl.h.
 *
 * The go-between is a subreaper: whatever descends from the command, however it was orphaned, is its
 * child in the end. So killing the children until there are none kills all, without a race: what was
 * forked meanwhile is a child the next time.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failpoint/notify_impl.h"

enum { OLDER_MAX = 256, FAILED = 125, SIGNALLED = 128 };

static const int passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD};
static pid_t older[OLDER_MAX];
static unsigned older_count;

/* ---- Children ---- */

static bool is_child(pid_t pid)
{
	char path[64], text[4096];
	uint64_t parent;

	proc_path(path, (uint32_t)pid, "status", -1);
	return proc_read(path, text, sizeof(text)) > 0 &&
	       proc_field(text, "PPid:", 0, 10, &parent) && (pid_t)parent == getpid();
}

static bool is_older(pid_t pid)
{
	for (unsigned i = 0; i < older_count; i++)
		if (older[i] == pid)
			return true;
	return false;
}

static unsigned each_child(void (*act)(pid_t pid))
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	unsigned count = 0;

	while (processes && (entry = readdir(processes))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (!isdigit((unsigned char)entry->d_name[0]) || !is_child(pid) || is_older(pid))
			continue;
		act(pid);
		count++;
	}
	if (processes)
		closedir(processes);
	return count;
}

static void remember(pid_t pid)
{
	if (older_count < OLDER_MAX)
		older[older_count++] = pid;
}

static void kill_child(pid_t pid)
{
	kill(pid, SIGKILL);
}

static void reap_child(pid_t pid)
{
	waitpid(pid, NULL, 0);
}

void notify_kill_descendants(void)
{
	while (each_child(kill_child))
		each_child(reap_child);
}

/* ---- The go-between ---- */

static int death_signal(void)
{
	return SIGRTMIN;
}

void notify_guard_prepare(void)
{
	each_child(remember);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

int notify_guard_begin(pid_t supervisor, struct why *why)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, death_signal());
	sigprocmask(SIG_BLOCK, &set, NULL);
	older_count = 0;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) || prctl(PR_SET_PDEATHSIG, death_signal()))
		return why_set(why, -errno, "cannot stand between: %s", strerror(errno));
	return getppid() == supervisor ? 0 : why_set(why, -ESRCH, "the supervisor is gone");
}

static _Noreturn void end_as(int status)
{
	int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	sigset_t set;

	if (!sig)
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : FAILED);
	prctl(PR_SET_DUMPABLE, 0);
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	kill(getpid(), sig);
	_exit(SIGNALLED + sig);
}

/* True with its status once the command has ended; what else has ended is only reaped. */
static bool has_ended(pid_t command, int *status)
{
	int one;
	pid_t pid;

	while ((pid = waitpid(-1, &one, WNOHANG)) > 0)
		if (pid == command) {
			*status = one;
			return true;
		}
	return false;
}

/* A terminal sends its signals to the command as well. */
static void hear(pid_t command, const siginfo_t *info)
{
	if (info->si_signo == death_signal()) {
		notify_kill_descendants();
		_exit(FAILED);
	}
	if (info->si_signo != SIGCHLD && info->si_code != SI_KERNEL)
		kill(command, info->si_signo);
}

_Noreturn void notify_guard(pid_t command)
{
	sigset_t heard;
	siginfo_t info;
	int status;

	sigemptyset(&heard);
	sigaddset(&heard, death_signal());
	for (unsigned i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		sigaddset(&heard, passed_on[i]);
	raw_syscall(SYS_close_range, 3, ~0U, 0, 0, 0, 0);
	while (!has_ended(command, &status))
		if (sigwaitinfo(&heard, &info) > 0)
			hear(command, &info);
	notify_kill_descendants();
	end_as(status);
}
