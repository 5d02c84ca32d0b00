/*
 * ms_bugs.h - the planted bug of a meta server.
 */
#ifndef REFSTORE_MS_BUGS_H
#define REFSTORE_MS_BUGS_H

#include <jansson.h>
#include <stdint.h>

/* resurrect-after-repair: commits those of the repaired entries that refer to nothing any more. */
void commit_deleted(const char *db, json_t *entries, uint64_t timeout_ms);

#endif
