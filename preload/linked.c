/* linked.c - see linked.h for the model. */
#include "preload/linked.h"

#include <stdatomic.h>

#include "preload/raw.h"
#include "preload/subject.h"

#define FOLDER "/proc/self/fd/"

static struct name {
	_Atomic uint32_t sequence;
	uint64_t device, inode;
	char path[LINKED_PATH_MAX];
} names[LINKED_MAX];
static _Atomic uint32_t count;

/* The descriptor that a linkat() was about, -1 when it was about a name. */
static int linked_descriptor(int dirfd, const char *from, int flags)
{
	int fd = 0;

	if (flags & AT_EMPTY_PATH && !*from)
		return dirfd;
	if (!(flags & AT_SYMLINK_FOLLOW) || !raw_begins(from, FOLDER, sizeof(FOLDER) - 1))
		return -1;
	from += sizeof(FOLDER) - 1;
	if (!*from)
		return -1;
	for (; *from >= '0' && *from <= '9' && fd < INT32_MAX / 10 - 1; from++)
		fd = fd * 10 + (*from - '0');
	return *from ? -1 : fd;
}

void linked_note(int dirfd, const char *from, int dirfd2, const char *to, int flags)
{
	int fd = linked_descriptor(dirfd, from, flags);
	char path[SUBJECT_PATH_MAX];
	struct name *name;
	uint32_t sequence;
	struct stat st;

	if (fd < 0 || raw(SYS_fstat, fd, &st) < 0 ||
	    !subject_path(dirfd2, to, path, sizeof(path)) || raw_length(path) >= LINKED_PATH_MAX)
		return;
	name = &names[atomic_fetch_add(&count, 1) % LINKED_MAX];
	sequence = atomic_load(&name->sequence);
	if (sequence & 1 ||
	    !atomic_compare_exchange_strong(&name->sequence, &sequence, sequence + 1))
		return;
	name->device = st.st_dev;
	name->inode = st.st_ino;
	raw_move(name->path, path, raw_length(path) + 1);
	atomic_store_explicit(&name->sequence, sequence + 2, memory_order_release);
}

static bool copy_name(struct name *name, uint64_t device, uint64_t inode, char *out, size_t size)
{
	uint32_t sequence = atomic_load_explicit(&name->sequence, memory_order_acquire);

	if (!sequence || sequence & 1 || name->device != device || name->inode != inode)
		return false;
	raw_move(out, name->path, size < LINKED_PATH_MAX ? size : LINKED_PATH_MAX);
	raw_load_barrier();
	return atomic_load_explicit(&name->sequence, memory_order_relaxed) == sequence;
}

/* The newest first: an inode number may be used again. */
bool linked_find(uint64_t device, uint64_t inode, char *out, size_t size)
{
	uint32_t newest = atomic_load(&count);
	char path[LINKED_PATH_MAX];

	for (uint32_t i = 1; i <= newest && i <= LINKED_MAX; i++)
		if (copy_name(&names[(newest - i) % LINKED_MAX], device, inode, path,
			      sizeof(path)) &&
		    raw_length(path) < size) {
			raw_move(out, path, raw_length(path) + 1);
			return true;
		}
	return false;
}
