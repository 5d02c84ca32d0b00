/*
 * db_bugs.h - the planted bugs of the database. Without them these functions do what is right.
 */
#ifndef REFSTORE_DB_BUGS_H
#define REFSTORE_DB_BUGS_H

#include <stdbool.h>

/* Is the key the last one of the page before? list-page-boundary: or does it begin like it. */
bool is_last_of_page(const char *key, const char *after);

/* list-missing-recent: keys that were made a moment ago. */
void recent_set(const char *key);
bool recent_hides(const char *key);

#endif
