/*
 * sandboxed.h - running the body of a test in the worker of a sandbox of its own.
 *
 * The test program itself stays outside, as failrun's user does. A body says what went wrong on
 * stderr and returns the number of failed checks; its temporary folder is removed by who made it.
 */
#ifndef UNIT_SANDBOXED_H
#define UNIT_SANDBOXED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/plan.h"
#include "runner/process.h"
#include "runner/sandbox.h"

static int failed_checks;

#define CHECK(condition)                                                                \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			failed_checks++;                                                \
		}                                                                       \
	} while (0)

/* Succeeds, or tells why not. */
#define CHECK_OK(call, why)                                                                   \
	do {                                                                                  \
		int r_ = (call);                                                              \
		if (r_) {                                                                     \
			fprintf(stderr, "%s:%d: %s: %d, %s\n", __FILE__, __LINE__, #call, r_, \
				(why).text);                                                  \
			failed_checks++;                                                      \
		}                                                                             \
	} while (0)

static inline char *folder_make(void)
{
	char *dir = strdup("/tmp/failkit-test-XXXXXX");

	assert_non_null(dir);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	return dir;
}

static inline int folder_remove_entry(const char *path, const struct stat *st, int type,
				      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void folder_remove(char *dir)
{
	nftw(dir, folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(dir);
}

/* Forks a guardian; returns its pid. The body's failures are its exit status. */
static inline pid_t sandbox_start(int net, const char *dir, int (*body)(const char *dir))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct sandbox_options options = {.net = net, .run_dir = dir};
		struct why why = {""};

		if (sandbox_enter(&options, &why)) {
			fprintf(stderr, "sandbox_enter: %s\n", why.text);
			_exit(99);
		}
		_exit(body(dir) + failed_checks);
	}
	return pid;
}

/* Root becomes nobody; others stay who they are. */
static inline bool become_ordinary(void)
{
	if (getuid() == 0 && (setgroups(0, NULL) || setgid(65534) || setuid(65534)))
		return false;
	/* As after an exec; else /proc/self would be root's. */
	return prctl(PR_SET_DUMPABLE, 1) == 0;
}

/* Runs the body in the sandbox of an ordinary user; returns the guardian's wait status. */
static inline int ordinary_in_sandbox(char *dir, int (*body)(const char *dir))
{
	int status;
	pid_t pid;

	assert_int_equal(chmod(dir, 0777), 0);
	pid = fork();
	if (pid == 0) {
		if (!become_ordinary())
			_exit(98);
		pid_t guardian = sandbox_start(NET_PRIVATE, dir, body);
		waitpid(guardian, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 97);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static inline void in_sandbox(int (*body)(const char *dir))
{
	char *dir = folder_make();
	pid_t pid = sandbox_start(NET_PRIVATE, dir, body);
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	folder_remove(dir);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static inline void write_text(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "we");
	if (!file || fputs(text, file) < 0 || fclose(file))
		abort();
}

#endif
