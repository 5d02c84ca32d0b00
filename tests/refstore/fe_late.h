/*
 * fe_late.h - the planted bugs commit-before-data and retry-applied-late: what a front end does
 * when the client has its acknowledgement already, from a thread of its own.
 */
#ifndef REFSTORE_FE_LATE_H
#define REFSTORE_FE_LATE_H

#include "tests/refstore/fe.h"

int fe_late_start(void);
/* commit-before-data: sends the data of a committed object. */
void late_send(const struct object *object, const void *body);
/* retry-applied-late: puts the object once more if its commit took so long that a client with a
 * short timeout would have. */
void late_repeat(const char *key, const struct object *object, const void *body, uint64_t took_ms);

#endif
