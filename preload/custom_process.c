/*
 * custom_process.c - calls that make processes or replace them. A child is a target as its parent
 * was, even with an environment made from nothing.
 *
 * vfork is not wrapped: it returns twice on one stack. What its child calls here keeps no state in
 * the thread, and the arrays are on its stack.
 */
#include "preload/process.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "preload/fd_table.h"

/* Completes an environment on the stack of the function this stands in. */
#define INHERIT(environment)                                                                      \
	do {                                                                                      \
		size_t bytes_ = process_environment_bytes(environment);                           \
		if (bytes_)                                                                       \
			environment = process_environment(__builtin_alloca(bytes_), environment); \
	} while (0)

static __attribute__((noinline)) pid_t armed_fork(pid_t (*real)(void))
{
	struct call call;

	CALL_BEGIN(call, fork, HIT_NOTHING, GIVE_NO_BYTES);
	if (call_enter(&call)) {
		pid_t pid = real();

		if (pid == 0) {
			engine_forked();
			return 0;
		}
		call_result(&call, pid);
	}
	return (pid_t)call_leave(&call);
}

static pid_t fork_by(pid_t (*real)(void))
{
	pid_t pid;

	if (ARMED(fork))
		return armed_fork(real);
	pid = real();
	if (pid == 0)
		engine_forked();
	return pid;
}

pid_t fork(void)
{
	return fork_by(real_fork);
}

pid_t _Fork(void)
{
	return fork_by(real__Fork);
}

/* One exec of any of libc's four ways. */
struct exec {
	enum { EXEC_PATH, EXEC_SEARCH, EXEC_FD, EXEC_AT } how;
	int fd, flags;
	const char *path;
};

static int exec_real(const struct exec *e, char *const argv[], char *const envp[])
{
	int ret;

	engine_exec_begin(e->how == EXEC_FD ? NULL : e->path);
	switch (e->how) {
	case EXEC_PATH:
		ret = real_execve(e->path, argv, envp);
		break;
	case EXEC_SEARCH:
		ret = real_execvpe(e->path, argv, envp);
		break;
	case EXEC_FD:
		ret = real_fexecve(e->fd, argv, envp);
		break;
	default:
		ret = real_execveat(e->fd, e->path, argv, envp, e->flags);
		break;
	}
	engine_exec_failed();
	return ret;
}

static __attribute__((noinline)) int armed_exec(const struct exec *e, char *const argv[],
						char *const envp[])
{
	char found[SUBJECT_PATH_MAX];
	const char *path = e->path;
	struct call call;

	if (e->how == EXEC_SEARCH)
		path = process_search(path, found, sizeof(found));
	if (e->how == EXEC_FD)
		CALL_BEGIN(call, execve, HIT_FD(e->fd), GIVE_NO_BYTES);
	else
		CALL_BEGIN(call, execve,
			   HIT_PATH_AT(e->how == EXEC_AT ? e->fd : AT_FDCWD, path, e->flags),
			   GIVE_NO_BYTES);
	if (call_enter(&call))
		call_result(&call, exec_real(e, argv, envp));
	return (int)call_leave(&call);
}

static int exec_by(const struct exec *e, char *const argv[], char *const envp[])
{
	INHERIT(envp);
	return ARMED(execve) ? armed_exec(e, argv, envp) : exec_real(e, argv, envp);
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	return exec_by(&(struct exec){.how = EXEC_PATH, .path = path}, argv, envp);
}

int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

int execvpe(const char *file, char *const argv[], char *const envp[])
{
	return exec_by(&(struct exec){.how = EXEC_SEARCH, .path = file}, argv, envp);
}

int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

int fexecve(int fd, char *const argv[], char *const envp[])
{
	return exec_by(&(struct exec){.how = EXEC_FD, .fd = fd}, argv, envp);
}

int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags)
{
	return exec_by(&(struct exec){.how = EXEC_AT, .fd = fd, .path = path, .flags = flags}, argv,
		       envp);
}

/* The arguments of execl and its like as an array; more is what follows them. */
#define LIST(argv, first, more)                                        \
	size_t count_ = 1;                                             \
	va_list more;                                                  \
	va_start(more, first);                                         \
	while (va_arg(more, char *))                                   \
		count_++;                                              \
	va_end(more);                                                  \
	char **argv = __builtin_alloca((count_ + 1) * sizeof(char *)); \
	argv[0] = (char *)(uintptr_t)first;                            \
	va_start(more, first);                                         \
	for (size_t i_ = 1; i_ <= count_; i_++)                        \
	argv[i_] = va_arg(more, char *)

int execl(const char *path, const char *first, ...)
{
	LIST(argv, first, more);
	va_end(more);
	return execv(path, argv);
}

int execlp(const char *file, const char *first, ...)
{
	LIST(argv, first, more);
	va_end(more);
	return execvp(file, argv);
}

int execle(const char *path, const char *first, ...)
{
	char *const *envp;
	LIST(argv, first, more);

	envp = va_arg(more, char *const *);
	va_end(more);
	return execve(path, argv, envp);
}

#define SPAWNS(name, search)                                                                  \
	static __attribute__((noinline)) int armed_##name(                                    \
		pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,      \
		const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])  \
	{                                                                                     \
		struct call call;                                                             \
                                                                                              \
		CALL_BEGIN(call, posix_spawn, HIT_PATH(search), GIVE_NO_BYTES);               \
		if (call_enter(&call))                                                        \
			call_result(&call,                                                    \
				    real_##name(pid, path, actions, attributes, argv, envp)); \
		return (int)call_leave(&call);                                                \
	}                                                                                     \
	int name(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,     \
		 const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]) \
	{                                                                                     \
		INHERIT(envp);                                                                \
		engine_notes_program(path);                                                   \
		if (ARMED(posix_spawn))                                                       \
			return armed_##name(pid, path, actions, attributes, argv, envp);      \
		return real_##name(pid, path, actions, attributes, argv, envp);               \
	}

SPAWNS(posix_spawn, path)
SPAWNS(posix_spawnp, process_search(path, (char[SUBJECT_PATH_MAX]){0}, SUBJECT_PATH_MAX))

/* libc's own system and popen hand on environ. Where the program emptied it, it is exchanged for
 * the time of the call; a setenv by another thread meanwhile wins. */
#define WITH_ENVIRON(statement)                              \
	do {                                                 \
		char **before_ = environ, **mine_ = environ; \
		INHERIT(mine_);                              \
		environ = mine_;                             \
		statement;                                   \
		if (environ == mine_)                        \
			environ = before_;                   \
	} while (0)

int system(const char *command)
{
	struct call call;
	int ret;

	if (!ARMED(system)) {
		WITH_ENVIRON(ret = real_system(command));
		return ret;
	}
	CALL_BEGIN(call, system, HIT_NOTHING, GIVE_NO_BYTES);
	if (call_enter(&call))
		WITH_ENVIRON(call_result(&call, real_system(command)));
	return (int)call_leave(&call);
}

FILE *popen(const char *command, const char *mode)
{
	struct call call;
	FILE *made = NULL;

	if (!ARMED(popen)) {
		WITH_ENVIRON(made = real_popen(command, mode));
		return made;
	}
	CALL_BEGIN(call, popen, HIT_NOTHING, GIVE_NO_BYTES);
	if (call_enter(&call)) {
		WITH_ENVIRON(made = real_popen(command, mode));
		call_result(&call, (intptr_t)made);
	}
	return (FILE *)(intptr_t)call_leave(&call);
}
