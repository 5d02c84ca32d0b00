/*
 * notify_perform_name.c - calls by path, made in the target's stead. See notify_impl.h.
 *
 * A relative path is meant from the target's own folder: it is reached through the target's links in
 * /proc. Only for a target that sees the file system as we do, with the same rights in it; files get
 * its mode by its umask, ours is 0.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "failpoint/notify_impl.h"

enum { NOT_THERE = -1, LONG_NAME = PATH_MAX + 64 };

#ifndef SYS_open
#define SYS_open   NOT_THERE
#define SYS_creat  NOT_THERE
#define SYS_rename NOT_THERE
#define SYS_unlink NOT_THERE
#define SYS_link   NOT_THERE
#define SYS_mkdir  NOT_THERE
#define SYS_rmdir  NOT_THERE
#endif
#ifndef SYS_renameat
#define SYS_renameat NOT_THERE
#endif

static const struct by_name {
	long number;
	int8_t mode; /* which argument, -1: none */
	bool makes;  /* a descriptor */
} calls[] = {
	{SYS_open, 2, true},     {SYS_openat, 3, true},     {SYS_creat, 1, true},
	{SYS_rename, -1, false}, {SYS_renameat, -1, false}, {SYS_renameat2, -1, false},
	{SYS_unlink, -1, false}, {SYS_unlinkat, -1, false}, {SYS_link, -1, false},
	{SYS_linkat, -1, false}, {SYS_mkdir, 1, false},     {SYS_mkdirat, 2, false},
	{SYS_rmdir, -1, false},  {SYS_truncate, -1, false},
};

static const struct by_name *find_call(const struct passage *p)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].number >= 0 && calls[i].number == p->notification->data.nr)
			return &calls[i];
	return NULL;
}

static bool is_same_file(uint32_t tid, const char *what)
{
	char theirs[64], ours[64];
	struct stat a, b;

	proc_path(theirs, tid, what, -1);
	snprintf(ours, sizeof(ours), "/proc/self/%s", what);
	return stat(theirs, &a) == 0 && stat(ours, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static bool read_status(const char *path, char *text, size_t size, uint64_t ids[2])
{
	enum { OF_FILES = 3 }; /* real, effective, saved, of files */

	return proc_read(path, text, size) > 0 && proc_field(text, "Uid:", OF_FILES, 10, &ids[0]) &&
	       proc_field(text, "Gid:", OF_FILES, 10, &ids[1]);
}

static bool sees_as_we_do(uint32_t tid)
{
	char path[64], text[4096];
	uint64_t theirs[2], ours[2];

	proc_path(path, tid, "status", -1);
	return is_same_file(tid, "root") && is_same_file(tid, "ns/mnt") &&
	       read_status(path, text, sizeof(text), theirs) &&
	       read_status("/proc/self/status", text, sizeof(text), ours) &&
	       memcmp(theirs, ours, sizeof(ours)) == 0;
}

bool notify_can_perform_name(const struct passage *p)
{
	return find_call(p) && (!p->tid || (p->hit.path && sees_as_we_do(p->tid)));
}

static bool name_from_here(const struct passage *p, int dirfd, const char *name,
			   char out[LONG_NAME])
{
	char base[64] = "";

	if (name[0] != '/' && dirfd == AT_FDCWD)
		proc_path(base, p->tid, "cwd", -1);
	else if (name[0] != '/')
		proc_path(base, p->tid, "fd", dirfd);
	return snprintf(out, LONG_NAME, "%s%s%s", base, *base && *name ? "/" : "", name) <
	       LONG_NAME;
}

static uint64_t umask_of(uint32_t tid)
{
	char path[64], text[4096];
	uint64_t mask = 0;

	proc_path(path, tid, "status", -1);
	if (proc_read(path, text, sizeof(text)) > 0)
		proc_field(text, "Umask:", 0, 8, &mask);
	return mask;
}

bool notify_perform_name(struct passage *p)
{
	const struct by_name *call = find_call(p);
	char name[LONG_NAME], name2[LONG_NAME];
	const struct notify_row *row = p->row;
	long a[6], result;

	for (unsigned i = 0; i < 6; i++)
		a[i] = (long)p->notification->data.args[i];
	if (!name_from_here(p, p->hit.dirfd, p->name, name) ||
	    (p->hit.path2 && !name_from_here(p, p->hit.dirfd2, p->name2, name2)))
		return false;
	a[row->path] = (long)name;
	if (row->path2 >= 0)
		a[row->path2] = (long)(p->hit.path2 ? name2 : NULL);
	if (call->mode >= 0)
		a[call->mode] &= ~(long)umask_of(p->tid);
	p->cloexec = call->makes && p->hit.flags & O_CLOEXEC;
	notify_hand_over();
	result = raw_syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
	p->made = call->makes && result >= 0;
	notify_note_result(p, result);
	return true;
}
