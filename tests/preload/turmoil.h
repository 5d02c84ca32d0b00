/*
 * turmoil.h - what victim_turmoil and its test share: a page in a file that both map, and that the
 * victim's forked and executed children map, too.
 */
#ifndef TESTS_PRELOAD_TURMOIL_H
#define TESTS_PRELOAD_TURMOIL_H

#include <stdatomic.h>
#include <stdint.h>

struct turmoil {
	_Atomic uint32_t stop;    /* set by the test */
	_Atomic uint32_t threads; /* that have begun */
	_Atomic uint64_t writes, points, forks, executions, reused, passed;
	_Atomic uint64_t once;  /* writes to a *.hit that failed with EDQUOT, points with ENOLCK */
	_Atomic uint64_t often; /* that failed with EIO, EAGAIN: any number of times */
	_Atomic uint64_t wrong; /* what no rule asked for: another errno, or a *.safe that failed */
	char what[200];         /* the first of those */
};

#endif
