/* evidence_base.c - what compaction left, and the clock of a ledger; see evidence_impl.h. */
#include "runner/evidence_impl.h"

#include <errno.h>
#include <stdlib.h>

#include "runner/check_ledger.h"

static const char bases_sql[] =
	"SELECT object, cut_seq, cut_op, generation, size, tag, op, operations, "
	"verified, generations FROM base";

static void base_read(sqlite3_stmt *s, struct evidence_base *base)
{
	*base = (struct evidence_base){
		.seq = check_number(s, 1),
		.cut_op = check_number(s, 2),
		.generation = check_number(s, 3),
		.size = check_number(s, 4),
		.tag = evidence_tag(check_text(s, 5)),
		.op = check_number(s, 6),
		.operations = check_number(s, 7),
		.verified = check_number(s, 8),
		.generations = check_number(s, 9),
	};
}

int evidence_bases_read(struct evidence_base **base, const struct evidence_names *names,
			sqlite3 *db)
{
	sqlite3_stmt *s = NULL;
	int row;

	*base = calloc(names->count + 1, sizeof(**base));
	if (!*base)
		return -ENOMEM;
	if (sqlite3_prepare_v2(db, bases_sql, -1, &s, NULL) != SQLITE_OK)
		return -EIO;
	while ((row = sqlite3_step(s)) == SQLITE_ROW)
		if (check_number(s, 0) < names->objects)
			base_read(s, &(*base)[names->rank[check_number(s, 0)]]);
	sqlite3_finalize(s);
	return row == SQLITE_DONE ? 0 : -EIO;
}

/* One in sixteen is enough: a fence may be too late, never too early. Only the last epoch's time is
 * the clock's that now runs. */
static const char clock_sql[] = "SELECT inv_seq, inv_ns FROM intent WHERE op % 16 = 0 AND epoch = "
				"(SELECT max(epoch) FROM epoch) ORDER BY inv_seq";

int evidence_clock_read(struct evidence_clock *clock, sqlite3 *db)
{
	sqlite3_stmt *s = NULL;
	int rc = 0, row = SQLITE_DONE;

	clock->settle_ns = (int64_t)check_ledger_number(db, "settle_ns");
	if (!clock->settle_ns)
		return 0;
	if (sqlite3_prepare_v2(db, clock_sql, -1, &s, NULL) != SQLITE_OK)
		return -EIO;
	while (!rc && (row = sqlite3_step(s)) == SQLITE_ROW) {
		rc = evidence_room(&clock->tick, clock->ticks, &clock->room, sizeof(*clock->tick));
		if (!rc)
			clock->tick[clock->ticks++] = (struct evidence_tick){
				check_number(s, 0), sqlite3_column_int64(s, 1)};
	}
	sqlite3_finalize(s);
	return rc ? rc : row == SQLITE_DONE ? 0 : -EIO;
}

void evidence_clock_free(struct evidence_clock *clock)
{
	free(clock->tick);
}

uint64_t evidence_clock_fence(const struct evidence_clock *clock, int64_t ns)
{
	size_t low = 0, high = clock->ticks;

	if (!clock->settle_ns)
		return JUDGE_NEVER;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (clock->tick[middle].ns < ns + clock->settle_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low < clock->ticks ? clock->tick[low].seq : JUDGE_NEVER;
}
