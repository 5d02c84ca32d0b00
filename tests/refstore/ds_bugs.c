/* ds_bugs.c - see ds_bugs.h. */
#include "tests/refstore/ds_bugs.h"

#include <errno.h>

#include "tests/refstore/bugs.h"

#define REPLAY_MAX 4096

/* The newest segment there was at the start; a chunk file of then is of segment 0. */
static uint64_t replayed;

bool replay_skips_checks(void)
{
	return bug_on(BUG_REPLAY_SKIPS_CHECKSUM);
}

void replay_note(const struct wal_record *record)
{
	if (record->place.segment > replayed)
		replayed = record->place.segment;
}

bool replay_forgets(const struct wal_record *record)
{
	return bug_on(BUG_REPLAY_STOPS_EARLY) && record->place.end > REPLAY_MAX;
}

int write_once(int fd, struct iovec parts[2], uint64_t offset, struct wal_record *record)
{
	ssize_t n = pwritev(fd, parts, 2, (off_t)offset);

	if (n < 0)
		return -errno;
	if (bug_on(BUG_SHORT_WRITE_IGNORED))
		record->length = (size_t)n > parts[0].iov_len ? (size_t)n - parts[0].iov_len : 0;
	return 0;
}

bool bytes_pass(const struct wal_record *record, const void *bytes)
{
	if (replay_skips_checks() && record->place.segment <= replayed)
		return true;
	return bug_on(BUG_TORN_CHUNK_SERVED) || tag_of(bytes, record->length) == record->tag;
}
