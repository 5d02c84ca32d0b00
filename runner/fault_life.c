/* fault_life.c - what happens to nodes in a life of years: crashes in a row, updates, and
 * replacement. */
#include <errno.h>
#include <string.h>

#include "runner/fault_kinds.h"
#include "runner/process.h"
#include "runner/seed.h"

static const int64_t MS = 1000000;
enum { LOOPS = 5 };

/* ---- Crashes in a row ---- */

int life_loop(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	int error = fault_kill(run, c, why);

	run->fires = error ? 0 : 1;
	run->stream = seed_named(run->atom->seed, "loop");
	return error;
}

/* One step of it each time that it is asked. */
bool life_looped(struct fault_run *run, const struct fault_context *c)
{
	int64_t count = run->atom->fault->count, now_ns = process_now_ns();
	uint64_t loops = count > 0 ? (uint64_t)count : LOOPS;

	if (run->fires >= loops)
		return true;
	if (!node_alive(c->cluster, run->node)) {
		/* While it starts, when it is ready or hardly so. */
		run->next_ns = now_ns + (5 + (int64_t)seed_below(&run->stream, 400)) * MS;
		node_start(c->cluster, run->node, NULL);
	} else if (now_ns >= run->next_ns && node_kill(c->cluster, run->node, NULL) == 0) {
		run->fires++;
	}
	return run->fires >= loops;
}

/* ---- Another version ---- */

int life_update(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	int error = node_stop(c->cluster, run->node, why);

	if (!error)
		run->node->updated = !run->node->updated;
	return error;
}

static int roll_one(struct fault_run *run, const struct fault_context *c, const char *name,
		    struct why *why)
{
	struct node *node = cluster_find(c->cluster, name);
	int error = node ? node_stop(c->cluster, node, why)
			 : why_set(why, -ENOENT, "\"%s\" is no node of the cluster", name);

	if (error)
		return error;
	node->updated = !node->updated;
	error = fault_start_node(c->cluster, node, why);
	if (error)
		return error;
	run->fires++;
	return c->pass_gate(c->arg, run->atom->fault->gate, run->atom->number, why);
}

int life_roll(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	const char *list = run->atom->group;
	char name[PLAN_NAME_MAX];
	int error = 0;

	while (!error && fault_group_next(&list, name))
		error = roll_one(run, c, name, why);
	return error == -ECANCELED ? 0 : error;
}

bool life_rolled(struct fault_run *run, const struct fault_context *c)
{
	(void)c;
	return run->fires > 0;
}

/* The new version stays: there is nothing to undo but what went wrong half-way. */
int life_leave_rolled(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	int error = 0;

	(void)run;
	for (int i = 0; i < cluster_nodes(c->cluster) && !error; i++)
		if (!node_alive(c->cluster, cluster_node(c->cluster, i)))
			error = fault_start_node(c->cluster, cluster_node(c->cluster, i), why);
	return error;
}

bool life_all_up(struct fault_run *run, const struct fault_context *c)
{
	(void)run;
	for (int i = 0; i < cluster_nodes(c->cluster); i++)
		if (!node_alive(c->cluster, cluster_node(c->cluster, i)))
			return false;
	return true;
}

/* ---- Another machine in its place ---- */

int life_dead_check(const struct plan_fault *fault, struct why *why)
{
	if (!fault->until || !fault->until[0])
		return why_set(why, -EINVAL,
			       "kind \"%s\" wants `until`: the gate that tells that its data is "
			       "elsewhere",
			       fault->kind);
	return fault_wants_on(fault, why);
}

int life_replace(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	int error = c->pass_gate(c->arg, run->atom->fault->until, run->atom->number, why);

	/* Without that the data stays: to empty it would be a loss that nobody promised to bear. */
	if (!error)
		error = node_wipe(c->cluster, run->node, why);
	if (error && error != -ECANCELED)
		return error;
	return fault_start_node(c->cluster, run->node, why);
}
