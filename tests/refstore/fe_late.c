/* fe_late.c - see fe_late.h. */
#include "tests/refstore/fe_late.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/refstore/bugs.h"

#define SEND_MS    300
#define REPEAT_MS  1000
#define TIMEOUT_MS 40
#define PAUSE_MS   20

struct late {
	struct late *next;
	uint64_t due_ms;
	char key[KEY_MAX + 1]; /* "": only its data */
	struct object object;
	char body[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct late *waiting;

static void add(const char *key, const struct object *object, const void *body, uint64_t wait_ms)
{
	struct late *late = malloc(sizeof(*late) + object->size);

	if (!late)
		return;
	late->due_ms = clock_ms() + wait_ms;
	late->object = *object;
	snprintf(late->key, sizeof(late->key), "%s", key);
	memcpy(late->body, body, object->size);
	pthread_mutex_lock(&lock);
	late->next = waiting;
	waiting = late;
	pthread_mutex_unlock(&lock);
}

void late_send(const struct object *object, const void *body)
{
	add("", object, body, SEND_MS);
}

void late_repeat(const char *key, const struct object *object, const void *body, uint64_t took_ms)
{
	if (took_ms >= TIMEOUT_MS)
		add(key, object, body, REPEAT_MS);
}

static struct late *next_due(void)
{
	uint64_t now = clock_ms();
	struct late **at = &waiting, *due;

	pthread_mutex_lock(&lock);
	while (*at && (*at)->due_ms > now)
		at = &(*at)->next;
	due = *at;
	if (due)
		*at = due->next;
	pthread_mutex_unlock(&lock);
	return due;
}

static void *late_thread(void *arg)
{
	struct late *late;

	(void)arg;
	for (;;) {
		usleep(PAUSE_MS * 1000);
		while ((late = next_due())) {
			uint64_t deadline_ms = clock_ms() + FE_DEADLINE_MS;
			char stored[ADDRESSES_MAX];

			if (*late->key)
				fe_put_again(late->key, &late->object, late->body, deadline_ms);
			else
				fe_send(&late->object, late->body, deadline_ms, stored);
			free(late);
		}
	}
	return NULL;
}

int fe_late_start(void)
{
	pthread_t thread;

	if (!bug_on(BUG_COMMIT_BEFORE_DATA) && !bug_on(BUG_RETRY_APPLIED_LATE))
		return 0;
	return pthread_create(&thread, NULL, late_thread, NULL) ? -EAGAIN : 0;
}
