/*
 * schedule_phases.h - what may happen when, and what at the same time. For schedule*.c and run*.c.
 *
 *     warm-up | chaos: all | quiet | links: network | verify        [phase NAME]s of the plan,
 *     warmup  | chaos: all | quiet                                  or these three
 *
 * Faults that share some time are a wave: at most the phase's budget of them, on nodes of which no
 * role has more than it survives. Whatever concerns many nodes, waits for a gate while it is on, or
 * hits a role that survives none stands alone.
 */
#ifndef RUNNER_SCHEDULE_PHASES_H
#define RUNNER_SCHEDULE_PHASES_H

#include "runner/schedule.h"

/* The phases of a run; how many. */
int phases_of(struct schedule_phase out[PHASE_MAX], const struct plan *plan);

/* May it be drawn in this phase? */
bool phase_allows(const struct schedule_phase *phase, const struct plan_fault *fault,
		  const struct fault_kind *kind);

/* Names of faults and classes that exist; budgets that the roles bear. */
int phases_check(const struct plan *plan, struct why *why);

/* May it share time with those of the wave? */
bool wave_takes(const struct plan *plan, const struct fault_atom *const *wave, int count,
		int64_t budget, const struct fault_atom *atom);

#endif
