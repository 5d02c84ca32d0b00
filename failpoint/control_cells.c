/* control_cells.c - see control_impl.h: the threads that are inside an action. */
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

unsigned control_wake(struct control *control, struct control_range range, bool only_paused)
{
	unsigned woken = 0;

	for (unsigned i = 0, used = control_slots_used(control); i < used; i++) {
		struct plane_slot *slot = control_slot(control, i);

		if (!control_slot_is_running(slot))
			continue;
		for (unsigned c = 0; c < CELL_MAX; c++)
			if (cell_is_in(&slot->cell[c], range) &&
			    wake_cell(&slot->cell[c], only_paused))
				woken++;
	}
	return woken;
}

unsigned control_count_inside(struct control *control, struct control_range range, bool only_paused)
{
	unsigned inside = 0;

	for (unsigned i = 0, used = control_slots_used(control); i < used; i++) {
		struct plane_slot *slot = control_slot(control, i);

		if (!control_slot_is_running(slot))
			continue;
		for (unsigned c = 0; c < CELL_MAX; c++)
			if (cell_is_in(&slot->cell[c], range) &&
			    (!only_paused || atomic_load(&slot->cell[c].state) == CELL_PAUSE))
				inside++;
	}
	return inside;
}

struct left {
	unsigned threads;
	char names[256];
};

static void add_left(struct control *control, struct left *left, struct plane_slot *slot,
		     struct plane_cell *cell)
{
	size_t used = strlen(left->names);
	char site[POINT_NAME_MAX], rule[RULE_NAME_MAX];

	if (left->threads++ >= NAMES_MAX)
		return;
	control_site_name(control, cell->site, site, sizeof(site));
	control_rule_name(control, atomic_load(&cell->rule), rule, sizeof(rule));
	snprintf(left->names + used, sizeof(left->names) - used,
		 "%sthread %u of %u in \"%s\" at %s", used ? ", " : "", atomic_load(&cell->tid),
		 slot->pid, rule, site);
}

/* Who is inside and still alive. Asks /proc, so it is for the slow path. */
static void find_left(struct control *control, struct control_range range, struct left *left)
{
	memset(left, 0, sizeof(*left));
	for (unsigned i = 0, used = control_slots_used(control); i < used; i++) {
		struct plane_slot *slot = control_slot(control, i);
		struct identity id;

		if (!control_slot_is_running(slot))
			continue;
		control_slot_process(slot, &id);
		for (unsigned c = 0; c < CELL_MAX; c++) {
			struct plane_cell *cell = &slot->cell[c];

			if (cell_is_in(cell, range) &&
			    process_thread_is_alive(&id, (pid_t)atomic_load(&cell->tid)))
				add_left(control, left, slot, cell);
		}
	}
}

int control_wait_out(struct control *control, struct control_range range, int64_t deadline_ns,
		     struct why *why)
{
	int64_t poll_ns = POLL_FIRST_NS;
	struct left left;

	while (control_count_inside(control, range, false)) {
		if (poll_ns >= POLL_LAST_NS || control_is_past(deadline_ns)) {
			find_left(control, range, &left);
			if (!left.threads)
				return 0;
			if (control_is_past(deadline_ns))
				return why_set(why, -ETIMEDOUT, "%u still inside: %s%s",
					       left.threads, left.names,
					       left.threads > NAMES_MAX ? ", ..." : "");
		}
		control_sleep_ns(poll_ns);
		poll_ns = poll_ns * 2 < POLL_LAST_NS ? poll_ns * 2 : POLL_LAST_NS;
		control_wake(control, range, false);
	}
	return 0;
}
