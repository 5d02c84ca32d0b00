/*
 * Goal: numbers with units are read exactly and written so that they read back; near misses are
 * found. Method: tables, and what is written is read again.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "failpoint/names.h"

static const struct {
	const char *text;
	int64_t ns;            /* negative: the errno it is refused with */
	const char *canonical; /* NULL: the text itself */
} durations[] = {
	{"20", 20000000, "20ms"},
	{"20ms", 20000000, NULL},
	{"1.5s", 1500000000, "1500ms"},
	{"0.001", 1000, "1us"},
	{"3us", 3000, NULL},
	{"7ns", 7, NULL},
	{"90s", 90000000000, NULL},
	{"2m", 120000000000, NULL},
	{"24h", 86400000000000, NULL},
	{"0", 0, NULL},
	{"0s", 0, "0"},
	{"9223372036854775807ns", INT64_MAX, NULL},
	{"9223372036854775808ns", -ERANGE, NULL},
	{"99999999999999999999999999999999h", -ERANGE, NULL},
	{"", -EINVAL, NULL},
	{"s", -EINVAL, NULL},
	{"-1", -EINVAL, NULL},
	{"1 s", -EINVAL, NULL},
	{"1.s", -EINVAL, NULL},
	{".5s", -EINVAL, NULL},
	{"1.2345s", -EINVAL, NULL},
	{"0.5ns", -EINVAL, NULL},
	{"1d", -EINVAL, NULL},
	{"1m30s", -EINVAL, NULL},
};

static const struct {
	const char *text;
	int64_t bytes;
	const char *canonical;
} sizes[] = {
	{"0", 0, NULL},
	{"512", 512, NULL},
	{"4096", 4096, "4K"},
	{"1.5M", 1572864, "1536K"},
	{"3G", INT64_C(3) << 30, NULL},
	{"9223372036854775807", INT64_MAX, NULL},
	{"9000000000000000.125K", INT64_C(9216000000000000128), "9216000000000000128"},
	{"8589934592G", -ERANGE, NULL},
	{"0.5", -EINVAL, NULL},
	{"0.001K", -EINVAL, NULL},
	{"4k", 4096, "4K"},
	{"128m", 128 << 20, "128M"},
	{"1g", 1 << 30, "1G"},
	{"1.5k", 1536, "1536"},
	{"4kb", -EINVAL, NULL},
	{"4KM", -EINVAL, NULL},
	{"4KB", -EINVAL, NULL},
	{"K", -EINVAL, NULL},
};

static void durations_are_read_and_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		const char *text = durations[i].text;
		int64_t ns = -1;
		char back[64];
		int rc = names_duration(text, strlen(text), &ns);

		if (rc != (durations[i].ns < 0 ? durations[i].ns : 0))
			fail_msg("\"%s\" gives %d", text, rc);
		if (rc)
			continue;
		assert_int_equal(ns, durations[i].ns);
		names_format_duration(back, sizeof(back), (uint64_t)ns);
		assert_string_equal(back, durations[i].canonical ? durations[i].canonical : text);
		assert_int_equal(names_duration(back, strlen(back), &ns), 0);
		assert_int_equal(ns, durations[i].ns);
	}
}

static void sizes_are_read_and_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const char *text = sizes[i].text;
		uint64_t bytes = 1;
		char back[64];
		int rc = names_size(text, strlen(text), &bytes);

		if (rc != (sizes[i].bytes < 0 ? sizes[i].bytes : 0))
			fail_msg("\"%s\" gives %d", text, rc);
		if (rc)
			continue;
		assert_int_equal(bytes, sizes[i].bytes);
		names_format_size(back, sizeof(back), bytes);
		assert_string_equal(back, sizes[i].canonical ? sizes[i].canonical : text);
		assert_int_equal(names_size(back, strlen(back), &bytes), 0);
		assert_int_equal(bytes, sizes[i].bytes);
	}
}

