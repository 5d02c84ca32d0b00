/* db_bugs.c - see db_bugs.h. */
#include "tests/refstore/db_bugs.h"

#include <pthread.h>
#include <string.h>

#include "tests/refstore/bugs.h"
#include "tests/refstore/tombstones.h"

#define RECENT_MS 1000
#define SLOTS     8192

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* When a key was made, by its hash: whoever comes later to the same slot replaces it. */
static struct recent {
	uint64_t key, when_ms;
} recents[SLOTS];

bool is_last_of_page(const char *key, const char *after)
{
	if (bug_on(BUG_LIST_PAGE_BOUNDARY))
		return strncmp(key, after, strlen(after)) == 0;
	return strcmp(key, after) == 0;
}

void recent_set(const char *key)
{
	uint64_t hash = tag_of(key, strlen(key));

	pthread_mutex_lock(&lock);
	recents[hash % SLOTS] = (struct recent){hash, clock_ms()};
	pthread_mutex_unlock(&lock);
}

bool recent_hides(const char *key)
{
	uint64_t hash = tag_of(key, strlen(key));

	pthread_mutex_lock(&lock);
	struct recent recent = recents[hash % SLOTS];
	pthread_mutex_unlock(&lock);
	return recent.key == hash && clock_ms() < recent.when_ms + RECENT_MS;
}

int forget_later(const char *key, json_t *answer)
{
	json_t *old = json_object_get(answer, "old");
	const char *chunk = json_string_value(json_object_get(old, "chunk"));

	if (chunk && tombstone_hides(key, chunk))
		json_object_set_new(answer, "existed", json_false());
	else if (chunk)
		tombstone_set(key, chunk);
	json_object_clear(old);
	return 200;
}
