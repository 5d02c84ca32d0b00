/*
 * Goal: expressions mean what POSIX says, in linear time, and a broken program harms nobody.
 * Method: tables; a random comparison with libc's regexec; random bytes as programs.
 */
#include <errno.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "failpoint/regex.h"

enum { ROOM = 3072 };

static uint64_t roll(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return *state >> 33;
}

static const struct picture {
	const char *regex, *text;
	bool match;
} pictures[] = {
	{"wal", "x.wal.1", true},
	{"^wal", "x.wal", false},
	{"^/data/[0-9]+[.](sst|log)$", "/data/0012.log", true},
	{"^/data/[0-9]+[.](sst|log)$", "/data/0012.logs", false},
	{"^/data/[0-9]+[.](sst|log)$", "/data/.log", false},
	{"a|b|cd", "xcdx", true},
	{"^(a|b|cd)$", "c", false},
	{"^a{3}$", "aaa", true},
	{"^a{3}$", "aa", false},
	{"^a{2,}$", "aaaaa", true},
	{"^a{2,}$", "a", false},
	{"^a{2,3}$", "aaaa", false},
	{"^a{0,1}b{0}$", "a", true},
	{"^(ab?)*c$", "aababc", true},
	{"^(a*)*$", "aaaa", true},
	{"^()*$", "", true},
	{"^(a|)$", "", true},
	{"[[:digit:]_-]", "x-x", true},
	{"^[[:alpha:]]+$", "abc1", false},
	{"^[^/]*$", "a/b", false},
	{"^[]a]$", "]", true},
	{"^[^]a]$", "]", false},
	{"^[a\\]$", "\\", true},
	{"\\.wal$", "xwal", false},
	{"\\.wal$", "x.wal", true},
	{"\\(\\|\\)", "(|)", true},
	{".", "", false},
	{"", "", true},
	{"$", "abc", true},
	{"^$", "a", false},
	{"a$|^b", "bx", true},
	{"a$b", "ab", false},
	{"^\xc3\xa9+$", "\xc3\xa9\xc3\xa9", true},
	{"^.{2}$", "\xc3\xa9", true},
};

static void expressions_match_as_pictured(void **state)
{
	unsigned char program[ROOM];
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++) {
		const struct picture *p = &pictures[i];
		int size = regex_compile(p->regex, program, sizeof(program), &why);
		if (size < 0)
			fail_msg("\"%s\": %s", p->regex, why.text);
		if (regex_match(program, (size_t)size, p->text, strlen(p->text)) != p->match)
			fail_msg("\"%s\" on \"%s\"", p->regex, p->text);
	}
}

static const struct refusal {
	const char *regex;
	int code;
	const char *says;
} refused[] = {
	{"a(b", -EINVAL, "at byte 4: \"(\" is never closed"},
	{"ab)", -EINVAL, "at byte 3: \")\" closes nothing"},
	{"[a", -EINVAL, "\"[\" is never closed"},
	{"[]", -EINVAL, "\"[\" is never closed"},
	{"[[:foo:]]", -EINVAL, "unknown class"},
	{"[[.a.]]", -EINVAL, "collating"},
	{"[b-a]", -EINVAL, "ends before it begins"},
	{"[\xc3\xa9]", -EINVAL, "only ASCII"},
	{"*a", -EINVAL, "nothing to repeat"},
	{"a|+", -EINVAL, "nothing to repeat"},
	{"^*", -EINVAL, "an anchor can't be repeated"},
	{"a{2,1}", -EINVAL, "wanted {m}"},
	{"a{256}", -EINVAL, "wanted {m}"},
	{"a{,2}", -EINVAL, "wanted {m}"},
	{"a{2", -EINVAL, "wanted {m}"},
	{"\\d", -EINVAL, "[[:digit:]]"},
	{"(a)\\1", -EINVAL, "punctuation only"},
	{"a\\", -EINVAL, "wants a character"},
	{"(a{200}){3}", -ENOSPC, "too large"},
	{"((((a{9}){9}){9}){9}){9}", -ENOSPC, "too large"},
	{"((((((((((((((((((((((((((((((((((a))))))))))))))))))))))))))))))))))", -EINVAL,
	 "too deep"},
};

