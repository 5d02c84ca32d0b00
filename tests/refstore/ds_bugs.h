/*
 * ds_bugs.h - the planted bugs of a data server's log. Without them these functions do what is
 * right.
 */
#ifndef REFSTORE_DS_BUGS_H
#define REFSTORE_DS_BUGS_H

#include "tests/refstore/wal.h"

/* replay-stops-early: is the record behind what is replayed? */
bool replay_forgets(const struct wal_record *record);

#endif
