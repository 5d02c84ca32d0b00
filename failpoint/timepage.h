/*
 * timepage.h - a node's clock: its CLOCK_REALTIME is the machine's, bent by the node's page of the
 * plane (struct plane_clock).
 *
 *     struct timepage page;
 *     if (timepage_read(&page))                               false: it is the machine's
 *             node_ns = timepage_tell(&page, machine_ns, now_ns);
 *
 * machine_ns is the machine's CLOCK_REALTIME and now_ns its CLOCK_MONOTONIC, which no page bends:
 * a program that measures spans is to measure them right, as after a step of a real clock. While
 * a page is in force the calls that tell or await the time stay armed; otherwise they are lowered
 * as any call is, and cost what an idle one costs.
 *
 *     the node's time = machine's + shift + drift * (now - since), or where it stands
 *
 * Core: what the page holds is clamped where it is read.
 */
#ifndef FAILPOINT_TIMEPAGE_H
#define FAILPOINT_TIMEPAGE_H

#include <stdbool.h>
#include <stdint.h>

#define TIMEPAGE_SHIFT_MAX INT64_C(1577880000000000000) /* 50 years, either way */
#define TIMEPAGE_DRIFT_MIN INT64_C(-900000000)          /* parts in 1e9: a tenth of the speed */
#define TIMEPAGE_DRIFT_MAX INT64_C(9000000000)          /* ten times the speed */

struct timepage {
	int64_t since_ns, shift_ns, drift_ppb;
	int64_t stands_ns; /* where it stands, 0: it goes */
};

/* Does this process's node have a clock of its own now? */
bool timepage_read(struct timepage *page);

/* Counts that a process was told the node's time, or waits for it. */
void timepage_count(void);

/* Is the site a call that tells or awaits the time, while the clock is bent? */
bool timepage_keeps(uint32_t site);

/* Does the call tell or await CLOCK_REALTIME? */
bool timepage_is_about(uint32_t site);

/* What the node's clock says. */
int64_t timepage_tell(const struct timepage *page, int64_t machine_ns, int64_t now_ns);

/* What the machine's will say when the node's says node_ns; INT64_MAX: never, as things are. */
int64_t timepage_await(const struct timepage *page, int64_t node_ns, int64_t machine_ns,
		       int64_t now_ns);

#endif
