/*
 * check_progress.h - one line on a terminal, written over, for what takes longer than a second.
 */
#ifndef RUNNER_CHECK_PROGRESS_H
#define RUNNER_CHECK_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct check_progress {
	const char *doing;
	int64_t shown_ns; /* last looked at the clock for a line; 0: not yet */
	bool written;
};

void check_progress_tell(struct check_progress *progress, uint64_t operations);
void check_progress_end(struct check_progress *progress); /* the line is gone */

#endif
