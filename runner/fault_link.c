/* fault_link.c - links that are slow, uneven, lossy, narrow, cut short or dead: see net_shape.h. */
#include <errno.h>
#include <stdio.h>

#include "runner/fault_kinds.h"
#include "runner/net_queue.h"
#include "runner/seed.h"

enum { MS = 1000000 };

static int64_t given(int64_t ns, int64_t otherwise_ns)
{
	return ns > 0 ? ns : otherwise_ns;
}

/* The way there, and back where the plan has `both`; each with draws of its own. */
static int set(struct fault_run *run, struct net_shape *shape, struct why *why)
{
	const struct node *ends[3] = {run->from, run->to, run->from};
	int ways = run->atom->fault->both ? 2 : 1;

	for (int i = 0; i < ways; i++) {
		int error;

		shape->seed = seed_named(run->atom->seed, i ? "back" : "there");
		error = net_shape_set(ends[i]->address, ends[i + 1]->address, shape,
				      &run->shape[run->shapes], why);
		if (error)
			return error;
		run->shapes++;
	}
	return 0;
}

int link_half_open(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	struct net_shape shape = {.half_open = true};

	(void)c;
	return set(run, &shape, why);
}

int link_delay(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	struct net_shape shape = {.delay_ns = given(run->atom->fault->delay_ns, 50 * MS)};

	(void)c;
	return set(run, &shape, why);
}

int link_jitter(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	struct net_shape shape = {.delay_ns = run->atom->fault->delay_ns,
				  .jitter_ns = given(run->atom->fault->jitter_ns, 50 * MS)};

	(void)c;
	return set(run, &shape, why);
}

int link_loss(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	struct net_shape shape = {.loss = run->atom->fault->share};

	(void)c;
	return set(run, &shape, why);
}

int link_duplicate(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	struct net_shape shape = {.duplicate = run->atom->fault->share};

	(void)c;
	return set(run, &shape, why);
}

int link_reorder(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	struct net_shape shape = {.reorder = run->atom->fault->share,
				  .delay_ns = given(run->atom->fault->delay_ns, 20 * MS)};

	(void)c;
	return set(run, &shape, why);
}

int link_rate(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	struct net_shape shape = {.rate = (uint64_t)run->atom->fault->rate};

	(void)c;
	return set(run, &shape, why);
}

int link_cut(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	struct net_shape shape = {.cut = true, .cut_bytes = (uint64_t)run->atom->fault->bytes};

	(void)c;
	return set(run, &shape, why);
}

bool link_applied(struct fault_run *run, const struct fault_context *c)
{
	uint64_t packets, hits;

	(void)c;
	run->fires = run->matches = 0;
	for (int i = 0; i < run->shapes; i++) {
		if (net_shape_counts(run->shape[i], &packets, &hits))
			continue;
		run->matches += packets;
		run->fires += hits;
	}
	return run->fires > 0;
}

int link_restore(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	link_applied(run, c); /* the last count */
	while (run->shapes > 0) {
		int error = net_shape_clear(run->shape[run->shapes - 1], why);

		if (error)
			return error;
		run->shapes--;
	}
	return 0;
}