static void what_is_no_expression_is_refused_with_its_place(void **state)
{
	unsigned char program[ROOM];
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(regex_compile(refused[i].regex, program, ROOM, &why),
				 refused[i].code);
		if (!strstr(why.text, refused[i].says))
			fail_msg("\"%s\" says: %s", refused[i].regex, why.text);
	}
	assert_int_equal(regex_compile("abcdef", program, 16, NULL), -ENOSPC);
}

static void random_expressions_match_as_libc_says(void **state)
{
	static const char *const parts[] = {"a",     "b",    "(a|b)", "(ab)",  "[ab]", "[^a]",
					    ".",     "*",    "+",     "?",     "|",    "{2}",
					    "{1,2}", "{2,}", "a",     "(a*b)", "b",    "(b|)"};
	uint64_t seed = 11;
	unsigned hits = 0, tried = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[16] = "", expression[80] = "";
		unsigned char program[ROOM];
		regex_t libc;

		if (roll(&seed) % 3 == 0)
			strcat(expression, "^");
		for (uint64_t n = 1 + roll(&seed) % 6; n > 0; n--)
			strcat(expression, parts[roll(&seed) % (sizeof(parts) / sizeof(parts[0]))]);
		if (roll(&seed) % 3 == 0)
			strcat(expression, "$");
		int size = regex_compile(expression, program, ROOM, NULL);
		if (size < 0 || regcomp(&libc, expression, REG_EXTENDED | REG_NOSUB))
			continue;
		for (int k = 0; k < 5; k++) {
			text[0] = '\0';
			for (uint64_t n = roll(&seed) % 8; n > 0; n--)
				strcat(text, (const char *const[]){"a", "b", "c"}[roll(&seed) % 3]);
			bool match = regex_match(program, (size_t)size, text, strlen(text));
			if (match != (regexec(&libc, text, 0, NULL, 0) == 0))
				fail_msg("\"%s\" on \"%s\"", expression, text);
			hits += match;
			tried++;
		}
		regfree(&libc);
	}
	assert_in_range(hits, 10000, tried - 10000);
}

/* A backtracking matcher would try 2^40 ways. */
static void nested_repeats_end_soon(void **state)
{
	unsigned char program[ROOM];
	char text[1024];

	(void)state;
	memset(text, 'a', sizeof(text));
	int size = regex_compile("^((a+)+|(a|a)*)*b$", program, ROOM, NULL);
	assert_in_range(size, 1, ROOM);
	assert_false(regex_match(program, (size_t)size, text, sizeof(text)));
}

static void bytes_that_are_no_program_are_read_within_their_room(void **state)
{
	uint64_t seed = 3;
	unsigned char *program = test_malloc(ROOM);

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t room = roll(&seed) % 300;
		unsigned char *tail = program + ROOM - room; /* what is read past it, ASan sees */
		for (size_t i = 0; i < room; i++)
			tail[i] = (unsigned char)(roll(&seed) % (i % 4 == 0 ? 9 : 256));
		if (room > 4) {
			tail[0] = (unsigned char)(roll(&seed) % 80);
			tail[1] = tail[3] = 0;
			tail[2] = (unsigned char)(roll(&seed) % 3);
		}
		regex_match(tail, room, "/data/a.wal", 11);
	}
	test_free(program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expressions_match_as_pictured),
		cmocka_unit_test(what_is_no_expression_is_refused_with_its_place),
		cmocka_unit_test(random_expressions_match_as_libc_says),
		cmocka_unit_test(nested_repeats_end_soon),
		cmocka_unit_test(bytes_that_are_no_program_are_read_within_their_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
