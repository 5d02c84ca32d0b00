/* process.c - see process.h for the model. */
#include "runner/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OWN_MAX = 1024, STACK_NAME_MAX = 64 };

/* Those that were started here and are not reaped yet. */
static struct {
	pthread_mutex_t lock;
	pid_t pid[OWN_MAX];
	int count;
} own = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* What the child tells when it could not become the program. */
struct failure {
	int error;
	char doing[STACK_NAME_MAX];
};

int64_t process_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int milliseconds_until(int64_t deadline_ns)
{
	int64_t left = deadline_ns - process_now_ns();

	if (deadline_ns < 0)
		return -1;
	if (left <= 0)
		return 0;
	return left > INT64_C(1000000000000) ? 1000000 : (int)((left + 999999) / 1000000);
}

/* The entry of name, or of the number that name is. */
static int find_entry(const char *name, struct passwd *entry, char *text, size_t size)
{
	struct passwd *found = NULL;
	char *end;
	unsigned long uid;
	int error = getpwnam_r(name, entry, text, size, &found);

	if (found)
		return 0;
	if (error)
		return -error;
	uid = strtoul(name, &end, 10);
	if (end == name || *end)
		return -ENOENT;
	error = getpwuid_r((uid_t)uid, entry, text, size, &found);
	return found ? 0 : error ? -error : -ENOENT;
}

int process_user_find(struct process_user *out, const char *name, struct why *why)
{
	struct passwd entry;
	struct process_user user = {.group_count = PROCESS_GROUPS_MAX};
	char text[4096];
	int r = find_entry(name, &entry, text, sizeof(text));

	if (r)
		return why_set(why, r, "there is no user \"%s\"", name);
	if (entry.pw_uid != geteuid() && geteuid() != 0)
		return why_set(why, -EPERM, "only root can start programs as user \"%s\"", name);
	user.uid = entry.pw_uid;
	user.gid = entry.pw_gid;
	if (getgrouplist(entry.pw_name, entry.pw_gid, user.groups, &user.group_count) < 0)
		return why_set(why, -E2BIG, "user \"%s\" is in more than %d groups", name,
			       PROCESS_GROUPS_MAX);
	*out = user;
	return 0;
}

static void fail(int report, const char *doing)
{
	struct failure failure = {.error = errno};

	strncpy(failure.doing, doing, sizeof(failure.doing) - 1);
	if (write(report, &failure, sizeof(failure)) < 0)
		_exit(126);
	_exit(127);
}

static void reset_signals(void)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		sigaction(s, &standard, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become_user(const struct process_user *user, int report)
{
	if (setgroups((size_t)user->group_count, user->groups))
		fail(report, "setgroups");
	if (setresgid(user->gid, user->gid, user->gid))
		fail(report, "setresgid");
	if (setresuid(user->uid, user->uid, user->uid))
		fail(report, "setresuid");
}

/* In the child: nothing but system calls, for other threads of ours may have held any lock. */
static void become(const struct process_options *o, int report, pid_t parent)
{
	char *const *environment = o->environment ? (char *const *)o->environment : environ;

	setpgid(0, 0);
	reset_signals();
	int null = open("/dev/null", O_RDONLY);
	if (null < 0 || dup2(null, 0) < 0)
		fail(report, "/dev/null");
	if (o->output >= 0 && (dup2(o->output, 1) < 0 || dup2(o->output, 2) < 0))
		fail(report, "the output");
	if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC))
		fail(report, "close_range");
	if (o->dir && chdir(o->dir))
		fail(report, "the folder");
	if (o->before && o->before(NULL))
		fail(report, "what stands before it");
	if (o->user)
		become_user(o->user, report);
	/* After the change of user, which forgets it. */
	if (o->dies_with_us && (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent))
		fail(report, "prctl");
	execvpe(o->argv[0], (char *const *)o->argv, environment);
	fail(report, "exec");
}

static pid_t start_registered(const struct process_options *options, int report)
{
	pid_t parent = getpid();
	pid_t pid;

	pthread_mutex_lock(&own.lock);
	if (own.count == OWN_MAX) {
		pthread_mutex_unlock(&own.lock);
		errno = EAGAIN;
		return -1;
	}
	pid = fork();
	if (pid == 0)
		become(options, report, parent);
	if (pid > 0) {
		setpgid(pid, pid);
		own.pid[own.count++] = pid;
	}
	pthread_mutex_unlock(&own.lock);
	return pid;
}

static void forget(pid_t pid)
{
	pthread_mutex_lock(&own.lock);
	for (int i = 0; i < own.count; i++)
		if (own.pid[i] == pid)
			own.pid[i] = own.pid[--own.count];
	pthread_mutex_unlock(&own.lock);
}

