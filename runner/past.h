/*
 * past.h - a run of the past, from its directory: what is needed to go on with it or to repeat it.
 *
 *     DIR/plan.ini      the plan as it ran
 *     DIR/model.sqlite  where it was started, which atoms there were, when they struck
 *
 * A schedule follows from plan and seed. A replay has but some of its atoms, with anchors of its own:
 * "atoms" in its ledger tells their numbers in the schedule of the plan ("0 3 4"; "" is all of them, as drawn).
 * What the plan draws now must be what the ledger has; a failrun that draws otherwise is told so.
 */
#ifndef RUNNER_PAST_H
#define RUNNER_PAST_H

#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "failkit/why.h"
#include "runner/plan.h"
#include "runner/schedule.h"

#define PAST_NO_ATOMS "none" /* as "atoms": a replay of a run that reached none */

struct past {
	char dir[PATH_MAX];
	char run_dir[PATH_MAX]; /* as its plan has it, "" when it does not */
	char where[PATH_MAX],
		plan_path[PATH_MAX]; /* as it was started: the folder, the plan's path */
	uint32_t network;            /* the addresses of its nodes (sandbox_network()) */
	sqlite3 *db;
	struct plan *plan;
	struct schedule schedule; /* its atoms, numbered as in its ledger */
	int drawn[SCHEDULE_MAX];  /* their numbers in the schedule of the plan */
};

/* Reads it, with these settings on top of its plan. */
int past_open(struct past **out, const char *dir, const char *const *overrides, struct why *why);
void past_close(struct past *past);
/* A connection of SQLite must not be carried over a fork: closed before, opened again after. */
void past_close_ledger(struct past *past);
int past_open_ledger(struct past *past, struct why *why);
/* Goes to where it was started: the commands of its plan are relative to that. */
int past_enter(const struct past *past, struct why *why);

/* A text of its ledger's table run, "" when there is none. */
void past_text(const struct past *past, const char *key, char *text, size_t size);
/* The first column of the first row; n is bound to ?1. */
int64_t past_number(const struct past *past, const char *sql, int64_t n);

#endif
