/*
 * db_store.h - the metadata: one row a key, in SQLite, which alone says what exists.
 *
 *     objects: key | seq | chunk | size | tag | replicas ("127.0.0.4:7000,...")
 *     condemned: chunks that no key refers to and none ever may
 *     released: chunk | server: one that is not in the list of its replicas and may drop its copy
 *     offline: servers that were taken out of service
 *
 * Changes go to one writer thread, which takes all that wait into one transaction: one fsync for
 * all of them (journal_mode WAL, synchronous FULL). A change is answered after the commit, and
 * reads, which have connections of their own, see it only after the commit, too. After a failed
 * write or sync SQLite rolls back and writes the same frames of its log again, so a commit rests
 * only on syncs that came after all of its writes.
 */
#ifndef REFSTORE_DB_STORE_H
#define REFSTORE_DB_STORE_H

#include <jansson.h>

#include "tests/refstore/util.h"

int store_open(const char *dir, struct trouble *trouble);

enum change_kind {
	CHANGE_COMMIT,
	CHANGE_DELETE,
	CHANGE_REPLICAS,
	CHANGE_CONDEMN,
	CHANGE_CLAIM,
	CHANGE_OFFLINE,
	CHANGE_ONLINE,
	CHANGE_COUNT
};

/* Applies what args asks for; the HTTP status, and in *answer what to say. 503: unknown whether it
 * happened. 409, and 412 for a condition that does not hold: it did not and never will. */
int store_change(enum change_kind kind, json_t *args, json_t **answer);

/* Reads; each returns the status as above. */
int store_meta(const char *key, json_t **answer);
int store_list(const char *prefix, const char *after, uint64_t limit, json_t **answer);
/* Chunks of which fewer than want replicas are on a server that is in the list live and was not
 * taken out; entries up to limit. And who holds how many. */
int store_under(const char *live, int want, int limit, json_t **answer);
/* Chunks that from has and to lacks. */
int store_movable(const char *from, const char *to, int limit, json_t **answer);
int store_offline(json_t **answer);
int store_count(json_t **answer);

#endif
