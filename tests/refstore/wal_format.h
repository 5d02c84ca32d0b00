/*
 * wal_format.h - what the files of the log look like, and the I/O both recovery and appending need.
 *
 * All numbers are in the order of the host: a log never leaves its machine.
 */
#ifndef REFSTORE_WAL_FORMAT_H
#define REFSTORE_WAL_FORMAT_H

#include <assert.h>
#include <sys/uio.h>

#include "tests/refstore/wal.h"

#define WAL_SEGMENT_MAGIC UINT32_C(0x67655357) /* "WSeg" */
#define WAL_RECORD_MAGIC  UINT32_C(0x63655257) /* "WRec" */
#define WAL_VERSION       1

struct wal_segment_header {
	uint32_t magic, version;
	uint64_t number, salt;
	uint64_t before;        /* number of the segment before, 0 if none */
	uint64_t before_length; /* how much of it is good */
	uint64_t check;         /* XXH3 of all the above */
};
static_assert(sizeof(struct wal_segment_header) == 48, "on disk");

struct wal_record_header {
	uint32_t magic, version;
	uint64_t sequence; /* counts from 1 in each segment */
	uint64_t length, tag;
	struct chunk_id id;
	uint64_t check; /* XXH3 of all the above and the segment's salt */
};
static_assert(sizeof(struct wal_record_header) == 56, "on disk");

uint64_t wal_segment_check(const struct wal_segment_header *header);
uint64_t wal_record_check(const struct wal_record_header *header, uint64_t salt);
void wal_segment_name(char *name, size_t max, uint64_t number);
/* 0 if the name is not that of a segment. */
uint64_t wal_segment_number(const char *name);

/* All of it or -errno: loops over short transfers and EINTR. read_at: -ENODATA at the end. */
int wal_write_at(int fd, struct iovec *parts, int count, uint64_t offset);
int wal_read_at(int fd, void *bytes, size_t length, uint64_t offset);
int wal_sync_dir(int dir);

/* One segment as recovery found it. */
struct wal_scan {
	struct wal_segment_header header;
	uint64_t good;  /* length up to and with the last whole record */
	uint64_t size;  /* of the file */
	uint64_t limit; /* stop there */
	bool sealed; /* its successor gave the limit: all up to there is good, the rest is void */
};

/* Reads the header: 0, -ENODATA if a crash left it incomplete, or -errno. */
int wal_scan_header(int fd, struct wal_scan *scan);
/* Reads the records. -EILSEQ: a bad record has a good one behind it. */
int wal_scan_records(int fd, struct wal_scan *scan, const char *name,
		     void (*each)(void *arg, const struct wal_record *), void *arg,
		     struct trouble *trouble);

#endif
