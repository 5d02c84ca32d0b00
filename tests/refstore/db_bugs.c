/* db_bugs.c - see db_bugs.h. */
#include "tests/refstore/db_bugs.h"

#include <string.h>

#include "tests/refstore/bugs.h"

bool is_last_of_page(const char *key, const char *after)
{
	if (bug_on(BUG_LIST_PAGE_BOUNDARY))
		return strncmp(key, after, strlen(after)) == 0;
	return strcmp(key, after) == 0;
}
