/*
 * chunks.h - the chunks of a data server: first in the log, later in a file each.
 *
 *     put --> log (append, sync) --> index: in the log
 *                 |  checkpoint, when a segment is full
 *                 v
 *             ID.tmp: write, fdatasync, rename to ID.chunk; then fsync of the directory
 *                 |
 *                 +--> index: in a file --> the segment is removed
 *
 * A chunk is written once under an id of its own and never changed, so a put that is repeated
 * changes nothing. It is found only by its id, length and tag together, and every byte that leaves
 * was compared with the tag. A drop is not logged: a chunk that comes back after a crash is
 * garbage, and garbage is collected by asking the database (see ds.c).
 */
#ifndef REFSTORE_CHUNKS_H
#define REFSTORE_CHUNKS_H

#include "tests/refstore/wal.h"

#define CHUNK_ID_TEXT_MAX 33

void chunk_id_text(const struct chunk_id *id, char text[CHUNK_ID_TEXT_MAX]);
bool chunk_id_parse(const char *text, struct chunk_id *id);

/* Recovers what dir holds and starts the thread that makes checkpoints. */
int chunks_open(const char *dir, uint64_t segment_bytes, struct trouble *trouble);

/* Durable when it returns 0. record->length and tag are what was stored. */
int chunks_put(struct wal_record *record, const void *bytes);
/* *bytes is the caller's to free. -ENOENT: there is no such chunk, for certain. */
int chunks_get(const struct wal_record *wanted, void **bytes);
void chunks_drop(const struct chunk_id *id);

uint64_t chunks_count(void);
bool chunks_log_is_broken(void);
/* Up to max chunks that were stored longer ago, going round from *cursor; how many. */
int chunks_older(uint64_t age_ms, uint32_t *cursor, struct chunk_id *ids, int max);

#endif
