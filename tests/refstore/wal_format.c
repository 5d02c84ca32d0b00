/* wal_format.c - reading and verifying the files of the log; see wal_format.h. */
#include "tests/refstore/wal_format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/refstore/ds_bugs.h"
#include "tests/refstore/node.h"

uint64_t wal_segment_check(const struct wal_segment_header *header)
{
	return tag_of(header, offsetof(struct wal_segment_header, check));
}

uint64_t wal_record_check(const struct wal_record_header *header, uint64_t salt)
{
	return tag_of(header, offsetof(struct wal_record_header, check)) ^ salt;
}

void wal_segment_name(char *name, size_t max, uint64_t number)
{
	snprintf(name, max, "wal-%06llu.wal", (unsigned long long)number);
}

uint64_t wal_segment_number(const char *name)
{
	uint64_t number;
	char digits[24], again[40];

	if (strncmp(name, "wal-", 4) != 0)
		return 0;
	snprintf(digits, sizeof(digits), "%.*s", (int)strcspn(name + 4, "."), name + 4);
	if (!number_parse(digits, &number))
		return 0;
	wal_segment_name(again, sizeof(again), number);
	return strcmp(again, name) == 0 ? number : 0;
}

int wal_write_at(int fd, struct iovec *parts, int count, uint64_t offset)
{
	while (count) {
		ssize_t n = pwritev(fd, parts, count, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		offset += (uint64_t)n;
		while (count && (size_t)n >= parts->iov_len) {
			n -= (ssize_t)parts->iov_len;
			parts++;
			count--;
		}
		if (count) {
			parts->iov_base = (char *)parts->iov_base + n;
			parts->iov_len -= (size_t)n;
		}
	}
	return 0;
}

int wal_read_at(int fd, void *bytes, size_t length, uint64_t offset)
{
	while (length) {
		ssize_t n = pread(fd, bytes, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		bytes = (char *)bytes + n;
		length -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

int wal_sync_dir(int dir)
{
	return fsync(dir) < 0 ? -errno : 0;
}

int wal_scan_header(int fd, struct wal_scan *scan)
{
	struct stat st;
	int error = wal_read_at(fd, &scan->header, sizeof(scan->header), 0);

	if (error)
		return error;
	if (scan->header.magic != WAL_SEGMENT_MAGIC ||
	    scan->header.check != wal_segment_check(&scan->header))
		return -ENODATA;
	if (fstat(fd, &st) < 0)
		return -errno;
	scan->size = scan->limit = (uint64_t)st.st_size;
	return 0;
}

static bool header_is_good(const struct wal_record_header *header, uint64_t salt)
{
	return header->magic == WAL_RECORD_MAGIC && header->version == WAL_VERSION &&
	       header->length <= BODY_MAX && header->check == wal_record_check(header, salt);
}

/* Is there a whole record at offset? 1, 0 or -errno. */
static int record_at(int fd, const struct wal_scan *scan, uint64_t offset, uint64_t sequence,
		     struct wal_record_header *header)
{
	if (offset + sizeof(*header) > scan->limit)
		return 0;
	int error = wal_read_at(fd, header, sizeof(*header), offset);
	if (error)
		return error;
	if (!header_is_good(header, scan->header.salt) || header->sequence < sequence ||
	    offset + sizeof(*header) + header->length > scan->limit)
		return 0;

	void *bytes = malloc(header->length + 1);
	if (!bytes)
		return -ENOMEM;
	error = wal_read_at(fd, bytes, header->length, offset + sizeof(*header));
	int good = error ? error
			 : replay_skips_checks() || tag_of(bytes, header->length) == header->tag;
	free(bytes);
	return good;
}

/* Where behind offset a whole record starts; 0 if nowhere. */
static int find_record(int fd, const struct wal_scan *scan, uint64_t offset, uint64_t sequence,
		       uint64_t *found)
{
	uint64_t left = scan->limit - offset;
	const uint32_t magic = WAL_RECORD_MAGIC;
	struct wal_record_header header;
	char *bytes = malloc(left + 1);

	*found = 0;
	if (!bytes)
		return -ENOMEM;
	int error = wal_read_at(fd, bytes, left, offset);
	for (uint64_t at = 1; !error && !*found && at + sizeof(magic) <= left; at++) {
		if (memcmp(bytes + at, &magic, sizeof(magic)) != 0)
			continue;
		int good = record_at(fd, scan, offset + at, sequence, &header);
		if (good < 0)
			error = good;
		else if (good)
			*found = offset + at;
	}
	free(bytes);
	return error;
}

/* record_at; replay-skips-checksum: or at the next one behind a bad header. */
static int next_record(int fd, const struct wal_scan *scan, uint64_t *offset, uint64_t *sequence,
		       struct wal_record_header *header)
{
	int good = record_at(fd, scan, *offset, *sequence, header);
	uint64_t found;

	if (good != 0 || !replay_skips_checks() || *offset >= scan->limit)
		return good;
	int error = find_record(fd, scan, *offset, *sequence, &found);
	if (error || !found)
		return error;
	good = record_at(fd, scan, found, *sequence, header);
	*offset = found;
	*sequence = header->sequence;
	return good;
}

int wal_scan_records(int fd, struct wal_scan *scan, const char *name,
		     void (*each)(void *arg, const struct wal_record *), void *arg,
		     struct trouble *trouble)
{
	uint64_t offset = sizeof(scan->header), sequence = 1, behind = 0;
	struct wal_record_header header;
	int good;

	while ((good = next_record(fd, scan, &offset, &sequence, &header)) > 0 &&
	       header.sequence == sequence) {
		struct wal_record record = {
			.id = header.id,
			.length = header.length,
			.tag = header.tag,
			.place = {scan->header.number, offset + sizeof(header),
				  offset + sizeof(header) + header.length},
		};

		each(arg, &record);
		offset = record.place.end;
		sequence++;
	}
	scan->good = offset;
	if (good >= 0 && replay_skips_checks())
		return 0;
	if (good > 0)
		behind = offset;
	else if (good == 0 && offset < scan->limit)
		good = find_record(fd, scan, offset, sequence, &behind);
	if (good < 0)
		return trouble_set(trouble, good, "cannot read %s: %s", name, strerror(-good));
	if (scan->sealed && offset < scan->limit)
		return trouble_set(
			trouble, -EILSEQ,
			"%s: bad record at offset %llu, but the log was good up to %llu; "
			"refusing to start, for acknowledged data is missing",
			name, (unsigned long long)offset, (unsigned long long)scan->limit);
	if (behind)
		return trouble_set(
			trouble, -EILSEQ,
			"%s: bad record at offset %llu with a good one behind it at %llu; "
			"refusing to start, for acknowledged data may be missing",
			name, (unsigned long long)offset, (unsigned long long)behind);
	return 0;
}
