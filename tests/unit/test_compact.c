/*
 * test_compact.c - ledgers before and after a pass: what goes, what stays, what is still found.
 *
 * Operations are recorded one after the other, as a workload would, but none is sent. A step is a
 * letter for a key and what was done: p put, d delete, g get (of the put of that step of the same
 * key, 0: nothing), then the answer: nothing for ok, ? unknown, ... never came back, # bad bytes.
 */
#include "made_run.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/body.h"
#include "runner/check.h"
#include "runner/compact_impl.h"

static struct {
	struct made_run run;
	uint64_t put[32][32]; /* by key and step: the generation */
	int steps;
} made;

static int open_made(void **state)
{
	(void)state;
	memset(&made, 0, sizeof(made));
	made_run_open(&made.run, 8);
	return 0;
}

static int close_made(void **state)
{
	(void)state;
	return made_run_close(&made.run);
}

struct feeding {
	struct ledger_intent *intent;
	struct ledger_outcome *outcome;
	const char *entries;
};

static void feed_intent(void *arg, struct oracle *oracle)
{
	oracle_invoke(oracle, ((struct feeding *)arg)->intent);
}

static void feed_outcome(void *arg, struct oracle *oracle)
{
	struct feeding *f = arg;

	oracle_return(oracle, f->outcome, f->entries, "", "", false);
}

static void feed(struct ledger_intent *i, struct ledger_outcome *o, const char *entries)
{
	struct feeding f = {i, o, entries};

	i->inv_seq = workload_next_seq(made.run.workload);
	i->inv_ns = (int64_t)i->inv_seq * 1000000000;
	workload_oracle(made.run.workload, feed_intent, &f);
	assert_int_equal(ledger_intent(made.run.ledger, i), 0);
	if (!o)
		return;
	o->op = i->op;
	o->res_seq = workload_next_seq(made.run.workload);
	o->res_ns = (int64_t)o->res_seq * 1000000000;
	o->sends = o->attempts = 1;
	workload_oracle(made.run.workload, feed_outcome, &f);
	if (entries)
		assert_int_equal(ledger_page(made.run.ledger, i->op, "", "", false, entries), 0);
	assert_int_equal(ledger_outcome(made.run.ledger, o), 0);
}

/* "ap" "ag1" "bd" "ap?" "ag..." */
static void step(const char *text)
{
	char key[8] = {'k', '/', text[0], '\0'};
	struct ledger_intent i = {.op = ledger_next_op(made.run.ledger), .key = key};
	struct ledger_outcome o = {.kind = OUTCOME_OK, .status = 200};
	int number = atoi(text + 2);
	uint64_t *put = made.put[text[0] - 'a'];

	if (text[1] == 'p') {
		i.verb = VERB_PUT;
		i.generation = i.op;
		i.size = 10;
		snprintf(i.tag, sizeof(i.tag), "%016llx", (unsigned long long)i.op);
		for (made.steps = 1; put[made.steps]; made.steps++)
			;
		put[made.steps] = i.op;
	} else if (text[1] == 'd') {
		i.verb = VERB_DELETE;
	} else {
		i.verb = VERB_GET;
		o.kind = number ? OUTCOME_OK : OUTCOME_ABSENT;
		o.seen = number ? put[number] : 0;
		o.size = number ? 10 : 0;
		o.last = 9;
		if (number)
			snprintf(o.tag, sizeof(o.tag), "%016llx", (unsigned long long)o.seen);
	}
	if (strchr(text, '#'))
		o.mark = BODY_CORRUPT;
	if (strchr(text, '?'))
		o.kind = OUTCOME_AMBIGUOUS;
	feed(&i, strstr(text, "...") ? NULL : &o, NULL);
}

static void steps(const char *text)
{
	char word[16];
	int used;

	for (; sscanf(text, " %15s%n", word, &used) == 1; text += used)
		step(word);
}

