/*
 * ds_late.h - the planted bug ack-before-sync: chunks that were acknowledged and wait in a
 * user-space buffer, to be stored and forwarded by a thread of their own every 500 ms. Until then
 * reads find them here, so that nothing shows before the process is killed.
 */
#ifndef REFSTORE_DS_LATE_H
#define REFSTORE_DS_LATE_H

#include "tests/refstore/wal.h"

int late_start(void);
void late_put(const struct wal_record *record, const void *bytes, const char *to);
/* As chunks_get; -ENOENT when nothing waits under this id. */
int late_get(const struct wal_record *wanted, void **bytes);

/* In ds.c: stores a chunk here and on the servers of a list; stored says where it is. */
void ds_store(struct wal_record *record, const void *bytes, const char *to, char *stored);

#endif
