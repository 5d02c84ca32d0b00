/*
 * ledger_spool.h - where rows are safe before SQLite has them: two mapped files beside the ledger.
 *
 *     model.sqlite-spool0   batch 6: rows that fill up        (stored: survives SIGKILL at once)
 *     model.sqlite-spool1   batch 5: rows that SQLite takes   (forgotten after its commit)
 *
 * A row counts from the moment that `used` covers it, one store into shared memory; so a caller
 * whose row must be written ahead waits for nothing. Each batch is one transaction of SQLite, which
 * notes its number beside its rows: after a crash, ledger_recover() gives SQLite the batches that
 * it has not, each exactly once. The files are allocated, never sparse: a full disk is an error of
 * spool_room(), not a signal. The owner's lock (flock) tells a live run from a dead one.
 * Those who recover what a dead one left take turns, by a lock of their own.
 */
#ifndef RUNNER_LEDGER_SPOOL_H
#define RUNNER_LEDGER_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failkit/why.h"

enum { SPOOLS = 2 };

struct spool_head;

struct spool {
	struct spool_head *head; /* the mapping; the rows follow */
	uint8_t *bytes;
	size_t used, room; /* of the rows; used: those not yet published too */
	int fd;
};

/* Creates spool number i of the ledger at `ledger_path`, empty and locked. -EEXIST, -ENOSPC ... */
int spool_create(struct spool *spool, const char *ledger_path, int i, struct why *why);
/* Opens what a run left. -ENOENT: there is none. -EBUSY: its run lives. -EBADMSG: not a spool. */
int spool_open(struct spool *spool, const char *ledger_path, int i, struct why *why);
/* Waits until no other recovers: a descriptor to be closed when done, or -ENOENT: nothing is left. No
 * run is waited for. */
int spool_turn(const char *ledger_path);
void spool_close(struct spool *spool);
/* The first one last: without it there is nothing to recover. */
void spool_remove(const char *ledger_path);

/* Room for `size` more bytes at the end, not yet published; NULL with errno. */
uint8_t *spool_room(struct spool *spool, size_t size);
/* All up to `used` counts from now on. */
void spool_publish(struct spool *spool);
/* Empty again, for the rows of `batch`. */
void spool_begin(struct spool *spool, uint64_t batch);
uint64_t spool_batch(const struct spool *spool);

#endif
