/* why_key.c - `failrun why`: one key's story out of the ledger; check.h. */
#include "runner/check.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "runner/driver.h"
#include "runner/oracle.h"

static const char *const verbs[VERB_COUNT] = {"put", "get", "head", "range", "delete", "list"};
static const char *const outcomes[OUTCOME_COUNT] = {"ok",          "nothing there", "refused",
						    "not applied", "unknown",       "garbage"};

/* Everything about the key in order of time, and the faults that were active meanwhile. Seconds count
 * from the warm-up, as in the report. */
static const char story_sql[] =
	"WITH k AS (SELECT object, CAST(key AS TEXT) AS name FROM object WHERE key = CAST(?1 AS "
	"BLOB)), "
	"zero AS (SELECT coalesce((SELECT ns FROM phase WHERE name = 'warmup'), "
	"(SELECT min(mono_ns) FROM epoch)) AS ns) "
	"SELECT (i.inv_ns - zero.ns) / 1e9, (r.res_ns - i.inv_ns) / 1e6, i.op, i.worker, i.verb, "
	"i.generation, i.size, i.offset, i.length, r.kind, r.status, r.seen, r.size, r.tag, "
	"r.mark, "
	"NULL, i.inv_ns AS at, n.value, r.sends "
	"FROM intent i JOIN k ON i.object = k.object, zero LEFT JOIN outcome r ON r.op = i.op "
	"LEFT JOIN run n ON n.key = 'endpoint' || i.endpoint "
	"UNION ALL SELECT (e.ns - zero.ns) / 1e9, NULL, e.fault, NULL, NULL, NULL, NULL, NULL, "
	"NULL, NULL, "
	"NULL, NULL, NULL, NULL, NULL, f.name || ' ' || coalesce(f.node, '') || ': ' || e.event, "
	"e.ns, "
	"NULL, NULL FROM fault_event e JOIN fault f ON f.fault = e.fault, zero "
	"WHERE e.event IN ('applied', 'healed') AND EXISTS (SELECT 1 FROM k) "
	"ORDER BY at";

static void print_asked(sqlite3_stmt *s)
{
	int verb = sqlite3_column_int(s, 4) % VERB_COUNT;

	printf("%9.3f s  op %-7lld worker %-3d %s  %s", sqlite3_column_double(s, 0),
	       (long long)sqlite3_column_int64(s, 2), sqlite3_column_int(s, 3),
	       sqlite3_column_type(s, 17) == SQLITE_NULL ? "-"
							 : (const char *)sqlite3_column_text(s, 17),
	       verbs[verb]);
	if (verb == VERB_PUT)
		printf(" generation %lld, %lld bytes", (long long)sqlite3_column_int64(s, 5),
		       (long long)sqlite3_column_int64(s, 6));
	if (verb == VERB_RANGE)
		printf(" %lld+%lld", (long long)sqlite3_column_int64(s, 7),
		       (long long)sqlite3_column_int64(s, 8));
}

static void print_answered(sqlite3_stmt *s)
{
	if (sqlite3_column_type(s, 9) == SQLITE_NULL) {
		printf(" -> never returned\n");
		return;
	}
	printf(" -> %s (%d)", outcomes[sqlite3_column_int(s, 9) % OUTCOME_COUNT],
	       sqlite3_column_int(s, 10));
	if (sqlite3_column_int64(s, 11))
		printf(" generation %lld", (long long)sqlite3_column_int64(s, 11));
	if (sqlite3_column_int64(s, 12))
		printf(" size %lld", (long long)sqlite3_column_int64(s, 12));
	if (sqlite3_column_bytes(s, 13))
		printf(" tag %s", (const char *)sqlite3_column_text(s, 13));
	if (sqlite3_column_int(s, 14))
		printf(" finding %d", sqlite3_column_int(s, 14));
	if (sqlite3_column_int(s, 18) > 1)
		printf(" sent twice");
	printf(" after %.3f ms\n", sqlite3_column_double(s, 1));
}

static void print_violations(sqlite3 *db, const char *key)
{
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(
		    db,
		    "SELECT v.code, v.text FROM violation v JOIN object o ON o.object = v.object "
		    "WHERE o.key = CAST(?1 AS BLOB) "
		    "AND v.judgement = (SELECT max(judgement) FROM judgement)",
		    -1, &s, NULL) != SQLITE_OK)
		return;
	sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	while (sqlite3_step(s) == SQLITE_ROW)
		printf("%s: %s\n", (const char *)sqlite3_column_text(s, 0),
		       (const char *)sqlite3_column_text(s, 1));
	sqlite3_finalize(s);
}

static int tell(sqlite3 *db, const char *key, struct why *why)
{
	sqlite3_stmt *s;
	int operations = 0;

	if (sqlite3_prepare_v2(db, story_sql, -1, &s, NULL) != SQLITE_OK)
		return why_set(why, -EINVAL, "cannot read the ledger: %s", sqlite3_errmsg(db));
	sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	while (sqlite3_step(s) == SQLITE_ROW) {
		if (sqlite3_column_type(s, 15) != SQLITE_NULL) {
			printf("%9.3f s  -- fault %s\n", sqlite3_column_double(s, 0),
			       (const char *)sqlite3_column_text(s, 15));
			continue;
		}
		operations++;
		print_asked(s);
		print_answered(s);
	}
	sqlite3_finalize(s);
	print_violations(db, key);
	return operations ? 0 : 1;
}

int check_why(const char *dir, const char *key, struct why *why)
{
	char path[4096];
	sqlite3 *db = NULL;
	int rc;

	snprintf(path, sizeof(path), "%s/model.sqlite", dir);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		rc = why_set(why, -EINVAL, "\"%s\" is not a run's ledger: %s", path,
			     sqlite3_errmsg(db));
	else
		rc = tell(db, key, why);
	sqlite3_close(db);
	if (rc == 1)
		why_set(why, 1, "the run never used the key \"%s\"", key);
	return rc;
}
