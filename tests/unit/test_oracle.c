/*
 * test_oracle.c - histories in, violations out; and a proof against brute force.
 *
 * A history is a line of events on one key, in order: "a:put=1" asks (operation a puts generation
 * 1), "a:ok" answers. Answers: ok, no (definitely failed), ? (unknown), =N (a read of generation
 * N), =0 (404), =N/S (generation N, told size S), mark (corrupt bytes), list answers in brackets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/body.h"
#include "runner/oracle.h"

enum {
	CAN = CAN_RANGE | CAN_HEAD_TAG | CAN_LIST_SIZE | CAN_LIST_TAG | CAN_LIST_PAGES |
	      CAN_DELETE_TELLS | CAN_TAG_XXH3 | CAN_LIST_ORDER
};

static uint64_t size_of(uint64_t generation)
{
	return 100 + generation;
}

static void ask(struct oracle *o, uint64_t seq, char op, const char *what)
{
	struct ledger_intent i = {.op = (uint64_t)op, .key = "k", .inv_seq = seq};

	if (!strncmp(what, "put=", 4)) {
		i.verb = VERB_PUT;
		i.generation = strtoull(what + 4, NULL, 10);
		i.size = size_of(i.generation);
		snprintf(i.tag, sizeof(i.tag), "t%llu", (unsigned long long)i.generation);
	} else if (!strcmp(what, "get")) {
		i.verb = VERB_GET;
	} else if (!strcmp(what, "head")) {
		i.verb = VERB_HEAD;
	} else if (!strncmp(what, "range=", 6)) {
		char *end;
		i.verb = VERB_RANGE;
		i.offset = strtoull(what + 6, &end, 10);
		i.length = strtoull(end + 1, NULL, 10);
	} else if (!strcmp(what, "del")) {
		i.verb = VERB_DELETE;
	} else {
		assert_string_equal(what, "list");
		i.verb = VERB_LIST;
		i.key = "";
	}
	oracle_invoke(o, &i);
}

static void answer(struct oracle *o, uint64_t seq, char op, const char *what)
{
	struct ledger_outcome r = {
		.op = (uint64_t)op, .res_seq = seq, .kind = OUTCOME_OK, .sends = 1, .status = 200};
	const char *entries = NULL, *slash;

	if (*what == '[') {
		entries = what;
	} else if (*what == '=') {
		r.seen = strtoull(what + 1, NULL, 10);
		r.size = (slash = strchr(what, '/')) ? strtoull(slash + 1, NULL, 10)
						     : size_of(r.seen);
		r.last = r.size - 1;
		if (!r.seen)
			r.kind = OUTCOME_ABSENT;
	} else if (!strncmp(what, "meta=", 5)) { /* HEAD: size and tag of a generation */
		uint64_t g = strtoull(what + 5, NULL, 10);
		r.size = size_of(g);
		snprintf(r.tag, sizeof(r.tag), "t%llu", (unsigned long long)g);
	} else if (!strncmp(what, "part=", 5)) { /* Range: generation:first-last */
		char *end;
		r.status = 206;
		r.seen = strtoull(what + 5, &end, 10);
		r.size = size_of(r.seen);
		r.first = strtoull(end + 1, &end, 10);
		r.last = strtoull(end + 1, NULL, 10);
	} else if (!strcmp(what, "no")) {
		r.kind = OUTCOME_REFUSED;
		r.status = 400;
	} else if (!strcmp(what, "416")) {
		r.kind = OUTCOME_REFUSED;
		r.status = 416;
	} else if (!strcmp(what, "?")) {
		r.kind = OUTCOME_AMBIGUOUS;
	} else if (!strcmp(what, "mark")) {
		r.mark = BODY_TORN;
	} else if (!strcmp(what, "twice")) {
		r.sends = 2;
	} else if (!strcmp(what, "badtag")) {
		strcpy(r.tag, "other");
	} else {
		assert_string_equal(what, "ok");
	}
	oracle_return(o, &r, entries, "", "", false);
}

