/*
 * Goal: format(parse(t)) is canonical and parse(format(r)) is r, byte for byte, for any rule.
 * Method: texts made at random from the pieces of the grammar, from a fixed seed; those that the
 *     parser accepts must make the round trip. Most must be accepted, or the test tests nothing.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "failpoint/rule.h"

enum { ROUNDS = 20000 };

static uint64_t seed = 5;

static unsigned roll(unsigned below)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(seed >> 33) % below;
}

#define PICK(names) names[roll(sizeof(names) / sizeof((names)[0]))]

static const char *const sites[] = {"write", "pwrite64", "fsync",  "fdatasync", "send",
				    "read",  "connect",  "%write", "%sync",     "%send",
				    "%all",  "app/x",    "ds/**",  "a/[b-c]?",  "raft::x/y"};

static const char *const clauses[] = {"node=ds*,fe1",      "node!=ds1",
				      "role=ds",           "thread=\"a b\",c",
				      "comm=x=\"y",        "pid=1,2..9",
				      "path=*.wal",        "path~\"^/a[0-9]+\",\"b|c\"",
				      "path!~\"\\\\.x\"",  "path=\"a\\\"\\\\,\"",
				      "from=/a",           "to=b/**",
				      "file=reg,dir",      "sock=tcp",
				      "fd=0..5",           "peer=10.0.0.9,::1,n*",
				      "port=80",           "link=a>*",
				      "len>=4096",         "offset<1.5M",
				      "flags&O_SYNC,0x10", "ret=ok",
				      "ret!=EIO,err",      "at=exit",
				      "at=enter"};

static const char *const later[] = {"same=tid",   "same=file",          "within=90s",
				    "within=1ns", "unless=close,%read", "unless=%all"};

static const char *const last[] = {"per=run", "per=path", "for=1h", "after=1.5s", "per=fd"};

static const char *const modifiers[] = {"3@",  "3+@",        "2..900+7@", "1+@",
					"50%", "0.0000001%", "3*",        "100%"};

static const char *const actions[] = {"error!(EIO)",
				      "error!(4000)",
				      "error_after!(ENOSPC)",
				      "lie",
				      "return(7)",
				      "short(50.5%)",
				      "short(3K)",
				      "delay(20)",
				      "delay(1.5s,jitter=1us)",
				      "pause",
				      "pause(5m)",
				      "kill",
				      "kill(HUP)",
				      "kill(40)",
				      "abort",
				      "exit(255)",
				      "print(a)",
				      "print(\"\\\\\\\" , ->\")",
				      "off",
				      "print(\"caf\xc3\xa9\")",
				      "refuse",
				      "reset"};

static void add_step(char *text, bool later_step, bool last_step)
{
	strcat(text, PICK(sites));
	while (roll(3) == 0)
		strcat(strcat(text, roll(2) ? "," : " , "), PICK(sites));
	while (roll(2) == 0)
		strcat(strcat(text, ":"), PICK(clauses));
	if (later_step && roll(2))
		strcat(strcat(text, ":"), PICK(later));
	if (last_step && roll(3) == 0)
		strcat(strcat(text, ":"), PICK(last));
}

static void add_term(char *text)
{
	while (roll(2) == 0)
		strcat(strcat(text, PICK(modifiers)), roll(3) ? "" : " ");
	strcat(text, PICK(actions));
	while (roll(3) == 0)
		strcat(strcat(text, ","), PICK(actions));
}

static void make_rule(char *text)
{
	unsigned steps = roll(4) ? 1 : 1 + roll(3), terms = 1 + roll(3);

	strcpy(text, roll(3) ? "" : "some-name_1 := ");
	for (unsigned i = 0; i < steps; i++) {
		if (i)
			strcat(text, roll(2) ? "=>" : " => ");
		add_step(text, i > 0, i + 1 == steps);
	}
	strcat(text, roll(2) ? "=" : " = ");
	for (unsigned i = 0; i < terms; i++) {
		if (i)
			strcat(text, roll(2) ? "->" : " -> ");
		add_term(text);
	}
}

static void random_rules_make_the_round_trip(void **state)
{
	unsigned accepted = 0;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		char text[4096], canonical[2 * RULE_TEXT_MAX], again[2 * RULE_TEXT_MAX];
		struct rule rule, twin;
		struct why why;

		make_rule(text);
		if (rule_parse(&rule, text, strlen(text), &why))
			continue;
		accepted++;
		if (rule_format(&rule, canonical, sizeof(canonical)) < 0)
			fail_msg("not written: %s", text);
		if (rule_parse(&twin, canonical, strlen(canonical), &why))
			fail_msg("%s\n  becomes %s\n  which is refused: %s", text, canonical,
				 why.text);
		if (memcmp(&rule, &twin, sizeof(rule)) != 0)
			fail_msg("%s\n  becomes %s\n  which is another rule", text, canonical);
		rule_format(&twin, again, sizeof(again));
		assert_string_equal(canonical, again);
	}
	assert_in_range(accepted, ROUNDS / 10, ROUNDS);
}

/* Whatever stands there, the parser says something and reads no further than its text. */
static void damaged_rules_are_read_within_their_length(void **state)
{
	static const char noise[] = "=->:@%*,;()\"\\~<>&! 09az/.\n";

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		char text[4096], exact[4096];
		struct rule rule;
		struct why why = {""};

		make_rule(text);
		for (unsigned n = roll(4); n > 0; n--)
			text[roll((unsigned)strlen(text))] = noise[roll(sizeof(noise) - 1)];
		size_t length = roll((unsigned)strlen(text) + 1);
		char *tail = exact + sizeof(exact) - length; /* what is read past it, ASan sees */
		memcpy(tail, text, length);
		int rc = rule_parse(&rule, tail, length, &why);
		if (rc && (!strstr(why.text, "column ") || (rc != -EINVAL && rc != -ENOTSUP)))
			fail_msg("%.*s gives %d: %s", (int)length, tail, rc, why.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_rules_make_the_round_trip),
		cmocka_unit_test(damaged_rules_are_read_within_their_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
