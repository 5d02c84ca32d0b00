/* victim_deep_signals.c WHAT FILE - signals, masks and cancellation around inlined system calls. */
#include "tests/preload/victim.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tests/preload/inline.h"

enum { JUMPS = 300 };

static int file, ends[2];
static volatile long in_handler;
static sigjmp_buf back;

static void say_raw(const char *what, long ret)
{
	errno = ret < 0 ? (int)-ret : 0;
	say(what, ret < 0 ? -1 : ret);
}

static void on(int sig, int flags, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	sigfillset(&action.sa_mask);
	NEED(sigaction(sig, &action, NULL) == 0);
}

static void alarm_in(long us, long again_us)
{
	struct itimerval timer = {.it_value.tv_usec = us, .it_interval.tv_usec = again_us};

	NEED(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

/* ---- A handler while a call blocks ---- */

static void write_in_handler(int sig)
{
	(void)sig;
	in_handler = inline_write(file, "x", 1);
}

/* And ends the wait: a restarted read finds a byte. */
static void feed_in_handler(int sig)
{
	write_in_handler(sig);
	NEED(write(ends[1], "y", 1) == 1);
}

static void signals(void)
{
	char byte;

	on(SIGALRM, 0, write_in_handler);
	alarm_in(20000, 0);
	say_raw("interrupted", inline_read(ends[0], &byte, 1));
	say_raw("in its handler", in_handler);
	on(SIGALRM, SA_RESTART, feed_in_handler);
	alarm_in(20000, 0);
	say_raw("restarted", inline_read(ends[0], &byte, 1));
	say_raw("in its handler", in_handler);
	alarm_in(20000, 0);
	say("fgetc", fgetc(fdopen(ends[0], "r")));
}

static void jump(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

static __attribute__((noinline)) long deeper(int levels)
{
	volatile char room[512];
	long ret;

	room[0] = (char)levels;
	ret = levels ? deeper(levels - 1) : inline_write(file, "x", 1);
	return ret + (room[0] != (char)levels);
}

static void jumps(void)
{
	volatile int failed = 0;
	char byte;

	on(SIGALRM, 0, jump);
	for (volatile int i = 0; i < JUMPS; i++) {
		if (sigsetjmp(back, 1) == 0) {
			alarm_in(200, 0);
			for (;;)
				if (i % 3 == 0)
					inline_read(ends[0], &byte, 1);
				else if (i % 3 == 1)
					NEED(read(ends[0], &byte, 1) < 0);
				else
					inline_write(file, "x", 1);
		}
		failed = failed + (inline_write(file, "x", 1) == -EIO && deeper(20) == -EIO);
	}
	printf("jumps %d of %d\n", failed, JUMPS);
}

/* ---- SIGSYS is the program's to ask for, and not to have ---- */

static volatile int sigsys_seen;

static void on_sigsys(int sig)
{
	sigsys_seen += sig == SIGSYS;
}

static void write_under_mask(int sig)
{
	(void)sig;
	in_handler = inline_write(file, "x", 1);
}

static void masks(void)
{
	struct timespec soon = {.tv_nsec = 50000000};
	uint64_t every = ~UINT64_C(0);
	struct sigaction action;
	sigset_t all, old;

	sigfillset(&all);
	NEED(sigprocmask(SIG_BLOCK, &all, NULL) == 0);
	say_raw("sigprocmask", inline_write(file, "x", 1));
	NEED(sigprocmask(SIG_SETMASK, NULL, &old) == 0);
	printf("blocked %d\n", sigismember(&old, SIGSYS));
	NEED(pthread_sigmask(SIG_SETMASK, &all, NULL) == 0);
	say_raw("pthread_sigmask", inline_write(file, "x", 1));
	NEED(inline4(SYS_rt_sigprocmask, SIG_SETMASK, (long)&every, 0, 8) == 0);
	say_raw("rt_sigprocmask", inline_write(file, "x", 1));
	sigemptyset(&old);
	NEED(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	on(SIGALRM, 0, write_under_mask);
	raise(SIGALRM);
	say_raw("sa_mask", in_handler);
	NEED(sigaction(SIGALRM, NULL, &action) == 0);
	printf("in sa_mask %d\n", sigismember(&action.sa_mask, SIGSYS));
	sigdelset(&all, SIGALRM);
	alarm_in(20000, 0);
	say("sigsuspend", sigsuspend(&all));
	say_raw("in its handler", in_handler);
	alarm_in(20000, 0);
	say("ppoll", ppoll(NULL, 0, &(struct timespec){.tv_sec = 5}, &all));
	say_raw("in its handler", in_handler);
	alarm_in(20000, 0);
	say("pselect", pselect(0, NULL, NULL, NULL, &(struct timespec){.tv_sec = 5}, &all));
	say_raw("in its handler", in_handler);
	nanosleep(&soon, NULL);
}

static void actions(void)
{
	struct sigaction action, old;
	void (*before)(int) = signal(SIGSYS, SIG_IGN);

	printf("before %s\n", before == SIG_DFL ? "default" : "other");
	say_raw("ignored", inline_write(file, "x", 1));
	raise(SIGSYS);
	on(SIGSYS, 0, on_sigsys);
	NEED(sigaction(SIGSYS, NULL, &action) == 0);
	printf("handler %d\n", action.sa_handler == on_sigsys);
	say_raw("handled", inline_write(file, "x", 1));
	raise(SIGSYS);
	printf("seen %d\n", sigsys_seen);
	memset(&action, 0, sizeof(action));
	NEED(sigaction(SIGSYS, &action, &old) == 0 && old.sa_handler == on_sigsys);
	say_raw("default", inline_write(file, "x", 1));
	raise(SIGSYS);
	printf("not reached\n");
}

/* ---- Signal stacks ---- */

static char own_stack[65536];
static volatile int on_own;

static void where(int sig)
{
	char here;

	(void)sig;
	on_own = &here >= own_stack && &here < own_stack + sizeof(own_stack);
	in_handler = inline_write(file, "x", 1);
}

static void stacks(void)
{
	stack_t own = {.ss_sp = own_stack, .ss_size = sizeof(own_stack)}, old;

	NEED(sigaltstack(NULL, &old) == 0);
	printf("none %d\n", old.ss_flags == SS_DISABLE);
	NEED(sigaltstack(&own, &old) == 0 && old.ss_flags == SS_DISABLE);
	on(SIGUSR1, SA_ONSTACK, where);
	raise(SIGUSR1);
	printf("own %d\n", on_own);
	say_raw("on it", in_handler);
	NEED(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, &old) == 0);
	printf("had %d\n", old.ss_sp == own_stack);
	NEED(sigaltstack(NULL, &old) == 0);
	printf("none %d\n", old.ss_flags == SS_DISABLE);
	say_raw("after", inline_write(file, "x", 1));
}

/* ---- Cancellation ---- */

static volatile int cleaned;

static void clean(void *arg)
{
	(void)arg;
	cleaned++;
}

static void *blocked_read(void *arg)
{
	char byte;

	pthread_cleanup_push(clean, NULL);
	(void)arg;
	NEED(read(ends[0], &byte, 1) < 0);
	pthread_cleanup_pop(0);
	return NULL;
}

static void *blocked_stdio(void *arg)
{
	FILE *stream = fdopen(dup(ends[0]), "r");

	(void)arg;
	pthread_cleanup_push(clean, NULL);
	NEED(stream && fgetc(stream) < 0);
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancel(void)
{
	static void *(*const mains[])(void *) = {blocked_read, blocked_stdio};

	for (int i = 0; i < 20; i++) {
		pthread_t thread;
		void *ret;

		NEED(pthread_create(&thread, NULL, mains[i % 2], NULL) == 0);
		if (i % 4 < 2)
			usleep(5000);
		NEED(pthread_cancel(thread) == 0 && pthread_join(thread, &ret) == 0);
		NEED(ret == PTHREAD_CANCELED);
	}
	printf("cancelled, cleaned %d\n", cleaned > 0);
}

/* ---- The vDSO ---- */

/* Between two marks that a tracer sees. */
static void clock_reads(void)
{
	struct timespec now;

	fcntl(-101, F_GETFD);
	for (int i = 0; i < 1000; i++)
		clock_gettime(CLOCK_MONOTONIC, &now);
	fcntl(-102, F_GETFD);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} all[] = {{"signals", signals},  {"jumps", jumps},   {"masks", masks},
		   {"actions", actions},  {"stacks", stacks}, {"cancel", cancel},
		   {"clock", clock_reads}};

	NEED(argc == 3 && pipe(ends) == 0);
	file = open(argv[2], O_RDWR | O_CREAT | O_APPEND, 0600);
	NEED(file >= 0);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(argv[1], all[i].name) == 0)
			all[i].run();
	fflush(stdout);
	return 0;
}
