/* ms_servers.c - see ms_servers.h. */
#include "tests/refstore/ms_servers.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct server {
	char address[ADDRESS_MAX];
	bool spare;
	uint64_t seen_ms;
} servers[SERVERS_MAX];
static int server_count;
static unsigned turn;
static char offline[SERVERS_TEXT_MAX];

void servers_seen(const char *address, bool spare)
{
	int i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < server_count && strcmp(servers[i].address, address) != 0; i++)
		;
	if (i < SERVERS_MAX) {
		snprintf(servers[i].address, ADDRESS_MAX, "%s", address);
		servers[i].spare = spare;
		servers[i].seen_ms = clock_ms();
		if (i == server_count)
			server_count++;
	}
	pthread_mutex_unlock(&lock);
}

enum class { REGULAR, SPARE, OFFLINE };

static enum class class_of(const struct server *server) {
	if (list_has(offline, server->address)) return OFFLINE;
	return server->spare ? SPARE : REGULAR;
}

/* The live ones of a class, each as often the first as any other. */
static void list_class(enum class class, uint64_t seen_after_ms, char *list, size_t max)
{
	const struct server *of_class[SERVERS_MAX];
	unsigned count = 0;

	for (int i = 0; i < server_count; i++)
		if (servers[i].seen_ms >= seen_after_ms && class_of(&servers[i]) == class)
			of_class[count++] = &servers[i];
	list[0] = 0;
	for (unsigned i = 0; i < count; i++)
		list_add(list, max, of_class[(turn + i) % count]->address);
}

void servers_live(struct live *live, uint64_t dead_after_ms)
{
	uint64_t now = clock_ms(), after = now > dead_after_ms ? now - dead_after_ms : 0;

	pthread_mutex_lock(&lock);
	turn++;
	list_class(REGULAR, after, live->regular, sizeof(live->regular));
	list_class(SPARE, after, live->spare, sizeof(live->spare));
	list_class(OFFLINE, after, live->offline, sizeof(live->offline));
	pthread_mutex_unlock(&lock);
}

void servers_set_offline(const char *list)
{
	pthread_mutex_lock(&lock);
	snprintf(offline, sizeof(offline), "%s", list);
	pthread_mutex_unlock(&lock);
}

bool servers_is_offline(const char *address)
{
	pthread_mutex_lock(&lock);
	bool is = list_has(offline, address);
	pthread_mutex_unlock(&lock);
	return is;
}
