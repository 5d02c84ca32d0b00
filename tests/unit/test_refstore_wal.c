/*
 * test_refstore_wal.c - the reference store's log keeps what was synced, and nothing else.
 *
 * Goal: a crash at any byte of the last record is cut off; damage that no crash makes is refused; a
 * failed sync costs only what waited for it. Method: logs are written in a directory of their own,
 * their files cut and changed byte by byte, and opened again. A failed write or fdatasync is had by
 * turning the segment's descriptor into one of a device that fails so (/dev/full) or of a pipe.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#ifndef FAILPOINT_DISABLE
#define FAILPOINT_DISABLE
#endif
#include "tests/refstore/bugs.c"
#include "tests/refstore/ds_bugs.c"
#include "tests/refstore/util.c"
#include "tests/refstore/wal.c"
#include "tests/refstore/wal_format.c"

#include <ftw.h>
#include <sys/stat.h>

static char where[64];

/* What a recovery found: the ids' first bytes, in order. */
struct seen {
	char ids[64];
	int count;
};

static void on_record(void *arg, const struct wal_record *record)
{
	struct seen *seen = arg;

	seen->ids[seen->count++] = (char)record->id.bytes[0];
	seen->ids[seen->count] = 0;
}

static int make_dir(void **state)
{
	(void)state;
	snprintf(where, sizeof(where), "/tmp/test_refstore_wal.XXXXXX");
	return mkdtemp(where) ? 0 : -1;
}

static int remove_one(const char *name, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(name);
}

