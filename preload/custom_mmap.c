/*
 * custom_mmap.c - mappings: what is written by memory never comes by again, so a shared writable
 * mapping of a regular file is noted for the escape report when it is made, or becomes writable.
 *
 * Where those are that could become so is remembered, so that mprotect() of anything else costs
 * nothing. What is remembered may be gone, or another mapping by now: the kernel's list of mappings
 * says what it is.
 */
#include "failpoint/stack.h"
#include "preload/pass.h"
#include "preload/raw.h"
#include "preload/subject.h"

static __attribute__((noinline)) void *armed_mmap(void *at, size_t n, int protection, int flags,
						  int fd, off_t offset)
{
	PASS(mmap, MAPPING(fd, flags), call_leave, real_mmap(at, n, protection, flags, fd, offset))
}

static bool shares_file(int flags, int fd)
{
	int type = flags & MAP_TYPE;

	return fd >= 0 && !(flags & MAP_ANONYMOUS) &&
	       (type == MAP_SHARED || type == MAP_SHARED_VALIDATE);
}

/* Shared mappings of files that were made without PROT_WRITE. The last range takes in all that came
 * when there was no other left. Empty ones: start is not below end. */
enum { READ_ONLY_MAX = 64 };
static struct range {
	_Atomic uintptr_t start, end;
} read_only[READ_ONLY_MAX];
static _Atomic uint32_t read_only_used;

static void remember(void *at, size_t n)
{
	uint32_t i = atomic_load(&read_only_used);
	uintptr_t start = (uintptr_t)at, end = start + n, was;
	struct range *range;

	if (i < READ_ONLY_MAX)
		i = atomic_fetch_add(&read_only_used, 1);
	range = &read_only[i < READ_ONLY_MAX ? i : READ_ONLY_MAX - 1];
	was = atomic_load(&range->start);
	while ((!was || start < was) && !atomic_compare_exchange_weak(&range->start, &was, start))
		;
	was = atomic_load(&range->end);
	while (end > was && !atomic_compare_exchange_weak(&range->end, &was, end))
		;
}

static struct range *remembered(uintptr_t start, uintptr_t end)
{
	uint32_t used = atomic_load_explicit(&read_only_used, memory_order_relaxed);

	for (uint32_t i = 0; i < used && i < READ_ONLY_MAX; i++)
		if (atomic_load(&read_only[i].start) < end &&
		    start < atomic_load(&read_only[i].end))
			return &read_only[i];
	return NULL;
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

	if (__builtin_expect(shares_file(flags, fd), 0) && made != MAP_FAILED) {
		if (protection & PROT_WRITE)
			note_mapping(fd);
		else
			remember(made, n);
	}
	return made;
}

/* ---- Becoming writable ---- */

static bool is_regular(const char *path)
{
	struct stat st;

	return raw(SYS_newfstatat, AT_FDCWD, path, &st, 0) == 0 && S_ISREG(st.st_mode);
}

/* Once for each: what was noted is forgotten. */
static __attribute__((noinline)) void note_writable(void *at, size_t n)
{
	struct range *range = remembered((uintptr_t)at, (uintptr_t)at + n);
	struct stack_scratch *scratch = range ? stack_scratch_take() : NULL;

	if (!scratch)
		return;
	if (stack_shared_file_at(scratch, (uintptr_t)at) && is_regular(scratch->object.path)) {
		engine_notes_mapping(scratch->object.path);
		if (range != &read_only[READ_ONLY_MAX - 1])
			atomic_store(&range->end, 0);
	}
	stack_scratch_give(scratch);
}

#define PROTECTS(name, params, args)                                          \
	static __attribute__((noinline)) int armed_##name params              \
	{                                                                     \
		PASS(name, NOTHING, call_leave, real_##name args)             \
	}                                                                     \
	int name params                                                       \
	{                                                                     \
		int ret = ARMED(name) ? armed_##name args : real_##name args; \
                                                                              \
		if (protection & PROT_WRITE && ret == 0 &&                    \
		    __builtin_expect(atomic_load(&read_only_used) != 0, 0))   \
			note_writable(at, n);                                 \
		return ret;                                                   \
	}

PROTECTS(mprotect, (void *at, size_t n, int protection), (at, n, protection))
PROTECTS(pkey_mprotect, (void *at, size_t n, int protection, int key), (at, n, protection, key))
