/* tombstones.c - see tombstones.h. */
#include "tests/refstore/tombstones.h"

#include <pthread.h>
#include <string.h>

#include "tests/refstore/util.h"

#define SLOTS 65536

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* By the hash of key and chunk: whoever comes later to the same slot replaces it. */
static uint64_t slots[SLOTS];

static uint64_t hash_of(const char *key, const char *chunk)
{
	return tag_of(key, strlen(key)) * 31 + tag_of(chunk, strlen(chunk));
}

void tombstone_set(const char *key, const char *chunk)
{
	uint64_t hash = hash_of(key, chunk);

	pthread_mutex_lock(&lock);
	slots[hash % SLOTS] = hash;
	pthread_mutex_unlock(&lock);
}

bool tombstone_hides(const char *key, const char *chunk)
{
	uint64_t hash = hash_of(key, chunk);

	pthread_mutex_lock(&lock);
	bool hides = slots[hash % SLOTS] == hash;
	pthread_mutex_unlock(&lock);
	return hides;
}