static int remove_dir(void **state)
{
	(void)state;
	return nftw(where, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct wal *open_log(struct seen *seen)
{
	struct wal *log = NULL;
	struct trouble trouble;

	memset(seen, 0, sizeof(*seen));
	assert_int_equal(wal_open(&log, where, on_record, seen, &trouble), 0);
	return log;
}

static struct wal_record record_of(char id, const char *bytes)
{
	struct wal_record record = {.length = strlen(bytes), .tag = tag_of(bytes, strlen(bytes))};

	record.id.bytes[0] = (uint8_t)id;
	return record;
}

/* Appends, syncs and settles; what wal_append or wal_sync said. */
static int add(struct wal *log, char id, const char *bytes)
{
	struct wal_record record = record_of(id, bytes);
	int error = wal_append(log, &record, bytes);

	if (error)
		return error;
	error = wal_sync(log, &record.place);
	wal_settle(log, &record.place);
	return error;
}

static char *segment_path(uint64_t number)
{
	static char path[128];
	char name[40];

	wal_segment_name(name, sizeof(name), number);
	snprintf(path, sizeof(path), "%s/%s", where, name);
	return path;
}

static off_t segment_size(uint64_t number)
{
	struct stat st;

	assert_int_equal(stat(segment_path(number), &st), 0);
	return st.st_size;
}

static void flip_byte(uint64_t number, off_t offset)
{
	int fd = open(segment_path(number), O_RDWR);
	char byte;

	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte ^= 0x40;
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	close(fd);
}

/* Removes all segments but the first, as if the recovery that made them had not been. */
static void keep_first_segment(void)
{
	for (uint64_t number = 2; access(segment_path(number), F_OK) == 0; number++)
		unlink(segment_path(number));
}

static void test_what_was_synced_is_found_again_in_order(void **state)
{
	struct seen seen;
	struct wal *log = open_log(&seen);

	(void)state;
	assert_int_equal(seen.count, 0);
	assert_int_equal(add(log, 'a', "first"), 0);
	assert_int_equal(wal_rotate(log), 0);
	assert_int_equal(add(log, 'b', ""), 0);
	assert_int_equal(add(log, 'c', "third"), 0);
	wal_close(log);
	log = open_log(&seen);
	assert_string_equal(seen.ids, "abc");
	wal_close(log);
}

static void test_a_record_torn_at_any_byte_is_cut(void **state)
{
	struct seen seen;
	struct wal *log = open_log(&seen);

	(void)state;
	assert_int_equal(add(log, 'a', "the one before"), 0);
	off_t start = segment_size(1);
	assert_int_equal(add(log, 'b', "the torn one"), 0);
	off_t end = segment_size(1);
	wal_close(log);
	for (off_t size = end - 1; size >= start; size--) {
		keep_first_segment();
		assert_int_equal(truncate(segment_path(1), size), 0);
		log = open_log(&seen);
		assert_string_equal(seen.ids, "a");
		assert_int_equal(segment_size(1), start);
		wal_close(log);
	}
}

static void test_zeros_where_a_record_should_be_are_cut(void **state)
{
	struct seen seen;
	struct wal *log = open_log(&seen);

	(void)state;
	assert_int_equal(add(log, 'a', "good"), 0);
	wal_close(log);
	assert_int_equal(truncate(segment_path(1), segment_size(1) + 300), 0);
	log = open_log(&seen);
	assert_string_equal(seen.ids, "a");
	assert_int_equal(add(log, 'b', "goes on"), 0);
	wal_close(log);
	log = open_log(&seen);
	assert_string_equal(seen.ids, "ab");
	wal_close(log);
}

static void test_damage_at_any_byte_before_a_good_record_is_refused(void **state)
{
	struct seen seen;
	struct trouble trouble;
	struct wal *log = open_log(&seen);

	(void)state;
	off_t start = segment_size(1);
	assert_int_equal(add(log, 'a', "damaged"), 0);
	off_t end = segment_size(1);
	assert_int_equal(add(log, 'b', "good"), 0);
	wal_close(log);
	for (off_t at = start; at < end; at++) {
		flip_byte(1, at);
		memset(&seen, 0, sizeof(seen));
		assert_int_equal(wal_open(&log, where, on_record, &seen, &trouble), -EILSEQ);
		assert_non_null(strstr(trouble.text, "wal-000001.wal: bad record at offset 48"));
		flip_byte(1, at);
	}
	log = open_log(&seen);
	assert_string_equal(seen.ids, "ab");
	wal_close(log);
}

static void test_damage_at_the_end_of_a_sealed_segment_is_refused(void **state)
{
	struct seen seen;
	struct trouble trouble;
	struct wal *log = open_log(&seen);

	(void)state;
	assert_int_equal(add(log, 'a', "sealed"), 0);
	assert_int_equal(wal_rotate(log), 0);
	wal_close(log);
	flip_byte(1, segment_size(1) - 1);
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(wal_open(&log, where, on_record, &seen, &trouble), -EILSEQ);
	assert_non_null(strstr(trouble.text, "acknowledged data is missing"));
}

static void test_stored_bytes_are_never_taken_for_a_record(void **state)
{
	struct seen seen;
	struct wal *log = open_log(&seen);
	static char old[4096];

	(void)state;
	assert_int_equal(add(log, 'a', "an old record"), 0);
	int fd = open(segment_path(1), O_RDONLY);
	ssize_t n = pread(fd, old, sizeof(old), sizeof(struct wal_segment_header));
	close(fd);
	assert_true(n > 0);
	assert_int_equal(wal_rotate(log), 0);

	/* A torn record of the new segment, whose payload is that old record, whole. */
	struct wal_record record = record_of('b', "");
	record.length = (uint64_t)n;
	record.tag = tag_of(old, (size_t)n) + 1;
	assert_int_equal(wal_append(log, &record, old), 0);
	wal_settle(log, &record.place);
	wal_close(log);
	log = open_log(&seen);
	assert_string_equal(seen.ids, "a");
	wal_close(log);
}

static void test_a_failed_append_leaves_nothing_behind(void **state)
{
	struct seen seen;
	struct wal *log = open_log(&seen);
	int full = open("/dev/full", O_RDWR), file = log->segments[0]->fd;

	(void)state;
	assert_int_equal(add(log, 'a', "before"), 0);
	/* ftruncate fails there, too: the segment is given up, the next append has a new one. */
	log->segments[0]->fd = full;
	assert_int_equal(add(log, 'b', "does not fit"), -ENOSPC);
	log->segments[0]->fd = file;
	close(full);
	assert_int_equal(add(log, 'c', "after"), 0);
	assert_int_equal(log->count, 2);
	assert_false(wal_is_broken(log));
	wal_close(log);
	log = open_log(&seen);
	assert_string_equal(seen.ids, "ac");
	wal_close(log);
}

static void test_a_failed_sync_voids_only_what_waited_for_it(void **state)
{
	struct seen seen;
	struct wal *log = open_log(&seen);
	struct wal_record lost = record_of('b', "nobody knows");
	int ends[2], file = log->segments[0]->fd;

	(void)state;
	assert_int_equal(add(log, 'a', "synced"), 0);
	assert_int_equal(wal_append(log, &lost, "nobody knows"), 0);
	assert_int_equal(pipe(ends), 0);
	log->segments[0]->fd = ends[0]; /* fdatasync: EINVAL */
	assert_int_not_equal(wal_sync(log, &lost.place), 0);
	/* A second sync of the same record must not succeed either. */
	log->segments[0]->fd = file;
	assert_int_equal(wal_sync(log, &lost.place), -EIO);
	wal_settle(log, &lost.place);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(add(log, 'c', "goes on in a new segment"), 0);
	wal_close(log);
	log = open_log(&seen);
	assert_string_equal(seen.ids, "ac");
	wal_close(log);
}

static void test_a_segment_is_kept_until_its_appends_are_settled(void **state)
{
	struct seen seen;
	struct wal *log = open_log(&seen);
	struct wal_record record = record_of('a', "bytes");
	char bytes[5];

	(void)state;
	assert_int_equal(wal_append(log, &record, "bytes"), 0);
	assert_int_equal(wal_sync(log, &record.place), 0);
	assert_int_equal(wal_rotate(log), 0);
	/* Synced, but not in the index yet: a checkpoint now would not see it. */
	assert_int_equal(wal_oldest(log), 0);
	wal_settle(log, &record.place);
	assert_int_equal(wal_oldest(log), 1);
	assert_int_equal(wal_read(log, &record, bytes), 0);
	assert_memory_equal(bytes, "bytes", 5);
	assert_int_equal(wal_drop(log, 1), 0);
	assert_int_equal(wal_read(log, &record, bytes), -ESTALE);
	wal_close(log);
}

static void test_damage_is_seen_when_reading(void **state)
{
	struct seen seen;
	struct wal *log = open_log(&seen);
	struct wal_record record = record_of('a', "bytes");
	char bytes[5];

	(void)state;
	assert_int_equal(wal_append(log, &record, "bytes"), 0);
	wal_settle(log, &record.place);
	flip_byte(1, (off_t)record.place.offset);
	assert_int_equal(wal_read(log, &record, bytes), -EBADMSG);
	wal_close(log);
}

static void test_a_crash_while_a_segment_is_made_is_forgotten(void **state)
{
	struct seen seen;
	struct wal *log = open_log(&seen);

	(void)state;
	assert_int_equal(add(log, 'a', "bytes"), 0);
	assert_int_equal(wal_rotate(log), 0);
	wal_close(log);
	assert_int_equal(truncate(segment_path(2), 20), 0);
	log = open_log(&seen);
	assert_string_equal(seen.ids, "a");
	assert_int_equal(add(log, 'b', "bytes"), 0);
	wal_close(log);
	log = open_log(&seen);
	assert_string_equal(seen.ids, "ab");
	wal_close(log);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_what_was_synced_is_found_again_in_order),
		CASE(test_a_record_torn_at_any_byte_is_cut),
		CASE(test_zeros_where_a_record_should_be_are_cut),
		CASE(test_damage_at_any_byte_before_a_good_record_is_refused),
		CASE(test_damage_at_the_end_of_a_sealed_segment_is_refused),
		CASE(test_stored_bytes_are_never_taken_for_a_record),
		CASE(test_a_failed_append_leaves_nothing_behind),
		CASE(test_a_failed_sync_voids_only_what_waited_for_it),
		CASE(test_a_segment_is_kept_until_its_appends_are_settled),
		CASE(test_damage_is_seen_when_reading),
		CASE(test_a_crash_while_a_segment_is_made_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
