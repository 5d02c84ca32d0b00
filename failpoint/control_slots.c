/* control_slots.c - see control.h: nodes, processes and failpoints, as the plane knows them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint/control_impl.h"
#include "failpoint/names.h"

static struct plane_node *find_node(struct control *control, const char *name)
{
	struct plane_node *nodes = plane_nodes(control->head);

	for (unsigned i = 0; i < NODE_MAX; i++)
		if (atomic_load(&nodes[i].used) && strncmp(nodes[i].name, name, NODE_NAME_MAX) == 0)
			return &nodes[i];
	return NULL;
}

static struct plane_node *free_node(struct control *control)
{
	struct plane_node *nodes = plane_nodes(control->head);

	for (unsigned i = 0; i < NODE_MAX; i++)
		if (!atomic_load(&nodes[i].used))
			return &nodes[i];
	return NULL;
}

static int check_node_words(const char *name, const char *role, struct why *why)
{
	if (!control_name_is_good(name) || strlen(name) >= NODE_NAME_MAX)
		return why_set(why, -EINVAL,
			       "\"%s\" can't name a node: wanted up to %d letters, digits, \"-\", "
			       "\"_\", \".\"",
			       name, NODE_NAME_MAX - 1);
	if (role && strlen(role) >= NODE_NAME_MAX)
		return why_set(why, -EINVAL, "role \"%s\" is longer than %d bytes", role,
			       NODE_NAME_MAX - 1);
	return 0;
}

int control_node(struct control *control, const char *name, const char *role, uint32_t address,
		 struct why *why)
{
	struct plane_node *node;
	int rc = check_node_words(name, role, why);

	if (!rc)
		rc = control_lock(control, why);
	if (rc)
		return rc;
	node = find_node(control, name);
	if (!node)
		node = free_node(control);
	if (node) {
		snprintf(node->name, sizeof(node->name), "%s", name);
		snprintf(node->role, sizeof(node->role), "%s", role ? role : "");
		node->address = address;
		atomic_store(&node->used, 1);
	}
	control_unlock(control);
	return node ? 0
		    : why_set(why, -ENOSPC, "plane \"%s\" has %d nodes, no more fit", control->name,
			      NODE_MAX);
}

static const char *node_name_at(const void *arg, size_t i)
{
	struct control *control = (struct control *)(uintptr_t)arg;
	const struct plane_node *nodes = plane_nodes(control->head);

	return i < NODE_MAX && atomic_load(&nodes[i].used) ? nodes[i].name : NULL;
}

int control_find_node(struct control *control, const char *name, struct why *why)
{
	const struct plane_node *node = find_node(control, name);

	if (!node)
		return names_refuse(why, -ENOENT, "node", name, node_name_at, control);
	return (int)(node - plane_nodes(control->head)) + 1;
}

const char *control_node_name(struct control *control, uint32_t node)
{
	struct plane_node *nodes = plane_nodes(control->head);

	return node && node <= NODE_MAX && atomic_load(&nodes[node - 1].used) ? nodes[node - 1].name
									      : "";
}

void control_site_name(struct control *control, uint32_t site, char *name, size_t size)
{
	const struct plane_point *points = plane_points(control->head);

	if (site < CALL_COUNT)
		snprintf(name, size, "%s", call_table[site].name);
	else if (site >= SITE_POINT && site < SITE_POINT + POINT_MAX)
		snprintf(name, size, "%.*s", POINT_NAME_MAX - 1, points[site - SITE_POINT].name);
	else
		snprintf(name, size, "site %u", site);
}

/* ---- Processes ---- */

static const char *const cell_action[] = {
	[CELL_DELAY] = "delay",
	[CELL_PAUSE] = "pause",
	[CELL_WAKE] = "leaving",
};

static bool fill_inside(struct control *control, struct plane_cell *cell,
			struct control_inside *out)
{
	uint32_t state = atomic_load(&cell->state);

	if (state < CELL_DELAY || state > CELL_WAKE)
		return false;
	memset(out, 0, sizeof(*out));
	out->rule = atomic_load(&cell->rule);
	out->tid = (pid_t)atomic_load(&cell->tid);
	out->since_ns = cell->since_ns;
	out->until_ns = cell->until_ns;
	out->stack = atomic_load(&cell->stack);
	if (out->stack && out->stack <= STACK_MAX)
		out->stack_owner = atomic_load(&plane_stacks(control->head)[out->stack - 1].owner);
	control_rule_name(control, out->rule, out->rule_name, sizeof(out->rule_name));
	control_site_name(control, cell->site, out->site, sizeof(out->site));
	snprintf(out->action, sizeof(out->action), "%s", cell_action[state]);
	return true;
}

