/* wal.c - appending, syncing, rotating, recovering; see wal.h. */
#include "tests/refstore/wal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "failkit/failpoint.h"
#include "tests/refstore/bugs.h"
#include "tests/refstore/ds_bugs.h"
#include "tests/refstore/wal_format.h"

#define SEGMENTS_MAX 4096

struct segment {
	uint64_t number, salt;
	int fd;
	int users;     /* reads and syncs that are under way */
	int unsettled; /* records whose writers have not noted yet where they are */
	bool dropped;  /* close when the last user has left */
	bool broken;
	uint64_t end, synced, sequence;
};

struct wal {
	int dir;
	pthread_mutex_t lock;
	pthread_cond_t synced;
	bool syncing;
	bool broken; /* the last segment is, and no new one could be opened */
	struct segment *segments[SEGMENTS_MAX]; /* oldest first; the last one is written */
	int count;
};

static struct segment *last_segment(struct wal *wal)
{
	return wal->count ? wal->segments[wal->count - 1] : NULL;
}

static struct segment *find_segment(struct wal *wal, uint64_t number)
{
	for (int i = wal->count - 1; i >= 0; i--)
		if (wal->segments[i]->number == number)
			return wal->segments[i];
	return NULL;
}

static void segment_leave(struct segment *s)
{
	if (--s->users == 0 && s->dropped) {
		close(s->fd);
		free(s);
	}
}

static int segment_add(struct wal *wal, uint64_t number, uint64_t salt, int fd, uint64_t end)
{
	struct segment *s = wal->count < SEGMENTS_MAX ? calloc(1, sizeof(*s)) : NULL;

	if (!s)
		return -ENOMEM;
	*s = (struct segment){.number = number, .salt = salt, .fd = fd, .sequence = 1};
	s->end = s->synced = end;
	wal->segments[wal->count++] = s;
	return 0;
}

