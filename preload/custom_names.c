/*
 * custom_names.c - directories, and the second names of calls about files that have other arguments:
 * fortified ones, and those that programs built before glibc 2.33 call for stat and mknod.
 */
#include <limits.h>

#include "preload/pass.h"
#include "preload/raw.h"

extern void __chk_fail(void) __attribute__((noreturn));

/* ---- Directories ---- */

/* Failure is reported for a directory that is open: nobody will ever close it but us. */
static DIR *directory_left(struct call *call)
{
	DIR *made = call->hit.err ? NULL : (DIR *)(intptr_t)call->hit.ret;
	DIR *ret = (DIR *)(intptr_t)call_leave(call);

	if (made && !ret) {
		int before = errno;

		real_closedir(made);
		errno = before;
	}
	return ret;
}

static __attribute__((noinline)) DIR *armed_opendir(const char *path){
	PASS(opendir, PATH(path), directory_left, real_opendir(path))}

DIR *opendir(const char *path)
{
	DIR *made = ARMED(opendir) ? armed_opendir(path) : real_opendir(path);

	if (made)
		fd_table_forget(dirfd(made));
	return made;
}

/* Whose descriptor stays the caller's when it fails; so here nothing is closed. */
static __attribute__((noinline)) DIR *armed_fdopendir(int fd)
{
	struct call call;

	CALL_BEGIN(call, fdopendir, HIT_FD(fd), GIVE_NO_BYTES);
	if (call_enter(&call))
		call_result(&call, (intptr_t)real_fdopendir(fd));
	return (DIR *)(intptr_t)call_leave(&call);
}

DIR *fdopendir(int fd)
{
	return ARMED(fdopendir) ? armed_fdopendir(fd) : real_fdopendir(fd);
}

/* NULL is the end as well as an error: errno tells, and at the end it stays what it was. */
static __attribute__((noinline)) struct dirent *armed_readdir(DIR *directory)
{
	struct dirent *entry = NULL;
	struct call call;

	CALL_BEGIN(call, readdir, HIT_FD(dirfd(directory)), GIVE_NO_BYTES);
	if (call_enter(&call)) {
		int before = errno;

		errno = 0;
		entry = real_readdir(directory);
		call_result(&call, (intptr_t)entry);
		if (!call.hit.err)
			errno = before;
	}
	return (struct dirent *)(intptr_t)call_leave(&call);
}

struct dirent *readdir(DIR *directory)
{
	return ARMED(readdir) ? armed_readdir(directory) : real_readdir(directory);
}

/* Who is told of a failure gets no entry with it. */
static __attribute__((noinline)) int armed_readdir_r(DIR *directory, struct dirent *entry,
						     struct dirent **found)
{
	struct call call;
	int ret;

	CALL_BEGIN(call, readdir_r, HIT_FD(dirfd(directory)), GIVE_NO_BYTES);
	if (call_enter(&call))
		call_result(&call, real_readdir_r(directory, entry, found));
	ret = (int)call_leave(&call);
	if (ret)
		*found = NULL;
	return ret;
}

int readdir_r(DIR *directory, struct dirent *entry, struct dirent **found)
{
	return ARMED(readdir_r) ? armed_readdir_r(directory, entry, found)
				: real_readdir_r(directory, entry, found);
}

static __attribute__((noinline)) int
armed_scandir(const char *path, struct dirent ***list, int (*choose)(const struct dirent *),
	      int (*order)(const struct dirent **, const struct dirent **))
{
	PASS(scandir, PATH(path), call_leave, real_scandir(path, list, choose, order))
}

int scandir(const char *path, struct dirent ***list, int (*choose)(const struct dirent *),
	    int (*order)(const struct dirent **, const struct dirent **))
{
	return ARMED(scandir) ? armed_scandir(path, list, choose, order)
			      : real_scandir(path, list, choose, order);
}

static __attribute__((noinline)) int
armed_scandirat(int directory, const char *path, struct dirent ***list,
		int (*choose)(const struct dirent *),
		int (*order)(const struct dirent **, const struct dirent **))
{
	PASS(scandirat, PATH_AT(directory, path, 0), call_leave,
	     real_scandirat(directory, path, list, choose, order))
}

int scandirat(int directory, const char *path, struct dirent ***list,
	      int (*choose)(const struct dirent *),
	      int (*order)(const struct dirent **, const struct dirent **))
{
	return ARMED(scandirat) ? armed_scandirat(directory, path, list, choose, order)
				: real_scandirat(directory, path, list, choose, order);
}

int closedir(DIR *directory)
{
	int fd = dirfd(directory), ret;

	fd_table_forget(fd);
	ret = real_closedir(directory);
	fd_table_forget(fd);
	return ret;
}

/* ---- Second names ---- */

ssize_t __readlink_chk(const char *path, char *buf, size_t n, size_t size);
ssize_t __readlink_chk(const char *path, char *buf, size_t n, size_t size)
{
	if (n > size)
		__chk_fail();
	return readlink(path, buf, n);
}

ssize_t __readlinkat_chk(int dirfd_, const char *path, char *buf, size_t n, size_t size);
ssize_t __readlinkat_chk(int dirfd_, const char *path, char *buf, size_t n, size_t size)
{
	if (n > size)
		__chk_fail();
	return readlinkat(dirfd_, path, buf, n);
}

/* The version of struct stat: the kernel's and libc's are the same on 64-bit machines. */
static bool is_version(int version)
{
	if (version == 0 || version == 1)
		return true;
	errno = EINVAL;
	return false;
}

/* __xstat(version, ...) and its 64-bit twin are stat(...). */
#define VERSIONED(old, name, params, args)                   \
	int old params;                                      \
	int old##64 params;                                  \
	int old params                                       \
	{                                                    \
		return is_version(version) ? name args : -1; \
	}                                                    \
	int old##64 params                                   \
	{                                                    \
		return is_version(version) ? name args : -1; \
	}

VERSIONED(__xstat, stat, (int version, const char *path, struct stat *out), (path, out))
VERSIONED(__lxstat, lstat, (int version, const char *path, struct stat *out), (path, out))
VERSIONED(__fxstat, fstat, (int version, int fd, struct stat *out), (fd, out))
VERSIONED(__fxstatat, fstatat, (int version, int fd, const char *path, struct stat *out, int flags),
	  (fd, path, out, flags))

int __xmknod(int version, const char *path, mode_t mode, dev_t *device);
int __xmknod(int version, const char *path, mode_t mode, dev_t *device)
{
	return is_version(version) ? mknod(path, mode, *device) : -1;
}

int __xmknodat(int version, int fd, const char *path, mode_t mode, dev_t *device);
int __xmknodat(int version, int fd, const char *path, mode_t mode, dev_t *device)
{
	return is_version(version) ? mknodat(fd, path, mode, *device) : -1;
}
