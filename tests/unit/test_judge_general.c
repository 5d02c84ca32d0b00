/*
 * test_judge_general.c - the general engine: models, rounds, budgets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "runner/judge_general_impl.h"
#include "tests/unit/judge_registers.h"

struct engine {
	struct judge_general *general;
	struct judge_values values;
	struct judge_model model;
};

static void open_engine(struct engine *e)
{
	e->general = judge_general_open();
	assert_non_null(e->general);
	assert_int_equal(judge_values_init(&e->values), 0);
	e->model = judge_model_register(&e->values);
}

static void close_engine(struct engine *e)
{
	judge_general_close(e->general);
	judge_values_fini(&e->values);
}

static struct judge_answer ask(struct engine *e, const struct judge_part *parts, size_t n,
			       uint64_t budget, size_t *part)
{
	struct judge_answer a;

	assert_int_equal(judge_general(e->general, &e->model, parts, n, budget, &a, part), 0);
	return a;
}

static void test_registers_are_judged_as_planted(void **state)
{
	struct engine e;
	struct judge_op op[100];
	uint64_t seed = 3;

	(void)state;
	open_engine(&e);
	for (int i = 0; i < 400; i++) {
		bool planted = i % 2;
		struct judge_part part = {.ops = op};
		size_t which;
		part.count = draw_registers(&seed, op, 80, planted);
		struct judge_answer a = ask(&e, &part, 1, 0, &which);
		if (a.verdict != (planted ? JUDGE_VIOLATION : JUDGE_OK))
			fail_msg("history %d: verdict %d", i, a.verdict);
	}
	close_engine(&e);
}

static void test_each_search_alone_agrees(void **state)
{
	struct engine e;
	struct judge_op op[100];
	uint64_t seed = 5;
	int left[2] = {0, 0};

	(void)state;
	open_engine(&e);
	for (int i = 0; i < 100; i++) {
		struct task *t = &e.general->task;
		struct judge_part part = {.ops = op};
		part.count = draw_registers(&seed, op, 40, i % 2);
		assert_int_equal(task_prepare(t, &e.model, &part), 0);
		t->limit = t->steps + 1000000;
		int wgl = wgl_search(e.general->wgl, t);
		t->limit = t->steps + 1000000;
		int jit = jit_search(e.general->jit, t);
		left[0] += wgl < 0;
		left[1] += jit < 0;
		if ((wgl >= 0 && wgl != !(i % 2)) || (jit >= 0 && jit != !(i % 2)))
			fail_msg("history %d: wgl %d, jit %d", i, wgl, jit);
	}
	assert_true(left[0] < 20);
	assert_true(left[1] < 20);
	close_engine(&e);
}

/* All at once: n writes of as many values, n ways from one to the next; then two different reads,
 * after which nothing can have happened. */
static size_t draw_wide(struct judge_op *op, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		op[i] = (struct judge_op){
			.inv = 1, .res = 100, .value = i + 1, .id = i, .kind = JUDGE_PUT};
		op[n + i] = (struct judge_op){.inv = 1,
					      .res = 100,
					      .value = i + 1,
					      .expect = (i + 1) % n + 1,
					      .id = n + i,
					      .kind = JUDGE_CAS};
	}
	for (size_t i = 0; i < 2; i++)
		op[2 * n + i] = (struct judge_op){.inv = 101 + i,
						  .res = 200,
						  .value = 1 + i,
						  .id = 2 * n + i,
						  .kind = JUDGE_READ};
	return 2 * n + 2;
}

static void test_a_hard_part_does_not_hide_a_guilty_one(void **state)
{
	struct engine e;
	struct judge_op hard[64];
	const struct judge_op guilty[] = {
		{.inv = 1, .res = 2, .value = 1, .id = 900, .kind = JUDGE_PUT},
		{.inv = 3, .res = 4, .id = 901, .kind = JUDGE_ABSENT},
	};
	struct judge_part parts[2] = {{.ops = hard}, {.ops = guilty, .count = 2}};
	size_t which = 9;

	(void)state;
	open_engine(&e);
	parts[0].count = draw_wide(hard, 12);
	struct judge_answer a = ask(&e, parts, 2, 0, &which);
	assert_int_equal(a.verdict, JUDGE_VIOLATION);
	assert_int_equal(which, 1);
	assert_int_equal(a.op, 901);
	assert_true(a.steps < 10000);
	close_engine(&e);
}

static void test_out_of_budget_is_unknown_and_named(void **state)
{
	struct engine e;
	struct judge_op hard[64];
	const struct judge_op easy[] = {
		{.inv = 1, .res = 2, .value = 1, .kind = JUDGE_PUT},
	};
	struct judge_part parts[2] = {{.ops = easy, .count = 1}, {.ops = hard}};
	size_t which = 9;

	(void)state;
	open_engine(&e);
	parts[1].count = draw_wide(hard, 12);
	struct judge_answer a = ask(&e, parts, 2, 3000, &which);
	assert_int_equal(a.verdict, JUDGE_UNKNOWN);
	assert_int_equal(a.reason, JUDGE_BUDGET);
	assert_int_equal(which, 1);
	assert_true(a.steps < 3100);
	close_engine(&e);
}

/* Texts, by brute force over real texts of one letter an append. */
struct text_op {
	uint64_t inv, res;
	char letter;       /* append; 0: get */
	const char *value; /* of a get */
};

