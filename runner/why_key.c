/* why_key.c - `failrun why`: one key's story out of the ledger; check.h. */
#include "runner/check.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "runner/check_ledger.h"
#include "runner/driver.h"
#include "runner/oracle.h"

static const char *const verbs[VERB_COUNT] = {"put", "get", "head", "range", "delete", "list"};
static const char *const outcomes[OUTCOME_COUNT] = {"ok",          "nothing there", "refused",
						    "not applied", "unknown",       "garbage"};

/* What a row of the story is about. */
enum { ROW_OPERATION, ROW_LISTING, ROW_FAULT };

/* Everything about the key in order of time: its operations, the pages of listings whose span holds
 * it, and the faults that were active meanwhile. Seconds count from the warm-up, as in the report. */
static const char story_sql[] =
	"WITH k AS (SELECT object, CAST(key AS TEXT) AS name FROM object "
	"           WHERE key = CAST(?1 AS BLOB)), "
	"zero AS (SELECT coalesce((SELECT ns FROM phase WHERE name = 'warmup'), "
	"                         (SELECT min(mono_ns) FROM epoch)) AS ns), "
	"listing AS (SELECT i.op, e.value AS entry FROM intent i "
	"  JOIN k JOIN object x ON x.object = i.object JOIN page p ON p.op = i.op "
	"  LEFT JOIN json_each(p.entries) e ON json_extract(e.value, '$[0]') = k.name "
	"  WHERE i.verb = 5 AND substr(k.name, 1, length(CAST(x.key AS TEXT))) = CAST(x.key AS "
	"TEXT) "
	"  AND (p.after = '' OR p.after IS NULL OR k.name > CAST(p.after AS TEXT)) "
	"  AND (NOT p.more OR k.name <= CAST(p.last AS TEXT))), "
	"story(row, op, at, entry, fault) AS ("
	"  SELECT 0, i.op, i.inv_ns, NULL, NULL FROM intent i JOIN k USING(object) WHERE i.verb <> "
	"5 "
	"  UNION ALL SELECT 1, i.op, i.inv_ns, l.entry, NULL FROM listing l JOIN intent i "
	"USING(op) "
	"  UNION ALL SELECT 2, NULL, e.ns, NULL, "
	"    f.name || ' ' || coalesce(f.node, '') || ': ' || e.event "
	"    FROM fault_event e JOIN fault f USING(fault) "
	"    WHERE e.event IN ('applied', 'healed') AND EXISTS (SELECT 1 FROM k)) "
	"SELECT s.row, (s.at - zero.ns) / 1e9, (r.res_ns - i.inv_ns) / 1e6, s.op, i.worker, "
	"n.value, "
	"i.verb, i.generation, i.size, i.offset, i.length, r.kind, r.status, r.seen, r.size, "
	"r.tag, "
	"r.mark, r.sends, s.entry, s.fault "
	"FROM story s JOIN zero LEFT JOIN intent i ON i.op = s.op LEFT JOIN outcome r ON r.op = "
	"s.op "
	"LEFT JOIN run n ON n.key = 'endpoint' || i.endpoint ORDER BY s.at";

enum story_column {
	ROW,
	AT_S,
	TOOK_MS,
	OP,
	WORKER,
	ENDPOINT,
	VERB,
	GENERATION,
	SIZE,
	OFFSET,
	LENGTH,
	KIND,
	STATUS,
	SEEN,
	TOLD_SIZE,
	TOLD_TAG,
	MARK,
	SENDS,
	ENTRY,
	FAULT,
};

static const char *text_of(sqlite3_stmt *s, int column)
{
	return (const char *)sqlite3_column_text(s, column);
}

static long long number_of(sqlite3_stmt *s, int column)
{
	return (long long)sqlite3_column_int64(s, column);
}

