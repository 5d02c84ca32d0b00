/* check.c - see check.h: the ledger's evidence, fed to the oracle in the order of its sequence. */
#include "runner/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/cause.h"
#include "runner/check_exact.h"
#include "runner/check_ledger.h"
#include "runner/check_progress.h"
#include "runner/compact.h"
#include "runner/judgement.h"
#include "runner/oracle.h"

static const char intent_sql[] =
	"SELECT i.op, i.worker, i.endpoint, i.verb, o.key, i.generation, i.size, i.offset, "
	"i.length, i.tag, i.inv_ns, i.inv_seq, i.condition, coalesce(r.sends > 1, (SELECT "
	"CAST(value AS INTEGER) > 0 FROM run WHERE key = 'retries')) FROM intent i "
	"LEFT JOIN object o ON o.object = i.object LEFT JOIN outcome r ON r.op = i.op "
	"LEFT JOIN base b ON b.object = i.object WHERE b.cut_seq IS NULL OR i.inv_seq >= b.cut_seq "
	"ORDER BY i.inv_seq";
static const char outcome_sql[] =
	"SELECT o.op, o.res_ns, o.res_seq, o.kind, o.status, o.error, o.sent, o.sends, o.seen, "
	"o.size, "
	"o.tag, o.first, o.last, o.mark, p.entries, p.after, p.last, p.more "
	"FROM outcome o LEFT JOIN page p ON p.op = o.op ORDER BY o.res_seq";

static void read_intent(sqlite3_stmt *s, struct ledger_intent *i)
{
	*i = (struct ledger_intent){
		.op = check_number(s, 0),
		.worker = sqlite3_column_int(s, 1),
		.endpoint = sqlite3_column_int(s, 2),
		.verb = (enum verb)(check_number(s, 3) % VERB_COUNT),
		.key = check_text(s, 4),
		.generation = check_number(s, 5),
		.size = check_number(s, 6),
		.offset = check_number(s, 7),
		.length = check_number(s, 8),
		.inv_ns = sqlite3_column_int64(s, 10),
		.inv_seq = check_number(s, 11),
	};
	snprintf(i->tag, sizeof(i->tag), "%s", check_text(s, 9));
	snprintf(i->condition, sizeof(i->condition), "%s", check_text(s, 12));
	i->again = sqlite3_column_int(s, 13) != 0;
}

static void read_outcome(sqlite3_stmt *s, struct ledger_outcome *o)
{
	*o = (struct ledger_outcome){
		.op = check_number(s, 0),
		.res_ns = sqlite3_column_int64(s, 1),
		.res_seq = check_number(s, 2),
		.kind = (enum outcome)(check_number(s, 3) % OUTCOME_COUNT),
		.status = sqlite3_column_int(s, 4),
		.error = sqlite3_column_int(s, 5),
		.sent = check_number(s, 6),
		.sends = sqlite3_column_int(s, 7),
		.seen = check_number(s, 8),
		.size = check_number(s, 9),
		.first = check_number(s, 11),
		.last = check_number(s, 12),
		.mark = sqlite3_column_int(s, 13),
	};
	snprintf(o->tag, sizeof(o->tag), "%s", check_text(s, 10));
}

struct feed {
	sqlite3_stmt *intent, *outcome;
	bool intents, outcomes; /* is there a row under the cursor? */
};

/* One step of the merge of both, by sequence number. */
static void feed_next(struct feed *f, struct oracle *oracle)
{
	bool ask = f->intents &&
		   (!f->outcomes || check_number(f->intent, 11) < check_number(f->outcome, 2));

	if (ask) {
		struct ledger_intent intent;
		read_intent(f->intent, &intent);
		oracle_invoke(oracle, &intent);
		f->intents = sqlite3_step(f->intent) == SQLITE_ROW;
	} else {
		struct ledger_outcome outcome;
		read_outcome(f->outcome, &outcome);
		oracle_return(oracle, &outcome, check_text(f->outcome, 14),
			      check_text(f->outcome, 15), check_text(f->outcome, 16),
			      sqlite3_column_int(f->outcome, 17) != 0);
		f->outcomes = sqlite3_step(f->outcome) == SQLITE_ROW;
	}
}

