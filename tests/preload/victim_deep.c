/*
 * victim_deep.c WHAT [FILE] - writes to FILE by ways that no name leads to, and says what came of
 * it; in threads and children of every kind.
 */
#include "tests/preload/victim.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/preload/inline.h"

enum { THREADS = 16, WRITES = 2000, STACK = 65536 };

extern char **environ;
static const char *path, *self;
static int file;

static int open_file(void)
{
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND, 0600);

	NEED(fd >= 0);
	return fd;
}

/* What the kernel said, as libc would say it. */
static void say_raw(const char *what, long ret)
{
	errno = ret < 0 ? (int)-ret : 0;
	say(what, ret < 0 ? -1 : ret);
}

/* ---- Every way to the kernel ---- */

static void ways(void)
{
	char name[] = "made.XXXXXX";
	FILE *stream = fopen(path, "a");

	NEED(stream);
	fwrite("abc", 1, 3, stream);
	say("fflush", fflush(stream));
	say("dprintf", dprintf(fileno(stream), "hello"));
	say("syscall", syscall(SYS_write, file, "x", 1));
	say_raw("inline", inline_write(file, "x", 1));
	say("write", write(file, "x", 1));
	say("mkstemp", mkstemp(name) < 0 ? -1 : 0);
}

/* The second of each: a call that is judged twice is the second by itself. */
static void once(void)
{
	for (int i = 0; i < 3; i++)
		say("write", write(file, "x", 1));
	for (int i = 0; i < 3; i++)
		say_raw("inline", inline_write(file, "x", 1));
	for (int i = 0; i < 3; i++)
		say("syscall", syscall(SYS_write, file, "x", 1));
	for (int i = 0; i < 3; i++)
		printf("posix_fallocate %s\n", strerrorname_np(posix_fallocate(file, 0, 4096)));
}

/* ---- Threads ---- */

static void *thread_main(void *ret)
{
	*(long *)ret = inline_write(file, "x", 1);
	return NULL;
}

static _Atomic int bare_done;
static long bare_ret;

/* With its parent's TLS, and so without libc. */
static int bare_main(void *arg)
{
	int ends[2];

	(void)arg;
	for (int i = 0; i < WRITES; i++) {
		inline4(SYS_pipe2, (long)ends, 0, 0, 0);
		inline4(SYS_close, ends[0], 0, 0, 0);
		inline4(SYS_close, ends[1], 0, 0, 0);
	}
	bare_ret = inline_write(file, "x", 1);
	atomic_store(&bare_done, 1);
	inline4(SYS_exit, 0, 0, 0, 0);
	return 0;
}

static void threads(void)
{
	const int flags =
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	static char stack[STACK] __attribute__((aligned(64)));
	pthread_t thread;
	long ret;

	NEED(pthread_create(&thread, NULL, thread_main, &ret) == 0);
	pthread_join(thread, NULL);
	say_raw("pthread", ret);
	NEED(clone(bare_main, stack + sizeof(stack), flags, NULL) > 0);
	while (!atomic_load(&bare_done))
		sched_yield();
	say_raw("bare thread", bare_ret);
	say_raw("parent", inline_write(file, "x", 1));
}

static void *stress_main(void *arg)
{
	char name[64];
	long *failed = arg, ret;
	int fd;

	snprintf(name, sizeof(name), "%s.%d", path, (int)*failed);
	fd = open(name, O_WRONLY | O_CREAT, 0600);
	*failed = 0;
	for (int i = 0; i < WRITES; i++) {
		errno = ENOTTY;
		ret = inline_write(fd, "x", 1);
		if (ret == -EIO && errno == ENOTTY)
			++*failed;
		if (i % 500 == 0)
			inline4(SYS_getpid, 0, 0, 0, 0);
	}
	close(fd);
	return NULL;
}

