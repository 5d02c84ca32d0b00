/* bugs.c - the table of planted bugs; see bugs.h. */
#include "tests/refstore/bugs.h"

#include <errno.h>
#include <string.h>

static const struct bug_row {
	const char *name, *role, *what, *fault, *violation;
} rows[BUG_COUNT] = {
	[BUG_ACK_BEFORE_SYNC] = {"ack-before-sync", "ds",
				 "acknowledges for all replicas while the record is in a buffer of "
				 "its own, written and forwarded up to 500 ms later",
				 "kill-start of one ds", "LOST-WRITE or WRONG-404"},
	[BUG_IGNORE_WRITE_ERROR] = {"ignore-write-error", "ds",
				    "takes a failed append or sync for a record it already has: "
				    "acknowledges, stores and forwards nothing",
				    "ENOSPC or EIO on the writes or syncs of *.wal of one ds",
				    "LOST-WRITE or WRONG-404"},
	[BUG_SHORT_WRITE_IGNORED] =
		{"short-write-ignored", "ds",
		 "takes a short write for the whole record, and forwards as much "
		 "as it wrote",
		 "short writes to *.wal of one ds", "LOST-WRITE or WRONG-404"},
	[BUG_DELETE_NOT_REPLICATED] = {"delete-not-replicated", "fe",
				       "keeps a delete in the memory of the front end that took it",
				       "none: reads by another fe; or restart of an fe",
				       "RESURRECTED-DELETE or LIST-PHANTOM"},
	[BUG_LIST_FROM_STALE_CACHE] = {"list-from-stale-cache", "fe",
				       "answers LIST from a cache up to 3 s old", "none",
				       "LIST-OMISSION, LIST-PHANTOM or LIST-META"},
	[BUG_RANGE_OFF_BY_ONE] = {"range-off-by-one", "fe",
				  "takes the last byte of a range as exclusive", "none",
				  "WRONG-RANGE"},
	[BUG_STALE_REPLICA_READ] = {"stale-replica-read", "fe",
				    "reads the replica it last read the key from without comparing "
				    "versions, for up to 1.5 s",
				    "none: overwrites by another fe",
				    "STALE-READ, or RESURRECTED-DELETE of a key made again"},
	[BUG_COMMIT_BEFORE_DATA] =
		{"commit-before-data", "fe",
		 "commits the metadata and acknowledges, and sends the data up to "
		 "300 ms later",
		 "none: reads within 300 ms; or kill-start of an fe", "WRONG-404 or LOST-WRITE"},
	[BUG_ETAG_WRONG] = {"etag-wrong", "fe",
			    "acknowledges a PUT with the tag of its first 4 KiB", "none",
			    "BAD-ACK"},
	[BUG_HEAD_STALE_SIZE] = {"head-stale-size", "fe",
				 "answers HEAD with a size it knows from a read of up to 1.5 s "
				 "ago",
				 "none: overwrites by another fe", "HEAD-GET-MISMATCH"},
	[BUG_CROSS_KEY_BUFFER] =
		{"cross-key-buffer", "fe",
		 "reads whole objects, but small ones, into a buffer that all requests share",
		 "slow-read: a delay between reading and replying", "CROSS-KEY"},
	[BUG_LIST_PAGE_BOUNDARY] = {"list-page-boundary", "db",
				    "starts a page of LIST behind all keys that begin with the "
				    "last one",
				    "none", "LIST-OMISSION"},
	[BUG_LIST_MISSING_RECENT] =
		{"list-missing-recent", "db",
		 "leaves objects out of LIST for the first second of their life", "none",
		 "LIST-OMISSION"},
	[BUG_TOMBSTONE_FORGOTTEN_ON_RESTART] =
		{"tombstone-forgotten-on-restart", "db",
		 "keeps a delete in memory alone, where every reader sees it",
		 "kill-start of the db", "RESURRECTED-DELETE or LIST-PHANTOM"},
	[BUG_ACK_ON_ONE_REPLICA] = {"ack-on-one-replica", "fe",
				    "stores on one data server, acknowledges, and records all "
				    "three as replicas",
				    "dead: one ds comes back empty", "LOST-WRITE or WRONG-404"},
	[BUG_RETRY_APPLIED_LATE] = {"retry-applied-late", "fe",
				    "repeats a PUT whose commit took 40 ms or longer, a second "
				    "after it was acknowledged",
				    "db-slow: syncs of the db take long",
				    "LOST-WRITE, STALE-READ or RESURRECTED-DELETE"},
	[BUG_REPLAY_STOPS_EARLY] = {"replay-stops-early", "ds",
				    "replays the first 4 KiB of each log segment when it starts",
				    "restart of every ds, one after the other",
				    "LOST-WRITE or WRONG-404"},
	[BUG_TORN_CHUNK_SERVED] = {"torn-chunk-served", "ds",
				   "takes a short write for the whole record, and serves what is "
				   "there without a check",
				   "short writes to *.wal of one ds; a front end that trusts",
				   "ZERO-FILL, CORRUPT or TORN"},
	[BUG_RESURRECT_AFTER_REPAIR] =
		{"resurrect-after-repair", "ms",
		 "commits a key again after the repair of its chunk if it was "
		 "deleted meanwhile",
		 "pause of one ds for longer than --dead-after",
		 "RESURRECTED-DELETE or LIST-PHANTOM"},
	[BUG_NON_MONOTONIC_FRONT_END] =
		{"non-monotonic-front-end", "fe",
		 "answers from a look at the database up to 400 ms old; changes wait 600 ms for "
		 "their acknowledgement, so only what is under way comes and goes",
		 "none: many reads of few keys by several fe", "NON-MONOTONIC"},
	[BUG_REPLAY_SKIPS_CHECKSUM] =
		{"replay-skips-checksum", "ds",
		 "replays records without a look at their bytes, goes on behind a bad header, and "
		 "trusts what it replayed",
		 "bytes damaged on their way to *.wal of one ds, and its restart; a front end that "
		 "trusts",
		 "CORRUPT"},
	[BUG_CONDITIONAL_PUT_RACES] =
		{"conditional-put-races", "fe",
		 "judges If-Match and If-None-Match before it stores the data, "
		 "not in the commit",
		 "none: conditional PUTs of one key at the same time", "two of them acknowledged"},
	[BUG_REPAIR_COPIES_STALE] =
		{"repair-copies-stale", "ms",
		 "makes a key refer to the generation that it copied if it was overwritten "
		 "meanwhile",
		 "pause of one ds for longer than --dead-after", "LOST-WRITE or STALE-READ"},
	[BUG_DROP_ON_DRAIN] =
		{"drop-on-drain", "ds",
		 "drops what is still on its way to it when it is taken out of "
		 "service: acknowledges for all replicas, stores and forwards nothing",
		 "offline of one ds", "LOST-WRITE or WRONG-404"},
};