static int first_code(void *arg, const struct violation *v)
{
	snprintf(arg, 64, "%s", violation_name(v->code));
	assert_true(v->witnesses >= 1 && v->witnesses <= WITNESS_MAX);
	assert_true(strlen(v->text) > 10);
	return 1;
}

/* Feeds a history; code gets the strongest violation's name, "" for none. */
static void judge(const char *history, char code[64])
{
	struct oracle *o = oracle_open(CAN);
	char text[512], *save = NULL;
	uint64_t seq = 0;
	bool asked[128] = {false};

	snprintf(text, sizeof(text), "%s", history);
	for (char *e = strtok_r(text, " ", &save); e; e = strtok_r(NULL, " ", &save)) {
		assert_true(e[1] == ':');
		if (!asked[(int)e[0]])
			ask(o, ++seq, e[0], e + 2);
		else
			answer(o, ++seq, e[0], e + 2);
		asked[(int)e[0]] = true;
	}
	oracle_finish(o);
	code[0] = '\0';
	oracle_violations(o, first_code, code);
	oracle_close(o);
}

static const struct {
	const char *history, *code;
} cases[] = {
	/* what must be accepted */
	{"a:put=1 a:ok b:get b:=1", ""},
	{"b:get b:=0", ""},
	{"a:put=1 b:get b:=0 a:ok", ""},
	{"a:put=1 b:get b:=1 a:ok", ""},
	{"a:put=1 a:ok b:put=2 c:get c:=1 d:get d:=2 b:ok", ""},
	{"a:put=1 a:ok b:put=2 b:? c:get c:=1 d:get d:=1", ""},
	{"a:put=1 a:ok b:put=2 b:? c:get c:=1 d:get d:=2", ""},
	{"a:put=1 a:? b:put=2 b:ok c:get c:=1", ""}, /* a zombie: it may land late */
	{"a:put=1 a:ok b:del b:? c:get c:=0 d:get d:=0", ""},
	{"a:put=1 a:ok b:del b:? c:get c:=1 d:get d:=0", ""},
	{"a:put=1 a:ok b:del b:ok c:put=2 c:ok d:get d:=2", ""},
	{"a:put=1 a:no b:get b:=0", ""},
	{"a:put=1 a:twice b:put=2 b:ok c:get c:=1", ""}, /* the second sending came late */
	{"a:put=1 a:ok b:range=10,20 b:part=1:10-29", ""},
	{"a:put=1 a:ok b:range=10,0 b:part=1:10-100", ""},
	{"a:put=1 a:ok b:range=101,5 b:416", ""},
	{"a:put=1 a:ok b:head b:meta=1", ""},
	{"a:put=1 a:ok b:list b:[[\"k\",101,\"t1\"]]", ""},
	{"a:put=1 b:list b:[] a:ok", ""},
	{"a:put=1 a:ok b:del b:ok c:del c:=0", ""},
	/* what must not */
	{"a:put=1 a:ok b:get b:=0", "LOST-WRITE"},
	{"a:put=1 a:ok b:get b:=0 c:get c:=1", "WRONG-404"},
	{"a:put=1 a:ok b:put=2 b:ok c:get c:=1", "LOST-WRITE"},
	{"a:put=1 a:ok b:put=2 b:ok c:get c:=1 d:get d:=2", "STALE-READ"},
	{"a:put=1 a:ok b:put=2 b:? c:get c:=2 d:get d:=1", "NON-MONOTONIC"},
	{"a:put=1 b:get b:=1 c:get c:=0 a:ok", "LOST-WRITE"},
	{"a:put=1 a:ok b:del b:ok c:get c:=1", "RESURRECTED-DELETE"},
	{"a:put=1 a:ok b:del b:ok c:put=2 c:ok d:get d:=1", "LOST-WRITE"},
	{"a:put=1 a:no b:get b:=1", "ABORTED-READ"},
	{"b:get b:=7", "PHANTOM"},
	{"a:put=1 a:ok b:get b:mark", "TORN"},
	{"a:put=1 a:badtag", "BAD-ACK"},
	{"a:put=1 a:ok b:get b:=1/7", "HEAD-GET-MISMATCH"},
	{"a:put=1 a:ok b:head b:meta=3", "HEAD-GET-MISMATCH"},
	{"a:put=1 a:ok b:put=2 b:ok c:head c:meta=1", "LOST-WRITE"},
	{"a:put=1 a:ok b:range=10,20 b:part=1:10-30", "WRONG-RANGE"},
	{"a:put=1 a:ok b:range=10,20 b:part=1:11-29", "WRONG-RANGE"},
	{"a:put=1 a:ok b:range=10,5 b:416", "WRONG-RANGE"},
	{"a:put=1 a:ok b:del b:ok c:range=101,5 c:416",
	 "RESURRECTED-DELETE"}, /* it was too short */
	{"a:put=1 a:ok b:list b:[]", "LIST-OMISSION"},
	{"a:put=1 a:ok b:list b:[] c:get c:=0", "LOST-WRITE"}, /* the loss is the root */
	{"a:put=1 a:ok b:del b:ok c:list c:[[\"k\",101,\"t1\"]]", "LIST-PHANTOM"},
	{"a:put=1 a:ok b:list b:[[\"k\",101,\"t1\"],[\"zz\",1,\"x\"]]", "LIST-PHANTOM"},
	{"a:put=1 a:ok b:put=2 b:ok c:list c:[[\"k\",101,\"t1\"]]", "LIST-META"},
	{"a:put=1 a:ok b:list b:[[\"k\",5,\"t1\"]]", "LIST-META"},
	{"a:put=1 a:ok b:list b:[[\"k\",101,\"t1\"],[\"k\",101,\"t1\"]]", "LIST-DUP"},
	{"a:put=1 a:ok b:del b:=0", "LOST-WRITE"},
};

