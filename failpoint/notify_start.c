/*
 * notify_start.c - the filter, the handshake, the first supervisor thread. See notify.h.
 *
 * From the moment the filter is there its calls wait for a supervisor, so the command can't send the
 * listener by any of them. It leaves the number of the descriptor in shared memory, and sleeps on a
 * futex; the supervisor takes the descriptor out of it (pidfd_getfd) and wakes it.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failpoint/control_impl.h"
#include "failpoint/notify_impl.h"

enum { CODE_MAX = 4096, FAILED = 125 };
enum { WAITS, HAS_FILTER, IS_SERVED, IS_REFUSED };

static struct handshake {
	_Atomic uint32_t state;
	uint32_t command;
	int listener, error;
} * shared;

static struct sock_filter code[CODE_MAX];
static struct sock_fprog program = {.filter = code};
static pid_t supervisor;
static mode_t mask;
static bool leaves_group;

/* ---- The handshake ---- */

static void set_state(uint32_t state)
{
	atomic_store(&shared->state, state);
	raw_futex_wake_all(&shared->state);
}

static uint32_t wait_for_change(uint32_t from)
{
	while (atomic_load(&shared->state) == from)
		raw_syscall(SYS_futex, (long)&shared->state, FUTEX_WAIT, from, 0, 0, 0);
	return atomic_load(&shared->state);
}

static int take_listener(void)
{
	int pidfd = (int)raw_syscall(SYS_pidfd_open, shared->command, 0, 0, 0, 0, 0);
	int fd = pidfd;

	if (pidfd >= 0) {
		fd = (int)raw_syscall(SYS_pidfd_getfd, pidfd, shared->listener, 0, 0, 0, 0);
		close(pidfd);
	}
	return fd;
}

static void *first_thread(void *arg)
{
	wait_for_change(WAITS);
	notify_listener = take_listener();
	if (notify_listener < 0) {
		shared->error = -notify_listener;
		set_state(IS_REFUSED);
		return NULL;
	}
	notify_stay_near();
	if (leaves_group)
		setpgid(0, getpgid(getppid()));
	set_state(IS_SERVED);
	return notify_serve(arg);
}

/* ---- The supervisor ---- */

static int check_and_select(void *arg, const struct rule *rule)
{
	struct {
		struct notify_calls *calls;
		struct why *why;
	} *both = arg;
	int rc = notify_check_rule(rule, both->why);

	if (!rc)
		notify_calls_add_rule(both->calls, rule);
	return rc;
}

static int select_calls(const struct notify_options *options, struct notify_calls *calls,
			struct why *why)
{
	struct {
		struct notify_calls *calls;
		struct why *why;
	} both = {calls, why};
	int rc = options->calls ? notify_calls_add(calls, options->calls, why) : 0;

	for (unsigned i = 0; i < options->rule_count && !rc; i++) {
		rc = rules_parse(options->rules[i], check_and_select, &both, why);
		if (rc)
			why_prefix(why, rc, "-e \"%.200s\"", options->rules[i]);
	}
	if (!rc && !options->calls && !options->rule_count)
		rc = notify_calls_add(calls, notify_calls_default, why);
	return rc;
}

static int start_thread(struct why *why)
{
	sigset_t all, before;
	pthread_t thread;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread, NULL, first_thread, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		return why_set(why, -rc, "no thread for the supervisor: %s", strerror(rc));
	pthread_detach(thread);
	return 0;
}

int notify_start(const struct notify_options *options, struct why *why)
{
	struct notify_calls calls = {.classes = 0};
	int rc;

	notify_rows_begin();
	rc = select_calls(options, &calls, why);
	if (!rc)
		rc = notify_filter_make(&calls, code, CODE_MAX, why);
	if (rc < 0)
		return rc;
	program.len = (unsigned short)rc;
	shared = raw_mmap(sizeof(*shared), MAP_SHARED | MAP_ANONYMOUS, -1);
	if (!shared)
		return why_set(why, -ENOMEM, "no memory for the supervisor");
	core_base.ops = &notify_subject_ops;
	attach_on_behalf(options->control->head, options->node);
	supervisor = getpid();
	leaves_group = options->leaves_group;
	mask = umask(0);
	notify_guard_prepare();
	return start_thread(why);
}

void notify_end(void)
{
	notify_tell_unseen();
	notify_kill_descendants();
}

/* ---- The command ---- */

static long install(unsigned long flags)
{
	return raw_syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, (long)flags, (long)&program, 0, 0,
			   0);
}

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* Once we have received a call, only death may interrupt it (since Linux 5.19): else a signal would
 * start it again, and a rule would have been spent on what never happened. */
static int install_filter(struct why *why)
{
	long fd;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return why_set(why, -errno, "cannot give up new privileges: %s", strerror(errno));
	fd = install(SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
	if (fd == -EINVAL)
		fd = install(SECCOMP_FILTER_FLAG_NEW_LISTENER);
	if (fd < 0)
		return why_set(why, (int)fd, "cannot install a seccomp filter: %s",
			       strerror((int)-fd));
	return (int)fd;
}

/* From here on only calls that no filter of ours stops. */
static void be_served(int listener)
{
	shared->listener = listener;
	set_state(HAS_FILTER);
	if (wait_for_change(HAS_FILTER) == IS_SERVED)
		return;
	attach_say("cannot take the listener of the filter", strerror(shared->error));
	raw_syscall(SYS_exit_group, FAILED, 0, 0, 0, 0, 0);
}

static int become_command(pid_t guard, int (*become)(void *arg, struct why *why), void *arg,
			  struct why *why)
{
	int rc;

	umask(mask);
	rc = become ? become(arg, why) : 0;
	if (rc)
		return rc;
	/* After the user was changed: that forgets it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != guard)
		return why_set(why, -ESRCH, "the supervisor is gone");
	shared->command = (uint32_t)getpid();
	rc = install_filter(why);
	if (rc < 0)
		return rc;
	be_served(rc);
	return 0;
}

int notify_become(int (*become)(void *arg, struct why *why), void *arg, struct why *why)
{
	pid_t guard = getpid(), command;
	int rc = notify_guard_begin(supervisor, why);

	if (rc)
		return rc;
	command = fork();
	if (command < 0)
		return why_set(why, -errno, "cannot fork: %s", strerror(errno));
	if (command > 0)
		notify_guard(command);
	return become_command(guard, become, arg, why);
}