static int feed_all(sqlite3 *db, struct oracle *oracle, struct check_progress *progress,
		    struct why *why)
{
	struct feed f = {0};
	uint64_t steps = 0;
	int result = 0;

	if (sqlite3_prepare_v2(db, intent_sql, -1, &f.intent, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, outcome_sql, -1, &f.outcome, NULL) != SQLITE_OK) {
		result = why_set(why, -EINVAL, "cannot read the ledger: %s", sqlite3_errmsg(db));
	} else {
		f.intents = sqlite3_step(f.intent) == SQLITE_ROW;
		f.outcomes = sqlite3_step(f.outcome) == SQLITE_ROW;
		while (f.intents || f.outcomes) {
			feed_next(&f, oracle);
			check_progress_tell(progress, ++steps / 2);
		}
	}
	sqlite3_finalize(f.intent);
	sqlite3_finalize(f.outcome);
	return result;
}

/* Keys that were compacted go on from their states. */
static int feed_bases(sqlite3 *db, struct oracle *oracle, struct why *why)
{
	sqlite3_stmt *s = NULL;
	int row = SQLITE_ERROR;

	if (sqlite3_prepare_v2(db,
			       "SELECT o.key, b.cut_seq, b.cut_op, b.generation, b.size, b.op, "
			       "b.tag FROM base b JOIN object o USING(object)",
			       -1, &s, NULL) == SQLITE_OK)
		while ((row = sqlite3_step(s)) == SQLITE_ROW) {
			struct oracle_base base = {
				.key = check_text(s, 0),
				.seq = check_number(s, 1),
				.cut_op = check_number(s, 2),
				.generation = check_number(s, 3),
				.size = check_number(s, 4),
				.op = check_number(s, 5),
			};

			snprintf(base.tag, sizeof(base.tag), "%s", check_text(s, 6));
			oracle_base(oracle, &base);
		}
	sqlite3_finalize(s);
	if (row == SQLITE_DONE)
		return 0;
	return why_set(why, -EINVAL, "cannot read the ledger: %s", sqlite3_errmsg(db));
}

/* What the run itself found outside the history: gates not met, crashes. */
static void feed_reported(sqlite3 *db, struct oracle *oracle)
{
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(db, "SELECT code, key, text FROM finding ORDER BY rowid", -1, &s,
			       NULL) != SQLITE_OK)
		return;
	while (sqlite3_step(s) == SQLITE_ROW)
		oracle_report(oracle,
			      !strcmp(check_text(s, 0), "SUT-CRASH") ? SUT_CRASH : UNRECOVERED,
			      check_text(s, 1), 0, check_text(s, 2));
	sqlite3_finalize(s);
}

/* Without a violation the verdict rests on what the run could say of itself. */
static enum verdict verdict_of(sqlite3 *db, const struct oracle_count *count,
			       const struct exact_result *exact, char *reason, size_t size)
{
	enum verdict verdict = VERDICT_UNKNOWN;
	sqlite3_stmt *s;

	snprintf(reason, size, "no final sweep: the run still goes on, or was cut");
	if (count->violations) {
		snprintf(reason, size, "%llu violation%s", (unsigned long long)count->violations,
			 count->violations == 1 ? "" : "s");
		return VERDICT_FAIL;
	}
	if (sqlite3_prepare_v2(db,
			       "SELECT verdict, reason FROM judgement WHERE oracle = 'run' "
			       "ORDER BY judgement LIMIT 1",
			       -1, &s, NULL) != SQLITE_OK)
		return verdict;
	if (sqlite3_step(s) == SQLITE_ROW) {
		snprintf(reason, size, "%s", check_text(s, 1));
		verdict = !strcmp(check_text(s, 0), "PASS")      ? VERDICT_PASS
			  : !strcmp(check_text(s, 0), "INVALID") ? VERDICT_INVALID
								 : VERDICT_UNKNOWN;
	}
	sqlite3_finalize(s);
	if (exact->undecided && verdict == VERDICT_PASS) {
		snprintf(reason, size, "%s", exact->text);
		verdict = VERDICT_UNKNOWN;
	}
	return verdict;
}

static void tell_exact(void *arg, uint64_t operations)
{
	check_progress_tell(arg, operations);
}

