/*
 * test_memory.c - does a run's heap stay level? Threads share one arena, and after each pass of
 * compaction as much is in use as after the others.
 */
#include "made_run.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/compact_impl.h"
#include "runner/memory.h"

enum { THREADS = 6, KEYS = 40, OPS = 800, WARM_ROUNDS = 8, ROUNDS = 40, LEVEL = 256 << 10 };

static pthread_barrier_t all_there;

/* All at the same time: none can be given the arena of one that has ended. */
static void *allocate(void *arg)
{
	void *piece = malloc(5000);

	(void)arg;
	pthread_barrier_wait(&all_there);
	return piece;
}

/* Arenas, by the words of glibc; 0 where another allocator has its place. */
static int count_arenas(void)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	int count = 0;

	assert_non_null(to);
	assert_int_equal(malloc_info(0, to), 0);
	fclose(to);
	for (const char *at = text; (at = strstr(at, "<heap nr=")); at++)
		count++;
	free(text);
	return count;
}

static void threads_share_one_arena(void **state)
{
	pthread_t thread[THREADS];

	(void)state;
	pthread_barrier_init(&all_there, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, allocate, NULL), 0);
	for (int i = 0; i < THREADS; i++) {
		void *piece;

		assert_int_equal(pthread_join(thread[i], &piece), 0);
		assert_non_null(piece);
		free(piece);
	}
	pthread_barrier_destroy(&all_there);
	assert_true(count_arenas() <= 1);
}

static struct {
	struct made_run run;
	uint64_t there[KEYS]; /* generations */
} made;

static int open_made(void **state)
{
	(void)state;
	memset(&made, 0, sizeof(made));
	made_run_open(&made.run, KEYS);
	return 0;
}

static int close_made(void **state)
{
	(void)state;
	return made_run_close(&made.run);
}

struct asking {
	struct ledger_intent intent;
	struct ledger_outcome outcome;
};

static void ask(void *arg, struct oracle *oracle)
{
	struct asking *a = arg;

	oracle_invoke(oracle, &a->intent);
	oracle_return(oracle, &a->outcome, NULL, "", "", false);
}

static void record(struct asking *a)
{
	a->intent.inv_seq = workload_next_seq(made.run.workload);
	a->intent.inv_ns = (int64_t)a->intent.inv_seq * 1000000;
	a->outcome.res_seq = workload_next_seq(made.run.workload);
	a->outcome.res_ns = a->intent.inv_ns + 1000;
	workload_oracle(made.run.workload, ask, a);
	assert_int_equal(ledger_intent(made.run.ledger, &a->intent), 0);
	assert_int_equal(ledger_outcome(made.run.ledger, &a->outcome), 0);
}

/* Puts, and gets of what is there. */
static void fill(void)
{
	for (int i = 0; i < OPS; i++) {
		uint64_t op = ledger_next_op(made.run.ledger), *there = &made.there[i * 7 % KEYS];
		bool get = i % 3 == 0 && *there;
		char key[16];
		struct asking a = {
			.intent = {.op = op, .key = key, .verb = get ? VERB_GET : VERB_PUT},
			.outcome = {.op = op, .status = 200, .sends = 1, .attempts = 1}};

		if (!get)
			*there = op;
		snprintf(key, sizeof(key), "k/%d", i * 7 % KEYS);
		a.intent.generation = get ? 0 : op;
		a.intent.size = get ? 0 : 10;
		a.outcome.seen = get ? *there : 0;
		a.outcome.size = get ? 10 : 0;
		a.outcome.last = get ? 9 : 0;
		snprintf(get ? a.outcome.tag : a.intent.tag, sizeof(a.intent.tag), "%016llx",
			 (unsigned long long)*there);
		record(&a);
	}
}

static void compact(void)
{
	const struct compact_options options = {made.run.folder, made.run.ledger, made.run.workload,
						1};
	_Atomic bool ending = false;
	struct why why = {""};

	if (compact_pass(made.run.db, &options, &ending, &why))
		fail_msg("%s", why.text);
	assert_int_equal(ledger_flush(made.run.ledger), 0);
	assert_int_equal(ledger_held(made.run.ledger), 0);
}

static int64_t in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return (int64_t)(info.uordblks + info.hblkhd);
}

/* A thing kept for each operation would be a hundred bytes each, at least: twelve times LEVEL. */
static void as_much_is_in_use_after_each_pass(void **state)
{
	int64_t before = 0, most = 0;

	(void)state;
	for (int round = 0; round < WARM_ROUNDS + ROUNDS; round++) {
		fill();
		compact();
		int64_t now = in_use();
		if (round < WARM_ROUNDS)
			before = now > before ? now : before;
		most = now > most ? now : most;
	}
	if (most > before + LEVEL)
		fail_msg("%lld bytes are in use, %lld were", (long long)most, (long long)before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_share_one_arena),
		cmocka_unit_test_setup_teardown(as_much_is_in_use_after_each_pass, open_made,
						close_made),
	};

	memory_settle();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