static void stress(void)
{
	pthread_t thread[THREADS];
	long failed[THREADS], sum = 0;

	for (int i = 0; i < THREADS; i++) {
		failed[i] = i;
		NEED(pthread_create(&thread[i], NULL, stress_main, &failed[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		sum += failed[i];
	}
	printf("stress %ld of %d\n", sum, THREADS * WRITES);
}

/* ---- Children ---- */

static void say_status(const char *what, pid_t pid)
{
	int status;

	NEED(pid > 0 && waitpid(pid, &status, 0) == pid);
	if (WIFSIGNALED(status))
		printf("%s signal %d\n", what, WTERMSIG(status));
	else
		printf("%s %s\n", what,
		       WEXITSTATUS(status) ? strerrorname_np(WEXITSTATUS(status)) : "0");
	fflush(stdout);
}

/* Its answer as a status. */
static int child_main(void *arg)
{
	long ret;

	(void)arg;
	ret = inline_write(file, "x", 1);
	_exit(ret < 0 ? (int)-ret : 0);
}

static __attribute__((noinline)) pid_t vfork_write(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		child_main(NULL);
	return pid;
}

static __attribute__((noinline)) pid_t vfork_exec(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execl(self, self, "status", path, (char *)NULL);
		_exit(99);
	}
	return pid;
}

/* A child of vfork makes one itself. */
static __attribute__((noinline)) pid_t vfork_twice(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		int status = 0;
		pid_t inner = vfork_exec();

		waitpid(inner, &status, 0);
		_exit(WEXITSTATUS(status));
	}
	return pid;
}

static void children(void)
{
	char *argv[] = {(char *)(uintptr_t)self, (char[]){"status"}, (char *)(uintptr_t)path, NULL};
	static char stack[STACK] __attribute__((aligned(64)));
	pid_t pid = fork();

	if (pid == 0)
		child_main(NULL);
	say_status("fork", pid);
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		child_main(NULL);
	say_status("clone by number", pid);
	pid = (pid_t)inline4(SYS_clone, SIGCHLD, 0, 0, 0);
	if (pid == 0)
		child_main(NULL);
	say_status("inline clone", pid);
	say_status("clone on a stack", clone(child_main, stack + sizeof(stack), SIGCHLD, NULL));
	say_status("vfork", vfork_write());
	say_status("vfork and exec", vfork_exec());
	say_status("vfork in vfork", vfork_twice());
	NEED(posix_spawn(&pid, self, NULL, NULL, argv, environ) == 0);
	say_status("posix_spawn", pid);
	say_raw("parent", inline_write(file, "x", 1));
}

/* ---- What a system call leaves alone ---- */

static void keeps(void)
{
#if defined(__x86_64__)
	unsigned long flags = 0, ints[2] = {1, 2};
	double in[2] = {1.5, 2.5}, out[2] = {0, 0};
	long ret;

	/* Carry and direction set, registers that a function call may change in use. */
	__asm__ volatile("movupd (%[in]), %%xmm7\n\t"
			 "mov $0x1234, %%r8\n\t"
			 "mov $0x5678, %%r9\n\t"
			 "std\n\tstc\n\t"
			 "syscall\n\t"
			 "pushfq\n\tpopq %[flags]\n\tcld\n\t"
			 "movupd %%xmm7, (%[out])\n\t"
			 "mov %%r8, (%[ints])\n\t"
			 "mov %%r9, 8(%[ints])"
			 : "=a"(ret), [flags] "=&r"(flags)
			 : "a"(SYS_write), "D"((long)file), "S"("x"),
			   "d"(1L), [in] "r"(in), [out] "r"(out), [ints] "r"(ints)
			 : "rcx", "r11", "r8", "r9", "xmm7", "memory", "cc");
	say_raw("inline", ret);
	printf("kept %d %d %d\n", (flags & 0x401) == 0x401, out[0] == 1.5 && out[1] == 2.5,
	       ints[0] == 0x1234 && ints[1] == 0x5678);
#endif
	errno = ENOTTY;
	inline_write(file, "x", 1);
	say("errno", -1);
	say_raw("a bad pointer", inline4(SYS_openat, AT_FDCWD, 8, 0, 0));
	say_raw("no such call", inline4(5000, 0, 0, 0, 0));
}

/* Far below any frame that was passed through before. */
static __attribute__((noinline)) long write_below(void)
{
	volatile char below[STACK];

	below[0] = 'x';
	return inline_write(file, (const char *)below, 1);
}

/* A call that libaio makes, or nobody: what comes after it is judged. */
static void after_aio(void)
{
	int (*call)(void *, long, long, void *, struct timespec *);

	*(void **)&call = dlsym(RTLD_DEFAULT, "io_getevents");
	NEED(call);
	printf("io_getevents %s\n", call(NULL, 0, 0, NULL, NULL) < 0 ? "failed" : "done");
	call(NULL, 0, 0, NULL, NULL);
	say_raw("inline", write_below());
}

static void status(void)
{
	child_main(NULL);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} all[] = {{"ways", ways},         {"once", once},          {"threads", threads},
		   {"stress", stress},     {"status", status},      {"keeps", keeps},
		   {"children", children}, {"after_aio", after_aio}};

	NEED(argc == 3);
	self = "/proc/self/exe";
	path = argv[2];
	file = open_file();
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(argv[1], all[i].name) == 0)
			all[i].run();
	return 0;
}
