/*
 * plan_texts.h - for tests of what a plan may say: a folder of the test's own, and plans from texts.
 */
#ifndef TESTS_UNIT_PLAN_TEXTS_H
#define TESTS_UNIT_PLAN_TEXTS_H

#include <limits.h>

#include "runner/plan.h"
#include "tests/unit/sandboxed.h"

static char *dir;

static inline int make_dir(void **state)
{
	(void)state;
	dir = folder_make();
	return 0;
}

static inline int remove_dir(void **state)
{
	(void)state;
	folder_remove(dir);
	return 0;
}

static inline int read_text(struct plan **plan, const char *text, const char *const *overrides,
			    struct why *why)
{
	char path[PATH_MAX];

	write_text(dir, "p.ini", text);
	snprintf(path, sizeof(path), "%s/p.ini", dir);
	return plan_read(plan, path, overrides, why);
}

#endif