static void only_the_given_length_is_read(void **state)
{
	uint64_t number;
	int64_t ns;

	(void)state;
	assert_int_equal(names_duration("20mss", 4, &ns), 0);
	assert_int_equal(names_number("0x1Fg", 4, &number), 0);
	assert_int_equal(number, 31);
	assert_int_equal(names_number("18446744073709551615", 20, &number), 0);
	assert_int_equal(names_number("18446744073709551616", 20, &number), -ERANGE);
	assert_int_equal(names_number("0x10000000000000000", 19, &number), -ERANGE);
	assert_int_equal(names_number("0x", 2, &number), -EINVAL);
	assert_int_equal(names_number("0xg", 3, &number), -EINVAL);
}

static void a_misspelt_word_finds_its_neighbour(void **state)
{
	static const struct {
		const char *word, *nearest;
	} words[] = {
		{"pause", "pause"},  {"puase", "pause"}, {"dealy", "delay"},
		{"errror", "error"}, {"kil", "kill"},    {"error_aftr", "error_after"},
		{"xyzzy", NULL},     {"q", NULL},        {"", NULL},
		{"KILL", "kill"},    {"sleep", "delay"}, {"crash", "kill"},
		{"corr", "corrupt"}, {"quot", "quota"},
	};
	char longer[200];

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *found = names_nearest(words[i].word, names_action_at, NULL);
		if (!words[i].nearest)
			assert_null(found);
		else
			assert_string_equal(found, words[i].nearest);
	}
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_null(names_nearest(longer, names_action_at, NULL));
}

static void a_refusal_names_the_few_that_there_are(void **state)
{
	static const char *const few[] = {"kill-start", "full", NULL};
	struct why why;

	(void)state;
	assert_int_equal(names_refuse(&why, -EINVAL, "kind", "kill", names_list_at, few), -EINVAL);
	assert_string_equal(why.text, "unknown kind \"kill\", did you mean \"kill-start\"?");
	names_refuse(&why, -EINVAL, "kind", "crash", names_list_at, few);
	assert_string_equal(why.text, "unknown kind \"crash\", did you mean \"kill-start\"?");
	names_refuse(&why, -EINVAL, "errno", "eio", names_errno_at, NULL);
	assert_string_equal(why.text, "unknown errno \"eio\", did you mean \"EIO\"?");
	names_refuse(&why, -EINVAL, "kind", "xyzzy", names_list_at, few);
	assert_string_equal(why.text, "unknown kind \"xyzzy\": wanted one of kill-start, full");
	names_refuse(&why, -EINVAL, "action", "xyzzy", names_action_at, NULL);
	assert_string_equal(why.text, "unknown action \"xyzzy\"");
	names_refuse(&why, -EINVAL, "rule", "xyzzy", names_list_at, few + 2);
	assert_string_equal(why.text, "unknown rule \"xyzzy\"");
}

static void the_tables_have_no_holes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ACTION_COUNT; i++) {
		assert_non_null(names_actions[i].name);
		assert_int_equal(names_find_action(names_action(i), strlen(names_action(i))), i);
		assert_int_equal(names_actions[i].argument == ARGUMENT_NONE,
				 !names_actions[i].wanted);
	}
	assert_string_equal(names_action(ACTION_COUNT), "?");
	for (unsigned i = 0; i < CLAUSE_WORD_COUNT; i++) {
		const char *name = names_clauses[i].name;
		assert_non_null(name);
		assert_int_equal(names_find_clause(name, strlen(name)), i);
	}
	assert_string_equal(names_class_at(NULL, 0), "write");
	assert_string_equal(names_class_at(NULL, 11), "all");
	assert_null(names_class_at(NULL, 12));
	assert_string_equal(names_errno_at(NULL, 0), "EPERM");
	assert_string_equal(names_signal_name(SIGKILL), "SIGKILL");
	assert_null(names_signal_name(40));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read_and_written),
		cmocka_unit_test(sizes_are_read_and_written),
		cmocka_unit_test(only_the_given_length_is_read),
		cmocka_unit_test(a_misspelt_word_finds_its_neighbour),
		cmocka_unit_test(a_refusal_names_the_few_that_there_are),
		cmocka_unit_test(the_tables_have_no_holes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
