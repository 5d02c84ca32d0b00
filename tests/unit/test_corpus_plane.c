/* test_corpus_plane.c - the seeds of tests/fuzz/fuzz_plane.c do no harm; see corpus.h. */
#include "tests/unit/corpus.h"

#include "tests/fuzz/fuzz_plane.c"

static void test_the_seeds_do_no_harm(void **state)
{
	(void)state;
	assert_true(corpus_replay_lines("tests/fuzz/corpus_plane.hex") >= 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_seeds_do_no_harm)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