static bool planted[BUG_COUNT];

static int find_bug(const char *name)
{
	for (int i = 0; i < BUG_COUNT; i++)
		if (strcmp(rows[i].name, name) == 0)
			return i;
	return -1;
}

int bugs_plant(const char *list, const char *role, struct trouble *trouble)
{
	const char *names[BUG_COUNT];
	char name[64];

	for (int i = 0; i < BUG_COUNT; i++)
		names[i] = rows[i].name;
	while (list_next(&list, name, sizeof(name))) {
		int bug = find_bug(name);
		const char *near = nearest_word(name, names, BUG_COUNT);

		if (bug < 0)
			return trouble_set(trouble, -EINVAL, "unknown bug \"%s\"%s%s%s", name,
					   near ? ", did you mean \"" : "", near ? near : "",
					   near ? "\"?" : "; see refstore --bugs");
		if (strcmp(rows[bug].role, role) != 0)
			return trouble_set(trouble, -EINVAL, "bug \"%s\" is one of role %s, not %s",
					   name, rows[bug].role, role);
		planted[bug] = true;
	}
	return 0;
}

bool bug_on(enum bug bug)
{
	return planted[bug];
}

void bugs_print(FILE *to)
{
	for (int i = 0; i < BUG_COUNT; i++)
		fprintf(to, "%-22s %s  %s\n%26s exposed by: %s\n%26s seen as: %s\n", rows[i].name,
			rows[i].role, rows[i].what, "", rows[i].fault, "", rows[i].violation);
}
