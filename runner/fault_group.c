/* fault_group.c - cuts between many nodes: one and all others, two sides, a ring. Spares are nodes;
 * clients are none, and reach whom they did. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runner/fault_kinds.h"
#include "runner/net.h"

struct side {
	uint32_t address[NODE_COUNT_MAX];
	int count;
};

int group_check(const struct plan_fault *fault, struct why *why)
{
	if (fault->link && fault->link[0])
		return why_set(why, -EINVAL, "kind \"%s\" takes `on`, no link", fault->kind);
	return 0;
}

static void add(struct side *side, uint32_t address)
{
	side->address[side->count++] = address;
}

static bool is_in(const struct side *side, uint32_t address)
{
	for (int i = 0; i < side->count; i++)
		if (side->address[i] == address)
			return true;
	return false;
}

/* Every node that is not in there. */
static void add_others(struct side *others, struct cluster *cluster, const struct side *side)
{
	for (int i = 0; i < cluster_nodes(cluster); i++) {
		uint32_t address = cluster_node(cluster, i)->address;

		if (!is_in(side, address))
			add(others, address);
	}
}

static int find_group(struct side *side, const struct fault_run *run, struct cluster *cluster,
		      struct why *why)
{
	const char *list = run->atom->group;
	char name[PLAN_NAME_MAX];

	side->count = 0;
	while (fault_group_next(&list, name)) {
		const struct node *node = cluster_find(cluster, name);

		if (!node)
			return why_set(why, -ENOENT, "\"%s\" is no node of the cluster", name);
		if (side->count == NODE_COUNT_MAX)
			return why_set(why, -ENOSPC, "more than %d nodes", NODE_COUNT_MAX);
		add(side, node->address);
	}
	return 0;
}

static int cut(struct fault_run *run, const struct side *from, const struct side *to,
	       struct why *why)
{
	int error = net_cut_sides(from->address, from->count, to->address, to->count,
				  &run->cut[run->cuts], why);

	if (!error)
		run->cuts++;
	return error;
}

static int cut_off(struct fault_run *run, const struct fault_context *c, const struct side *side,
		   struct why *why)
{
	struct side others = {.count = 0};
	int error;

	add_others(&others, c->cluster, side);
	error = cut(run, side, &others, why);
	return error ? error : cut(run, &others, side, why);
}

int group_isolate(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	struct side alone = {.count = 0};

	add(&alone, run->node->address);
	return cut_off(run, c, &alone, why);
}

int group_split(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	struct side side;
	int error = find_group(&side, run, c->cluster, why);

	return error ? error : cut_off(run, c, &side, why);
}

/* Nodes outside of the ring reach all of it. */
int group_ring(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	struct side ring, one, far;
	int error = find_group(&ring, run, c->cluster, why);

	for (int i = 0; i < ring.count && !error; i++) {
		one.count = far.count = 0;
		add(&one, ring.address[i]);
		for (int j = i + 2; j < i + ring.count - 1; j++)
			add(&far, ring.address[j % ring.count]);
		error = cut(run, &one, &far, why);
	}
	return error;
}
