/*
 * test_oracle_conditions.c - the online oracle with several clients that put under conditions and
 * send again what was not answered: against brute force, on random small histories.
 *
 * The oracle may miss what only the exact judges see; it must never object to what is possible.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "runner/oracle.h"
#include "tests/unit/judge_support.h"

enum {
	CAN = CAN_RANGE | CAN_HEAD_TAG | CAN_TAG_XXH3 | CAN_IF_MATCH,
	ROUNDS = 60000,
};

/* One operation as a client does it; a refused condition wants to put a generation of its own. */
struct sent {
	const struct judge_op *op;
	bool again; /* sent twice */
};

static void tag_of(char tag[TAG_MAX], uint64_t generation)
{
	snprintf(tag, TAG_MAX, "%016llx", (unsigned long long)generation);
}

static void ask(struct oracle *o, const struct sent *r)
{
	static const enum verb verbs[JUDGE_KIND_COUNT] = {
		[JUDGE_PUT] = VERB_PUT,     [JUDGE_DELETE] = VERB_DELETE,
		[JUDGE_TAKE] = VERB_DELETE, [JUDGE_CAS] = VERB_PUT,
		[JUDGE_READ] = VERB_GET,    [JUDGE_ABSENT] = VERB_GET,
		[JUDGE_PRESENT] = VERB_PUT, [JUDGE_UNEQUAL] = VERB_PUT,
	};
	const struct judge_op *op = r->op;
	struct ledger_intent i = {
		.op = op->id, .key = "k", .verb = verbs[op->kind], .inv_seq = op->inv, .size = 20};

	if (i.verb == VERB_PUT) {
		bool own = op->kind == JUDGE_PUT || op->kind == JUDGE_CAS;
		i.generation = own ? op->value : op->id;
		tag_of(i.tag, i.generation);
	}
	if (op->kind == JUDGE_PRESENT ||
	    (i.verb == VERB_PUT && op->kind != JUDGE_PUT && !op->expect))
		strcpy(i.condition, "*");
	else if (op->kind == JUDGE_CAS || op->kind == JUDGE_UNEQUAL)
		tag_of(i.condition, op->expect);
	oracle_invoke(o, &i);
	if (r->again)
		oracle_again(o, op->id);
}

static void answer(struct oracle *o, const struct sent *r, uint64_t seq)
{
	const struct judge_op *op = r->op;
	struct ledger_outcome out = {.op = op->id,
				     .res_seq = seq,
				     .status = 200,
				     .sends = 1 + r->again,
				     .size = 20,
				     .last = 19};

	out.kind = op->kind == JUDGE_ABSENT         ? OUTCOME_ABSENT
		   : op->outcome == JUDGE_AMBIGUOUS ? OUTCOME_AMBIGUOUS
		   : op->outcome == JUDGE_FAILED    ? OUTCOME_NOT_APPLIED
						    : OUTCOME_OK;
	if (op->kind == JUDGE_PRESENT || op->kind == JUDGE_UNEQUAL) {
		out.kind = OUTCOME_REFUSED;
		out.status = 412;
	}
	if (op->kind == JUDGE_READ)
		out.seen = op->value;
	oracle_return(o, &out, NULL, NULL, NULL, false);
}

static uint64_t objections(const struct sent *r, const uint64_t *end, int n)
{
	struct oracle *o = oracle_open(CAN);
	struct oracle_count count;

	for (uint64_t t = 1; t <= 2 * (uint64_t)n; t++) {
		for (int i = 0; i < n; i++)
			if (r[i].op->inv == t)
				ask(o, &r[i]);
		for (int i = 0; i < n; i++)
			if (end[i] == t)
				answer(o, &r[i], t);
	}
	oracle_finish(o);
	oracle_count(o, &count);
	oracle_close(o);
	return count.violations;
}

/* Some of the puts went out twice: what the brute force must know of them besides. */
static int send_again(uint64_t *seed, struct judge_op *op, struct sent *r, int n)
{
	int all = n;

	for (int i = 0; i < n; i++) {
		bool can = op[i].kind == JUDGE_PUT && op[i].outcome != JUDGE_FAILED;
		r[i] = (struct sent){&op[i], can && draw_below(seed, 4) == 0};
		if (!r[i].again)
			continue;
		op[all] = op[i];
		op[all].outcome = JUDGE_AMBIGUOUS;
		op[all++].res = JUDGE_NEVER;
	}
	return all;
}

static void show(const struct judge_op *op, const struct sent *r, const uint64_t *end, int n)
{
	for (int i = 0; i < n; i++)
		print_message("  %llu: kind %d%s%s, %llu for %llu [%llu, %llu]\n",
			      (unsigned long long)op[i].id, op[i].kind,
			      op[i].outcome == JUDGE_KNOWN    ? ""
			      : op[i].outcome == JUDGE_FAILED ? "!"
							      : "?",
			      r[i].again ? " again" : "", (unsigned long long)op[i].value,
			      (unsigned long long)op[i].expect, (unsigned long long)op[i].inv,
			      (unsigned long long)end[i]);
}

