/*
 * net_packet.h - reading, shortening and making IPv4 packets; for net_queue.c alone.
 */
#ifndef RUNNER_NET_PACKET_H
#define RUNNER_NET_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/net_shape.h"

enum { PACKET_MAX = 65535, RESET_SIZE = 40 };

/* Addresses in host order. False when it is no whole IPv4 packet. */
bool packet_read(struct shape_packet *out, uint32_t *from, uint32_t *to, const uint8_t *packet,
		 size_t size);

/* Leaves the first `keep` bytes of a TCP packet's payload, with its lengths and checksums right.
 * Returns its new size. */
size_t packet_shorten(uint8_t *packet, uint32_t keep);

/* The resets that end the connection of a TCP packet (already shortened): one that its receiver
 * takes as coming from the sender, one for the sender. */
void packet_resets(const uint8_t *packet, uint8_t receiver[RESET_SIZE], uint8_t sender[RESET_SIZE]);

#endif
