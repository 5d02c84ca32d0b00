/*
 * db_bugs.h - the planted bugs of the database. Without them these functions do what is right.
 */
#ifndef REFSTORE_DB_BUGS_H
#define REFSTORE_DB_BUGS_H

#include <jansson.h>
#include <stdbool.h>

/* Is the key the last one of the page before? list-page-boundary: or does it begin like it. */
bool is_last_of_page(const char *key, const char *after);

/* list-missing-recent: keys that were made a moment ago. */
void recent_set(const char *key);
bool recent_hides(const char *key);

/* tombstone-forgotten-on-restart: marks what the answer of a delete names as old, which the front
 * end shall not drop then. The status. */
int forget_later(const char *key, json_t *answer);

#endif