static int print_violation(void *arg, const struct violation *v)
{
	struct cause cause[CAUSE_MAX];
	char text[512];
	int causes;

	printf("%s %s\n    %s\n    witness: operations", violation_name(v->code), v->key, v->text);
	for (int i = 0; i < v->witnesses; i++)
		printf(" %llu", (unsigned long long)v->witness[i]);
	if (v->followers)
		printf("; %u more %s", v->followers,
		       *v->key && v->code < UNRECOVERED ? "on this key" : "like it");
	printf("\n");
	causes = cause_read(arg, v->witness, v->witnesses, cause);
	for (int i = 0; i < causes; i++) {
		cause_text(&cause[i], text, sizeof(text));
		printf("    meanwhile: %s\n", text);
	}
	return 0;
}

static uint64_t total(const uint64_t *n, int count)
{
	uint64_t all = 0;

	for (int i = 0; i < count; i++)
		all += n[i];
	return all;
}

/* Whoever judges first tells how much was verified; a run that was cut could not. */
static void record_verified(sqlite3 *db, uint64_t verified)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "INSERT OR IGNORE INTO run VALUES('verified', '%llu')",
		 (unsigned long long)verified);
	sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* The verdict of a run says what was compacted; so does every other. */
static void add_compacted(char *reason, size_t size, const char *compacted)
{
	size_t used = strlen(reason);

	if (*compacted && !strstr(reason, "compacted: "))
		snprintf(reason + used, size - used, "%s%s", used ? "; " : "", compacted);
}

int check_feed(sqlite3 *db, struct oracle *oracle, struct why *why)
{
	struct check_progress feeding = {.doing = "replaying"};
	int rc = feed_bases(db, oracle, why);

	if (!rc)
		rc = feed_all(db, oracle, &feeding, why);
	check_progress_end(&feeding);
	if (rc == 0)
		feed_reported(db, oracle);
	return rc;
}

static int judge(const char *dir, sqlite3 *db, struct oracle *oracle, struct why *why)
{
	struct check_progress judging = {.doing = "judging"};
	struct exact_result exact;
	struct oracle_count count;
	struct compact_sum sum;
	char reason[1024], path[4096], compacted[128];

	int rc = check_feed(db, oracle, why);
	if (!rc && compact_sum(db, &sum))
		rc = why_set(why, -EINVAL, "cannot read the ledger: %s", sqlite3_errmsg(db));
	if (rc)
		return rc;
	oracle_finish(oracle);
	rc = check_exact(db, (uint32_t)check_ledger_number(db, "can"), &exact_budget, oracle,
			 tell_exact, &judging, &exact, why);
	check_progress_end(&judging);
	if (rc)
		return rc;
	oracle_count(oracle, &count);
	enum verdict verdict = verdict_of(db, &count, &exact, reason, sizeof(reason));
	oracle_violations(oracle, print_violation, db);
	compact_sum_text(&sum, compacted, sizeof(compacted));
	add_compacted(reason, sizeof(reason), compacted);
	printf("%llu operations, %llu verified, %llu violation%s\n%s%s%s\n",
	       (unsigned long long)(total(count.ops, VERB_COUNT) + sum.operations),
	       (unsigned long long)(total(count.verified, VERB_COUNT) + sum.verified),
	       (unsigned long long)count.violations, count.violations == 1 ? "" : "s",
	       verdict_name(verdict), *reason ? ": " : "", reason);
	record_verified(db, total(count.verified, VERB_COUNT) + sum.verified);
	snprintf(path, sizeof(path), "%s/model.sqlite", dir);
	rc = judgement_append(path, "check", oracle, verdict, reason, why);
	return rc ? rc : verdict_exit_code(verdict);
}

int check_run(const char *dir, struct why *why)
{
	sqlite3 *db = NULL;
	int rc = check_ledger_open(dir, &db, why);

	if (rc)
		return rc;
	struct oracle *oracle = oracle_open((uint32_t)check_ledger_number(db, "can"));
	if (oracle)
		oracle_list_lag(oracle, (int64_t)check_ledger_number(db, "list_ns"));
	rc = oracle ? judge(dir, db, oracle, why) : -ENOMEM;
	oracle_close(oracle);
	sqlite3_close(db);
	return rc;
}
