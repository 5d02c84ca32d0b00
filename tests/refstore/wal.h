/*
 * wal.h - the write-ahead log of a data server.
 *
 *     wal-000007.wal    [segment header][record][record] ... [record][torn]
 *     wal-000008.wal    [segment header: 000007 is good up to N]
 *
 * A record is a fixed header (magic, length, sequence, chunk id, tag and a checksum of all that,
 * salted by the segment) and the chunk's bytes, whose XXH3 is the tag. wal_append writes it,
 * wal_sync makes it durable; one fdatasync serves every record that was appended before it began.
 *
 * When a write or a sync fails:
 *   - A failed append (a full disk) is undone: the file is cut back. If even that fails, the
 *     segment is broken.
 *   - After a failed fdatasync nobody knows what the file holds behind the last sync that worked,
 *     and a second fdatasync would not tell. The segment is broken: what waited for that sync
 *     fails, and the log goes on in a new segment, whose header says how far this one is good.
 *
 * Recovery reads every segment in order. What follows the last whole record of the last segment is
 * the torn end of a crash and is cut. A bad record with a good one behind it was not torn by a
 * crash: the log refuses to open, for dropping it could drop what was acknowledged.
 *
 * The salt is why the bytes of a stored object can never be taken for a record.
 *
 * Threads: all functions but wal_open may be called from any thread.
 */
#ifndef REFSTORE_WAL_H
#define REFSTORE_WAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/refstore/util.h"

#define CHUNK_ID_BYTES 16

struct chunk_id {
	uint8_t bytes[CHUNK_ID_BYTES];
};

/* Where the bytes of a record lie. */
struct wal_place {
	uint64_t segment;
	uint64_t offset;
	uint64_t end; /* behind the record: what wal_sync waits for */
};

struct wal_record {
	struct chunk_id id;
	uint64_t length;
	uint64_t tag;
	struct wal_place place;
};

struct wal;

/* Recovers the log in dir and hands every record to each, in order of appending. -EILSEQ: refused.
 */
int wal_open(struct wal **wal, const char *dir, void (*each)(void *arg, const struct wal_record *),
	     void *arg, struct trouble *trouble);
void wal_close(struct wal *wal);

/* Fills record->place; id, length and tag are the caller's. -errno when nothing was added. What was
 * added must be settled: until the caller has noted where the chunk is (or that its sync failed),
 * its segment is not offered for removal. */
int wal_append(struct wal *wal, struct wal_record *record, const void *bytes);
int wal_sync(struct wal *wal, const struct wal_place *place);
void wal_settle(struct wal *wal, const struct wal_place *place);

/* Reads and verifies. -ESTALE: the segment is gone, the chunk has moved. -EBADMSG: damaged. */
int wal_read(struct wal *wal, const struct wal_record *record, void *bytes);

/* Size of the segment that is being written. */
uint64_t wal_size(struct wal *wal);
/* Goes on in a new segment; what came before is complete. */
int wal_rotate(struct wal *wal);
/* The first segment there is; 0 if only the one being written is left, or it is not settled yet. */
uint64_t wal_oldest(struct wal *wal);
/* Removes a segment that wal_oldest named; its chunks are elsewhere. */
int wal_drop(struct wal *wal, uint64_t segment);
/* A segment had to be given up since the start, and no new one could be opened. */
bool wal_is_broken(struct wal *wal);

#endif
