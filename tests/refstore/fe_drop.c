/* fe_drop.c - dropping replaced chunks, lazily and in batches; see fe.h. */
#include "tests/refstore/fe.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/refstore/http_client.h"

#define GRACE_MS    2000
#define PAUSE_MS    250
#define SERVERS_MAX 16

struct dropped {
	struct dropped *next;
	char chunk[CHUNK_ID_TEXT_MAX];
	char replicas[ADDRESSES_MAX];
	uint64_t when_ms;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct dropped *first, **last = &first;

void fe_drop(const char *chunk, const char *replicas)
{
	struct dropped *d = calloc(1, sizeof(*d));

	if (!d)
		return; /* garbage collection finds it */
	snprintf(d->chunk, sizeof(d->chunk), "%s", chunk);
	snprintf(d->replicas, sizeof(d->replicas), "%s", replicas);
	d->when_ms = clock_ms() + GRACE_MS;
	pthread_mutex_lock(&lock);
	*last = d;
	last = &d->next;
	pthread_mutex_unlock(&lock);
}

static struct dropped *next_due(uint64_t now_ms)
{
	pthread_mutex_lock(&lock);
	struct dropped *d = first && first->when_ms <= now_ms ? first : NULL;
	if (d) {
		first = d->next;
		if (!first)
			last = &first;
	}
	pthread_mutex_unlock(&lock);
	return d;
}

/* The chunks to be dropped by one data server. */
struct batch {
	char address[ADDRESS_MAX];
	json_t *chunks;
};

static void batch_add(struct batch *batches, const char *address, const char *chunk)
{
	for (int i = 0; i < SERVERS_MAX; i++) {
		if (!batches[i].chunks) {
			snprintf(batches[i].address, ADDRESS_MAX, "%s", address);
			batches[i].chunks = json_array();
		}
		if (strcmp(batches[i].address, address) == 0) {
			json_array_append_new(batches[i].chunks, json_string(chunk));
			return;
		}
	}
}

static void *drop_thread(void *arg)
{
	(void)arg;
	for (;;) {
		struct batch batches[SERVERS_MAX] = {0};
		uint64_t now_ms = clock_ms();
		struct dropped *d;

		usleep(PAUSE_MS * 1000);
		while ((d = next_due(now_ms))) {
			const char *list = d->replicas;
			char address[ADDRESS_MAX];

			while (list_next(&list, address, sizeof(address)))
				batch_add(batches, address, d->chunk);
			free(d);
		}
		for (int i = 0; i < SERVERS_MAX && batches[i].chunks; i++)
			client_json(batches[i].address, "/drop",
				    json_pack("{s:o}", "chunks", batches[i].chunks), FE_CALL_MS,
				    NULL);
	}
	return NULL;
}

int fe_drop_start(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, drop_thread, NULL) ? -EAGAIN : 0;
}
