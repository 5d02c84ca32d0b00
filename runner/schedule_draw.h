/*
 * schedule_draw.h - the draws of one atom: whom it hits and when. For schedule.c alone.
 */
#ifndef RUNNER_SCHEDULE_DRAW_H
#define RUNNER_SCHEDULE_DRAW_H

#include "runner/schedule.h"

enum { DECK_COPIES_MAX = 16 };

/* Fills node, from and to, or group, from `on` and `link` of the plan. */
int draw_whom(struct fault_atom *atom, const struct plan *plan, struct why *why);

/* Takes the plan's anchor over, after a check. */
int draw_fixed_anchor(struct fault_atom *atom, struct why *why);

/* Draws an anchor relative to the gate before; returns about how long it takes to be reached. */
int64_t draw_anchor(struct fault_atom *atom, const struct plan *plan);

/* Of one that shares the time of a wave: from the effect of its first. */
void draw_with(struct fault_atom *atom, const struct fault_atom *first);

#endif
