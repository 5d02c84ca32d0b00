/*
 * custom_clock.h - the time by the clock of the node (failpoint/timepage.h), for wrappers.
 *
 * The functions are for the armed half of a wrapper: without a page in force they cost a look at it
 * and do nothing.
 */
#ifndef PRELOAD_CUSTOM_CLOCK_H
#define PRELOAD_CUSTOM_CLOCK_H

#include "failpoint/timepage.h"
#include "preload/call.h"

/* Is it CLOCK_REALTIME, by any of its numbers? */
bool clock_is_real(clockid_t clock) PRELOAD_HIDDEN;

/* What the machine's clock says becomes what the node's says. */
void clock_bend(struct timespec *time) PRELOAD_HIDDEN;

/* The nanoseconds of a time, kept within their range. */
int64_t clock_ns(const struct timespec *time) PRELOAD_HIDDEN;
struct timespec clock_timespec(int64_t ns) PRELOAD_HIDDEN;

/* The machine's clock, not counted as one that was asked. */
int64_t clock_now_ns(clockid_t clock) PRELOAD_HIDDEN;

#endif
