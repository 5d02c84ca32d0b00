/*
 * workload_restore.c - the clients of a run that was cut, as its ledger knew them: what the oracle
 * has seen, which keys there are, how many mutations were acknowledged.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runner/check.h"
#include "runner/check_ledger.h"
#include "runner/operation.h"

static_assert(OUTCOME_OK == 0 && OUTCOME_ABSENT == 1, "the query of acks_row() has them");

/* As worker.c takes it: what may be there is there, what may be gone is not gone. */
static void restore_slot(struct keyspace *keyspace, sqlite3_stmt *s)
{
	bool answered = sqlite3_column_type(s, 3) != SQLITE_NULL;
	int verb = sqlite3_column_int(s, 1), kind = sqlite3_column_int(s, 3);
	unsigned owner, slot;

	if (sscanf(check_text(s, 0), "k/%u/%u", &owner, &slot) != 2 || owner >= keyspace->shards)
		return;
	if (verb == VERB_PUT && (!answered || kind == OUTCOME_OK || kind == OUTCOME_AMBIGUOUS))
		shard_restore(&keyspace->shard[owner], slot, true, check_number(s, 2));
	else if (verb == VERB_DELETE && answered && (kind == OUTCOME_OK || kind == OUTCOME_ABSENT))
		shard_restore(&keyspace->shard[owner], slot, false, 0);
}

static int each_row(sqlite3 *db, const char *sql, void (*row)(struct workload *w, sqlite3_stmt *s),
		    struct workload *w, struct why *why)
{
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		return why_set(why, -EINVAL, "cannot read the ledger: %s", sqlite3_errmsg(db));
	if (sqlite3_bind_parameter_count(s) == 2) {
		sqlite3_bind_int(s, 1, VERB_PUT);
		sqlite3_bind_int(s, 2, VERB_DELETE);
	}
	while (sqlite3_step(s) == SQLITE_ROW)
		row(w, s);
	sqlite3_finalize(s);
	return 0;
}

static void mutation_row(struct workload *w, sqlite3_stmt *s)
{
	restore_slot(&w->keyspace, s);
}

/* A key whose history was compacted, as it was at the cut. */
static void base_row(struct workload *w, sqlite3_stmt *s)
{
	unsigned owner, slot;

	if (sscanf(check_text(s, 0), "k/%u/%u", &owner, &slot) == 2 && owner < w->keyspace.shards)
		shard_restore(&w->keyspace.shard[owner], slot, check_number(s, 1) != 0,
			      check_number(s, 2));
}

/* A probe wants a key that nobody has used. */
static void object_row(struct workload *w, sqlite3_stmt *s)
{
	unsigned probe;

	if (sscanf(check_text(s, 0), "probe/%u", &probe) == 1 && probe >= w->probes)
		w->probes = probe + 1;
}

static void acks_row(struct workload *w, sqlite3_stmt *s)
{
	w->acks += check_number(s, 0);
}

int workload_restore(struct workload *w, sqlite3 *db, uint64_t last_seq, struct why *why)
{
	static const struct {
		const char *sql;
		void (*row)(struct workload *w, sqlite3_stmt *s);
	} queries[] = {
		{"SELECT o.key, b.generation, b.size FROM base b JOIN object o USING(object)",
		 base_row},
		{"SELECT o.key, i.verb, i.size, u.kind FROM intent i JOIN object o ON "
		 "o.object = i.object LEFT JOIN outcome u ON u.op = i.op "
		 "WHERE i.verb IN (?1, ?2) ORDER BY i.inv_seq",
		 mutation_row},
		{"SELECT key FROM object", object_row},
		{"SELECT coalesce(sum(operations), 0) FROM tally WHERE verb IN (?1, ?2) "
		 "AND kind IN (0, 1)",
		 acks_row},
	};
	struct oracle_count count;
	int rc = check_feed(db, w->oracle, why);

	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]) && rc == 0; i++)
		rc = each_row(db, queries[i].sql, queries[i].row, w, why);
	oracle_count(w->oracle, &count);
	w->sequence = last_seq;
	w->acks += count.acks;
	w->violations = count.violations;
	return rc;
}
