/*
 * plan_lines.h - reading a plan's lines with inih, and knowing where each stands.
 *
 * inih alone gives its handler no line, ends a key at ":", begins a comment at " ;" within a value
 * and makes two of a line that is too long. So it is fed one line at a time, each looked at before:
 *
 *     [KIND NAME]         a section                  -> section()
 *     key = value         the value is all the rest  -> entry()
 *     # or ; comment      only at the start of a line; a blank line
 *
 * Anything else is refused. A value may contain ";", "#", ":" and "=".
 */
#ifndef RUNNER_PLAN_LINES_H
#define RUNNER_PLAN_LINES_H

#include <stddef.h>

#include "failkit/why.h"

enum { PLAN_LINE_MAX = 4000, PLAN_WORD_MAX = 48 };

struct plan_lines {
	int (*section)(void *arg, const char *title, int line, struct why *why);
	int (*entry)(void *arg, const char *key, const char *value, int line, struct why *why);
	void *arg;
};

/* Stops at the first error: -EINVAL, or what section() or entry() returned. why: "PATH:LINE: ...".
 */
int plan_lines_read(const char *text, size_t length, const char *path,
		    const struct plan_lines *lines, struct why *why);

#endif
