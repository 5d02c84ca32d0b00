/* ds_late.c - see ds_late.h. */
#include "tests/refstore/ds_late.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/refstore/node.h"

struct late {
	struct late *next;
	struct wal_record record;
	char to[ADDRESSES_MAX];
	unsigned char bytes[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct late *waiting;

void late_put(const struct wal_record *record, const void *bytes, const char *to)
{
	struct late *late = malloc(sizeof(*late) + record->length);

	if (!late)
		return;
	late->record = *record;
	memcpy(late->bytes, bytes, record->length);
	snprintf(late->to, sizeof(late->to), "%s", to);
	pthread_mutex_lock(&lock);
	late->next = waiting;
	waiting = late;
	pthread_mutex_unlock(&lock);
}

int late_get(const struct wal_record *wanted, void **bytes)
{
	int error = -ENOENT;

	pthread_mutex_lock(&lock);
	for (struct late *late = waiting; late && error == -ENOENT; late = late->next) {
		if (memcmp(&late->record.id, &wanted->id, sizeof(wanted->id)) != 0)
			continue;
		*bytes = malloc(late->record.length + 1);
		error = *bytes ? 0 : -ENOMEM;
		if (*bytes)
			memcpy(*bytes, late->bytes, late->record.length);
	}
	pthread_mutex_unlock(&lock);
	return error;
}

/* Removes one that was stored; new ones come in only at the front. */
static void forget(struct late *late)
{
	pthread_mutex_lock(&lock);
	struct late **at = &waiting;
	while (*at != late)
		at = &(*at)->next;
	*at = late->next;
	pthread_mutex_unlock(&lock);
	free(late);
}

static void *late_thread(void *arg)
{
	(void)arg;
	for (;;) {
		usleep(500 * 1000);
		pthread_mutex_lock(&lock);
		struct late *late = waiting;
		pthread_mutex_unlock(&lock);
		while (late) {
			struct late *next = late->next;
			char stored[ADDRESSES_MAX];

			ds_store(&late->record, late->bytes, late->to, stored);
			forget(late);
			late = next;
		}
	}
	return NULL;
}

int late_start(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, late_thread, NULL) ? -EAGAIN : 0;
}
