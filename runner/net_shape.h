/*
 * net_shape.h - what becomes of the packets of a link, one way: decided, not done.
 *
 *     delay, jitter   due later by delay .. delay + jitter; the order is kept, as in a queue
 *     loss            dropped
 *     duplicate       delivered twice
 *     reorder         held for `delay` while those behind it pass
 *     rate            as on a line of so many bytes a second; what would wait 2 s is dropped
 *     cut             each connection carries so many bytes of payload, then both ends get a reset
 *     half-open       connections that were there at the start are dead, new ones are not
 *
 * The n-th packet of a link meets the n-th draw of the seed, whatever the draws are used for: which
 * packets are hit follows from the seed alone. No clock, no socket, no lock in here.
 */
#ifndef RUNNER_NET_SHAPE_H
#define RUNNER_NET_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

enum { SHAPE_CONNECTIONS_MAX = 1024 };

/* Ports of a connection as packets of the link have them. */
struct shape_ports {
	uint16_t from, to;
};

struct net_shape {
	uint64_t seed;
	int64_t delay_ns, jitter_ns;
	double loss, duplicate, reorder; /* of the packets, 0 to 1 */
	uint64_t rate;                   /* bytes a second; 0: no limit */
	bool cut, half_open;
	uint64_t cut_bytes;
	struct shape_ports dead[SHAPE_CONNECTIONS_MAX]; /* half-open: whom it hits */
	int deads;
};

/* A shape in use. */
struct shape_state {
	struct net_shape shape;
	uint64_t stream;
	int64_t last_due_ns, line_free_ns;
	struct {
		struct shape_ports ports;
		uint64_t bytes;
	} carried[SHAPE_CONNECTIONS_MAX]; /* cut */
	int connections;
	uint64_t packets, hits; /* seen, and not simply passed on */
};

/* What is known of a packet. */
struct shape_packet {
	struct shape_ports ports;
	bool tcp, syn;
	uint32_t length, payload; /* bytes of all and of what TCP carries */
};

struct shape_fate {
	bool drop, duplicate;
	bool reset;    /* after `keep` bytes of payload the connection ends, for both */
	uint32_t keep; /* of the payload; all of it unless reset */
	int64_t due_ns;
};

void shape_start(struct shape_state *state, const struct net_shape *shape);
struct shape_fate shape_decide(struct shape_state *state, const struct shape_packet *packet,
			       int64_t now_ns);

#endif
