/*
 * cause.h - the chain from a fault to a violation: what was injected between the operations of its
 * witness, out of the ledger's copy of the event ring.
 *
 * Injections that are alike (one site of one node doing one thing) are told once, with their number.
 */
#ifndef RUNNER_CAUSE_H
#define RUNNER_CAUSE_H

#include <sqlite3.h>
#include <stdint.h>

struct cause {
	int64_t ns;       /* of the first */
	int64_t since_ns; /* from the begin of its fault; -1: of no fault */
	int fault;        /* -1: none */
	char fault_name[32], node[32], site[64], action[32], error[32], subject[128];
	uint64_t count;
};

enum { CAUSE_MAX = 8 };

/* Those between the begin of the first and the end of the last of these operations, in order of
 * time, CAUSE_MAX at most. Returns how many, or -EIO. */
int cause_read(sqlite3 *db, const uint64_t *op, int ops, struct cause out[CAUSE_MAX]);

/* "error EIO by fsync on ds2, 13 times, first 0.105 s into fault 2 wal-eio (wal-000001.wal)" */
void cause_text(const struct cause *cause, char *text, int size);

#endif
