/* fe_bugs.c - see fe_bugs.h. */
#include "tests/refstore/fe_bugs.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/refstore/bugs.h"

#define SLOTS         8192
#define LISTS         64
#define STALE_LIST_MS 3000
#define SHARED_MAX    (1u << 20)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* One object by key: whoever comes later to the same slot replaces it. */
static struct slot {
	uint64_t key;
	uint64_t when_ms;
	struct object object;
} slots[SLOTS];

static struct list {
	char path[1024];
	char *answer;
	size_t length;
	uint64_t when_ms;
} lists[LISTS];

static char shared_buffer[SHARED_MAX];
static size_t shared_length;

static struct slot *slot_of(const char *key, uint64_t *hash)
{
	*hash = tag_of(key, strlen(key));
	return &slots[*hash % SLOTS];
}

void stale_object(const char *key, uint64_t age_ms, struct object *object)
{
	uint64_t hash, now = clock_ms();
	struct slot *slot = slot_of(key, &hash);

	pthread_mutex_lock(&lock);
	if (slot->key == hash && now < slot->when_ms + age_ms)
		*object = slot->object;
	else
		*slot = (struct slot){hash, now, *object};
	pthread_mutex_unlock(&lock);
}

void leases_run_out(void)
{
	if (bug_on(BUG_NON_MONOTONIC_FRONT_END))
		usleep(LEASE_MS * 1500);
}

void stale_size(const char *key, bool head, struct object *object)
{
	struct object known = *object;

	stale_object(key, STALE_READ_MS, &known);
	if (head)
		object->size = known.size;
}

void shared_buffer_fill(const void *bytes, size_t length)
{
	pthread_mutex_lock(&lock);
	shared_length = length < SHARED_MAX ? length : SHARED_MAX;
	memcpy(shared_buffer, bytes, shared_length);
	pthread_mutex_unlock(&lock);
}

void shared_buffer_take(char **bytes, size_t *length)
{
	char *taken = malloc(SHARED_MAX);

	if (!taken)
		return;
	pthread_mutex_lock(&lock);
	memcpy(taken, shared_buffer, shared_length);
	*length = shared_length;
	pthread_mutex_unlock(&lock);
	free(*bytes);
	*bytes = taken;
}

void tag_of_start(const void *body, size_t length, char tag[TAG_TEXT_MAX])
{
	tag_text(tag_of(body, length < 4096 ? length : 4096), tag);
}

bool stale_list(const char *path, struct http_reply *reply)
{
	uint64_t now = clock_ms();

	pthread_mutex_lock(&lock);
	for (int i = 0; i < LISTS && !reply->body; i++) {
		struct list *l = &lists[i];

		if (!l->answer || now >= l->when_ms + STALE_LIST_MS || strcmp(l->path, path) != 0)
			continue;
		reply->body = malloc(l->length);
		if (reply->body)
			memcpy(reply->body, l->answer, l->length);
		reply->length = l->length;
		reply->type = "application/json";
	}
	pthread_mutex_unlock(&lock);
	return reply->body != NULL;
}

void stale_list_keep(const char *path, const char *answer, size_t length)
{
	pthread_mutex_lock(&lock);
	struct list *oldest = &lists[0];
	for (int i = 1; i < LISTS; i++)
		if (lists[i].when_ms < oldest->when_ms)
			oldest = &lists[i];
	free(oldest->answer);
	oldest->answer = malloc(length);
	if (oldest->answer)
		memcpy(oldest->answer, answer, length);
	oldest->length = length;
	oldest->when_ms = clock_ms();
	snprintf(oldest->path, sizeof(oldest->path), "%s", path);
	pthread_mutex_unlock(&lock);
}

bool send_to_one(const struct object *object, const void *body, uint64_t deadline_ms, char *stored)
{
	const char *list = object->replicas;
	struct object one = *object;

	stored[0] = 0;
	while (!*stored && list_next(&list, one.replicas, ADDRESS_MAX))
		fe_send(&one, body, deadline_ms, stored);
	if (!*stored)
		return false;
	snprintf(stored, ADDRESSES_MAX, "%s", object->replicas);
	return true;
}

bool judged_early(const char *key, struct condition *condition, uint64_t deadline_ms)
{
	const struct condition wanted = *condition;
	struct object now;
	bool there = fe_lookup(key, deadline_ms, &now) == 200;

	*condition = (struct condition){.absent = false};
	if (wanted.absent && there)
		return false;
	return !*wanted.match ||
	       (there && (*wanted.match == '*' || strcmp(wanted.match, now.tag) == 0));
}
