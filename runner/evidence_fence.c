/* evidence_fence.c - see evidence_fence.h. */
#include "runner/evidence_fence.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "runner/check_ledger.h"
#include "runner/evidence_impl.h"

/* The first number of a statement with at most one parameter; 0 when there is no row or it is NULL. */
static int64_t ask(sqlite3 *db, const char *sql, int64_t parameter)
{
	sqlite3_stmt *s = NULL;
	int64_t number = 0;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK) {
		sqlite3_bind_int64(s, 1, parameter);
		if (sqlite3_step(s) == SQLITE_ROW)
			number = sqlite3_column_int64(s, 0);
	}
	sqlite3_finalize(s);
	return number;
}

/* Every process that had been started before has ended; the next one began at started_ns. */
static int add_restart(struct evidence_fences *fences, sqlite3 *db, int64_t started_ns)
{
	int64_t gated_ns =
		ask(db, "SELECT min(ns) FROM fault_event WHERE event = 'gated' AND ns > ?1",
		    started_ns);
	int64_t sequence =
		gated_ns ? ask(db, "SELECT min(inv_seq) FROM intent WHERE inv_ns >= ?1", gated_ns)
			 : 0;

	if (!sequence)
		return 0;
	if (evidence_room(&fences->at, fences->count, &fences->room, sizeof(*fences->at)))
		return -ENOMEM;
	fences->at[fences->count++] = (struct evidence_fence){started_ns, (uint64_t)sequence};
	return 0;
}

/* Where no process that had begun before was left when the next one began. */
static int read_restarts(struct evidence_fences *fences, sqlite3 *db)
{
	sqlite3_stmt *s = NULL;
	int64_t last_end = INT64_MAX;
	int rc = 0, row = SQLITE_DONE;

	if (sqlite3_prepare_v2(db, "SELECT started_ns, ended_ns FROM process ORDER BY started_ns",
			       -1, &s, NULL) != SQLITE_OK)
		return -EIO;
	while (!rc && (row = sqlite3_step(s)) == SQLITE_ROW) {
		int64_t started = sqlite3_column_int64(s, 0), ended = sqlite3_column_int64(s, 1);
		bool first = last_end == INT64_MAX;
		if (!first && started > last_end)
			rc = add_restart(fences, db, started);
		if (first || ended > last_end)
			last_end = ended;
	}
	sqlite3_finalize(s);
	return rc ? rc : row == SQLITE_DONE ? 0 : -EIO;
}

int evidence_fences_read(struct evidence_fences *fences, sqlite3 *db)
{
	bool over = ask(db, "SELECT count(*) FROM phase WHERE name = 'end'", 0) &&
		    ask(db, "SELECT count(*) FROM epoch", 0) == 1 &&
		    !ask(db, "SELECT count(*) FROM run WHERE key = 'survivor'", 0);

	*fences = (struct evidence_fences){0};
	return over ? read_restarts(fences, db) : 0;
}

void evidence_fences_free(struct evidence_fences *fences)
{
	free(fences->at);
}

uint64_t evidence_fences_find(const struct evidence_fences *fences, int64_t res_ns)
{
	for (size_t i = 0; i < fences->count; i++)
		if (fences->at[i].before_ns >= res_ns)
			return fences->at[i].sequence;
	return JUDGE_NEVER;
}