static bool is_own(pid_t pid)
{
	for (int i = 0; i < own.count; i++)
		if (own.pid[i] == pid)
			return true;
	return false;
}

int process_start(pid_t *pid, const struct process_options *options, struct why *why)
{
	struct failure failure;
	int report[2], status;
	pid_t child;
	ssize_t n;

	if (pipe2(report, O_CLOEXEC))
		return why_set(why, -errno, "no pipe: %s", strerror(errno));
	child = start_registered(options, report[1]);
	int error = errno;
	close(report[1]);
	if (child < 0) {
		close(report[0]);
		return why_set(why, -error, "no process: %s", strerror(error));
	}
	do
		n = read(report[0], &failure, sizeof(failure));
	while (n < 0 && errno == EINTR);
	close(report[0]);
	if (n != sizeof(failure)) {
		*pid = child;
		return 0;
	}
	process_wait(child, -1, &status);
	return why_set(why, -failure.error, "\"%s\" does not start: %s: %s", options->argv[0],
		       failure.doing, strerror(failure.error));
}

int process_wait(pid_t pid, int64_t deadline_ns, int *status)
{
	struct pollfd ended = {.events = POLLIN};
	int found = waitpid(pid, status, WNOHANG);

	if (found == 0 && deadline_ns != 0) {
		ended.fd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (ended.fd < 0)
			return -errno;
		while (poll(&ended, 1, milliseconds_until(deadline_ns)) < 0 && errno == EINTR)
			;
		close(ended.fd);
		found = waitpid(pid, status, WNOHANG);
	}
	if (found < 0)
		return -errno;
	if (found == 0)
		return 0;
	forget(pid);
	return 1;
}

/* Reads until the pipe ends, the process ended (an orphan of it may keep the pipe) or the deadline.
 */
static void collect(int from, pid_t pid, int64_t deadline_ns, char *output, size_t size)
{
	struct pollfd wait[2] = {{.fd = from, .events = POLLIN}, {.events = POLLIN}};
	char chunk[4096];
	size_t used = 0;

	wait[1].fd = (int)syscall(SYS_pidfd_open, pid, 0);
	while (process_now_ns() < deadline_ns) {
		if (poll(wait, 2, milliseconds_until(deadline_ns)) <= 0)
			continue;
		ssize_t n = wait[0].revents ? read(from, chunk, sizeof(chunk)) : -1;
		if (n == 0 || (n < 0 && wait[1].revents))
			break;
		for (ssize_t i = 0; i < n && used + 1 < size; i++)
			output[used++] = chunk[i];
	}
	if (size)
		output[used] = 0;
	close(wait[1].fd);
}

int process_run(const struct process_options *options, int64_t deadline_ns, char *output,
		size_t size, int *status, struct why *why)
{
	struct process_options piped = *options;
	int out[2], r;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) || fcntl(out[0], F_SETFL, O_NONBLOCK))
		return why_set(why, -errno, "no pipe: %s", strerror(errno));
	if (output)
		piped.output = out[1];
	r = process_start(&pid, &piped, why);
	close(out[1]);
	if (r == 0) {
		if (output)
			collect(out[0], pid, deadline_ns, output, size);
		r = process_wait(pid, deadline_ns, status);
		if (r == 0) {
			kill(-pid, SIGKILL);
			process_wait(pid, -1, status);
			r = why_set(why, -ETIMEDOUT, "\"%s\" did not end in time",
				    options->argv[0]);
		}
		process_group_end(pid);
	}
	close(out[0]);
	return r < 0 ? r : 0;
}

void process_reap_orphans(void)
{
	siginfo_t info;

	pthread_mutex_lock(&own.lock);
	for (;;) {
		info.si_pid = 0;
		/* One of our own hides those behind it until it is reaped; then we come again. */
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid ||
		    is_own(info.si_pid))
			break;
		waitpid(info.si_pid, NULL, WNOHANG);
	}
	pthread_mutex_unlock(&own.lock);
}

static void find_adopted(void *arg, const struct process_facts *facts)
{
	pid_t *adopted = arg;

	if (facts->parent == getpid() && facts->state != 'Z' && !is_own(facts->pid))
		*adopted = facts->pid;
}

pid_t process_adopted(void)
{
	pid_t adopted = 0;

	pthread_mutex_lock(&own.lock);
	process_each(find_adopted, &adopted);
	pthread_mutex_unlock(&own.lock);
	return adopted;
}

void process_status_text(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "was killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
	else
		snprintf(text, size, "exited with status %d", WEXITSTATUS(status));
}
