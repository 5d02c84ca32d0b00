/*
 * compact_impl.h - one pass over a ledger, and what it counts; see compact.h.
 */
#ifndef RUNNER_COMPACT_IMPL_H
#define RUNNER_COMPACT_IMPL_H

#include <sqlite3.h>
#include <stdatomic.h>

#include "runner/compact.h"
#include "runner/report.h"

/* From when to when each fault was on, to tell the phase of an operation that goes. */
struct compact_phases {
	struct compact_window {
		int64_t applying_ns, healing_ns, gated_ns; /* 0: not yet */
	} * window;
	size_t windows, room;
	int64_t quiet_ns, sweep_ns;
};
int compact_phases_read(struct compact_phases *phases, sqlite3 *db); /* 0, -EIO or -ENOMEM */
void compact_phases_free(struct compact_phases *phases);
enum report_phase compact_phase(const struct compact_phases *phases, int64_t ns);

/* The upper end of the class that a latency is counted in, within 1/8 of it. */
int64_t compact_class(int64_t ns);

/* Before answers go: the longest time without one, up to those that came before horizon. */
int compact_silence(sqlite3 *db, struct ledger *ledger, uint64_t horizon);

/* Reads the ledger once and compacts what can be. 0, or -errno with why. */
int compact_pass(sqlite3 *db, const struct compact_options *options, _Atomic bool *ending,
		 struct why *why);

#endif
