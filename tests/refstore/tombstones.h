/*
 * tombstones.h - deletes that only the memory of this process knows of, for the planted bugs
 * delete-not-replicated and tombstone-forgotten-on-restart.
 */
#ifndef REFSTORE_TOMBSTONES_H
#define REFSTORE_TOMBSTONES_H

#include <stdbool.h>

/* What the key refers to now is deleted; a newer version, which has another chunk, is not. */
void tombstone_set(const char *key, const char *chunk);
bool tombstone_hides(const char *key, const char *chunk);

#endif
