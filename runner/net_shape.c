/* net_shape.c - see net_shape.h for what each word means. */
#include "runner/net_shape.h"

#include <stddef.h>

#include "runner/seed.h"

static const int64_t BACKLOG_NS = INT64_C(2000000000);

/* What one packet drew. */
struct draw {
	double loss, duplicate, reorder, jitter;
};

static double unit(uint64_t *stream)
{
	return (double)(seed_next(stream) >> 11) / 9007199254740992.0;
}

static struct draw draw(uint64_t *stream)
{
	struct draw d;

	d.loss = unit(stream);
	d.duplicate = unit(stream);
	d.reorder = unit(stream);
	d.jitter = unit(stream);
	return d;
}

static bool same_ports(const struct shape_ports *a, const struct shape_ports *b)
{
	return a->from == b->from && a->to == b->to;
}

static bool is_dead(struct net_shape *shape, const struct shape_packet *packet)
{
	if (!packet->tcp)
		return false;
	for (int i = 0; i < shape->deads; i++) {
		if (!same_ports(&shape->dead[i], &packet->ports))
			continue;
		if (!packet->syn)
			return true;
		/* The ports are used again, by a new connection. */
		shape->dead[i] = shape->dead[--shape->deads];
		return false;
	}
	return false;
}

/* How much its connection has carried; NULL when there are more than can be told apart. */
static uint64_t *carried(struct shape_state *state, const struct shape_packet *packet)
{
	int i = 0;

	while (i < state->connections && !same_ports(&state->carried[i].ports, &packet->ports))
		i++;
	if (i == SHAPE_CONNECTIONS_MAX)
		return NULL;
	if (i == state->connections) {
		state->connections++;
		state->carried[i].ports = packet->ports;
		state->carried[i].bytes = 0;
	}
	if (packet->syn)
		state->carried[i].bytes = 0;
	return &state->carried[i].bytes;
}

static void cut(struct shape_state *state, const struct shape_packet *packet,
		struct shape_fate *fate)
{
	uint64_t *bytes = packet->tcp ? carried(state, packet) : NULL;

	if (!bytes)
		return;
	if (*bytes + packet->payload > state->shape.cut_bytes) {
		fate->reset = true;
		fate->keep = (uint32_t)(state->shape.cut_bytes - *bytes);
	}
	*bytes += fate->keep;
}

/* When it has left the line, after those before it. */
static int64_t through_line(struct shape_state *state, const struct shape_packet *packet,
			    int64_t now_ns)
{
	if (state->line_free_ns < now_ns)
		state->line_free_ns = now_ns;
	state->line_free_ns += (int64_t)(packet->length * 1e9 / (double)state->shape.rate);
	return state->line_free_ns;
}

static void time_it(struct shape_state *state, const struct shape_packet *packet,
		    const struct draw *d, int64_t now_ns, struct shape_fate *fate)
{
	const struct net_shape *shape = &state->shape;
	bool overtaken = d->reorder < shape->reorder;

	if (shape->reorder > 0)
		fate->due_ns = overtaken ? now_ns + shape->delay_ns : now_ns;
	else
		fate->due_ns =
			now_ns + shape->delay_ns + (int64_t)(d->jitter * (double)shape->jitter_ns);
	if (shape->rate)
		fate->due_ns = through_line(state, packet, fate->due_ns);
	if (overtaken)
		return;
	if (fate->due_ns < state->last_due_ns)
		fate->due_ns = state->last_due_ns;
	state->last_due_ns = fate->due_ns;
}

void shape_start(struct shape_state *state, const struct net_shape *shape)
{
	state->shape = *shape;
	state->stream = shape->seed;
	state->last_due_ns = state->line_free_ns = 0;
	state->connections = 0;
	state->packets = state->hits = 0;
}

struct shape_fate shape_decide(struct shape_state *state, const struct shape_packet *packet,
			       int64_t now_ns)
{
	struct net_shape *shape = &state->shape;
	struct shape_fate fate = {.due_ns = now_ns, .keep = packet->payload};
	struct draw d = draw(&state->stream);

	state->packets++;
	fate.drop = d.loss < shape->loss || (shape->half_open && is_dead(shape, packet)) ||
		    (shape->rate && state->line_free_ns > now_ns + BACKLOG_NS);
	fate.duplicate = !fate.drop && d.duplicate < shape->duplicate;
	if (!fate.drop && shape->cut)
		cut(state, packet, &fate);
	if (!fate.drop && !fate.reset)
		time_it(state, packet, &d, now_ns, &fate);
	state->hits += fate.drop || fate.duplicate || fate.reset || fate.due_ns > now_ns;
	return fate;
}
