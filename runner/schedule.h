/*
 * schedule.h - (plan, seed) -> the list of faults, byte for byte the same every time.
 *
 *     #   anchor       fault      kind        whom      for     gate     rule
 *     0   ack 400      wal-eio    point       ds2       0ms     default  f0-wal-eio := ...
 *     1   after 812ms  kill-ds    kill-start  ds3       0ms     ds
 *     2   ack +131     cut        one-way     fe1>ms2   2000ms  default
 *
 * Faults with an anchor in the plan come first, each once, exactly where the plan says. The others
 * are dealt like cards: a deck holds each as often as its weight, is shuffled, dealt to the end and
 * shuffled anew, as long as the estimated time of the list fits between warm-up and quiet phase.
 * Their anchors are relative to the gate before them ("after": time; "ack +": acknowledged
 * mutations), so a slow machine delays the list but does not change it, and each fault meets a
 * recovered cluster. Each phase of the plan is dealt for itself.
 *
 * With a budget, faults share their time in waves, whose sizes are drawn: the first has an anchor as
 * above, the others follow it ("with": time from its effect), and all are healed and gated before
 * the next wave.
 *
 * Every draw has its own stream, named after the fault and its occurrence: a fault taken out of the
 * plan does not shift the targets of the others.
 */
#ifndef RUNNER_SCHEDULE_H
#define RUNNER_SCHEDULE_H

#include <stdint.h>
#include <stdio.h>

#include "failkit/why.h"
#include "runner/fault.h"
#include "runner/plan.h"

enum { SCHEDULE_MAX = 4096, WAVE_MAX = 16 };

/* A stretch of the run; schedule_phases.h. */
struct schedule_phase {
	const char *name, *faults;
	int64_t start_ns, end_ns; /* from the workload's start */
	int64_t budget, think_ns;
	int first, atoms; /* of the schedule: those drawn for it */
};

struct schedule {
	struct fault_atom *atom;
	int atoms;
	int fixed; /* the first of them have an anchor of the plan */
	struct schedule_phase phase[PHASE_MAX];
	int phases;
};

enum anchor_kind {
	ANCHOR_AFTER,
	ANCHOR_ACK_MORE,
	ANCHOR_WITH,
	ANCHOR_TIME,
	ANCHOR_ACK,
	ANCHOR_HIT,
};

struct anchor {
	enum anchor_kind kind;
	int64_t ns;
	uint64_t count;
	const char *selector; /* hit: within the text that was parsed */
};

/* "after D", "ack +N", "with D", "time D", "ack N", "hit N SELECTOR". */
int anchor_parse(struct anchor *out, const char *text, struct why *why);

/* The rule that watches for a hit anchor, named "h3-NAME"; it fires once, at its count, and does
 * nothing.
 * "" for the other kinds. */
int anchor_watch(const struct fault_atom *atom, char *text, size_t size, struct why *why);

/* Draws the list from plan->run.seed. 0 or -errno. */
int schedule_make(struct schedule *out, const struct plan *plan, struct why *why);
void schedule_fini(struct schedule *schedule);

/* Gives an atom another anchor, and makes its line anew (also after a change of its number). */
int schedule_anchor(struct fault_atom *atom, const char *anchor, struct why *why);

/* Gives every atom a place of its own, whatever wave and phase it was drawn for: for a replay. */
void schedule_place_all(struct schedule *schedule);

void schedule_print(const struct schedule *schedule, FILE *to);

#endif