/* Creates the file of segment number with its header, durable under its name. */
static int segment_create(struct wal *wal, uint64_t number, struct wal_segment_header *header)
{
	char name[40];
	struct iovec part = {header, sizeof(*header)};

	wal_segment_name(name, sizeof(name), number);
	int fd = openat(wal->dir, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	int error = wal_write_at(fd, &part, 1, 0);
	if (!error && fdatasync(fd) < 0)
		error = -errno;
	if (!error)
		error = wal_sync_dir(wal->dir);
	if (!error)
		return fd;
	/* A header that is whole would void the end of the segment before: it must not stay. */
	unlinkat(wal->dir, name, 0);
	close(fd);
	return error;
}

/* Called with the lock. On success the last segment is a fresh one. */
static int rotate(struct wal *wal)
{
	struct segment *last = last_segment(wal);
	struct wal_segment_header header = {
		.magic = WAL_SEGMENT_MAGIC,
		.version = WAL_VERSION,
		.number = last ? last->number + 1 : 1,
		.before = last ? last->number : 0,
		.before_length = last ? last->synced : 0,
	};

	if (getrandom(&header.salt, sizeof(header.salt), 0) != sizeof(header.salt))
		return -EIO;
	header.check = wal_segment_check(&header);
	int fd = segment_create(wal, header.number, &header);
	if (fd < 0)
		return fd;
	int error = segment_add(wal, header.number, header.salt, fd, sizeof(header));
	if (error) {
		close(fd);
		return error;
	}
	wal->broken = false;
	return 0;
}

/* Called with the lock: nothing more is written to s, and what it has not synced is void. */
static void give_up(struct wal *wal, struct segment *s)
{
	s->broken = true;
	if (s == last_segment(wal))
		wal->broken = rotate(wal) != 0;
	pthread_cond_broadcast(&wal->synced);
}

/* Writes a record behind the last one, or leaves the file as it was. */
static int append_at_end(struct wal *wal, struct segment *s, struct wal_record *record,
			 const void *bytes)
{
	struct wal_record_header header = {
		.magic = WAL_RECORD_MAGIC,
		.version = WAL_VERSION,
		.sequence = s->sequence,
		.length = record->length,
		.tag = record->tag,
		.id = record->id,
	};
	struct iovec parts[] = {{&header, sizeof(header)}, {(void *)bytes, record->length}};
	int error;

	header.check = wal_record_check(&header, s->salt);
	if (bug_on(BUG_SHORT_WRITE_IGNORED) || bug_on(BUG_TORN_CHUNK_SERVED)) {
		error = write_once(s->fd, parts, s->end, record);
	} else {
		error = wal_write_at(s->fd, parts, record->length ? 2 : 1, s->end);
	}
	if (error) {
		if (ftruncate(s->fd, (off_t)s->end) < 0)
			give_up(wal, s);
		return error;
	}
	record->place.segment = s->number;
	record->place.offset = s->end + sizeof(header);
	s->end = record->place.end = record->place.offset + header.length;
	s->sequence++;
	s->unsettled++;
	return 0;
}

int wal_append(struct wal *wal, struct wal_record *record, const void *bytes)
{
	int error = 0;

	if (FAILPOINT_ERROR("ds/wal-append"))
		return -errno;
	pthread_mutex_lock(&wal->lock);
	if (wal->broken)
		error = rotate(wal);
	if (!error)
		error = append_at_end(wal, last_segment(wal), record, bytes);
	pthread_mutex_unlock(&wal->lock);
	return error;
}

/* Called with the lock, which is free while the disk works. */
static void sync_segment(struct wal *wal, struct segment *s)
{
	uint64_t end = s->end;

	wal->syncing = true;
	s->users++;
	pthread_mutex_unlock(&wal->lock);
	int error = fdatasync(s->fd) < 0 ? -errno : 0;
	if (!error)
		FAILPOINT("ds/after-wal-sync");
	pthread_mutex_lock(&wal->lock);
	wal->syncing = false;
	if (!error && !s->broken && end > s->synced)
		s->synced = end;
	if (error && !s->broken) {
		log_line("wal: fdatasync of segment %llu failed: %s; giving the segment up",
			 (unsigned long long)s->number, strerror(-error));
		give_up(wal, s);
	}
	segment_leave(s);
	pthread_cond_broadcast(&wal->synced);
}

int wal_sync(struct wal *wal, const struct wal_place *place)
{
	int error = 0;

	pthread_mutex_lock(&wal->lock);
	struct segment *s = find_segment(wal, place->segment); /* kept by being unsettled */
	while (!error && s->synced < place->end) {
		if (s->broken)
			error = -EIO;
		else if (wal->syncing)
			pthread_cond_wait(&wal->synced, &wal->lock);
		else
			sync_segment(wal, s);
	}
	pthread_mutex_unlock(&wal->lock);
	return error;
}

void wal_settle(struct wal *wal, const struct wal_place *place)
{
	pthread_mutex_lock(&wal->lock);
	find_segment(wal, place->segment)->unsettled--;
	pthread_mutex_unlock(&wal->lock);
}

int wal_read(struct wal *wal, const struct wal_record *record, void *bytes)
{
	pthread_mutex_lock(&wal->lock);
	struct segment *s = find_segment(wal, record->place.segment);
	if (s)
		s->users++;
	pthread_mutex_unlock(&wal->lock);
	if (!s)
		return -ESTALE;

	int error = wal_read_at(s->fd, bytes, record->length, record->place.offset);
	pthread_mutex_lock(&wal->lock);
	segment_leave(s);
	pthread_mutex_unlock(&wal->lock);
	if (!error && !bytes_pass(record, bytes))
		error = -EBADMSG;
	return error;
}

uint64_t wal_size(struct wal *wal)
{
	pthread_mutex_lock(&wal->lock);
	uint64_t size = last_segment(wal)->end;
	pthread_mutex_unlock(&wal->lock);
	return size;
}

int wal_rotate(struct wal *wal)
{
	int error = 0;

	pthread_mutex_lock(&wal->lock);
	struct segment *s = last_segment(wal);
	while (s->synced < s->end && !s->broken) {
		if (wal->syncing)
			pthread_cond_wait(&wal->synced, &wal->lock);
		else
			sync_segment(wal, s);
	}
	/* Once begun it must succeed before the next append: the new file may be there, and says
	 * how far this segment goes. */
	if (s == last_segment(wal)) {
		error = rotate(wal);
		wal->broken = error != 0;
	}
	pthread_mutex_unlock(&wal->lock);
	return error;
}

uint64_t wal_oldest(struct wal *wal)
{
	pthread_mutex_lock(&wal->lock);
	struct segment *s = wal->segments[0];
	uint64_t number = wal->count > 1 && !s->unsettled ? s->number : 0;
	pthread_mutex_unlock(&wal->lock);
	return number;
}

int wal_drop(struct wal *wal, uint64_t number)
{
	char name[40];

	wal_segment_name(name, sizeof(name), number);
	if (unlinkat(wal->dir, name, 0) < 0)
		return -errno;
	int error = wal_sync_dir(wal->dir);
	pthread_mutex_lock(&wal->lock);
	struct segment *s = wal->segments[0];
	wal->count--;
	memmove(wal->segments, wal->segments + 1, (size_t)wal->count * sizeof(s));
	s->dropped = true;
	s->users++;
	segment_leave(s);
	pthread_mutex_unlock(&wal->lock);
	return error;
}

bool wal_is_broken(struct wal *wal)
{
	pthread_mutex_lock(&wal->lock);
	bool broken = wal->broken;
	pthread_mutex_unlock(&wal->lock);
	return broken;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The numbers of the segments there are, in order; how many, or -errno. */
static int list_segments(int dir, uint64_t *numbers)
{
	int count = 0, fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!listing)
		return -errno;
	while ((entry = readdir(listing))) {
		uint64_t number = wal_segment_number(entry->d_name);

		if (number && count < SEGMENTS_MAX)
			numbers[count++] = number;
	}
	closedir(listing);
	qsort(numbers, (size_t)count, sizeof(*numbers), compare_numbers);
	return count;
}

struct found {
	int fd;
	char name[40];
	struct wal_scan scan;
};

/* Opens a segment. -ENODATA: a crash came while it was being made; it is removed. */
static int find(struct wal *wal, uint64_t number, bool last, struct found *f,
		struct trouble *trouble)
{
	memset(f, 0, sizeof(*f));
	wal_segment_name(f->name, sizeof(f->name), number);
	f->fd = openat(wal->dir, f->name, O_RDWR | O_CLOEXEC);
	if (f->fd < 0)
		return trouble_set(trouble, -errno, "cannot open %s: %s", f->name, strerror(errno));
	int error = wal_scan_header(f->fd, &f->scan);
	if (!error && f->scan.header.number == number)
		return 0;
	close(f->fd);
	if (!error || error == -ENODATA) {
		if (last) {
			unlinkat(wal->dir, f->name, 0);
			return -ENODATA;
		}
		return trouble_set(trouble, -EILSEQ, "%s: bad header, and newer segments follow",
				   f->name);
	}
	return trouble_set(trouble, error, "cannot read %s: %s", f->name, strerror(-error));
}

/* Replays one segment and cuts its torn end. */
static int replay(struct wal *wal, struct found *f,
		  void (*each)(void *arg, const struct wal_record *), void *arg,
		  struct trouble *trouble)
{
	struct wal_scan *scan = &f->scan;
	int error = wal_scan_records(f->fd, scan, f->name, each, arg, trouble);

	if (!error && scan->good < scan->size) {
		log_line("wal: %s: cutting %llu torn bytes at offset %llu", f->name,
			 (unsigned long long)(scan->size - scan->good),
			 (unsigned long long)scan->good);
		if (ftruncate(f->fd, (off_t)scan->good) < 0 || fdatasync(f->fd) < 0)
			error = trouble_set(trouble, -errno, "cannot cut %s: %s", f->name,
					    strerror(errno));
	}
	if (!error)
		error = segment_add(wal, scan->header.number, scan->header.salt, f->fd, scan->good);
	if (error)
		close(f->fd);
	return error;
}

static int recover(struct wal *wal, void (*each)(void *arg, const struct wal_record *), void *arg,
		   struct trouble *trouble)
{
	static uint64_t numbers[SEGMENTS_MAX];
	struct found f, next;
	int count = list_segments(wal->dir, numbers), error = 0;

	if (count < 0)
		return trouble_set(trouble, count, "cannot list the log: %s", strerror(-count));
	for (int i = 0; i < count && !error; i++) {
		error = i ? 0 : find(wal, numbers[0], count == 1, &f, trouble);
		if (error)
			break;
		bool more = i + 1 < count;
		if (more)
			error = find(wal, numbers[i + 1], i + 2 == count, &next, trouble);
		if (error == -ENODATA)
			more = false;
		else if (error)
			break;
		if (more && next.scan.header.before == numbers[i]) {
			f.scan.limit = next.scan.header.before_length;
			f.scan.sealed = true;
		}
		error = replay(wal, &f, each, arg, trouble);
		if (!more)
			break;
		f = next;
	}
	return error == -ENODATA ? 0 : error;
}

int wal_open(struct wal **out, const char *dir, void (*each)(void *arg, const struct wal_record *),
	     void *arg, struct trouble *trouble)
{
	struct wal *wal = calloc(1, sizeof(*wal));

	if (!wal)
		return trouble_set(trouble, -ENOMEM, "no memory for the log");
	pthread_mutex_init(&wal->lock, NULL);
	pthread_cond_init(&wal->synced, NULL);
	wal->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = wal->dir < 0 ? trouble_set(trouble, -errno, "cannot open directory \"%s\": %s",
					       dir, strerror(errno))
				 : recover(wal, each, arg, trouble);
	if (!error) {
		error = rotate(wal);
		if (error)
			trouble_set(trouble, error, "cannot start a log segment in \"%s\": %s", dir,
				    strerror(-error));
	}
	if (error) {
		wal_close(wal);
		return error;
	}
	*out = wal;
	return 0;
}

void wal_close(struct wal *wal)
{
	for (int i = 0; i < wal->count; i++) {
		close(wal->segments[i]->fd);
		free(wal->segments[i]);
	}
	if (wal->dir >= 0)
		close(wal->dir);
	pthread_mutex_destroy(&wal->lock);
	pthread_cond_destroy(&wal->synced);
	free(wal);
}
