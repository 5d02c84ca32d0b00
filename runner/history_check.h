/*
 * history_check.h - histories as files: `failrun check FILE` judges one, `failrun history DIR` writes
 * one from a ledger.
 */
#ifndef RUNNER_HISTORY_CHECK_H
#define RUNNER_HISTORY_CHECK_H

#include <stdio.h>

#include "failkit/why.h"

/* Judges a history in any form of history_read.h and prints verdict and witness to out. Returns an
 * exit code: 0 PASS, 1 FAIL, 4 UNKNOWN; or -errno with why: -EINVAL for a line that can't be read. */
int history_check(const char *path, FILE *out, struct why *why);

/* The operations of DIR's ledger on every key, as the judges see them. format: "jsonl" tells all;
 * "edn" and "porcupine" have no word for an observation that only tells presence, and leave it out.
 * Both return 0 or -errno. */
int history_format_check(const char *format, struct why *why);
int history_write(const char *dir, const char *format, FILE *out, struct why *why);

#endif
