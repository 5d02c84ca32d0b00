/* fault_clock.c - the clock of a node jumps, runs at another speed or stands still; what only goes
 * forward, CLOCK_MONOTONIC, is left alone. */
#include <errno.h>

#include "runner/fault_kinds.h"

static int bend(struct fault_run *run, const struct fault_context *c, int64_t shift_ns,
		int64_t drift_ppb, bool frozen, struct why *why)
{
	struct control_clock clock = {.shift_ns = shift_ns,
				      .drift_ppb = drift_ppb,
				      .frozen = frozen,
				      .from_here = shift_ns == 0};

	if (!run->node->role->inject)
		return why_set(why, -ENOTSUP, "%s is not under the interposer", run->node->name);
	return control_clock_set(c->control, run->node->name, &clock, CONTROL_HELD, why);
}

int clock_jump(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	int64_t shift_ns = run->atom->fault->shift_ns;

	return bend(run, c, run->atom->fault->back ? -shift_ns : shift_ns, 0, false, why);
}

int clock_drift(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	int64_t ppb = (int64_t)(run->atom->fault->drift * 1e9);

	return bend(run, c, 0, run->atom->fault->back ? -ppb : ppb, false, why);
}

int clock_freeze(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	return bend(run, c, 0, 0, true, why);
}

/* Fires: how often the node has asked for the time since. */
bool clock_applied(struct fault_run *run, const struct fault_context *c)
{
	struct control_clock clock;

	if (control_clock(c->control, run->node->name, &clock, NULL) == 0)
		run->fires = clock.reads;
	return run->fires > 0;
}

int clock_heal(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	clock_applied(run, c); /* the last count */
	return control_clock_clear(c->control, run->node->name, why);
}

bool clock_healed(struct fault_run *run, const struct fault_context *c)
{
	struct control_clock clock = {.shift_ns = 1};

	return control_clock(c->control, run->node->name, &clock, NULL) == 0 &&
	       clock.shift_ns == 0 && clock.drift_ppb == 0 && !clock.frozen;
}
