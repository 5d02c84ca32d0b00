/*
 * judge_zones.h - judging a key that nobody deletes, in n log n and exactly.
 *
 * When no value is put twice, all that matters of a value is when it must have been there: not later
 * than f, the first end of its put and its reads, and not earlier than s, the last begin of them.
 *
 *     put 1  |----|                     f < s: a forward zone. From f to s the key is 1, and
 *     get 1          |---|              nothing else.
 *                 f..s
 *     put 2     |---------|             s < f: a backward zone. At some moment from s to f, one
 *     get 2        |----|               will do, the key is 2.
 *                  s....f
 *
 * The history is possible exactly when no two forward zones overlap and no backward zone lies
 * inside a forward one (Gibbons and Korach). Ambiguous puts have no end of their own, and do not
 * count until somebody reads them. The witness is who set f and s of both zones: at most four
 * operations, and sound without the rest of the history.
 *
 * Operations may be added in any order, as they come; judge_zones_check() may be asked at any time,
 * and again later. It keeps 72 bytes a value, and no operation. One thread.
 */
#ifndef RUNNER_JUDGE_ZONES_H
#define RUNNER_JUDGE_ZONES_H

#include "runner/judge_history.h"

struct judge_zones;

struct judge_zones *judge_zones_open(void); /* NULL with errno */
void judge_zones_close(struct judge_zones *zones);
void judge_zones_clear(struct judge_zones *zones); /* for the next key; keeps its memory */

/* PUT, READ and ABSENT. 0, or: -ENOTSUP, another kind; -EEXIST, its value was put before;
 * -EINVAL, its value is JUDGE_NOTHING or it ends before it begins; -ENOMEM. Nothing was added then. */
int judge_zones_add(struct judge_zones *zones, const struct judge_op *op);

int judge_zones_check(struct judge_zones *zones, struct judge_answer *answer); /* 0 or -ENOMEM */

#endif