size_t control_stack(struct control *control, const struct control_inside *inside, char *text,
		     size_t size)
{
	struct plane_stack *stack;
	size_t n;

	text[0] = 0;
	if (!inside->stack || inside->stack > STACK_MAX || !inside->stack_owner)
		return 0;
	stack = &plane_stacks(control->head)[inside->stack - 1];
	n = raw_copy(text, size, stack->text, sizeof(stack->text));
	raw_load_barrier();
	if (atomic_load(&stack->owner) == inside->stack_owner)
		return n;
	text[0] = 0;
	return 0;
}

static const char *slot_state_name(struct plane_slot *slot)
{
	struct identity id;
	uint64_t state = atomic_load(&slot->state) & 0xff;

	control_slot_process(slot, &id);
	if (!process_is_alive(&id))
		return "dead";
	return state == SLOT_EXECING ? "executing" : "live";
}

static uint64_t count_calls(struct plane_slot *slot)
{
	uint64_t n = 0;

	for (unsigned w = 0; w < CALL_MAX / 64; w++)
		n += (uint64_t)__builtin_popcountll(atomic_load(&slot->calls_seen[w]));
	return n;
}

static void fill_process(struct control *control, struct plane_slot *slot,
			 struct control_process *out)
{
	const struct plane_node *nodes = plane_nodes(control->head);

	memset(out, 0, sizeof(*out));
	out->pid = (pid_t)slot->pid;
	out->state = slot_state_name(slot);
	out->calls_seen = count_calls(slot);
	out->unlisted = atomic_load(&slot->cells_full);
	out->is_static = slot->is_static;
	snprintf(out->comm, sizeof(out->comm), "%.15s", slot->comm);
	snprintf(out->node, sizeof(out->node), "%s", control_node_name(control, slot->node));
	if (out->node[0])
		snprintf(out->role, sizeof(out->role), "%s", nodes[slot->node - 1].role);
	for (unsigned c = 0; c < CELL_MAX && strcmp(out->state, "dead") != 0; c++)
		if (fill_inside(control, &slot->cell[c], &out->inside[out->insides]))
			out->insides++;
}

int control_processes(struct control *control, int (*each)(void *, const struct control_process *),
		      void *arg)
{
	struct control_process *process = malloc(sizeof(*process));
	int rc = process ? 0 : -ENOMEM;

	for (unsigned i = 0, used = control_slots_used(control); i < used && !rc; i++) {
		struct plane_slot *slot = control_slot(control, i);
		uint64_t state = atomic_load(&slot->state) & 0xff;

		if (state == SLOT_FREE || state == SLOT_ATTACHING)
			continue;
		fill_process(control, slot, process);
		rc = each(arg, process);
	}
	free(process);
	return rc;
}

bool control_seen_calls(struct control *control, const char *node)
{
	for (unsigned i = 0, used = control_slots_used(control); i < used; i++) {
		struct plane_slot *slot = control_slot(control, i);

		if ((atomic_load(&slot->state) & 0xff) == SLOT_FREE)
			continue;
		if (node && strcmp(control_node_name(control, slot->node), node) != 0)
			continue;
		if (count_calls(slot))
			return true;
	}
	return false;
}

/* ---- Failpoints ---- */

static unsigned count_having(struct control *control, unsigned point)
{
	unsigned n = 0;

	for (unsigned i = 0, used = control_slots_used(control); i < used; i++) {
		struct plane_slot *slot = control_slot(control, i);
		struct identity id;

		if (!control_slot_is_running(slot) ||
		    !(atomic_load(&slot->points[point / 64]) >> point % 64 & 1))
			continue;
		control_slot_process(slot, &id);
		n += process_is_alive(&id);
	}
	return n;
}

int control_points(struct control *control, int (*each)(void *, const struct control_point *),
		   void *arg)
{
	struct plane_point *points = plane_points(control->head);
	int rc = 0;

	for (unsigned i = 0; i < POINT_MAX && !rc; i++) {
		struct control_point point;

		if (atomic_load(&points[i].used) != 2)
			continue;
		snprintf(point.name, sizeof(point.name), "%.*s", POINT_NAME_MAX - 1,
			 points[i].name);
		point.takes_value = points[i].kinds & 1;
		point.processes = count_having(control, i);
		rc = each(arg, &point);
	}
	return rc;
}
