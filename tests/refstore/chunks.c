/* chunks.c - index, chunk files, checkpoints; see chunks.h. */
#include "tests/refstore/chunks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failkit/failpoint.h"
#include "tests/refstore/ds_bugs.h"
#include "tests/refstore/wal_format.h"

#define BUCKETS       65536
#define CHECKPOINT_MS 200

struct chunk {
	struct chunk *next;
	struct wal_record record;
	uint64_t stored_ms;
	bool in_file;
};

static struct chunk *buckets[BUCKETS]; /* by the first two bytes of the id, which is random */
static uint64_t count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int dir = -1;
static struct wal *wal;
static uint64_t segment_max;

void chunk_id_text(const struct chunk_id *id, char text[CHUNK_ID_TEXT_MAX])
{
	for (int i = 0; i < CHUNK_ID_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", id->bytes[i]);
}

bool chunk_id_parse(const char *text, struct chunk_id *id)
{
	if (!text || strlen(text) != 2 * CHUNK_ID_BYTES ||
	    strspn(text, "0123456789abcdef") != 2 * CHUNK_ID_BYTES)
		return false;
	for (int i = 0; i < CHUNK_ID_BYTES; i++) {
		char two[3] = {text[2 * i], text[2 * i + 1], 0};

		id->bytes[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return true;
}

/* Where the pointer to the chunk is, or would be. Called with the lock. */
static struct chunk **find(const struct chunk_id *id)
{
	struct chunk **at = &buckets[id->bytes[0] << 8 | id->bytes[1]];

	while (*at && memcmp(&(*at)->record.id, id, sizeof(*id)) != 0)
		at = &(*at)->next;
	return at;
}

/* Adds a chunk or replaces what is known about it. */
static int index_set(const struct wal_record *record, bool in_file)
{
	int error = 0;

	pthread_mutex_lock(&lock);
	struct chunk **at = find(&record->id);
	if (!*at) {
		*at = calloc(1, sizeof(**at));
		count += *at != NULL;
	}
	if (*at) {
		(*at)->record = *record;
		(*at)->in_file = in_file;
		(*at)->stored_ms = clock_ms();
	} else {
		error = -ENOMEM;
	}
	pthread_mutex_unlock(&lock);
	return error;
}

static bool index_get(const struct chunk_id *id, struct chunk *copy)
{
	pthread_mutex_lock(&lock);
	struct chunk *chunk = *find(id);
	if (chunk)
		*copy = *chunk;
	pthread_mutex_unlock(&lock);
	return chunk != NULL;
}

static void file_name(const struct chunk_id *id, const char *suffix, char name[48])
{
	char text[CHUNK_ID_TEXT_MAX];

	chunk_id_text(id, text);
	snprintf(name, 48, "%s.%s", text, suffix);
}

int chunks_put(struct wal_record *record, const void *bytes)
{
	struct chunk known;
	uint64_t length = record->length;

	if (index_get(&record->id, &known) && known.record.tag == record->tag)
		return 0;
	int error = wal_append(wal, record, bytes);
	if (error)
		return error;
	error = wal_sync(wal, &record->place);
	if (record->length != length) /* only a planted bug shortens it */
		record->tag = tag_of(bytes, record->length);
	if (!error)
		error = index_set(record, false);
	wal_settle(wal, &record->place);
	return error;
}

static int read_file(const struct wal_record *record, void *bytes)
{
	char name[48];

	file_name(&record->id, "chunk", name);
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int error = wal_read_at(fd, bytes, record->length, sizeof(struct wal_record_header));
	close(fd);
	if (!error && !bytes_pass(record, bytes))
		error = -EBADMSG;
	return error;
}

int chunks_get(const struct wal_record *wanted, void **out)
{
	struct chunk chunk;

	/* A checkpoint or a drop may move the chunk while it is read: look again. */
	for (int tries = 0; tries < 5; tries++) {
		if (!index_get(&wanted->id, &chunk) || chunk.record.length != wanted->length ||
		    chunk.record.tag != wanted->tag)
			return -ENOENT;
		void *bytes = malloc(wanted->length + 1);
		if (!bytes)
			return -ENOMEM;
		int error = chunk.in_file ? read_file(&chunk.record, bytes)
					  : wal_read(wal, &chunk.record, bytes);
		if (!error) {
			*out = bytes;
			return 0;
		}
		free(bytes);
		if (error != -ESTALE && error != -ENOENT)
			return error;
	}
	return -EIO;
}

void chunks_drop(const struct chunk_id *id)
{
	char name[48];

	pthread_mutex_lock(&lock);
	struct chunk **at = find(id), *chunk = *at;
	if (chunk) {
		*at = chunk->next;
		count--;
	}
	pthread_mutex_unlock(&lock);
	if (chunk && chunk->in_file) {
		file_name(id, "chunk", name);
		unlinkat(dir, name, 0);
	}
	free(chunk);
}

uint64_t chunks_count(void)
{
	pthread_mutex_lock(&lock);
	uint64_t n = count;
	pthread_mutex_unlock(&lock);
	return n;
}

bool chunks_log_is_broken(void)
{
	return wal_is_broken(wal);
}

int chunks_older(uint64_t age_ms, uint32_t *cursor, struct chunk_id *ids, int max)
{
	uint64_t now = clock_ms();
	int n = 0;

	pthread_mutex_lock(&lock);
	for (uint32_t turns = 0; turns < BUCKETS && n < max; turns++) {
		*cursor = (*cursor + 1) % BUCKETS;
		for (struct chunk *c = buckets[*cursor]; c && n < max; c = c->next)
			if (c->stored_ms + age_ms <= now)
				ids[n++] = c->record.id;
	}
	pthread_mutex_unlock(&lock);
	return n;
}

/* Writes ID.chunk, whole and durable but for its name. */
static int write_file(const struct wal_record *record, void *bytes)
{
	struct wal_record_header header = {.magic = WAL_RECORD_MAGIC,
					   .version = WAL_VERSION,
					   .length = record->length,
					   .tag = record->tag,
					   .id = record->id};
	struct iovec parts[] = {{&header, sizeof(header)}, {bytes, record->length}};
	char name[48], temporary[48];

	header.check = wal_record_check(&header, 0);
	file_name(&record->id, "chunk", name);
	file_name(&record->id, "tmp", temporary);
	int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	int error = wal_write_at(fd, parts, record->length ? 2 : 1, 0);
	if (!error && fdatasync(fd) < 0)
		error = -errno;
	if (close(fd) < 0 && !error)
		error = -errno;
	if (!error && renameat(dir, temporary, dir, name) < 0)
		error = -errno;
	if (error)
		unlinkat(dir, temporary, 0);
	return error;
}

/* The chunks that live in a segment; how many, or -ENOMEM. */
static int list_segment(uint64_t segment, struct wal_record **out)
{
	int n = 0;

	pthread_mutex_lock(&lock);
	struct wal_record *records = malloc((count + 1) * sizeof(*records));
	for (int i = 0; records && i < BUCKETS; i++)
		for (struct chunk *c = buckets[i]; c; c = c->next)
			if (!c->in_file && c->record.place.segment == segment)
				records[n++] = c->record;
	pthread_mutex_unlock(&lock);
	*out = records;
	return records ? n : -ENOMEM;
}

/* The file holds the chunk now, unless it was dropped meanwhile. */
static void moved_to_file(const struct wal_record *record)
{
	char name[48];

	pthread_mutex_lock(&lock);
	struct chunk *chunk = *find(&record->id);
	if (chunk && chunk->record.place.segment == record->place.segment)
		chunk->in_file = true;
	pthread_mutex_unlock(&lock);
	if (!chunk) {
		file_name(&record->id, "chunk", name);
		unlinkat(dir, name, 0);
	}
}

/* The index moves on only after the directory's fsync: should that fail, the log still counts. */
static int checkpoint(uint64_t segment)
{
	struct wal_record *records;
	int error = 0, n;

	if (FAILPOINT_ERROR("ds/checkpoint"))
		return -errno;
	n = list_segment(segment, &records);
	if (n < 0)
		return n;
	for (int i = 0; i < n && !error; i++) {
		void *bytes;

		error = chunks_get(&records[i], &bytes);
		if (error == -ENOENT) { /* dropped meanwhile */
			error = 0;
			continue;
		}
		if (!error) {
			error = write_file(&records[i], bytes);
			free(bytes);
		}
	}
	if (!error)
		error = wal_sync_dir(dir);
	for (int i = 0; i < n && !error; i++)
		moved_to_file(&records[i]);
	free(records);
	return error ? error : wal_drop(wal, segment);
}

static void *checkpoint_thread(void *arg)
{
	int told = 0;

	(void)arg;
	for (;;) {
		uint64_t segment;
		int error = 0;

		usleep(CHECKPOINT_MS * 1000);
		if (wal_size(wal) >= segment_max)
			error = wal_rotate(wal);
		while (!error && (segment = wal_oldest(wal)))
			error = checkpoint(segment);
		if (error && error != told)
			log_line("ds: checkpoint failed, will try again: %s", strerror(-error));
		told = error;
	}
	return NULL;
}

static void on_replay(void *arg, const struct wal_record *record)
{
	int *error = arg;

	replay_note(record);
	if (!*error && !replay_forgets(record))
		*error = index_set(record, false);
}

/* Adds what a chunk file says of itself; its bytes are verified when they are read. */
static int load_file(const char *name)
{
	struct wal_record_header header;
	struct chunk_id id;
	char text[CHUNK_ID_TEXT_MAX];
	struct stat st;

	snprintf(text, sizeof(text), "%.32s", name);
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int error = wal_read_at(fd, &header, sizeof(header), 0);
	if (!error && fstat(fd, &st) < 0)
		error = -errno;
	close(fd);
	if (error && error != -ENODATA)
		return error;
	if (error || header.check != wal_record_check(&header, 0) || !chunk_id_parse(text, &id) ||
	    memcmp(&id, &header.id, sizeof(id)) != 0 ||
	    (uint64_t)st.st_size != sizeof(header) + header.length)
		return -EBADMSG;
	struct wal_record record = {.id = id, .length = header.length, .tag = header.tag};
	return index_set(&record, true);
}

static int load_files(struct trouble *trouble)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!listing)
		return trouble_set(trouble, -errno, "cannot list chunk files: %s", strerror(errno));
	while (!error && (entry = readdir(listing))) {
		const char *suffix = strrchr(entry->d_name, '.');

		if (suffix && strcmp(suffix, ".tmp") == 0)
			unlinkat(dir, entry->d_name, 0);
		if (!suffix || strcmp(suffix, ".chunk") != 0)
			continue;
		error = load_file(entry->d_name);
		if (error)
			trouble_set(trouble, error, "chunk file %s: %s", entry->d_name,
				    error == -EBADMSG ? "damaged" : strerror(-error));
	}
	closedir(listing);
	return error;
}

int chunks_open(const char *path, uint64_t segment_bytes, struct trouble *trouble)
{
	pthread_t thread;
	int replayed = 0;

	segment_max = segment_bytes;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return trouble_set(trouble, -errno, "cannot open directory \"%s\": %s", path,
				   strerror(errno));
	int error = load_files(trouble);
	if (!error)
		error = wal_open(&wal, path, on_replay, &replayed, trouble);
	if (!error && replayed)
		error = trouble_set(trouble, replayed, "no memory for the index");
	if (!error && pthread_create(&thread, NULL, checkpoint_thread, NULL) != 0)
		error = trouble_set(trouble, -EAGAIN, "cannot start a thread");
	return error;
}
