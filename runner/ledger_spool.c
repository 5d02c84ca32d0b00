/* ledger_spool.c - see ledger_spool.h. */
#include "runner/ledger_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SPOOL_FIRST = 1 << 20 };
static const uint64_t spool_magic = UINT64_C(0x316c6f6f70736b66); /* "fkspool1" */

struct spool_head {
	uint64_t magic;
	_Atomic uint64_t batch;
	_Atomic uint64_t used; /* of the bytes after the head */
	uint64_t spare;
};

static void path_of(const char *ledger_path, int i, char *path, size_t size)
{
	snprintf(path, size, "%s-spool%d", ledger_path, i);
}

/* By a descriptor of its own: a mapping can outlive its process for a moment, as when somebody reads
 * of that in /proc, and with it the lock would, of a run that is dead. */
static void *map_file(const char *path, size_t size)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), error;
	void *at;

	if (fd < 0)
		return MAP_FAILED;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	error = errno;
	close(fd);
	errno = error;
	return at;
}

/* path: of the first mapping. */
static int map(struct spool *spool, const char *path, size_t size)
{
	void *at = spool->head ? mremap(spool->head, sizeof(*spool->head) + spool->room, size,
					MREMAP_MAYMOVE)
			       : map_file(path, size);

	if (at == MAP_FAILED)
		return -errno;
	spool->head = at;
	spool->bytes = (uint8_t *)(spool->head + 1);
	spool->room = size - sizeof(*spool->head);
	return 0;
}

static int open_locked(struct spool *spool, const char *path, int flags)
{
	*spool = (struct spool){.fd = open(path, flags | O_RDWR | O_CLOEXEC, 0600)};
	if (spool->fd < 0)
		return -errno;
	return flock(spool->fd, LOCK_EX | LOCK_NB) == 0 ? 0
	       : errno == EWOULDBLOCK                   ? -EBUSY
							: -errno;
}

int spool_create(struct spool *spool, const char *ledger_path, int i, struct why *why)
{
	char path[4096];
	int rc;

	path_of(ledger_path, i, path, sizeof(path));
	rc = open_locked(spool, path, O_CREAT | O_EXCL);
	if (rc == 0)
		rc = -posix_fallocate(spool->fd, 0, SPOOL_FIRST);
	if (rc == 0)
		rc = map(spool, path, SPOOL_FIRST);
	if (rc < 0) {
		spool_close(spool);
		return why_set(why, rc, "cannot make \"%s\": %s", path, strerror(-rc));
	}
	spool->head->magic = spool_magic;
	return 0;
}

int spool_open(struct spool *spool, const char *ledger_path, int i, struct why *why)
{
	char path[4096];
	struct stat is;
	int rc;

	path_of(ledger_path, i, path, sizeof(path));
	rc = open_locked(spool, path, 0);
	if (rc == 0 && fstat(spool->fd, &is) < 0)
		rc = -errno;
	/* Killed before it had its room, or its head, a spool holds nothing. */
	if (rc == 0 && (size_t)is.st_size < sizeof(struct spool_head))
		rc = -posix_fallocate(spool->fd, 0, is.st_size = SPOOL_FIRST);
	if (rc == 0)
		rc = map(spool, path, (size_t)is.st_size);
	if (rc == 0 && ((spool->head->magic && spool->head->magic != spool_magic) ||
			spool->head->used > spool->room))
		rc = -EBADMSG;
	if (rc < 0) {
		spool_close(spool);
		return why_set(why, rc, "\"%s\": %s", path,
			       rc == -EBADMSG ? "not a spool of a ledger" : strerror(-rc));
	}
	spool->used = spool->head->used;
	return 0;
}

int spool_turn(const char *ledger_path)
{
	struct flock first = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	char path[4096];
	struct stat is;
	int fd, rc;

	path_of(ledger_path, 0, path, sizeof(path));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do
		rc = fcntl(fd, F_OFD_SETLKW, &first) ? -errno : 0;
	while (rc == -EINTR);
	/* Removed meanwhile: whose turn it was has recovered all. */
	if (rc == 0 && (fstat(fd, &is) || is.st_nlink == 0))
		rc = -ENOENT;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

void spool_close(struct spool *spool)
{
	if (spool->head)
		munmap(spool->head, sizeof(*spool->head) + spool->room);
	if (spool->fd >= 0)
		close(spool->fd);
	*spool = (struct spool){.fd = -1};
}

void spool_remove(const char *ledger_path)
{
	char path[4096];

	for (int i = SPOOLS; i-- > 0;) {
		path_of(ledger_path, i, path, sizeof(path));
		unlink(path);
	}
}

static int grow(struct spool *spool, size_t size)
{
	size_t whole = sizeof(*spool->head) + spool->room;

	while (whole - sizeof(*spool->head) < size)
		whole *= 2;
	int rc = posix_fallocate(spool->fd, 0, (off_t)whole);
	return rc ? -rc : map(spool, NULL, whole);
}

uint8_t *spool_room(struct spool *spool, size_t size)
{
	if (spool->used + size > spool->room) {
		int rc = grow(spool, spool->used + size);

		if (rc < 0) {
			errno = -rc;
			return NULL;
		}
	}
	spool->used += size;
	return spool->bytes + spool->used - size;
}

void spool_publish(struct spool *spool)
{
	atomic_store_explicit(&spool->head->used, spool->used, memory_order_release);
}

void spool_begin(struct spool *spool, uint64_t batch)
{
	spool->used = 0;
	spool_publish(spool);
	/* Never seen before the rows of the last one are gone: they would count once more. */
	atomic_store_explicit(&spool->head->batch, batch, memory_order_release);
}

uint64_t spool_batch(const struct spool *spool)
{
	return spool->head->batch;
}
