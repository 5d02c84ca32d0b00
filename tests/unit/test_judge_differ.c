/*
 * test_judge_differ.c - every judge against brute force, on random small histories.
 *
 * A hundred thousand of them; FAILKIT_LONG=1 makes it a million. A violation's witness must be one by
 * itself, and stay one when all that it left out may have happened or not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runner/judge_frontier.h"
#include "runner/judge_general_impl.h"
#include "runner/judge_zones.h"
#include "tests/unit/judge_support.h"

static int rounds(void)
{
	const char *want = getenv("FAILKIT_LONG");

	return want && !strcmp(want, "1") ? 1000000 : 100000;
}

static void show(const struct judge_op *op, int n)
{
	static const char *const kinds[] = {"put",  "delete", "take",    "cas",    "append",
					    "read", "absent", "present", "unequal"};
	static const char *const outcomes[] = {"", "?", "!"};

	for (int i = 0; i < n; i++)
		print_message("  %llu: %s%s %llu expect %llu [%llu, %lld]\n",
			      (unsigned long long)op[i].id, kinds[op[i].kind],
			      outcomes[op[i].outcome], (unsigned long long)op[i].value,
			      (unsigned long long)op[i].expect, (unsigned long long)op[i].inv,
			      (long long)op[i].res);
}

static bool makes(const struct judge_op *op, uint64_t value)
{
	return (op->kind == JUDGE_PUT || op->kind == JUDGE_CAS) && op->value == value;
}

static bool is_put(const struct judge_op *op, int n, uint64_t value)
{
	for (int i = 0; i < n; i++)
		if (makes(&op[i], value))
			return op[i].outcome != JUDGE_FAILED;
	return false;
}

/* The witness alone; values whose put it does not name get one that may come at any time. */
static void check_witness(const struct judge_op *op, int n, const struct judge_answer *a)
{
	struct judge_op alone[SMALL_MAX * 2];
	int count = 0;

	assert_in_range(a->witnesses, 1, n);
	for (int w = 0; w < a->witnesses; w++)
		alone[count++] = op[a->witness[w] - 100];
	for (int i = 0; i < a->witnesses; i++) {
		uint64_t value = alone[i].kind == JUDGE_READ  ? alone[i].value
				 : alone[i].kind == JUDGE_CAS ? alone[i].expect
							      : JUDGE_NOTHING;
		bool found = value == JUDGE_NOTHING || !is_put(op, n, value);
		for (int k = 0; k < count; k++)
			found |= makes(&alone[k], value);
		if (!found)
			alone[count++] = (struct judge_op){.res = JUDGE_NEVER,
							   .value = value,
							   .kind = JUDGE_PUT,
							   .outcome = JUDGE_AMBIGUOUS};
	}
	if (possible(alone, count)) {
		show(op, n);
		show(alone, count);
		fail_msg("the witness is no violation");
	}
}

/* Everything that was left out may have happened or not: still no order? */
static void check_loose(const struct judge_op *op, int n, const struct judge_answer *a)
{
	struct judge_op loose[SMALL_MAX];
	int count = 0;

	for (int i = 0; i < n; i++) {
		bool kept = false;
		for (int w = 0; w < a->witnesses; w++)
			kept |= a->witness[w] == op[i].id;
		if (!kept && (judge_kind_observes(op[i].kind) || op[i].outcome == JUDGE_FAILED))
			continue;
		loose[count] = op[i];
		if (!kept)
			loose[count].outcome = JUDGE_AMBIGUOUS;
		count++;
	}
	if (possible(loose, count)) {
		for (int w = 0; w < a->witnesses; w++)
			print_message("  witness %llu\n", (unsigned long long)a->witness[w]);
		show(op, n);
		fail_msg("the witness can be explained by what it left out");
	}
}

struct judges {
	struct judge_zones *zones;
	struct judge_frontier *frontier;
	struct task task;
	struct wgl *wgl;
	struct jit *jit;
	struct judge_values states;
	int violations, by_zones, by_frontier, long_witnesses;
};

static void expect(const struct judge_op *op, int n, bool could, const struct judge_answer *a,
		   const char *who, int round)
{
	if (a->verdict != (could ? JUDGE_OK : JUDGE_VIOLATION)) {
		show(op, n);
		fail_msg("round %d: %s says %d, brute force %s", round, who, a->verdict,
			 could ? "possible" : "impossible");
	}
	if (!could)
		check_witness(op, n, a);
}

static bool ask_zones(struct judges *j, const struct judge_op *op, int n, struct judge_answer *a)
{
	judge_zones_clear(j->zones);
	for (int i = 0; i < n; i++)
		if (judge_zones_add(j->zones, &op[i]) < 0)
			return false;
	assert_int_equal(judge_zones_check(j->zones, a), 0);
	return true;
}

/* Each search of the general engine on its own. */
static void differ_general(struct judges *j, const struct judge_op *op, int n, bool could,
			   int round)
{
	struct judge_model model = judge_model_register(&j->states);
	struct judge_part part = {.ops = op, .count = (size_t)n};

	judge_values_clear(&j->states);
	j->task.limit = UINT64_MAX;
	assert_int_equal(task_prepare(&j->task, &model, &part), 0);
	int wgl = wgl_search(j->wgl, &j->task), jit = jit_search(j->jit, &j->task);
	if (wgl != could || jit != could) {
		show(op, n);
		fail_msg("round %d: wgl says %d, jit %d, brute force %d", round, wgl, jit, could);
	}
}

