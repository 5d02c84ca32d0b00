/* ledger_recover.c - what a killed run left in its spool; see ledger_spool.h. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "runner/ledger.h"
#include "runner/ledger_write.h"

/* The batches that SQLite has not, the older one first. */
static int write_left(const char *path, struct spool *spool, struct why *why)
{
	int older = spool_batch(&spool[0]) < spool_batch(&spool[1]) ? 0 : 1;
	struct ledger_db *db;
	uint64_t batch = 0;
	int rc = ledger_db_open(&db, path, why);

	if (rc < 0)
		return rc;
	rc = ledger_db_batch(db, &batch, why);
	for (int i = 0; i < SPOOLS && rc == 0; i++) {
		const struct spool *rows = &spool[(older + i) % SPOOLS];

		if (rows->used && spool_batch(rows) > batch)
			rc = ledger_db_write(db, rows, why);
	}
	int closed = ledger_db_close(db, rc ? NULL : why);
	return rc ? rc : closed;
}

static int recover(const char *path, struct spool spool[SPOOLS], struct why *why)
{
	int rc = spool_open(&spool[0], path, 0, why);

	if (rc == -ENOENT || rc == -EBUSY)
		return 0;
	if (rc < 0)
		return rc;
	rc = spool_open(&spool[1], path, 1, why);
	if (rc == -ENOENT) /* killed between the two: nothing was recorded yet */
		rc = 0;
	else if (rc == 0)
		rc = write_left(path, spool, why);
	if (rc == 0)
		spool_remove(path);
	return rc;
}

int ledger_recover(const char *path, struct why *why)
{
	struct spool spool[SPOOLS] = {{.fd = -1}, {.fd = -1}};
	struct why what = {""};
	int turn = spool_turn(path), rc;

	if (turn == -ENOENT)
		return 0;
	if (turn < 0)
		return why_set(why, turn, "cannot lock the spool of \"%s\": %s", path,
			       strerror(-turn));
	rc = recover(path, spool, &what);
	for (int i = 0; i < SPOOLS; i++)
		spool_close(&spool[i]);
	close(turn);
	return rc < 0 ? why_set(why, rc, "%s", what.text) : 0;
}
