/*
 * test_verdict.c - which facts make which verdict.
 *
 * Goal: a run that proved nothing is never a PASS, a violation is never hidden, and each reason is
 * named. Method: facts of a perfect run, spoilt in one place at a time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "runner/verdict.h"

static struct verdict_fault perfect_fault;

static struct verdict_facts perfect(void)
{
	perfect_fault = (struct verdict_fault){.number = 0,
					       .name = "wal-eio",
					       .reached = true,
					       .met = true,
					       .sets_rule = true,
					       .fires = 1,
					       .matches = 7};
	struct verdict_facts f = {
		.fault = &perfect_fault, .faults = 1, .min_ops = 600, .swept = true};

	for (int i = 0; i < VERB_COUNT; i++) {
		f.wanted[i] = true;
		f.ok[i] = 100;
	}
	return f;
}

static const char *const blind[] = {"ds2"};

static void spoil_nothing(struct verdict_facts *f)
{
	(void)f;
}
static void spoil_violation(struct verdict_facts *f)
{
	f->violations = 2;
}
static void spoil_unfired(struct verdict_facts *f)
{
	(void)f, perfect_fault.fires = 0;
}
static void spoil_unmatched(struct verdict_facts *f)
{
	(void)f, perfect_fault.fires = perfect_fault.matches = 0;
}
static void spoil_pending(struct verdict_facts *f)
{
	spoil_unmatched(f);
	perfect_fault.pending = true;
}
static void spoil_failed(struct verdict_facts *f)
{
	(void)f, perfect_fault.failed = "apply: no";
}
static void spoil_unreached(struct verdict_facts *f)
{
	spoil_unmatched(f);
	perfect_fault.reached = false;
}
static void spoil_cut(struct verdict_facts *f)
{
	spoil_unmatched(f);
	perfect_fault.sets_rule = false;
}
static void spoil_blind(struct verdict_facts *f)
{
	f->blind = blind, f->blinds = 1;
}
static void spoil_verb(struct verdict_facts *f)
{
	f->ok[VERB_LIST] = 0, f->min_ops = 1;
}
static void spoil_unwanted_verb(struct verdict_facts *f)
{
	f->ok[VERB_LIST] = 0, f->min_ops = 1, f->wanted[VERB_LIST] = false;
}
static void spoil_ops(struct verdict_facts *f)
{
	f->min_ops = 601;
}
static void spoil_sweep(struct verdict_facts *f)
{
	f->swept = false;
}
static void spoil_swept(struct verdict_facts *f)
{
	f->sweep_missed = 3;
}
static void spoil_sweep_error(struct verdict_facts *f)
{
	f->sweep_missed = -EIO;
}
static void spoil_undecided(struct verdict_facts *f)
{
	f->undecided = "too many candidates on k1";
}
static void spoil_both(struct verdict_facts *f)
{
	f->violations = 1, f->swept = false;
}
static void spoil_two(struct verdict_facts *f)
{
	f->undecided = "x", f->swept = false;
}
static void spoil_ledger(struct verdict_facts *f)
{
	f->ledger = "disk full";
}

static void spoil_no_fault(struct verdict_facts *f)
{
	f->faults = 0;
}
static void spoil_unmet(struct verdict_facts *f)
{
	(void)f, perfect_fault.met = false;
}
static void spoil_late(struct verdict_facts *f)
{
	static struct verdict_fault both[2];

	both[0] = perfect_fault;
	both[1] = (struct verdict_fault){.number = 1, .name = "late", .sets_rule = true};
	f->fault = both;
	f->faults = 2;
}

static const struct {
	void (*spoil)(struct verdict_facts *f);
	enum verdict verdict;
	const char *reason;
} cases[] = {
	{spoil_nothing, VERDICT_PASS, ""},
	{spoil_violation, VERDICT_FAIL, "2 violations"},
	{spoil_unfired, VERDICT_INVALID,
	 "fault 0 (wal-eio) did not fire: its rule matched 7 times"},
	{spoil_unmatched, VERDICT_INVALID, "its rule matched no call"},
	{spoil_pending, VERDICT_INVALID, "no process has its failpoint"},
	{spoil_failed, VERDICT_INVALID, "failed: apply: no"},
	{spoil_unreached, VERDICT_INVALID, "none of the 1 faults was reached"},
	{spoil_no_fault, VERDICT_PASS, ""},
	{spoil_late, VERDICT_PASS, ""},
	{spoil_unmet, VERDICT_INVALID, "no operation met fault 0 (wal-eio)"},
	{spoil_cut, VERDICT_INVALID, "without any effect"},
	{spoil_blind, VERDICT_INVALID, "no call of node ds2"},
	{spoil_verb, VERDICT_INVALID, "no LIST was ever verified"},
	{spoil_unwanted_verb, VERDICT_PASS, ""},
	{spoil_ops, VERDICT_INVALID, "only 600 operations were verified, 601 are wanted"},
	{spoil_sweep, VERDICT_INVALID, "no final sweep"},
	{spoil_swept, VERDICT_INVALID, "3 keys never answered"},
	{spoil_sweep_error, VERDICT_INVALID, "the final sweep failed"},
	{spoil_undecided, VERDICT_UNKNOWN, "too many candidates"},
	{spoil_both, VERDICT_FAIL, "1 violation; there was no final sweep"},
	{spoil_two, VERDICT_INVALID, "x"},
	{spoil_ledger, VERDICT_INVALID, "the ledger could not be written: disk full"},
};

static void test_facts_and_verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verdict_facts facts = perfect();
		struct verdict_result result;
		char reasons[4096];

		cases[i].spoil(&facts);
		verdict_decide(&result, &facts);
		verdict_reasons(&result, reasons, sizeof(reasons));
		if (result.verdict != cases[i].verdict || !strstr(reasons, cases[i].reason))
			fail_msg("case %zu: %s, \"%s\"", i, verdict_name(result.verdict), reasons);
		assert_int_equal(result.environment, facts.ledger != NULL);
		assert_int_equal(result.reasons == 0, result.verdict == VERDICT_PASS);
	}
}

/* The run ended at it: what it did not get round to is not listed beside it. */
static void test_a_violation_at_once_is_the_only_reason(void **state)
{
	struct verdict_facts facts = perfect();
	struct verdict_result result;

	(void)state;
	spoil_unreached(&facts);
	spoil_ops(&facts);
	spoil_verb(&facts);
	facts.violations = 1;
	verdict_decide(&result, &facts);
	assert_int_equal(result.verdict, VERDICT_FAIL);
	assert_int_equal(result.reasons, 1);
	assert_string_equal(result.reason[0], "1 violation");
}

static void test_more_reasons_than_room(void **state)
{
	struct verdict_fault fault[100] = {0};
	struct verdict_facts facts = perfect();
	struct verdict_result result;
	char reasons[256];

	(void)state;
	for (int i = 0; i < 100; i++)
		fault[i] = (struct verdict_fault){.number = i, .name = "x", .reached = true};
	facts.fault = fault;
	facts.faults = 100;
	verdict_decide(&result, &facts);
	assert_int_equal(result.verdict, VERDICT_INVALID);
	assert_int_equal(result.reasons, 32);
	verdict_reasons(&result, reasons, sizeof(reasons));
	assert_true(strlen(reasons) < sizeof(reasons));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts_and_verdicts),
		cmocka_unit_test(test_a_violation_at_once_is_the_only_reason),
		cmocka_unit_test(test_more_reasons_than_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
