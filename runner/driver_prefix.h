/*
 * driver_prefix.h - a driver whose names all begin with a prefix that nobody else sees.
 *
 *     oracle, ledger, bodies:   k/3/17      |      the store:   failkit-18f3a2/k/3/17
 *
 * What is asked is given the prefix, what a listing names loses it. A name without it stays as it
 * is: no listing of ours may have it, and the oracle says so.
 */
#ifndef RUNNER_DRIVER_PREFIX_H
#define RUNNER_DRIVER_PREFIX_H

#include "runner/driver.h"

enum { PREFIX_MAX = 64 };

struct driver_prefixed {
	struct op op;
	char key[KEY_MAX], prefix[KEY_MAX], after[KEY_MAX];
};

/* The operation as the store gets it; op itself when there is no prefix. What it points to lives in
 * *to. */
const struct op *driver_prefix_op(struct driver_prefixed *to, const struct op *op,
				  const char *prefix);

/* driver->page(), of an operation that was made so. */
int driver_prefix_page(const struct driver *driver, void *store, const struct op *op,
		       const char *prefix, const struct reply *reply,
		       int (*each)(void *arg, const struct list_entry *entry), void *arg,
		       char *after, size_t after_max, struct why *why);

#endif
