/*
 * net_held.h - packets that wait for their time: a heap by due time, first come first served among
 * those of the same; for net_queue.c alone. Copies belong to who takes the packet out.
 */
#ifndef RUNNER_NET_HELD_H
#define RUNNER_NET_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HELD_MAX = 16384 };

struct held_packet {
	int64_t due_ns;
	uint64_t order; /* of coming; filled in by held_push() */
	int owner;
	uint32_t id;
	uint8_t *copy; /* NULL, or to be sent as well */
	size_t copy_size;
};

struct held {
	struct held_packet *packet; /* HELD_MAX of them */
	int packets;
	uint64_t orders;
};

int held_init(struct held *held);
void held_fini(struct held *held);

int held_push(struct held *held, const struct held_packet *packet); /* -ENOSPC */
/* Takes out the next that is due by now. */
bool held_pop(struct held *held, int64_t now_ns, struct held_packet *out);
int64_t held_next_ns(const struct held *held);   /* -1 when there is none */
void held_release(struct held *held, int owner); /* all of its packets are due */

#endif
