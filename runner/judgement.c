/* judgement.c - see judgement.h. */
#include "runner/judgement.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <time.h>

static const struct {
	const char *name;
	int exit_code;
} verdicts[] = {
	[VERDICT_PASS] = {"PASS", 0},
	[VERDICT_FAIL] = {"FAIL", 1},
	[VERDICT_INVALID] = {"INVALID", 4},
	[VERDICT_UNKNOWN] = {"UNKNOWN", 4},
};

const char *verdict_name(enum verdict verdict)
{
	return verdicts[verdict].name;
}

int verdict_exit_code(enum verdict verdict)
{
	return verdicts[verdict].exit_code;
}

struct appending {
	sqlite3 *db;
	sqlite3_stmt *violation, *witness;
	sqlite3_int64 judgement;
	int rc;
};

static int run_once(struct appending *a, sqlite3_stmt *statement)
{
	int rc = sqlite3_step(statement);

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	a->rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
	return a->rc;
}

static int append_violation(void *arg, const struct violation *v)
{
	struct appending *a = arg;

	sqlite3_bind_int64(a->violation, 1, a->judgement);
	sqlite3_bind_text(a->violation, 2, violation_name(v->code), -1, SQLITE_STATIC);
	sqlite3_bind_text(a->violation, 3, v->key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(a->violation, 4, v->followers);
	sqlite3_bind_text(a->violation, 5, v->text, -1, SQLITE_STATIC);
	if (run_once(a, a->violation) != SQLITE_OK)
		return 1;
	sqlite3_int64 id = sqlite3_last_insert_rowid(a->db);
	for (int i = 0; i < v->witnesses; i++) {
		sqlite3_bind_int64(a->witness, 1, id);
		sqlite3_bind_int(a->witness, 2, i);
		sqlite3_bind_int64(a->witness, 3, (sqlite3_int64)v->witness[i]);
		if (run_once(a, a->witness) != SQLITE_OK)
			return 1;
	}
	return 0;
}

static int append_all(struct appending *a, const char *by, const struct oracle *oracle,
		      enum verdict verdict, const char *reason)
{
	sqlite3_stmt *s = NULL;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	a->rc = sqlite3_prepare_v2(
		a->db, "INSERT INTO judgement(ns, oracle, verdict, reason) VALUES(?, ?, ?, ?)", -1,
		&s, NULL);
	if (a->rc != SQLITE_OK)
		return a->rc;
	sqlite3_bind_int64(s, 1, now.tv_sec * 1000000000LL + now.tv_nsec);
	sqlite3_bind_text(s, 2, by, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 3, verdict_name(verdict), -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 4, reason, -1, SQLITE_STATIC);
	run_once(a, s);
	sqlite3_finalize(s);
	a->judgement = sqlite3_last_insert_rowid(a->db);
	if (a->rc == SQLITE_OK)
		oracle_violations(oracle, append_violation, a);
	return a->rc;
}

int judgement_append(const char *ledger_path, const char *by, const struct oracle *oracle,
		     enum verdict verdict, const char *reason, struct why *why)
{
	static const char violation_sql[] =
		"INSERT INTO violation(judgement, code, object, root, followers, text) VALUES(?1, "
		"?2, "
		"(SELECT object FROM object WHERE key = CAST(?3 AS BLOB)), 1, ?4, ?5)";
	static const char witness_sql[] =
		"INSERT INTO witness(violation, place, op) VALUES(?, ?, ?)";
	struct appending a = {0};
	int result = 0;

	a.rc = sqlite3_open_v2(ledger_path, &a.db, SQLITE_OPEN_READWRITE, NULL);
	if (a.rc == SQLITE_OK)
		a.rc = sqlite3_exec(
			a.db, "PRAGMA busy_timeout=10000; PRAGMA synchronous=OFF; BEGIN IMMEDIATE",
			NULL, NULL, NULL);
	if (a.rc == SQLITE_OK)
		a.rc = sqlite3_prepare_v2(a.db, violation_sql, -1, &a.violation, NULL);
	if (a.rc == SQLITE_OK)
		a.rc = sqlite3_prepare_v2(a.db, witness_sql, -1, &a.witness, NULL);
	if (a.rc == SQLITE_OK && append_all(&a, by, oracle, verdict, reason) == SQLITE_OK)
		a.rc = sqlite3_exec(a.db, "COMMIT", NULL, NULL, NULL);
	if (a.rc != SQLITE_OK)
		result = why_set(why, -EIO, "cannot write a judgement to \"%s\": %s", ledger_path,
				 a.db ? sqlite3_errmsg(a.db) : sqlite3_errstr(a.rc));
	sqlite3_finalize(a.violation);
	sqlite3_finalize(a.witness);
	sqlite3_close(a.db);
	return result;
}
