/*
 * progress.h - what a run says while it goes: on a terminal one line that is redrawn, otherwise a
 * plain line every few seconds; and lines of news that stay.
 *
 * Written to stderr by a thread of its own and by whoever has news, under one lock.
 */
#ifndef RUNNER_PROGRESS_H
#define RUNNER_PROGRESS_H

#include <stdint.h>

#include "failkit/why.h"
#include "runner/workload.h"

struct progress;

int progress_open(struct progress **out, struct why *why);
void progress_close(struct progress *progress);

void progress_phase(struct progress *progress, const char *name); /* constant text */
/* The line begins: from when to when, and whose figures. */
void progress_start(struct progress *progress, struct workload *workload, int64_t started_ns,
		    int64_t ends_ns);
void progress_stop(struct progress *progress); /* the workload is about to go */
void progress_fault(struct progress *progress, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void progress_news(struct progress *progress, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
