/*
 * Goal: globs match what pattern.h promises, in bounded time.
 * Method: tables, and a random comparison with a slow matcher that tries everything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "failpoint/pattern.h"

static const struct picture {
	const char *glob, *text;
	bool path, name;
} pictures[] = {
	{"*.wal", "/data/x.wal", true, false},
	{"*.wal", "x.wal", true, true},
	{"*.wal", "/data/x.wal/y", false, false},
	{"wal", "/data/x.wal", false, false},
	{"x.wal", "/data/x.wal", true, false},
	{"pg_wal/0*", "/var/pg_wal/0001", true, false},
	{"pg_wal/*", "/var/my_pg_wal/0001", false, false},
	{"*/CURRENT", "/db/CURRENT", true, false},
	{"*/CURRENT", "CURRENT", false, false},
	{"/data/**", "/data/a/b/c", true, true},
	{"/data/**", "/other/data/a", false, false},
	{"/data/*", "/data/a/b", false, false},
	{"/data/a**.wal", "/data/a/b/c.wal", true, true},
	{"a/**/z", "/q/a/b/c/z", true, false},
	{"a/**/z", "/q/a/z", false, false},
	{"**", "/any/thing", true, true},
	{"***x", "/any/x", true, true},
	{"?.wal", "/x.wal", true, false},
	{"a?b", "/d/a/b", false, false},
	{"[a-c]x", "/bx", true, false},
	{"[!a-c]x", "/bx", false, false},
	{"[^a-c]x", "/dx", true, false},
	{"a[!b]c", "/q/a/c", false, false},
	{"a[/]c", "/q/a/c", false, false},
	{"[]]x", "/]x", true, false},
	{"[a-]x", "/-x", true, false},
	{"[\\]]x", "/]x", true, false},
	{"x[a", "/x[a", true, false},
	{"x[", "x[", true, true},
	{"\\*.wal", "/\\*.wal", false, false},
	{"\\*.wal", "/*.wal", true, false},
	{"\\*.wal", "/a.wal", false, false},
	{"x\\", "x\\", true, true},
	{"*\\x", "/a/bx", true, false},
	{"*[x", "/a/b[x", true, false},
	{"ds/*", "ds/after-sync", true, true},
	{"ds/*", "ds/a/b", false, false},
	{"ds*", "ds12", true, true},
	{"*WalAppend*", "rocksdb::WalAppend(int)", true, true},
	{"", "", true, true},
	{"", "x", false, false},
	{"x", "", false, false},
	{"*", "", true, true},
	{"d\xc3\xa9j\xc3\xa0*", "/d\xc3\xa9j\xc3\xa0 vu", true, false},
};

static void globs_match_as_pictured(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++) {
		const struct picture *p = &pictures[i];
		if (pattern_path(p->glob, p->text) != p->path)
			fail_msg("path: \"%s\" on \"%s\"", p->glob, p->text);
		if (pattern_name(p->glob, p->text) != p->name)
			fail_msg("name: \"%s\" on \"%s\"", p->glob, p->text);
	}
}

/* Tries every way; knows "*", "**", "?", the set [ab] and bytes. */
static bool slow_match(const char *g, const char *t)
{
	if (!*g)
		return !*t;
	if (g[0] == '*' && g[1] == '*')
		return slow_match(g + 2, t) || (*t && slow_match(g, t + 1));
	if (*g == '*')
		return slow_match(g + 1, t) || (*t && *t != '/' && slow_match(g, t + 1));
	if (strncmp(g, "[ab]", 4) == 0)
		return (*t == 'a' || *t == 'b') && slow_match(g + 4, t + 1);
	if (*g == '?')
		return *t && *t != '/' && slow_match(g + 1, t + 1);
	return *g == *t && slow_match(g + 1, t + 1);
}

static bool slow_path(const char *g, const char *t)
{
	if (slow_match(g, t))
		return true;
	for (; *g != '/' && *t; t++)
		if (*t == '/' && slow_match(g, t + 1))
			return true;
	return false;
}

static uint64_t roll(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return *state >> 33;
}

static void random_globs_match_as_the_slow_matcher_says(void **state)
{
	static const char *const parts[] = {"a", "b", "/", "*", "**", "?", "[ab]", "a/", "/b", "a"};
	uint64_t seed = 7;
	unsigned hits = 0;

	(void)state;
	for (int round = 0; round < 300000; round++) {
		char glob[64] = "", text[16] = "";
		for (uint64_t n = roll(&seed) % 7; n > 0; n--)
			strcat(glob, parts[roll(&seed) % 10]);
		for (uint64_t n = roll(&seed) % 10; n > 0; n--)
			strcat(text, (const char *const[]){"a", "b", "/"}[roll(&seed) % 3]);
		if (pattern_name(glob, text) != slow_match(glob, text))
			fail_msg("name: \"%s\" on \"%s\"", glob, text);
		if (pattern_path(glob, text) != slow_path(glob, text))
			fail_msg("path: \"%s\" on \"%s\"", glob, text);
		hits += pattern_path(glob, text);
	}
	assert_in_range(hits, 10000, 290000);
}

/* A matcher that tries everything would need longer than the world has existed. */
static void many_stars_end_soon(void **state)
{
	char glob[1024], text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = i % 64 == 63 ? '/' : 'a';
	text[sizeof(text) - 1] = '\0';
	for (int kind = 0; kind < 3; kind++) {
		const char *unit = (const char *const[]){"*a", "**a", "*a**a"}[kind];
		glob[0] = '\0';
		while (strlen(glob) < 600)
			strcat(glob, unit);
		strcat(glob, "b");
		assert_false(pattern_path(glob, text));
		assert_false(pattern_name(glob, text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs_match_as_pictured),
		cmocka_unit_test(random_globs_match_as_the_slow_matcher_says),
		cmocka_unit_test(many_stars_end_soon),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
