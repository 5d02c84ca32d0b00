/* spin.h - the page that bench/spin (the target) and bench/set_to_effect (the controller) share. */
#ifndef BENCH_SPIN_H
#define BENCH_SPIN_H

#include <stdatomic.h>
#include <stdint.h>

enum spin_state { SPIN_STARTING, SPIN_PASSES, SPIN_FAILS };

struct spin_page {
	_Atomic uint32_t state; /* what the last write did */
	_Atomic uint32_t quit;
	_Atomic int64_t changed_ns; /* CLOCK_MONOTONIC, when it began to do that */
};

#endif