static void test_histories_are_named_rightly(void **state)
{
	char code[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		judge(cases[i].history, code);
		if (strcmp(code, cases[i].code) != 0)
			fail_msg("%s: wanted \"%s\", found \"%s\"", cases[i].history, cases[i].code,
				 code);
	}
}

/* Brute force: is there an order of the operations that respects time and explains every read? */
struct small_op {
	int kind;                     /* 0 put, 1 get, 2 delete */
	int value, begin, end, known; /* known: a mutation that was acknowledged */
};

static bool explain(const struct small_op *op, int n, unsigned done, int now)
{
	bool open = false;

	for (int i = 0; i < n; i++) {
		if (done & (1u << i))
			continue;
		bool first = true;
		for (int j = 0; j < n; j++)
			if (!(done & (1u << j)) && op[j].known && op[j].end < op[i].begin)
				first = false;
		if (op[i].known)
			open = true;
		if (!first)
			continue;
		if (op[i].kind == 1 && op[i].value != now)
			continue;
		if (explain(op, n, done | (1u << i),
			    op[i].kind == 0   ? op[i].value
			    : op[i].kind == 2 ? 0
					      : now))
			return true;
	}
	return !open;
}

static uint64_t random_next(uint64_t *s)
{
	uint64_t z = (*s += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* A history of n operations: moments drawn, then answers drawn from what was ever put. */
static void draw(uint64_t *seed, struct small_op *op, int n, bool deletes)
{
	int moment[16], puts = 0;

	for (int i = 0; i < 2 * n; i++)
		moment[i] = i;
	for (int i = 2 * n - 1; i > 0; i--) {
		int j = (int)(random_next(seed) % (uint64_t)(i + 1)), t = moment[i];
		moment[i] = moment[j];
		moment[j] = t;
	}
	for (int i = 0; i < n; i++) {
		int a = moment[2 * i], b = moment[2 * i + 1];
		int kind = (int)(random_next(seed) % (deletes ? 5 : 4));
		op[i] = (struct small_op){.kind = kind == 4   ? 2
						  : kind >= 2 ? 1
							      : 0,
					  .begin = a < b ? a : b,
					  .end = a < b ? b : a,
					  .known = 1};
		if (op[i].kind == 0)
			op[i].value = ++puts;
		if (op[i].kind != 1 && random_next(seed) % 4 == 0)
			op[i].known = 0;
	}
	for (int i = 0; i < n; i++)
		if (op[i].kind == 1)
			op[i].value = (int)(random_next(seed) % (uint64_t)(puts + 1));
}

static bool oracle_objects(const struct small_op *op, int n)
{
	struct oracle *o = oracle_open(CAN);
	struct oracle_count count;
	char what[32];

	for (int t = 0; t < 2 * n; t++)
		for (int i = 0; i < n; i++) {
			if (op[i].begin == t) {
				snprintf(what, sizeof(what),
					 op[i].kind == 0   ? "put=%d"
					 : op[i].kind == 1 ? "get"
							   : "del",
					 op[i].value);
				ask(o, (uint64_t)t + 1, (char)(i + 1), what);
			}
			if (op[i].end == t) {
				snprintf(what, sizeof(what),
					 op[i].kind == 1 ? "=%d"
					 : op[i].known   ? "ok"
							 : "?",
					 op[i].value);
				answer(o, (uint64_t)t + 1, (char)(i + 1), what);
			}
		}
	oracle_finish(o);
	oracle_count(o, &count);
	oracle_close(o);
	return count.violations > 0;
}

static void differ(bool deletes)
{
	uint64_t seed = 7;
	int impossible = 0, found = 0;

	for (int round = 0; round < 60000; round++) {
		struct small_op op[8];
		int n = 2 + (int)(random_next(&seed) % 6);
		draw(&seed, op, n, deletes);
		bool possible = explain(op, n, 0, 0), objects = oracle_objects(op, n);
		impossible += !possible;
		found += objects;
		if (possible && objects)
			fail_msg("round %d: a false alarm", round);
		/* A delete leaves the same nothing as any other, and so can hide what it should
		 * not. */
		if (!possible && !objects && !deletes)
			fail_msg("round %d: a violation was missed", round);
	}
	assert_true(impossible > 1000);
	assert_true(found * 100 >= impossible * 97);
}

static void test_without_deletes_the_oracle_is_exact(void **state)
{
	(void)state;
	differ(false);
}

static void test_with_deletes_the_oracle_never_cries_wolf(void **state)
{
	(void)state;
	differ(true);
}

struct told {
	unsigned roots, followers;
};

static int count_told(void *arg, const struct violation *v)
{
	struct told *told = arg;

	told->roots++;
	told->followers += v->followers;
	return 0;
}

/* A store whose listings are always wrong, and nodes that always crash: as many findings as answers,
 * in a run that goes on. */
static void test_findings_of_no_key_are_bounded(void **state)
{
	enum { TIMES = 1000, CODES = 2 };
	struct oracle *o = oracle_open(CAN);
	struct oracle_count count;
	struct told told = {0};

	(void)state;
	for (uint64_t i = 0; i < TIMES; i++) {
		ask(o, 2 * i + 1, 'a', "list");
		answer(o, 2 * i + 2, 'a', "[[\"zz\",1,\"x\"]]");
		oracle_report(o, SUT_CRASH, "ds1", 0, "ds1 ended by itself");
	}
	oracle_finish(o);
	oracle_violations(o, count_told, &told);
	oracle_count(o, &count);
	oracle_close(o);
	assert_int_equal(told.roots + told.followers, CODES * TIMES);
	assert_true(told.roots >= CODES && told.roots <= CODES * 100);
	assert_int_equal(count.violations, told.roots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_findings_of_no_key_are_bounded),
		cmocka_unit_test(test_histories_are_named_rightly),
		cmocka_unit_test(test_without_deletes_the_oracle_is_exact),
		cmocka_unit_test(test_with_deletes_the_oracle_never_cries_wolf),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
