/* failctl_child.c - runs a command as a child: see failctl.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "failpoint/failctl.h"

static const int passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
static sigset_t blocked, before_us;

/* What a child that could not become the command tells its parent. */
struct failure {
	int rc;
	bool executing;
	struct why why;
};

void child_block(void)
{
	sigemptyset(&blocked);
	for (unsigned i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		sigaddset(&blocked, passed_on[i]);
	sigaddset(&blocked, SIGCHLD);
	/* Somebody may have started us with SIGCHLD ignored: then there would be no status to wait
	 * for. */
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &blocked, &before_us);
}

int child_wait_signal(int64_t timeout_ns)
{
	struct timespec t = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
	int sig = sigtimedwait(&blocked, NULL, &t);

	return sig > 0 && sig != SIGCHLD ? sig : 0;
}

static void become(const struct child *child, int pipe_fd)
{
	struct failure failure = {0};

	if (child->before)
		failure.rc = child->before(child->arg, &failure.why);
	if (!failure.rc) {
		failure.executing = true;
		sigprocmask(SIG_SETMASK, &before_us, NULL);
		execvpe(child->words[0], child->words, child->environment);
		failure.rc = -errno;
	}
	if (write(pipe_fd, &failure, sizeof(failure)) < 0)
		_exit(EXIT_RUN_FAILED);
	_exit(EXIT_RUN_CANNOT);
}

/* A terminal sends its signals to the child as well; those that somebody sent to us alone are
 * passed on. */
static void pass_on(pid_t pid, const siginfo_t *info)
{
	if (info->si_code != SI_KERNEL)
		kill(pid, info->si_signo);
}

static int wait_for(pid_t pid)
{
	siginfo_t info;
	int status;

	for (;;) {
		pid_t done = waitpid(pid, &status, WNOHANG);

		if (done == pid && WIFEXITED(status))
			return WEXITSTATUS(status);
		if (done == pid && WIFSIGNALED(status))
			return 128 + WTERMSIG(status);
		if (done < 0 && errno != EINTR)
			return EXIT_RUN_FAILED;
		if (sigwaitinfo(&blocked, &info) > 0 && info.si_signo != SIGCHLD)
			pass_on(pid, &info);
	}
}

static int tell_failure(const struct child *child, const struct failure *failure)
{
	if (!failure->executing) {
		say("%s", failure->why.text);
		return EXIT_RUN_FAILED;
	}
	say("cannot run \"%s\": %s", child->words[0], strerror(-failure->rc));
	return failure->rc == -ENOENT ? EXIT_RUN_NOT_FOUND : EXIT_RUN_CANNOT;
}

/* exec closes the pipe; what can be read from it before is the reason why there was none. */
int child_run(const struct child *child, bool *ran)
{
	struct failure failure;
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	*ran = false;
	if (pipe2(fds, O_CLOEXEC) < 0) {
		say("cannot make a pipe: %s", strerror(errno));
		return EXIT_RUN_FAILED;
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		become(child, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		say("cannot fork: %s", strerror(errno));
		close(fds[0]);
		return EXIT_RUN_FAILED;
	}
	do
		n = read(fds[0], &failure, sizeof(failure));
	while (n < 0 && errno == EINTR);
	close(fds[0]);
	status = wait_for(pid);
	*ran = n != sizeof(failure);
	return *ran ? status : tell_failure(child, &failure);
}
