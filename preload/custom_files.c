/*
 * custom_files.c - calls that make, name or end a descriptor. Whoever does one tells the fd table;
 * a close that is made to fail has closed all the same, as the kernel's would.
 */
#include "preload/call.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>

#include "preload/fd_table.h"
#include "preload/linked.h"
#include "preload/pass.h"
#include "preload/raw.h"

extern void __chk_fail(void) __attribute__((noreturn));
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags);
int __openat64_2(int dirfd, const char *path, int flags);

static bool wants_mode(int flags)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
}

/* The mode of a variadic open; without need there is none on the stack. */
#define MODE_OF(mode, flags)                 \
	mode_t mode = 0;                     \
	if (wants_mode(flags)) {             \
		va_list more;                \
		va_start(more, flags);       \
		mode = va_arg(more, mode_t); \
		va_end(more);                \
	}

static __attribute__((noinline)) int armed_open(const char *path, int flags, mode_t mode)
{
	PASS(open, PATH_AT(AT_FDCWD, path, flags), call_leave_fd, real_open(path, flags, mode))
}

int open(const char *path, int flags, ...)
{
	int made;
	MODE_OF(mode, flags)

	if (ARMED(open))
		return armed_open(path, flags, mode);
	made = real_open(path, flags, mode);
	fd_table_forget(made);
	return made;
}

static __attribute__((noinline)) int armed_openat(int dirfd, const char *path, int flags,
						  mode_t mode)
{
	PASS(openat, PATH_AT(dirfd, path, flags), call_leave_fd,
	     real_openat(dirfd, path, flags, mode))
}

int openat(int dirfd, const char *path, int flags, ...)
{
	int made;
	MODE_OF(mode, flags)

	if (ARMED(openat))
		return armed_openat(dirfd, path, flags, mode);
	made = real_openat(dirfd, path, flags, mode);
	fd_table_forget(made);
	return made;
}

static __attribute__((noinline)) int armed_creat(const char *path, mode_t mode)
{
	PASS(creat, PATH_AT(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC), call_leave_fd,
	     real_creat(path, mode))
}

int creat(const char *path, mode_t mode)
{
	int made;

	if (ARMED(creat))
		return armed_creat(path, mode);
	made = real_creat(path, mode);
	fd_table_forget(made);
	return made;
}

/* Fortified opens promise that there is no mode; libc checks the promise at run time. */
int __open_2(const char *path, int flags)
{
	if (wants_mode(flags))
		__chk_fail();
	return open(path, flags);
}

int __open64_2(const char *path, int flags)
{
	return __open_2(path, flags);
}

int __openat_2(int dirfd, const char *path, int flags)
{
	if (wants_mode(flags))
		__chk_fail();
	return openat(dirfd, path, flags);
}

int __openat64_2(int dirfd, const char *path, int flags)
{
	return __openat_2(dirfd, path, flags);
}

static __attribute__((noinline)) int armed_close(int fd)
{
	struct call call;

	CALL_BEGIN(call, close, HIT_FD(fd), GIVE_NO_BYTES);
	if (call_enter(&call))
		call_result(&call, real_close(fd));
	else if (call.hit.err != EBADF || raw(SYS_fcntl, fd, F_GETFD) >= 0)
		raw(SYS_close, fd);
	return (int)call_leave(&call);
}

int close(int fd)
{
	int ret;

	fd_table_forget(fd);
	ret = ARMED(close) ? armed_close(fd) : real_close(fd);
	fd_table_forget(fd);
	return ret;
}

