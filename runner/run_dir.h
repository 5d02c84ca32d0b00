/*
 * run_dir.h - the directory of a run: made, locked, marked.
 *
 * Whoever runs in a directory holds a lock on it until its last process has ended, so that nobody
 * resumes a run that goes on. A start that failed leaves no directory, or, once there are logs to
 * look at, one with a file FAILED that says why.
 */
#ifndef RUNNER_RUN_DIR_H
#define RUNNER_RUN_DIR_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "failkit/why.h"
#include "runner/plan.h"

#define RUN_DIR_FROZEN "frozen" /* there while its nodes are stopped for a look */

struct run_dir {
	char path[PATH_MAX]; /* absolute */
	bool made;           /* it was not there before */
};

/* For a new run: as the plan says, and then it must hold none; else the next free of BASE-1, BASE-2
 * ... Locks it, writes plan.ini and repro.sh. base NULL: run/NAME-SEED of the plan. */
int run_dir_make(struct run_dir *out, const struct plan *plan, const char *base, struct why *why);
/* Waits for so long; -EBUSY when a run goes on in it. Held until this process and those it forks
 * have ended. */
int run_dir_lock(const char *path, int64_t wait_ns, struct why *why);
bool run_dir_is_busy(const char *path);

/* After a start that failed: removes what run_dir_make() made. Only while nothing else is in it. */
void run_dir_undo(const struct run_dir *dir);
/* Lets a frozen run go on. -ENOENT: none is frozen in it. */
int run_dir_thaw(const char *path, struct why *why);
/* Marks of an earlier epoch. */
void run_dir_unmark(const char *path);
void run_dir_mark_failed(const char *path, const struct why *why);

#endif
