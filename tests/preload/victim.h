/*
 * victim.h - what the victims share. A victim is a small program that does what it is told, under
 * whatever rules it was started with, and says on its standard output what libc told it. It knows
 * nothing of failkit. stdio writes without passing an interposed name, so talking disturbs nothing.
 */
#ifndef TESTS_PRELOAD_VICTIM_H
#define TESTS_PRELOAD_VICTIM_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A step that the test itself needs; a victim that cannot go on says where. */
#define NEED(condition)                                                           \
	do {                                                                      \
		if (!(condition)) {                                               \
			printf("%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, \
			       strerror(errno));                                  \
			fflush(stdout);                                           \
			exit(9);                                                  \
		}                                                                 \
	} while (0)

/* One line: what was done, what came back, and errno where that means failure. */
static inline void say(const char *what, long ret)
{
	if (ret < 0)
		printf("%s %ld %s\n", what, ret, strerrorname_np(errno));
	else
		printf("%s %ld\n", what, ret);
	fflush(stdout);
}

#endif