static void print_asked(sqlite3_stmt *s)
{
	int verb = sqlite3_column_int(s, VERB) % VERB_COUNT;
	const char *endpoint = text_of(s, ENDPOINT);

	printf("%9.3f s  op %-7lld worker %-3d %s  %s", sqlite3_column_double(s, AT_S),
	       number_of(s, OP), sqlite3_column_int(s, WORKER), endpoint ? endpoint : "-",
	       verbs[verb]);
	if (verb == VERB_PUT)
		printf(" generation %lld, %lld bytes", number_of(s, GENERATION),
		       number_of(s, SIZE));
	if (verb == VERB_RANGE)
		printf(" %lld+%lld", number_of(s, OFFSET), number_of(s, LENGTH));
}

static void print_answered(sqlite3_stmt *s)
{
	if (sqlite3_column_type(s, KIND) == SQLITE_NULL) {
		printf(" -> never returned\n");
		return;
	}
	printf(" -> %s (%d)", outcomes[sqlite3_column_int(s, KIND) % OUTCOME_COUNT],
	       sqlite3_column_int(s, STATUS));
	if (number_of(s, SEEN))
		printf(" generation %lld", number_of(s, SEEN));
	if (number_of(s, TOLD_SIZE))
		printf(" size %lld", number_of(s, TOLD_SIZE));
	if (sqlite3_column_bytes(s, TOLD_TAG))
		printf(" tag %s", text_of(s, TOLD_TAG));
	if (sqlite3_column_int(s, MARK))
		printf(" finding %d", sqlite3_column_int(s, MARK));
	if (sqlite3_column_int(s, SENDS) > 1)
		printf(" sent twice");
	printf(" after %.3f ms\n", sqlite3_column_double(s, TOOK_MS));
}

static void print_row(sqlite3_stmt *s)
{
	switch (sqlite3_column_int(s, ROW)) {
	case ROW_FAULT:
		printf("%9.3f s  -- fault %s\n", sqlite3_column_double(s, AT_S), text_of(s, FAULT));
		break;
	case ROW_LISTING:
		print_asked(s);
		if (text_of(s, ENTRY))
			printf(" -> names it: %s\n", text_of(s, ENTRY));
		else
			printf(" -> does not name it\n");
		break;
	default:
		print_asked(s);
		print_answered(s);
	}
}

/* What is told of the time before the cut. Returns the operations that it had. */
static long long print_base(sqlite3 *db, const char *key)
{
	sqlite3_stmt *s;
	long long operations = 0;

	if (sqlite3_prepare_v2(db,
			       "SELECT b.operations, b.generations, b.generation, b.size, b.op, "
			       "datetime(b.wall_ns / 1000000000, 'unixepoch') FROM base b "
			       "JOIN object o USING(object) WHERE o.key = CAST(?1 AS BLOB)",
			       -1, &s, NULL) != SQLITE_OK)
		return 0;
	sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	if (sqlite3_step(s) == SQLITE_ROW) {
		operations = number_of(s, 0);
		printf("compacted: %lld operations, %lld of them puts, judged %s UTC to be "
		       "possible; ",
		       operations, number_of(s, 1), text_of(s, 5));
		if (number_of(s, 2))
			printf("then generation %lld of %lld bytes was there, as operation %lld "
			       "showed\n",
			       number_of(s, 2), number_of(s, 3), number_of(s, 4));
		else
			printf("then nothing was there\n");
	}
	sqlite3_finalize(s);
	return operations;
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
	long long operations = print_base(db, key);

	if (sqlite3_prepare_v2(db, story_sql, -1, &s, NULL) != SQLITE_OK)
		return why_set(why, -EINVAL, "cannot read the ledger: %s", sqlite3_errmsg(db));
	sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	while (sqlite3_step(s) == SQLITE_ROW) {
		operations += sqlite3_column_int(s, ROW) != ROW_FAULT;
		print_row(s);
	}
	sqlite3_finalize(s);
	print_violations(db, key);
	return operations ? 0 : 1;
}

int check_why(const char *dir, const char *key, struct why *why)
{
	sqlite3 *db = NULL;
	int rc = check_ledger_open(dir, &db, why);

	if (rc)
		return rc;
	rc = tell(db, key, why);
	sqlite3_close(db);
	if (rc == 1)
		why_set(why, 1, "the run never used the key \"%s\"", key);
	return rc;
}
