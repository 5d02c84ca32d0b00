/* net_held.c - see net_held.h. */
#include "runner/net_held.h"

#include <errno.h>
#include <stdlib.h>

int held_init(struct held *held)
{
	*held = (struct held){.packet = malloc(HELD_MAX * sizeof(*held->packet))};
	return held->packet ? 0 : -ENOMEM;
}

void held_fini(struct held *held)
{
	for (int i = 0; i < held->packets; i++)
		free(held->packet[i].copy);
	free(held->packet);
	*held = (struct held){0};
}

static bool before(const struct held_packet *a, const struct held_packet *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static bool swap_if(struct held *held, int parent, int child)
{
	struct held_packet *p = &held->packet[parent], *c = &held->packet[child], t = *p;

	if (!before(c, p))
		return false;
	*p = *c;
	*c = t;
	return true;
}

static void sink(struct held *held, int i)
{
	for (;;) {
		int least = 2 * i + 1;

		if (least >= held->packets)
			return;
		if (least + 1 < held->packets &&
		    before(&held->packet[least + 1], &held->packet[least]))
			least++;
		if (!swap_if(held, i, least))
			return;
		i = least;
	}
}

int held_push(struct held *held, const struct held_packet *packet)
{
	int i = held->packets;

	if (i == HELD_MAX)
		return -ENOSPC;
	held->packet[held->packets++] = *packet;
	held->packet[i].order = held->orders++;
	for (; i > 0 && swap_if(held, (i - 1) / 2, i); i = (i - 1) / 2)
		;
	return 0;
}

bool held_pop(struct held *held, int64_t now_ns, struct held_packet *out)
{
	if (held->packets == 0 || held->packet[0].due_ns > now_ns)
		return false;
	*out = held->packet[0];
	held->packet[0] = held->packet[--held->packets];
	sink(held, 0);
	return true;
}

int64_t held_next_ns(const struct held *held)
{
	return held->packets ? held->packet[0].due_ns : -1;
}

void held_release(struct held *held, int owner)
{
	for (int i = 0; i < held->packets; i++)
		if (held->packet[i].owner == owner)
			held->packet[i].due_ns = 0;
	for (int i = held->packets / 2; i >= 0; i--)
		sink(held, i);
}
