/*
 * ms_bugs.h - the planted bugs of a meta server.
 */
#ifndef REFSTORE_MS_BUGS_H
#define REFSTORE_MS_BUGS_H

#include <jansson.h>
#include <stdint.h>

/* resurrect-after-repair: commits those of the repaired entries that refer to nothing any more. */
void commit_deleted(const char *db, json_t *entries, uint64_t timeout_ms);

/* repair-copies-stale: makes the keys of the repaired entries refer to what was copied, if they
 * refer to something newer meanwhile. */
void commit_stale(const char *db, json_t *entries, uint64_t timeout_ms);

#endif
