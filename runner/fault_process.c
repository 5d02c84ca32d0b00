/* fault_process.c - nodes killed, stopped, paused, and brought back. */
#include <errno.h>

#include "runner/fault_kinds.h"
#include "runner/process.h"

int fault_wants_on(const struct plan_fault *fault, struct why *why)
{
	if (!fault->on || !fault->on[0])
		return why_set(why, -EINVAL, "kind \"%s\" wants `on`: a role or a node",
			       fault->kind);
	return 0;
}

int fault_kill(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	return node_kill(c->cluster, run->node, why);
}

int fault_stop(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	return node_stop(c->cluster, run->node, why);
}

bool fault_down(struct fault_run *run, const struct fault_context *c)
{
	if (node_alive(c->cluster, run->node))
		return false;
	run->fires = 1;
	return true;
}

int fault_start_node(struct cluster *cluster, struct node *node, struct why *why)
{
	int error = node_start(cluster, node, why);

	return error ? error
		     : node_wait_ready(cluster, node, process_now_ns() + node->role->ready_ns, why);
}

int fault_start(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	return fault_start_node(c->cluster, run->node, why);
}

bool fault_up(struct fault_run *run, const struct fault_context *c)
{
	return node_alive(c->cluster, run->node) && run->node->state == NODE_UP;
}

int fault_pause(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	return node_pause(c->cluster, run->node, why);
}

bool fault_paused(struct fault_run *run, const struct fault_context *c)
{
	(void)c;
	if (run->node->state != NODE_PAUSED)
		return false;
	run->fires = 1;
	return true;
}

int fault_continue(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	return node_continue(c->cluster, run->node, why);
}
