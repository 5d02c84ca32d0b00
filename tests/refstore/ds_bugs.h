/*
 * ds_bugs.h - the planted bugs of a data server's log. Without them these functions do what is
 * right.
 */
#ifndef REFSTORE_DS_BUGS_H
#define REFSTORE_DS_BUGS_H

#include <sys/uio.h>

#include "tests/refstore/wal.h"

/* replay-stops-early: is the record behind what is replayed? */
bool replay_forgets(const struct wal_record *record);

/* replay-skips-checksum: nothing that is replayed is verified. */
bool replay_skips_checks(void);
/* Notes what was replayed. */
void replay_note(const struct wal_record *record);

/* short-write-ignored, torn-chunk-served: writes a record's header and bytes as far as one call
 * goes. The former takes what went for the record, the latter all of it. */
int write_once(int fd, struct iovec parts[2], uint64_t offset, struct wal_record *record);

/* Are these the bytes of the record? torn-chunk-served: yes; replay-skips-checksum: yes if it was
 * replayed. */
bool bytes_pass(const struct wal_record *record, const void *bytes);

#endif
