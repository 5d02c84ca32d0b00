/*
 * replay.h - a run's faults again, where they really struck.
 *
 * Of the atoms of a past run only those that were reached, in their order. Their anchors are no
 * longer drawn ones, relative to gates and times: each is "ack N" with the number of mutations that
 * were acknowledged when it struck. What waited for a hit waits for that hit again. Threads race as
 * they did before, so a replay is likely to meet what the run met, and not certain to.
 */
#ifndef RUNNER_REPLAY_H
#define RUNNER_REPLAY_H

#include "failkit/why.h"
#include "runner/past.h"

struct replay {
	struct schedule schedule;
	char *atoms; /* their numbers in the schedule of the plan, as text */
};

int replay_make(struct replay *out, const struct past *past, struct why *why);
void replay_fini(struct replay *replay);

/* Tells on stdout which violations of the past run came again; dir: the replay's. */
void replay_compare(const struct past *past, const char *dir);

#endif
