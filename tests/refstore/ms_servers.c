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

void servers_live(struct live *live, uint64_t dead_after_ms)
{
	uint64_t now = clock_ms();

	live->regular[0] = live->spare[0] = live->offline[0] = 0;
	pthread_mutex_lock(&lock);
	turn++;
	for (int i = 0; i < server_count; i++) {
		const struct server *s =
			&servers[(i + (int)(turn % (unsigned)server_count)) % server_count];

		if (s->seen_ms + dead_after_ms < now)
			continue;
		list_add(list_has(offline, s->address) ? live->offline
			 : s->spare                    ? live->spare
						       : live->regular,
			 sizeof(live->regular), s->address);
	}
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
