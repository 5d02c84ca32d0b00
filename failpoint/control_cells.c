/* control_cells.c - see control_impl.h: the threads that are inside an action. A process that was
 * killed leaves its cells as they were, so who counts asks whether the thread is still there. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "failpoint/control_impl.h"

enum { POLL_FIRST_NS = 50000, POLL_LAST_NS = 2000000, NAMES_MAX = 3 };

struct plane_slot *control_slot(struct control *control, unsigned i)
{
	return &plane_slots(control->head)[i];
}

/* Slots are taken from the front, and one that never was used ends them (attach.c). Any that is
 * taken while we count starts with everything raised. */
unsigned control_slots_used(struct control *control)
{
	unsigned n = 0;

	while (n < SLOT_MAX && atomic_load(&control_slot(control, n)->state))
		n++;
	return n;
}

bool control_slot_is_running(struct plane_slot *slot)
{
	uint64_t state = atomic_load(&slot->state) & 0xff;

	return state == SLOT_ATTACHING || state == SLOT_LIVE || state == SLOT_EXECING;
}

void control_slot_process(const struct plane_slot *slot, struct identity *out)
{
	out->pid = slot->pid;
	out->pad = 0;
	out->start_ticks = slot->start_ticks;
	out->pidns = slot->pidns_inode;
}

static bool cell_is_in(struct plane_cell *cell, struct control_range range)
{
	uint32_t state = atomic_load(&cell->state);
	uint64_t rule = atomic_load(&cell->rule);

	return state != CELL_FREE && state != CELL_CLAIMED && rule >= range.first &&
	       rule <= range.last;
}

/* A thread that has claimed a cell but does not sleep yet looks at its rule once more before it
 * does; so only sleepers have to be woken. */
static bool wake_cell(struct plane_cell *cell, bool only_paused)
{
	uint32_t state = atomic_load(&cell->state);

	if (state != CELL_PAUSE && (only_paused || state != CELL_DELAY))
		return false;
	if (!atomic_compare_exchange_strong(&cell->state, &state, CELL_WAKE))
		return false;
	control_futex_wake(&cell->state);
	return true;
}

static bool cell_is_alive(struct plane_slot *slot, struct plane_cell *cell)
{
	struct identity id;

	control_slot_process(slot, &id);
	return process_thread_is_alive(&id, (pid_t)atomic_load(&cell->tid));
}

/* Visits the cells that are in a rule of the range; returns how many visits said true. */
typedef bool (*visit_fn)(struct control *control, struct plane_slot *slot, struct plane_cell *cell,
			 void *arg);

static unsigned visit_cells(struct control *control, struct control_range range, visit_fn visit,
			    void *arg)
{
	unsigned n = 0;

	for (unsigned i = 0, used = control_slots_used(control); i < used; i++) {
		struct plane_slot *slot = control_slot(control, i);

		if (!control_slot_is_running(slot))
			continue;
		for (unsigned c = 0; c < CELL_MAX; c++)
			if (cell_is_in(&slot->cell[c], range))
				n += visit(control, slot, &slot->cell[c], arg);
	}
	return n;
}

/* Only a release counts whom it woke, and the dead can't be released. They are looked for before
 * the wake, which the living answer by leaving the cell. */
static bool visit_wake(struct control *control, struct plane_slot *slot, struct plane_cell *cell,
		       void *arg)
{
	bool only_paused = *(bool *)arg;
	bool counts = !only_paused || cell_is_alive(slot, cell);

	(void)control;
	return wake_cell(cell, only_paused) && counts;
}

unsigned control_wake(struct control *control, struct control_range range, bool only_paused)
{
	return visit_cells(control, range, visit_wake, &only_paused);
}

static bool visit_count(struct control *control, struct plane_slot *slot, struct plane_cell *cell,
			void *arg)
{
	bool only_paused = *(bool *)arg;

	(void)control;
	return (!only_paused || atomic_load(&cell->state) == CELL_PAUSE) &&
	       cell_is_alive(slot, cell);
}

unsigned control_count_inside(struct control *control, struct control_range range, bool only_paused)
{
	return visit_cells(control, range, visit_count, &only_paused);
}

struct left {
	unsigned threads;
	char names[256];
};

static bool visit_left(struct control *control, struct plane_slot *slot, struct plane_cell *cell,
		       void *arg)
{
	struct left *left = arg;
	size_t used = strlen(left->names);
	char site[POINT_NAME_MAX], rule[RULE_NAME_MAX];

	if (!cell_is_alive(slot, cell))
		return false;
	if (left->threads++ >= NAMES_MAX)
		return true;
	control_site_name(control, cell->site, site, sizeof(site));
	control_rule_name(control, atomic_load(&cell->rule), rule, sizeof(rule));
	snprintf(left->names + used, sizeof(left->names) - used,
		 "%sthread %u of %u in \"%s\" at %s", used ? ", " : "", atomic_load(&cell->tid),
		 slot->pid, rule, site);
	return true;
}

int control_wait_out(struct control *control, struct control_range range, int64_t deadline_ns,
		     struct why *why)
{
	int64_t poll_ns = POLL_FIRST_NS;

	for (;;) {
		struct left left = {0};

		if (!visit_cells(control, range, visit_left, &left))
			return 0;
		if (control_is_past(deadline_ns))
			return why_set(why, -ETIMEDOUT, "%u still inside: %s%s", left.threads,
				       left.names, left.threads > NAMES_MAX ? ", ..." : "");
		control_sleep_ns(poll_ns);
		poll_ns = poll_ns * 2 < POLL_LAST_NS ? poll_ns * 2 : POLL_LAST_NS;
		control_wake(control, range, false);
	}
}