static bool explain(const struct text_op *op, int n, unsigned done, const char *now)
{
	if (done == (1u << n) - 1)
		return true;
	for (int i = 0; i < n; i++) {
		bool first = !(done & (1u << i));
		char next[16];
		for (int k = 0; k < n; k++)
			first &= done & (1u << k) || op[k].res >= op[i].inv;
		if (!first || (!op[i].letter && strcmp(op[i].value, now) != 0))
			continue;
		snprintf(next, sizeof(next), op[i].letter ? "%s%c" : "%s", now, op[i].letter);
		if (explain(op, n, done | (1u << i), next))
			return true;
	}
	return false;
}

static void draw_text(uint64_t *seed, struct text_op *op, int n)
{
	static const char *const values[] = {"", "a", "b", "ab", "ba", "aa", "aba", "bab"};
	struct judge_op times[SMALL_MAX];

	draw_times(seed, times, n, draw_below(seed, 2));
	for (int i = 0; i < n; i++)
		op[i] = (struct text_op){.inv = times[i].inv,
					 .res = times[i].res,
					 .letter = "ab\0"[draw_below(seed, 3)],
					 .value = values[draw_below(seed, 8)]};
}

static void test_texts_agree_with_brute_force(void **state)
{
	struct judge_general *general = judge_general_open();
	struct judge_texts texts;
	uint64_t seed = 11;
	int impossible = 0;

	(void)state;
	assert_int_equal(judge_texts_init(&texts), 0);
	struct judge_model model = judge_model_text(&texts);
	for (int round = 0; round < 20000; round++) {
		int n = 2 + (int)draw_below(&seed, 6);
		struct text_op text[8];
		struct judge_op op[8] = {{0}};
		struct judge_part part = {.ops = op, .count = (size_t)n};
		struct judge_answer a;
		size_t which;
		draw_text(&seed, text, n);
		for (int i = 0; i < n; i++) {
			const char *value = text[i].letter ? &text[i].letter : text[i].value;
			size_t length = text[i].letter ? 1 : strlen(value);
			op[i].inv = text[i].inv;
			op[i].res = text[i].res;
			op[i].kind = text[i].letter ? JUDGE_APPEND
				     : length       ? JUDGE_READ
						    : JUDGE_ABSENT;
			judge_texts_number(&texts, value, length, &op[i].value);
		}
		bool could = explain(text, n, 0, "");
		assert_int_equal(judge_general(general, &model, &part, 1, 0, &a, &which), 0);
		if (a.verdict != (could ? JUDGE_OK : JUDGE_VIOLATION))
			fail_msg("round %d: verdict %d, brute force %d", round, a.verdict, could);
		impossible += !could;
	}
	assert_true(impossible > 2000 && impossible < 19000);
	judge_texts_fini(&texts);
	judge_general_close(general);
}

/* One text in two halves, wherever they meet, is the same text. */
static void test_joined_texts_are_the_whole(void **state)
{
	static const char whole[] = "x 0 1 yx 0 2 y";
	struct judge_texts texts;
	struct judge_op append = {.kind = JUDGE_APPEND};
	uint64_t all, left;

	(void)state;
	assert_int_equal(judge_texts_init(&texts), 0);
	struct judge_model model = judge_model_text(&texts);
	assert_int_equal(judge_texts_number(&texts, whole, strlen(whole), &all), 0);
	for (size_t cut = 0; cut <= strlen(whole); cut++) {
		judge_texts_number(&texts, whole, cut, &left);
		judge_texts_number(&texts, whole + cut, strlen(whole) - cut, &append.value);
		assert_int_equal(model.step(model.context, (int32_t)left, &append), all);
	}
	judge_texts_fini(&texts);
}

/* More operations than one word of a bit set has bits: one writer, and readers who overlap. */
static void test_long_histories_are_no_harder(void **state)
{
	enum { LONG = 5000 };
	static struct judge_op op[LONG];
	struct judge_part part = {.ops = op, .count = LONG};
	struct engine e;
	size_t which;

	(void)state;
	open_engine(&e);
	for (size_t i = 0; i < LONG; i++)
		op[i] = (struct judge_op){.inv = i * 4 + 1,
					  .res = i * 4 + (i % 6 ? 9 : 4),
					  .value = i / 6 + 1,
					  .id = i,
					  .kind = i % 6 ? JUDGE_READ : JUDGE_PUT};
	for (size_t i = 600; i < LONG; i += 600) { /* nobody reads it, but it may have happened */
		op[i + 1].kind = JUDGE_CAS;
		op[i + 1].expect = i / 6 + 1;
		op[i + 1].outcome = JUDGE_AMBIGUOUS;
		op[i + 1].res = JUDGE_NEVER;
	}
	struct judge_answer a = ask(&e, &part, 1, 10000000, &which);
	assert_int_equal(a.verdict, JUDGE_OK);
	op[4001].value = 5;
	a = ask(&e, &part, 1, 10000000, &which);
	assert_int_equal(a.verdict, JUDGE_VIOLATION);
	assert_int_equal(a.op, 4001);
	close_engine(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers_are_judged_as_planted),
		cmocka_unit_test(test_each_search_alone_agrees),
		cmocka_unit_test(test_a_hard_part_does_not_hide_a_guilty_one),
		cmocka_unit_test(test_out_of_budget_is_unknown_and_named),
		cmocka_unit_test(test_texts_agree_with_brute_force),
		cmocka_unit_test(test_joined_texts_are_the_whole),
		cmocka_unit_test(test_long_histories_are_no_harder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
