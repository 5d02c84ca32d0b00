/*
 * victim_child.c - children by every way there is, each with an environment made from nothing.
 *
 *     victim_child probe    fsync of a file: "fsync 0", or "fsync -1 EIO" if the rule reached it
 *     victim_child WAY      starts "probe" that way; the probe's line is the answer
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/preload/victim.h"

static char self[4096];
static char *probe[] = {self, (char *)(uintptr_t) "probe", NULL};
static char *nothing[] = {NULL};

static int do_probe(void)
{
	FILE *stream = fopen("file", "w");

	NEED(stream);
	say("fsync", fsync(fileno(stream)));
	return 0;
}

static int reap(pid_t pid)
{
	int status;

	NEED(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

static void by_execve(void)
{
	execve(self, probe, nothing);
}

static void by_execle(void)
{
	execle(self, self, "probe", NULL, nothing);
}

static void by_execl(void)
{
	clearenv();
	execl(self, self, "probe", NULL);
}

static void by_execlp(void)
{
	clearenv();
	execlp(self, self, "probe", NULL);
}

static void by_execvp(void)
{
	clearenv();
	execvp(self, probe);
}

static void by_execvpe(void)
{
	execvpe(self, probe, nothing);
}

static void by_fexecve(void)
{
	fexecve(open(self, O_RDONLY), probe, nothing);
}

static void by_execveat(void)
{
	execveat(AT_FDCWD, self, probe, nothing, 0);
}

static void by_number(void)
{
	syscall(SYS_execve, self, probe, nothing);
}

/* The shell is the program; env makes its environment empty again before it starts the probe. */
static void by_shell(void)
{
	execl("/bin/sh", "sh", "-c", "exec env -i \"$0\" probe", self, NULL);
}

static const struct {
	const char *name;
	void (*exec)(void);
} execs[] = {
	{"execve", by_execve},   {"execle", by_execle},     {"execl", by_execl},
	{"execlp", by_execlp},   {"execvp", by_execvp},     {"execvpe", by_execvpe},
	{"fexecve", by_fexecve}, {"execveat", by_execveat}, {"syscall", by_number},
	{"shell", by_shell},
};

static int by_spawn(void)
{
	pid_t pid;

	NEED(posix_spawn(&pid, self, NULL, NULL, probe, nothing) == 0);
	return reap(pid);
}

static int by_spawnp(void)
{
	pid_t pid;

	NEED(posix_spawnp(&pid, self, NULL, NULL, probe, nothing) == 0);
	return reap(pid);
}

static int by_system(void)
{
	char command[5000];

	snprintf(command, sizeof(command), "exec '%s' probe", self);
	clearenv();
	NEED(system(command) == 0);
	if (getenv("LD_PRELOAD"))
		puts("the environment was changed");
	return 0;
}

static int by_popen(void)
{
	char command[5000], line[256];
	FILE *pipe;

	snprintf(command, sizeof(command), "exec '%s' probe", self);
	clearenv();
	NEED(pipe = popen(command, "r"));
	while (fgets(line, sizeof(line), pipe))
		fputs(line, stdout);
	return pclose(pipe);
}

/* The parent goes on as before: its own passage still meets the rule. */
static int by_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execve("/nowhere", probe, nothing);
		execve(self, probe, nothing);
		_exit(9);
	}
	NEED(reap(pid) == 0);
	return do_probe();
}

/* fsync from a frame far below the caller's. */
static __attribute__((noinline)) int probe_deep(unsigned levels)
{
	volatile char room[4096];

	room[0] = (char)levels;
	return levels ? probe_deep(levels - 1) : do_probe() + room[0];
}

/* The child ends in its exec, by a rule; the parent's thread, whose memory it shared, is not left
 * inside the engine. */
static int by_vfork_end(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execve(self, probe, nothing);
		_exit(9);
	}
	printf("child %d\n", reap(pid));
	return probe_deep(4);
}

static void *spin(void *stop)
{
	FILE *stream = fopen("spun", "w");

	while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED)) {
		(void)!write(fileno(stream), "x", 1);
		(void)!lseek(fileno(stream), 0, SEEK_SET);
	}
	return NULL;
}

/* fork while another thread is inside calls that are judged: the child is a target at once. */
static int by_thread(void)
{
	pthread_t thread;
	int stop = 0, wrong = 0;

	NEED(pthread_create(&thread, NULL, spin, &stop) == 0);
	for (int i = 0; i < 50; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			FILE *stream = fopen("file", "w");

			_exit(fsync(fileno(stream)) == -1 && errno == EIO ? 0 : 1);
		}
		wrong += reap(pid) != 0;
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	printf("%d children escaped\n", wrong);
	return 0;
}

static int by_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(do_probe());
	return reap(pid);
}

static int by_fork_number(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(do_probe());
	return reap(pid);
}

static int by_raw_fork(void)
{
	pid_t pid = _Fork();

	if (pid == 0)
		_exit(do_probe());
	return reap(pid);
}

static const struct {
	const char *name;
	int (*start)(void);
} starts[] = {
	{"probe", do_probe},         {"posix_spawn", by_spawn}, {"posix_spawnp", by_spawnp},
	{"system", by_system},       {"popen", by_popen},       {"vfork", by_vfork},
	{"vfork_end", by_vfork_end}, {"thread", by_thread},     {"fork", by_fork},
	{"clone", by_fork_number},   {"_Fork", by_raw_fork},
};

int main(int argc, char **argv)
{
	NEED(argc == 2 && readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (!strcmp(argv[1], starts[i].name))
			return starts[i].start();
	for (size_t i = 0; i < sizeof(execs) / sizeof(execs[0]); i++)
		if (!strcmp(argv[1], execs[i].name))
			execs[i].exec();
	say(argv[1], -1);
	return 9;
}
