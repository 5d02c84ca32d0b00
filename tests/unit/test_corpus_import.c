/* test_corpus_import.c - the seeds of tests/fuzz/fuzz_import.c do no harm; see corpus.h. */
#include "tests/unit/corpus.h"

#include "tests/fuzz/fuzz_import.c"

static void test_the_seeds_do_no_harm(void **state)
{
	(void)state;
	assert_true(corpus_replay_folder("tests/fuzz/corpus_import") >= 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_seeds_do_no_harm)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