static void it_never_cries_wolf(void **state)
{
	struct judge_op op[SMALL_MAX];
	struct sent r[SMALL_MAX];
	uint64_t seed = 11, end[SMALL_MAX];
	int impossible = 0, found = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		int n = 2 + (int)draw_below(&seed, 6);
		draw_small(&seed, op, n, WITH_CAS | WITH_DELETES | WITH_PRESENCE | WITH_FENCES);
		for (int i = 0; i < n; i++) {
			end[i] = op[i].res;
			if (op[i].kind == JUDGE_TAKE)
				op[i].kind = JUDGE_DELETE;
			if (op[i].outcome == JUDGE_AMBIGUOUS)
				op[i].res = JUDGE_NEVER;
		}
		int all = send_again(&seed, op, r, n);
		bool could = possible(op, all);
		uint64_t objects = objections(r, end, n);
		impossible += !could;
		found += objects > 0;
		if (could && objects)
			show(op, r, end, n);
		if (could && objects)
			fail_msg("round %d: a false alarm", round);
	}
	assert_true(impossible > ROUNDS / 10);
	assert_true(found * 2 > impossible);
}

static const struct {
	const char *about;
	struct judge_op op[4];
	enum violation_code code;
} cases[] = {
#define AT(i, r) .inv = (i), .res = (r)
	{"two accepted in place of one",
	 {{AT(1, 2), 1, .kind = JUDGE_PUT},
	  {AT(3, 6), 2, 1, .kind = JUDGE_CAS},
	  {AT(4, 5), 3, 1, .kind = JUDGE_CAS}},
	 WRONG_CONDITION},
	{"two accepted where nothing was",
	 {{AT(1, 4), 1, .kind = JUDGE_CAS}, {AT(2, 3), 2, .kind = JUDGE_CAS}},
	 WRONG_CONDITION},
	{"two accepted where nothing was, with a delete between",
	 {{AT(1, 4), 1, .kind = JUDGE_CAS},
	  {AT(2, 6), 2, .kind = JUDGE_CAS},
	  {AT(3, 5), .kind = JUDGE_DELETE}},
	 VIOLATION_NONE},
	{"refused although it was there",
	 {{AT(1, 2), 1, .kind = JUDGE_PUT}, {AT(3, 4), .expect = 1, .kind = JUDGE_UNEQUAL}},
	 WRONG_CONDITION},
	{"refused although nothing was there",
	 {{AT(1, 2), .kind = JUDGE_PRESENT}},
	 WRONG_CONDITION},
	{"accepted in place of what was replaced",
	 {{AT(1, 2), 1, .kind = JUDGE_PUT},
	  {AT(3, 4), 2, .kind = JUDGE_PUT},
	  {AT(5, 6), 3, 1, .kind = JUDGE_CAS}},
	 LOST_WRITE},
};

static int first_code(void *arg, const struct violation *v)
{
	*(enum violation_code *)arg = v->code;
	return 1;
}

static enum violation_code code_of(const struct judge_op *made)
{
	struct oracle *o = oracle_open(CAN);
	enum violation_code code = VIOLATION_NONE;
	struct judge_op op[4];
	int n = 0;

	for (; n < 4 && made[n].inv; n++) {
		op[n] = made[n];
		op[n].id = (uint64_t)n + 100;
	}
	for (uint64_t t = 1; t <= 8; t++)
		for (int i = 0; i < n; i++) {
			const struct sent r = {&op[i], false};
			if (op[i].inv == t)
				ask(o, &r);
			else if (op[i].res == t)
				answer(o, &r, t);
		}
	oracle_finish(o);
	oracle_violations(o, first_code, &code);
	oracle_close(o);
	return code;
}

static void conditions_are_named_rightly(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum violation_code code = code_of(cases[i].op);
		if (code != cases[i].code)
			fail_msg("%s: found %s, wanted %s", cases[i].about, violation_name(code),
				 violation_name(cases[i].code));
	}
}

/* A page with nothing in it, so long after the put of its only key was answered. */
static enum violation_code list_after(int64_t ns, int64_t lag_ns)
{
	struct oracle *o = oracle_open(CAN | CAN_LIST_SIZE);
	struct ledger_intent put = {
		.op = 1, .key = "k", .verb = VERB_PUT, .generation = 1, .inv_seq = 1};
	struct ledger_outcome put_ok = {
		.op = 1, .res_seq = 2, .res_ns = 1000, .sends = 1, .status = 200};
	struct ledger_intent list = {
		.op = 2, .key = "", .verb = VERB_LIST, .inv_seq = 3, .inv_ns = 1000 + ns};
	struct ledger_outcome list_ok = {.op = 2, .res_seq = 4, .res_ns = 1001 + ns, .status = 200};

	oracle_list_lag(o, lag_ns);
	oracle_invoke(o, &put);
	oracle_return(o, &put_ok, NULL, NULL, NULL, false);
	oracle_invoke(o, &list);
	enum violation_code code = oracle_return(o, &list_ok, "[]", "", "", false);
	oracle_close(o);
	return code;
}

static void a_late_listing_is_judged_when_its_time_is_over(void **state)
{
	(void)state;
	assert_int_equal(list_after(10, 0), LIST_OMISSION);
	assert_int_equal(list_after(10, 20), VIOLATION_NONE);
	assert_int_equal(list_after(30, 20), LIST_OMISSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_are_named_rightly),
		cmocka_unit_test(it_never_cries_wolf),
		cmocka_unit_test(a_late_listing_is_judged_when_its_time_is_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