static void list(const char *entries)
{
	struct ledger_intent i = {
		.op = ledger_next_op(made.run.ledger), .key = "k/", .verb = VERB_LIST};
	struct ledger_outcome o = {.kind = OUTCOME_OK, .status = 200};

	feed(&i, &o, entries);
}

static uint64_t pass(void)
{
	const struct compact_options options = {made.run.folder, made.run.ledger, made.run.workload,
						1};
	_Atomic bool ending = false;
	uint64_t held = ledger_held(made.run.ledger);
	struct why why = {""};

	if (compact_pass(made.run.db, &options, &ending, &why))
		fail_msg("%s", why.text);
	return held - ledger_held(made.run.ledger);
}

static int64_t number(const char *sql)
{
	sqlite3_stmt *s;

	assert_int_equal(sqlite3_prepare_v2(made.run.db, sql, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return n;
}

struct found {
	int count;
	enum violation_code code;
	char key[16];
};

static int note(void *arg, const struct violation *v)
{
	struct found *found = arg;

	found->count++;
	found->code = v->code;
	snprintf(found->key, sizeof(found->key), "%s", v->key);
	return 0;
}

static void look(void *arg, struct oracle *oracle)
{
	oracle_violations(oracle, note, arg);
}

static struct found violations(void)
{
	struct found found = {0};

	workload_oracle(made.run.workload, look, &found);
	return found;
}

static void what_is_closed_goes(void **state)
{
	(void)state;
	steps("ap ag1 ap ag2 bp bd bg0 bg0");
	assert_int_equal(pass(), 8);
	assert_int_equal(number("SELECT count(*) FROM intent"), 0);
	assert_int_equal(number("SELECT count(*) FROM outcome"), 0);
	assert_int_equal(number("SELECT sum(operations) FROM base"), 8);
	assert_int_equal(number("SELECT sum(verified) FROM base"), 8);
	assert_int_equal(number("SELECT sum(operations) FROM tally"), 8);
	assert_int_equal(number("SELECT generations FROM base JOIN object USING(object) "
				"WHERE key = CAST('k/a' AS BLOB)"),
			 2);
	assert_int_equal(number("SELECT generation FROM base JOIN object USING(object) "
				"WHERE key = CAST('k/b' AS BLOB)"),
			 0);
	/* And goes on from there. */
	steps("ag2 ap ag3 bg0 bp bg2");
	assert_int_equal(pass(), 6);
	assert_int_equal(number("SELECT sum(operations) FROM base"), 14);
	assert_int_equal(violations().count, 0);
}

static void what_is_open_stays(void **state)
{
	(void)state;
	steps("ap ag1");
	step("ag...");
	steps("ap ag2");
	/* Everything that began before the oldest open operation, on whatever key. */
	assert_int_equal(pass(), 2);
	assert_int_equal(number("SELECT count(*) FROM intent"), 3);
}

static void what_is_ambiguous_stays_until_it_is_seen(void **state)
{
	(void)state;
	steps("ap ap? ag1 ag1 bp bg1");
	assert_int_equal(pass(), 3);
	assert_int_equal(number("SELECT count(*) FROM intent"), 3);
	assert_int_equal(pass(), 0);
	steps("ag2");
	assert_int_equal(pass(), 4);
	assert_int_equal(number("SELECT count(*) FROM intent"), 0);
	assert_int_equal(violations().count, 0);
}

static void what_settles_goes_after_its_time(void **state)
{
	(void)state;
	ledger_run(made.run.ledger, "settle_ns", "20000000000"); /* ten operations here */
	steps("ap ap? ag1");
	assert_int_equal(pass(), 1);
	for (int i = 0; i < 40; i++)
		step("bg0");
	steps("ag1");
	pass();
	assert_int_equal(number("SELECT count(*) FROM intent"), 0);
	assert_int_equal(violations().count, 0);
}

static void what_is_violated_stays(void **state)
{
	(void)state;
	steps("ap ag1 ap ag1 bp bg1 cp cg1#");
	assert_int_equal(pass(), 2);
	assert_int_equal(number("SELECT count(*) FROM intent"), 6);
	assert_int_equal(violations().count, 2);
}

/* Each read is possible for the online oracle, which keeps no order among unanswered puts. */
static void a_pass_finds_what_the_oracle_did_not(void **state)
{
	struct found found;

	(void)state;
	steps("ap? ap? ag2 ag1 ag2 bp");
	int before = violations().count;
	pass();
	found = violations();
	assert_int_equal(found.count, 1);
	assert_string_equal(found.key, "k/a");
	assert_in_range(before, 0, 1);
	assert_int_equal(number("SELECT count(*) FROM intent"), 5);
}

static void an_old_answer_is_wrong_after_it_was_compacted(void **state)
{
	static const struct {
		const char *before, *after;
		enum violation_code code;
	} cases[] = {
		{"ap ap ag2", "ag1", LOST_WRITE},
		{"bp bp", "bg1", LOST_WRITE},
		{"cp cd", "cg1", RESURRECTED_DELETE},
		{"dp dg1", "dg0", WRONG_404},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		steps(cases[i].before);
		assert_true(pass() > 0);
		assert_int_equal(violations().count, (int)i);
		steps(cases[i].after);
		struct found found = violations();
		assert_int_equal(found.count, (int)i + 1);
	}
	/* And the ledger alone says the same. */
	ledger_flush(made.run.ledger);
	assert_int_equal(check_run(made.run.folder, NULL), 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char sql[200];

		snprintf(sql, sizeof(sql),
			 "SELECT count(*) FROM violation v JOIN object o USING(object) WHERE "
			 "o.key = CAST('k/%c' AS BLOB) AND v.code = '%s'",
			 cases[i].before[0],
			 violation_name(cases[i].code == WRONG_404 ? LOST_WRITE : cases[i].code));
		assert_int_equal(number(sql), 1);
	}
}

static void a_listing_goes_when_all_of_its_span_is_cut(void **state)
{
	(void)state;
	steps("ap bp");
	list("[[\"k/a\",10,\"0000000000000001\"],[\"k/b\",10,\"0000000000000002\"]]");
	steps("bp? bg1");
	/* b is held back behind the listing, so both are cut behind it. */
	assert_int_equal(pass(), 3);
	assert_int_equal(number("SELECT count(*) FROM page"), 0);
	list("[[\"k/a\",10,\"0000000000000001\"],[\"k/b\",10,\"0000000000000002\"]]");
	steps("ag1");
	/* Now it is behind b's cut: it stays for b alone, a goes. */
	assert_int_equal(pass(), 1);
	assert_int_equal(number("SELECT count(*) FROM page"), 1);
	list("[[\"k/b\",10,\"0000000000000002\"]]");
	assert_int_equal(violations().count, 1);
	assert_int_equal(violations().code, LIST_OMISSION);
	ledger_flush(made.run.ledger);
	assert_int_equal(check_run(made.run.folder, NULL), 1);
	assert_int_equal(number("SELECT count(*) FROM violation"), 1);
}

/* It is of no key, so no key's history would hold it. */
static void a_listing_that_is_wrong_itself_stays(void **state)
{
	(void)state;
	steps("ap ag1");
	list("[[\"k/a\",10,\"0000000000000001\"],[\"k/z\",10,\"0000000000000009\"]]");
	steps("ap ag2");
	assert_int_equal(violations().code, LIST_PHANTOM);
	assert_int_equal(pass(), 4);
	assert_int_equal(number("SELECT count(*) FROM page"), 1);
	ledger_flush(made.run.ledger);
	assert_int_equal(check_run(made.run.folder, NULL), 1);
	assert_int_equal(number("SELECT count(*) FROM violation WHERE code = 'LIST-PHANTOM'"), 1);
}

static void put_if(uint64_t wanted, enum outcome kind, int status)
{
	struct ledger_intent i = {
		.op = ledger_next_op(made.run.ledger), .key = "k/a", .verb = VERB_PUT, .size = 10};
	struct ledger_outcome o = {.kind = kind, .status = status};

	i.generation = i.op;
	snprintf(i.tag, sizeof(i.tag), "%016llx", (unsigned long long)i.op);
	snprintf(i.condition, sizeof(i.condition), "%016llx", (unsigned long long)wanted);
	feed(&i, &o, NULL);
}

static void a_condition_on_what_is_forgotten_can_only_be_refused(void **state)
{
	(void)state;
	steps("ap ap ag2");
	assert_int_equal(pass(), 3);
	put_if(made.put[0][1], OUTCOME_REFUSED, 412);
	assert_int_equal(violations().count, 0);
	put_if(made.put[0][2], OUTCOME_OK, 200);
	assert_int_equal(violations().count, 0);
	put_if(made.put[0][1], OUTCOME_OK, 200);
	assert_int_equal(violations().count, 1);
	assert_int_equal(violations().code, WRONG_CONDITION);
	ledger_flush(made.run.ledger);
	assert_int_equal(check_run(made.run.folder, NULL), 1);
}

/* Clients of such a plan send again; of one that was cut nobody knows how often it did. */
static void what_was_never_answered_may_have_been_sent_again(void **state)
{
	static const char last_sql[] = "SELECT count(*) FROM violation WHERE judgement = "
				       "(SELECT max(judgement) FROM judgement)";

	(void)state;
	steps("ap... ag1 ap ag2 ag1");
	ledger_flush(made.run.ledger);
	assert_int_equal(check_run(made.run.folder, NULL), 1);
	assert_int_equal(number(last_sql), 1);
	ledger_run(made.run.ledger, "retries", "1");
	ledger_flush(made.run.ledger);
	assert_int_equal(check_run(made.run.folder, NULL), 4);
	assert_int_equal(number(last_sql), 0);
}

static void the_sum_is_told(void **state)
{
	struct compact_sum sum;
	char text[128];

	(void)state;
	assert_int_equal(compact_sum(made.run.db, &sum), 0);
	compact_sum_text(&sum, text, sizeof(text));
	assert_string_equal(text, "");
	steps("ap ag1 bp");
	list("[[\"k/a\",10,\"0000000000000001\"],[\"k/b\",10,\"0000000000000003\"]]");
	assert_int_equal(pass(), 4);
	assert_int_equal(compact_sum(made.run.db, &sum), 0);
	assert_int_equal(sum.operations, 4);
	assert_int_equal(sum.verified, 4);
	assert_int_equal(sum.keys, 2);
	compact_sum_text(&sum, text, sizeof(text));
	assert_non_null(strstr(text, "compacted: 4 operations on 2 keys, judged by 2"));
}

static void classes_of_latency_are_narrow(void **state)
{
	(void)state;
	for (int64_t ns = 1; ns < INT64_C(1) << 50; ns += ns / 3 + 1) {
		int64_t class = compact_class(ns);

		assert_true(class >= ns);
		assert_true(class - ns <= ns / 8);
		assert_true(compact_class(class) == class);
	}
}

#define MADE(test) cmocka_unit_test_setup_teardown(test, open_made, close_made)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MADE(what_is_closed_goes),
		MADE(what_is_open_stays),
		MADE(what_is_ambiguous_stays_until_it_is_seen),
		MADE(what_settles_goes_after_its_time),
		MADE(what_is_violated_stays),
		MADE(a_pass_finds_what_the_oracle_did_not),
		MADE(an_old_answer_is_wrong_after_it_was_compacted),
		MADE(a_listing_goes_when_all_of_its_span_is_cut),
		MADE(a_listing_that_is_wrong_itself_stays),
		MADE(a_condition_on_what_is_forgotten_can_only_be_refused),
		MADE(what_was_never_answered_may_have_been_sent_again),
		MADE(the_sum_is_told),
		cmocka_unit_test(classes_of_latency_are_narrow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
