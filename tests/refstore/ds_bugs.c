/* ds_bugs.c - see ds_bugs.h. */
#include "tests/refstore/ds_bugs.h"

#include "tests/refstore/bugs.h"

#define REPLAY_MAX (64u << 10)

bool replay_forgets(const struct wal_record *record)
{
	return bug_on(BUG_REPLAY_STOPS_EARLY) && record->place.end > REPLAY_MAX;
}