/* Calls that change names: remembered paths are read again. */
#define RENAMES(name, params, args, subject)                                  \
	static __attribute__((noinline)) int armed_##name params              \
	{                                                                     \
		PASS(name, subject, call_leave, real_##name args)             \
	}                                                                     \
	int name params                                                       \
	{                                                                     \
		int ret = ARMED(name) ? armed_##name args : real_##name args; \
                                                                              \
		fd_table_renamed();                                           \
		return ret;                                                   \
	}

RENAMES(rename, (const char *from, const char *to), (from, to),
	PATHS(AT_FDCWD, from, AT_FDCWD, to, 0))
RENAMES(renameat, (int dirfd, const char *from, int dirfd2, const char *to),
	(dirfd, from, dirfd2, to), PATHS(dirfd, from, dirfd2, to, 0))
RENAMES(renameat2, (int dirfd, const char *from, int dirfd2, const char *to, unsigned flags),
	(dirfd, from, dirfd2, to, flags), PATHS(dirfd, from, dirfd2, to, flags))
RENAMES(link, (const char *from, const char *to), (from, to),
	PATHS(AT_FDCWD, from, AT_FDCWD, to, 0))

static __attribute__((noinline)) int armed_linkat(int dirfd, const char *from, int dirfd2,
						  const char *to, int flags)
{
	PASS(linkat, PATHS(dirfd, from, dirfd2, to, flags), call_leave,
	     real_linkat(dirfd, from, dirfd2, to, flags))
}

/* The one way for a file made without a name to get one. */
int linkat(int dirfd, const char *from, int dirfd2, const char *to, int flags)
{
	int ret = ARMED(linkat) ? armed_linkat(dirfd, from, dirfd2, to, flags)
				: real_linkat(dirfd, from, dirfd2, to, flags);

	if (ret == 0)
		linked_note(dirfd, from, dirfd2, to, flags);
	fd_table_renamed();
	return ret;
}

RENAMES(unlink, (const char *path), (path), PATH(path))
RENAMES(unlinkat, (int dirfd, const char *path, int flags), (dirfd, path, flags),
	PATH_AT(dirfd, path, flags))
RENAMES(rmdir, (const char *path), (path), PATH(path))
RENAMES(remove, (const char *path), (path), PATH(path))

static __attribute__((noinline)) int armed_dup(int fd)
{
	PASS(dup, FD(fd), call_leave_fd, real_dup(fd))
}

int dup(int fd)
{
	int made = ARMED(dup) ? armed_dup(fd) : real_dup(fd);

	fd_table_forget(made);
	return made;
}

/* Here the caller knows the number and may close it, so nothing is closed for him. */
static __attribute__((noinline)) int armed_dup2(int fd, int to)
{
	PASS(dup2, FD(fd), call_leave, real_dup2(fd, to))
}

int dup2(int fd, int to)
{
	int ret;

	fd_table_forget(to);
	ret = ARMED(dup2) ? armed_dup2(fd, to) : real_dup2(fd, to);
	fd_table_forget(to);
	return ret;
}

static __attribute__((noinline)) int armed_dup3(int fd, int to, int flags)
{
	PASS(dup3, FD_FLAGS(fd, flags), call_leave, real_dup3(fd, to, flags))
}

int dup3(int fd, int to, int flags)
{
	int ret;

	fd_table_forget(to);
	ret = ARMED(dup3) ? armed_dup3(fd, to, flags) : real_dup3(fd, to, flags);
	fd_table_forget(to);
	return ret;
}

static bool makes_fd(int command)
{
	return command == F_DUPFD || command == F_DUPFD_CLOEXEC;
}

static __attribute__((noinline)) int armed_fcntl(int fd, int command, void *argument)
{
	struct call call;

	CALL_BEGIN(call, fcntl, HIT_FD_FLAGS(fd, command), GIVE_NO_BYTES);
	if (call_enter(&call))
		call_result(&call, real_fcntl(fd, command, argument));
	return (int)(makes_fd(command) ? call_leave_fd(&call) : call_leave(&call));
}

/* The argument is a whole word, or absent: then what is read is passed on and not looked at. */
int fcntl(int fd, int command, ...)
{
	void *argument;
	va_list more;
	int ret;

	va_start(more, command);
	argument = va_arg(more, void *);
	va_end(more);
	ret = ARMED(fcntl) ? armed_fcntl(fd, command, argument) : real_fcntl(fd, command, argument);
	if (makes_fd(command))
		fd_table_forget(ret);
	return ret;
}

static __attribute__((noinline)) int armed_close_range(unsigned first, unsigned last, int flags)
{
	PASS(close_range, NOTHING, call_leave, real_close_range(first, last, flags))
}

int close_range(unsigned first, unsigned last, int flags)
{
	int ret;

	fd_table_forget_range(first, last);
	ret = ARMED(close_range) ? armed_close_range(first, last, flags)
				 : real_close_range(first, last, flags);
	fd_table_forget_range(first, last);
	return ret;
}

void closefrom(int low)
{
	fd_table_forget_range(low > 0 ? (unsigned)low : 0, ~0u);
	real_closefrom(low);
	fd_table_forget_range(low > 0 ? (unsigned)low : 0, ~0u);
}