static void differ(struct judges *j, const struct judge_op *op, int n, int round)
{
	struct judge_answer a;
	bool could = possible(op, n);

	j->violations += !could;
	differ_general(j, op, n, could, round);
	if (ask_zones(j, op, n, &a)) {
		j->by_zones++;
		assert_in_range(a.witnesses, 0, 4);
		expect(op, n, could, &a, "zones", round);
	}
	int rc = judge_frontier(j->frontier, op, (size_t)n, 0, &a);
	if (rc == -ENOTSUP)
		return;
	assert_int_equal(rc, 0);
	j->by_frontier++;
	expect(op, n, could, &a, "the frontier", round);
	if (!could) {
		check_loose(op, n, &a);
		j->long_witnesses += a.witnesses > 6;
	}
}

enum { AGAIN_MAX = 9 }; /* more takes brute force for ever */

/* Value 1 is put, and then, in turn, another value that is read or 1 again. */
static int draw_to_and_fro(uint64_t *seed, struct judge_op *op)
{
	int n = 0;

	memset(op, 0, SMALL_MAX * sizeof(*op));
	op[n++] = (struct judge_op){.inv = 1, .res = 2, .value = 1, .kind = JUDGE_PUT};
	for (uint64_t value = 2, t = 3; value <= 4; value++, t += 4) {
		uint64_t read = t + 1 + draw_below(seed, 3);

		op[n++] = (struct judge_op){
			.inv = t, .res = t + 1 + draw_below(seed, 3), .value = value};
		op[n++] = (struct judge_op){.inv = read,
					    .res = read + 1 + draw_below(seed, 2),
					    .value = draw_below(seed, 3) ? 1 : value,
					    .kind = JUDGE_READ};
	}
	for (int i = 0; i < n; i++)
		op[i].id = (uint64_t)i + 100;
	return n;
}

/* Some of the n were sent again, and may land again and again. Returns how many there are then. */
static int send_again(uint64_t *seed, struct judge_op *op, int n)
{
	int sent = n;

	for (int i = 0; i < n; i++) {
		int again = draw_below(seed, 2) ? (int)draw_below(seed, 4) : 0;

		if (judge_kind_observes(op[i].kind) || op[i].kind == JUDGE_TAKE ||
		    op[i].outcome == JUDGE_FAILED)
			continue;
		for (; again > 0 && sent < AGAIN_MAX; again--, sent++) {
			op[sent] = op[i];
			op[sent].id = (uint64_t)sent + 100;
			op[sent].outcome = JUDGE_AMBIGUOUS;
			op[sent].res = draw_below(seed, 3) ? JUDGE_NEVER
							   : op[i].inv + 1 + draw_below(seed, 12);
		}
	}
	return sent;
}

static void test_what_was_sent_again_and_again(void **state)
{
	struct judge_frontier *frontier = judge_frontier_open();
	struct judge_op op[SMALL_MAX];
	struct judge_answer a;
	int violations = 0, again = 0;
	uint64_t seed = 11;

	(void)state;
	for (int round = 0; round < rounds(); round++) {
		int n = 3 + (int)draw_below(&seed, 4), sent;

		if (round % 2)
			draw_small(&seed, op, n, draw_below(&seed, WITH_ALL));
		else
			n = draw_to_and_fro(&seed, op);
		sent = send_again(&seed, op, n);
		bool could = possible(op, sent);
		assert_int_equal(judge_frontier(frontier, op, (size_t)sent, 0, &a), 0);
		expect(op, sent, could, &a, "the frontier", round);
		violations += !could;
		again += sent > n + 1;
	}
	assert_true(violations > rounds() / 10);
	assert_true(again > rounds() / 10);
	judge_frontier_close(frontier);
}

static void test_all_judges_agree_with_brute_force(void **state)
{
	struct judges j = {.zones = judge_zones_open(),
			   .frontier = judge_frontier_open(),
			   .wgl = wgl_open(),
			   .jit = jit_open()};
	struct judge_op op[SMALL_MAX];
	uint64_t seed = 7;

	(void)state;
	assert_int_equal(judge_values_init(&j.states), 0);
	for (int round = 0; round < rounds(); round++) {
		unsigned with = draw_below(&seed, WITH_ALL);
		if (round % 4 == 0)
			with &= WITH_TIES | WITH_FENCES; /* what zones can judge */
		int n = 2 + (int)draw_below(&seed, 7);
		draw_small(&seed, op, n, with);
		differ(&j, op, n, round);
	}
	assert_true(j.violations > rounds() / 10);
	assert_true(j.violations < rounds() * 9 / 10);
	assert_true(j.by_zones > rounds() / 5);
	assert_true(j.by_frontier > rounds() / 2);
	assert_true(j.long_witnesses < j.violations / 100);
	judge_zones_close(j.zones);
	judge_frontier_close(j.frontier);
	wgl_close(j.wgl);
	jit_close(j.jit);
	task_fini(&j.task);
	judge_values_fini(&j.states);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_judges_agree_with_brute_force),
		cmocka_unit_test(test_what_was_sent_again_and_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
