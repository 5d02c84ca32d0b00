/*
 * test_corpus.c - what the fuzzers have learnt, replayed: each seed of tests/fuzz/ goes through its
 * fuzzer's own function, which aborts when something is wrong. The text itself is found beside the
 * sources, from the folder that make runs in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>

#include "tests/fuzz/fuzz_rule.c"

static void replay(const char *path)
{
	static uint8_t data[65536];
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	size_t size = fread(data, 1, sizeof(data), file);
	fclose(file);
	assert_int_equal(LLVMFuzzerTestOneInput(data, size), 0);
}

static void test_the_rules_of_the_corpus_do_no_harm(void **state)
{
	static const char folder[] = "tests/fuzz/corpus_rule";
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int seeds = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		char path[512];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		replay(path);
		seeds++;
	}
	closedir(dir);
	assert_true(seeds >= 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_rules_of_the_corpus_do_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
