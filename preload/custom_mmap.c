/*
 * custom_mmap.c - mappings: what is written by memory never comes by again, so a shared writable
 * mapping of a regular file is noted for the escape report when it is made.
 */
#include "preload/pass.h"
#include "preload/raw.h"
#include "preload/subject.h"

static __attribute__((noinline)) void *armed_mmap(void *at, size_t n, int protection, int flags,
						  int fd, off_t offset)
{
	PASS(mmap, MAPPING(fd, flags), call_leave, real_mmap(at, n, protection, flags, fd, offset))
}

static bool writes_file(int protection, int flags, int fd)
{
	int type = flags & MAP_TYPE;

	return fd >= 0 && !(flags & MAP_ANONYMOUS) && protection & PROT_WRITE &&
	       (type == MAP_SHARED || type == MAP_SHARED_VALIDATE);
}

static __attribute__((noinline)) void note_mapping(int fd)
{
	char path[SUBJECT_PATH_MAX];
	struct stat st;

	if (raw(SYS_fstat, fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	subject_fd_path(fd, path, sizeof(path));
	if (path[0]) /* a memfd is no file */
		engine_notes_mapping(path);
}

void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
	void *made = ARMED(mmap) ? armed_mmap(at, n, protection, flags, fd, offset)
				 : real_mmap(at, n, protection, flags, fd, offset);

	if (__builtin_expect(writes_file(protection, flags, fd), 0) && made != MAP_FAILED)
		note_mapping(fd);
	return made;
}
