/*
 * Goal: the rule language is read as DESIGN.md has it, refused at the right column, and written
 * back so that reading it again gives the same bytes. Method: tables of accepted and refused texts.
 * Random rules are in test_rule_random.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "failpoint/regex.h"
#include "failpoint/rule.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static struct rule parsed(const char *text)
{
	struct rule rule;
	struct why why = {""};

	if (rule_parse(&rule, text, strlen(text), &why))
		fail_msg("%s -- %s", text, why.text);
	return rule;
}

static const struct {
	const char *text, *canonical; /* NULL: the text itself */
} accepted[] = {
	{"fsync,fdatasync:path=*.wal = 1*error(EIO)", NULL},
	{"fsync:path=*.wal=1*error(EIO)", "fsync:path=*.wal = 1*error(EIO)"},
	{"wal-eio := %sync:path=*.wal = 1*error(EIO)", NULL},
	{"%sync:path=*.wal:ret=ok=>%send:same=tid:within=5s=1*kill",
	 "%sync:path=*.wal:ret=ok => %send:within=5s = 1*kill"},
	{"connect:peer=10.0.0.1:port=6379 = refuse", NULL},
	{"%send:peer=::1:port=80 = delay(20ms,jitter=5ms)", NULL},
	{"%write:path=\"/d/dt=2024-01-01/a:b,c\" = 0.1%error(ENOSPC)", NULL},
	{"%write:path~\"^/data/[0-9]+[.](sst|log)$\":path!=*.tmp = delay(20)",
	 "%write:path~\"^/data/[0-9]+[.](sst|log)$\":path!=*.tmp = delay(20ms)"},
	{"%write:len>=4K:offset<1M = 5*off->5%delay(10ms),error(EIO)",
	 "%write:len>=4K:offset<1M = 5*off -> 5%delay(10ms),error(EIO)"},
	{"ds/after-sync:role=ds = 3@kill", NULL},
	{"ds/*:node=ds1,ds2 = 2..4@pause(30s)", NULL},
	{"write = 3+2@5%2*error(EIO)", NULL},
	{"put/commit=5*off->1%error(EIO)", "put/commit = 5*off -> 1%error(EIO)"},
	{"%send:link=fe1>ms2 = reset", NULL},
	{"%send:link=\"fe1>ms2\" = reset", "%send:link=fe1>ms2 = reset"},
	{"%sync:file=dir = lie", NULL},
	{"fsync = error!(EPERM)", NULL},
	{"open:flags&O_TRUNC = print(\"hm, (odd)\")", NULL},
	{"%sync:path=*.wal:ret=ok => write:unless=close,unlink = 1*abort", NULL},
	{"%sync = delay(20ms,jitter=30ms)", NULL},
	{"pwrite64 = off", "pwrite = off"},
	{"rocksdb::x/y = off", NULL},
	{"  fsync\t=  kill ( 9 ) ", "fsync = kill"},
	{"fsync = kill(15)", "fsync = kill(SIGTERM)"},
	{"fsync = kill(TERM)", "fsync = kill(SIGTERM)"},
	{"fsync = kill(35)", NULL},
	{"fsync = pause(60s)", "fsync = pause"},
	{"fsync = pause()", "fsync = pause"},
	{"fsync = 1+@kill", "fsync = kill"},
	{"fsync = 3@kill", NULL},
	{"fsync = 3+@kill", NULL},
	{"fsync = 3+1@kill", "fsync = 3+@kill"},
	{"fsync = 2..9@kill", NULL},
	{"fsync = 2..9+@kill", "fsync = 2..9@kill"},
	{"fsync = 2..9+3@kill", NULL},
	{"fsync = 4..4+3@kill", "fsync = 4@kill"},
	{"fsync = 18446744073709551615@kill", NULL},
	{"fsync = 3* 5% 2 @ kill", "fsync = 2@5%3*kill"},
	{"fsync = 3*5%2@kill", "fsync = 2@5%3*kill"},
	{"fsync = 100%kill", "fsync = kill"},
	{"fsync = 0.0000001%kill", NULL},
	{"fsync = 12.50%kill", "fsync = 12.5%kill"},
	{"fsync = 3@off->kill", "fsync = 3@off -> kill"},
	{"write = short(50%)", NULL},
	{"write = short(12.5%)", NULL},
	{"write = short(1024)", "write = short(1K)"},
	{"write = delay(1500us)", NULL},
	{"write = delay(1.5s)", "write = delay(1500ms)"},
	{"write = delay(0,jitter=90s)", NULL},
	{"write = exit(3)", NULL},
	{"write = return(0)", NULL},
	{"app/x = return(-5)", NULL},
	{"app/x = return(0x10)", "app/x = return(16)"},
	{"app/x = error(3000)", NULL},
	{"app/x = short(1)", NULL},
	{"write = error(5)", "write = error(EIO)"},
	{"write:ret=ok = error_after(EIO)", NULL},
	{"write:at=exit:ret=ok = kill", "write:ret=ok = kill"},
	{"write:at=exit = kill", NULL},
	{"write:at=enter = kill", "write = kill"},
	{"write:ret!=ENOSPC,EIO = kill", NULL},
	{"write:ret=err = kill", NULL},
	{"send:port=1..1024,8080:fd=3:pid=12 = off", NULL},
	{"send:port=5..5 = off", "send:port=5 = off"},
	{"send:peer=\"0:0:0:0:0:0:0:1\" = off", "send:peer=::1 = off"},
	{"send:peer=fe80::1:flags&512 = off", NULL},
	{"send:peer=\"fe80::1:2\" = off", NULL},
	{"send:peer!=fe*,10.1.2.3 = off", NULL},
	{"send:flags&MSG_MORE,0x4000 = off", NULL},
	{"send:flags!&MSG_MORE = off", NULL},
	{"send:link=*>ds* = off", NULL},
	{"send:sock=tcp,udp,unix = off", NULL},
	{"read:file=reg,dir,sock,fifo = off", NULL},
	{"write:path!~\"a\\\"b\\\\\\\\c\" = off", NULL},
	{"write:path=\"a b\",\"c\" = off", "write:path=\"a b\",c = off"},
	{"write:path=a!b = off", NULL},
	{"write:stack=rocksdb::WritableFileWriter*:caller!=libz.so* = short(50%)", NULL},
	{"app/x:stack~\"^wal_\" = pause", NULL},
	{"write:thread=w*:comm!=x:per=thread:for=30s:after=10s = off", NULL},
	{"write:per=run = off", "write = off"},
	{"%all = delay(1)", "%all = delay(1ms)"},
	{"rename:from=*.tmp:to=*/CURRENT = off", NULL},
	{"app/a,app/b/*,fsync = print(\"\")", "fsync,app/a,app/b/* = print(\"\")"},
	{"fsync => write:same=node => send:same=fd:within=1h:unless=%sync,close = kill", NULL},
	{"fsync = print(\"a\\\\b \\\"c\\\"\")", NULL},
	{"fsync = print(\"caf\xc3\xa9\")", "fsync = print(caf\xc3\xa9)"},
};

static void accepted_rules_have_one_canonical_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(accepted); i++) {
		const char *wanted =
			accepted[i].canonical ? accepted[i].canonical : accepted[i].text;
		struct rule rule = parsed(accepted[i].text), again;
		char text[2 * RULE_TEXT_MAX];

		int length = rule_format(&rule, text, sizeof(text));
		assert_int_equal(length, strlen(text));
		if (strcmp(text, wanted) != 0)
			fail_msg("%s\n  gives %s\n  not %s", accepted[i].text, text, wanted);
		again = parsed(text);
		assert_memory_equal(&again, &rule, sizeof(rule));
	}
}

static const struct {
	const char *text, *says;
} refused[] = {
	{"slow:fsync = error(EIO)",
	 "column 1: unknown call \"slow\" (a failpoint has a \"/\" in its name)"},
	{"fsync:slow = error(EIO)", "column 7: unknown clause \"slow\""},
	{"fsycn = error(EIO)", "column 1: unknown call \"fsycn\", did you mean \"fsync\"?"},
	{"fsync:nod=ds1 = off", "column 7: unknown clause \"nod\", did you mean \"node\"?"},
	{"fsync:path=dt=2024 = off",
	 "column 15: unknown action \"2024\" (or quote a value that holds \"=\")"},
	{"connect:peer=10.0.0.1:6379 = refuse", "column 23: unknown clause \"6379\""},
	{"fsync = delay(10)->error(EIO)", "column 18: a term without a count or chance"},
	{"fsync:ret=ok = error(EIO)", "column 16: \"error\" acts before the call"},
	{"fsync:same=tid = kill", "column 7: \"same\" relates a step to the one before"},
	{"write:path~a|b = off", "column 12: a regular expression is always quoted"},
	{"fsync = 1*2*kill", "column 11: \"*\" twice in one term"},
	{"fsync", "column 6: wanted \"=\" and what to do, found the end of the rule"},
	{"fsync = 5%", "column 11: wanted an action"},
	{"write:path=\"x = off", "column 12: quote never closed"},
	{"write:len=4K = off", "column 10: \"len\" does not take \"=\""},
	{"wal = kill", "column 1: unknown call \"wal\""},

	{"", "column 1: wanted a call, a %class or a failpoint, found the end of the rule"},
	{"%fsync = kill",
	 "column 1: unknown class \"fsync\": it is a call, and those have no \"%\""},
	{"%xyzzy = kill", "unknown class \"xyzzy\": wanted one of write, read, sync, send"},
	{"fsync = EIO", "column 9: unknown action \"EIO\", did you mean error(EIO)?"},
	{"fsync = sleep(1)", "column 9: unknown action \"sleep\", did you mean \"delay\"?"},
	{"write:size>4K = kill", "column 7: unknown clause \"size\", did you mean \"len\"?"},
	{"fsync:per=proc = kill", "unknown per \"proc\", did you mean \"process\"?"},
	{"fsync:file=regular = kill", "unknown file \"regular\", did you mean \"reg\"?"},
	{"%synk = kill", "column 1: unknown class \"synk\", did you mean \"sync\"?"},
	{"fsync = kil", "column 9: unknown action \"kil\", did you mean \"kill\"?"},
	{"fsync = error(EOI)", "column 15: unknown errno \"EOI\", did you mean \"EIO\"?"},
	{"fsync = error(0)", "column 15: \"error\" wants an errno"},
	{"fsync = error", "column 9: \"error\" wants an errno, as in error(EIO)"},
	{"fsync = error()", "column 9: \"error\" wants an errno, as in error(EIO)"},
	{"app/x = error", "column 9: \"error\" wants an errno, as in error(EIO)"},
	{"fsync = error(EPERM)",
	 "column 9: fsync can't fail with EPERM; to have it all the same: error!(EPERM)"},
	{"%sync = error(EXDEV)", "column 9: a call of this class can't fail with EXDEV"},
	{"fsync = kill(SIGKIL)", "column 14: unknown signal \"SIGKIL\", did you mean \"SIGKILL\"?"},
	{"fsync = kill(0)", "unknown signal \"0\""},
	{"fsync = kill!(9)", "column 9: \"kill\" can't be forced"},
	{"fsync = exit", "\"exit\" wants a status from 0 to 255"},
	{"fsync = exit(256)", "column 14: \"exit\" wants a status"},
	{"fsync = lie(1)", "column 13: \"lie\" takes no argument"},
	{"fsync = delay(1,2)", "column 17: \"delay\" wants a duration"},
	{"fsync = delay(1,jitter=2,3)", "takes fewer arguments"},
	{"fsync = delay(1,gitter=2)", "column 17: \"delay\" has no argument \"gitter\""},
	{"fsync = delay(1,jitter)", "column 17: \"delay\" wants a duration"},
	{"fsync = delay(jitter=3)", "column 9: \"delay\" wants a duration"},
	{"fsync = pause(1,jitter=2)", "\"pause\" has no argument \"jitter\""},
	{"fsync = delay(9000h)", "column 15: \"9000h\" is longer than a year"},
	{"fsync = delay(1x)",
	 "column 15: \"delay\" wants a duration, as in delay(20ms), not \"1x\""},
	{"fsync = delay(1", "column 16: wanted \",\" or \")\", found the end of the rule"},
	{"write = short(0)", "column 15: \"short\" wants bytes or a percentage"},
	{"write = short(100%)", "\"short\" wants bytes or a percentage"},
	{"read = torn(1)", "\"torn\" wants calls that write, and read reads"},
	{"read = quota(1K)", "read never finds the disk full"},
	{"connect = drop", "\"drop\" wants calls that move bytes, and connect moves none"},
	{"pwrite = cut(1K)", "\"cut\" wants calls of the network, and pwrite is none"},
	{"write = corrupt(bits=65)", "\"corrupt\" wants a number of bits from 1 to 64"},
	{"write:ret=ok = torn(1)", "\"torn\" acts before the call"},
	{"fsync = short(1)", "\"short\" wants calls that move bytes, and fsync moves none"},
	{"%sync = short(1)", "\"short\" wants calls that move bytes, and a call of this class"},
	{"fsync = refuse", "\"refuse\" wants calls of the network, and fsync is none"},
	{"%sync = reset", "\"reset\" wants calls of the network"},
	{"write = return(-1)", "a call reports failure by its errno: use error(E)"},
	{"app/x = lie", "column 9: \"lie\" is for calls, and \"app/x\" is a failpoint"},
	{"fsync,app/x = error_after(EIO)", "\"error_after\" is for calls"},
	{"app/x:path=/a = off", "column 7: \"path\" is about calls, and a failpoint has none"},
	{"app/x:ret=ok = off", "\"ret\" is about calls"},
	{"write:ret=ok = lie", "\"lie\" acts before the call"},
	{"write:at=exit = short(1)", "\"short\" acts before the call"},
	{"write:ret=ok:at=enter = kill", "column 14: the result is known at exit only"},
	{"write:at=enter:ret=ok = kill", "column 16: the result is known at exit only"},
	{"write:ret=5 = kill", "column 11: unknown result (ok, err or an errno) \"5\""},
	{"write:within=5s = kill", "column 7: \"within\" relates a step"},
	{"fsync:per=node => write = kill", "column 7: \"per\" belongs to the last step"},
	{"fsync:for=1s => write = kill", "column 7: \"for\" belongs to the last step"},
	{"fsync => write:same=pid:same=tid = kill", "column 25: \"same\" twice in one step"},
	{"fsync => write:within=0 = kill", "column 23: \"within\" wants a duration over 0"},
	{"fsync => write:unless=clsoe = kill",
	 "column 23: unknown call \"clsoe\", did you mean \"close\"?"},
	{"fsync => write:unless=app/x = kill", "column 23: unknown call \"app/x\""},
	{"fsync => write:unless=\"close\" = kill", "column 23: wanted a call or a %class"},
	{"fsync => = kill", "column 10: wanted a call"},
	{"fsync => a/b => a/c => a/d => a/e = kill", "too many steps: 4 at most"},
	{"fsync:per=tread = kill", "column 11: unknown per \"tread\", did you mean \"thread\"?"},
	{"fsync:path = kill", "column 18: wanted \"=\""},
	{"fsync:path:fd=1 = kill", "column 11: \"path\" wants an operator and a value"},
	{"fsync:path= = kill", "column 13: wanted a value, found \"=\""},
	{"fsync:path=\"\" = kill", "\"path\" wants a value"},
	{"fsync:path~\"[\" = kill", "column 12: regular expression \"[\""},
	{"fsync:fd<3 = kill", "column 9: \"fd\" does not take \"<\""},
	{"fsync:port=65536 = kill", "column 12: \"port\" wants numbers from 0 to 65535"},
	{"fsync:port=5..3 = kill", "\"port\" wants numbers from 0"},
	{"fsync:port=http = kill", "\"port\" wants a number or first..last"},
	{"write:len>x = kill", "column 11: \"len\" wants a size"},
	{"open:flags&O_TRUNK = kill",
	 "column 12: unknown flag \"O_TRUNK\", did you mean \"O_TRUNC\"?"},
	{"open:flags&0 = kill", "\"flags\" wants a flag with a bit"},
	{"send:peer=10.0.0 = kill", "\"peer\" wants an IPv4 or IPv6 address"},
	{"send:peer=\"1:2\" = kill", "\"peer\" wants an IPv4 or IPv6 address"},
	{"send:link=fe1 = kill", "\"link\" wants two nodes"},
	{"send:link=a> = kill", "\"link\" wants two nodes"},
	{"read:file=link = kill", "unknown file \"link\""},
	{"5x := fsync = kill", "column 1: \"5x\" is no name"},
	{"a := b := fsync = kill", "column 6: unknown call \"b\""},
	{"fsync = 0@kill", "column 9: \"0@\" wants first[..last][+[step]]"},
	{"fsync = 3..2@kill", "wants first[..last]"},
	{"fsync = 3+0@kill", "wants first[..last]"},
	{"fsync = 18446744073709551616@kill", "numbers from 1 to 2^64-1"},
	{"fsync = 1@2@kill", "column 11: \"@\" twice in one term"},
	{"fsync = 5%6%kill", "column 11: \"%\" twice in one term"},
	{"fsync = 101%kill", "a chance is from 0.0000001% to 100%"},
	{"fsync = 0%kill", "a chance is from"},
	{"fsync = 0.00000001%kill", "a chance is from"},
	{"fsync = 0*kill", "a count is a number from 1 to 1000000000000"},
	{"fsync = 1000000000001*kill", "a count is a number from 1 to 1000000000000"},
	{"fsync = 1.5*kill", "a count is a number from 1 to 1000000000000"},
	{"fsync = 100%kill->off", "column 17: a term without a count or chance"},
	{"fsync = 1+@kill->off", "a term without a count or chance"},
	{"fsync = kill ->", "a term without a count or chance"},
	{"fsync = 1*kill ->", "column 18: wanted an action"},
	{"fsync = kill kill",
	 "column 14: unexpected \"kill\"; a value that holds it must be quoted"},
	{"fsync = kill; fsync = kill", "column 13: unexpected \";\""},
	{"fsync = print(a\nb)", "column 16: control character"},
	{"fsync = print(\"a\nb\")", "column 17: control character"},
	{"fsync = print(\"\\\n\")", "column 17: control character"},
};

static void refused_rules_say_where_and_why(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(refused); i++) {
		struct rule rule, untouched;
		struct why why = {""};

		memset(&rule, 0x5a, sizeof(rule));
		untouched = rule;
		if (rule_parse(&rule, refused[i].text, strlen(refused[i].text), &why) != -EINVAL)
			fail_msg("%s is accepted, or: %s", refused[i].text, why.text);
		if (!strstr(why.text, refused[i].says))
			fail_msg("%s\n  says %s\n  not %s", refused[i].text, why.text,
				 refused[i].says);
		assert_memory_equal(&rule, &untouched, sizeof(rule));
		assert_int_equal(rule_parse(&rule, refused[i].text, strlen(refused[i].text), NULL),
				 -EINVAL);
	}
}

static const struct {
	const char *text, *says;
} missing[] = {
	{"app/x = powercut", "\"powercut\" is not built yet"},
};

static void what_is_not_built_is_refused_by_name_when_it_is_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(missing); i++) {
		struct rule rule;
		struct why why = {""};

		if (rule_parse(&rule, missing[i].text, strlen(missing[i].text), &why) != -ENOTSUP)
			fail_msg("%s: %s", missing[i].text, why.text);
		if (!strstr(why.text, missing[i].says))
			fail_msg("%s\n  says %s", missing[i].text, why.text);
	}
	struct rule rule;
	assert_int_equal(rule_parse(&rule, "write = torn(x)", 15, NULL), -EINVAL);
	assert_int_equal(rule_parse(&rule, "send = rate(1M)", 15, NULL), -EINVAL);
	assert_int_equal(rule_parse(&rule, "%read = corrupt(3)", 18, NULL), -EINVAL);
}

static void a_rule_is_compiled_as_its_header_says(void **state)
{
	struct rule r = parsed("n := write,ds/*:path~\"^/a\":ret=EIO => %send:link=fe1>*:port=1..9"
			       ":same=fd:within=5s:unless=close:per=node:for=30s:after=10s"
			       " = 3..9+2@0.5%4*delay(20ms,jitter=30ms),print(hi) -> kill(TERM)");

	(void)state;
	assert_string_equal(r.name, "n");
	assert_int_equal(r.steps, 2);
	assert_int_equal(r.terms, 2);
	assert_int_equal(r.per, PER_NODE);
	assert_int_equal(r.for_ns, 30000000000);
	assert_int_equal(r.after_ns, 10000000000);
	assert_true(r.step[0].calls[CALL_write / 64] >> CALL_write % 64 & 1);
	assert_int_equal(r.step[0].globs, 1);
	assert_string_equal(r.pool + r.glob[r.step[0].first_glob], "ds/*");
	assert_true(r.step[0].at_exit);
	assert_int_equal(r.step[0].clauses, 2);
	assert_int_equal(r.clause[0].key, KEY_PATH);
	assert_int_equal(r.clause[0].op, OP_RE);
	assert_string_equal(r.pool + r.value[0].text, "^/a");
	assert_true(regex_match(r.pool + r.value[0].other, RULE_POOL_BYTES - r.value[0].other,
				"/ab", 3));
	assert_false(regex_match(r.pool + r.value[0].other, RULE_POOL_BYTES - r.value[0].other,
				 "b/a", 3));
	assert_int_equal(r.value[1].number, EIO);
	assert_int_equal(r.step[1].classes, CLASS_SEND);
	assert_int_equal(r.step[1].same, SAME_FD);
	assert_int_equal(r.step[1].within_ns, 5000000000);
	assert_true(r.step[1].unless_calls[CALL_close / 64] >> CALL_close % 64 & 1);
	assert_int_equal(r.value[2].kind, VALUE_LINK);
	assert_string_equal(r.pool + r.value[2].text, "fe1");
	assert_string_equal(r.pool + r.value[2].other, "*");
	assert_int_equal(r.value[3].kind, VALUE_RANGE);
	assert_int_equal(r.value[3].number, 1);
	assert_int_equal(r.value[3].other, 9);
	assert_int_equal(r.term[0].first, 3);
	assert_int_equal(r.term[0].last, 9);
	assert_int_equal(r.term[0].step, 2);
	assert_int_equal(r.term[0].chance_ppb, 5000000);
	assert_int_equal(r.term[0].count, 4);
	assert_int_equal(r.term[0].actions, 2);
	assert_int_equal(r.action[0].number, 20000000);
	assert_int_equal(r.action[0].extra, 30000000);
	assert_string_equal(r.pool + r.action[1].text, "hi");
	assert_int_equal(r.term[1].first_action, 2);
	assert_int_equal(r.term[1].first, 0);
	assert_int_equal(r.term[1].chance_ppb, CHANCE_ALWAYS);
	assert_int_equal(r.action[2].number, SIGTERM);
}

static void the_hash_is_of_the_meaning_without_the_name(void **state)
{
	(void)state;
	assert_int_equal(parsed("a := fsync=1*kill").hash, parsed("fsync  =  1*kill(KILL)").hash);
	assert_int_not_equal(parsed("fsync = 1*kill").hash, parsed("fsync = 2*kill").hash);
	assert_string_equal(parsed("a := fsync=1*kill").text, "fsync = 1*kill");
}

static void what_does_not_fit_is_refused_with_its_limit(void **state)
{
	static const struct {
		const char *head, *unit, *tail, *says;
		int times;
	} large[] = {
		{"fsync:path=", "*", " = off", "the rule is too long: 1023 bytes", 1020},
		{"fsync:path=", "*", " = off", "the value is too long", 1100},
		{"fsync:fd=0", ",1", " = off", "too many values: 64", 64},
		{"fsync", ":fd=1", " = off", "too many clauses: 24", 25},
		{"app/x", ",app/x", " = off", "too many failpoints: 16", 16},
		{"fsync = off", ",off", "", "too many actions: 24", 24},
		{"fsync = 1*off", "->1*off", "", "too many terms: 8", 8},
		{"fsync:path~\"", "(a{9}){9}", "\" = off", "regular expression", 9},
		{"fsync", ":path~\"(a{9}){20}\"", " = off", "are left", 6},
		{"n", "n", " := fsync = off", "is no name", 63},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(large); i++) {
		char text[4096];
		struct rule rule;
		struct why why = {""};

		strcpy(text, large[i].head);
		for (int n = 0; n < large[i].times; n++)
			strcat(text, large[i].unit);
		strcat(text, large[i].tail);
		assert_int_equal(rule_parse(&rule, text, strlen(text), &why), -EINVAL);
		if (!strstr(why.text, large[i].says))
			fail_msg("%s\n  says %s", text, why.text);
	}
	struct rule rule = parsed("nn := fsync = off");
	char small[8];
	assert_int_equal(rule_format(&rule, small, sizeof(small)), -ENOSPC);
	assert_int_equal(rule_format(&rule, small, 3), -ENOSPC);
}

static void a_broken_rule_is_written_without_harm(void **state)
{
	char text[2 * RULE_TEXT_MAX];
	struct rule rule;

	(void)state;
	for (int byte = 1; byte < 256; byte++) {
		memset(&rule, byte, sizeof(rule));
		rule_format(&rule, text, sizeof(text));
	}
}

struct heard {
	char text[1024];
	int answer;
};

static int hear(void *arg, const struct rule *rule)
{
	struct heard *heard = arg;

	strcat(heard->text, rule->text);
	strcat(heard->text, "|");
	return heard->answer;
}

static void several_rules_are_given_when_all_are_right(void **state)
{
	static const struct {
		const char *text, *heard, *says; /* says: NULL when accepted */
	} texts[] = {
		{"", "", NULL},
		{" ; ;\n\n", "", NULL},
		{"fsync = off", "fsync = off|", NULL},
		{"fsync=off;write=off", "fsync = off|write = off|", NULL},
		{"# fsync = a; b\n fsync=off;\n  # x\nwrite = print(\"a;b\\\"; #\")\n",
		 "fsync = off|write = print(\"a;b\\\"; #\")|", NULL},
		{"fsync=off; wrte=off", "", "column 12: unknown call \"wrte\""},
		{"fsync=off\nwrite=off; wrte=off\n", "", "line 2, column 12: unknown call"},
		{"fsync=off\nwrite=print(\"a\nfsync=off\"", "",
		 "line 2, column 13: quote never closed"},
		{"fsync=off # x", "", "column 11: unexpected \"#\""},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(texts); i++) {
		struct heard heard = {"", 0};
		struct why why = {""};
		int rc = rules_parse(texts[i].text, hear, &heard, &why);

		if (rc != (texts[i].says ? -EINVAL : 0) || strcmp(heard.text, texts[i].heard) != 0)
			fail_msg("%s\n  gives %d %s %s", texts[i].text, rc, heard.text, why.text);
		if (texts[i].says && !strstr(why.text, texts[i].says))
			fail_msg("%s\n  says %s", texts[i].text, why.text);
	}
	struct heard heard = {"", -EBUSY};
	assert_int_equal(rules_parse("fsync=off;write=off", hear, &heard, NULL), -EBUSY);
	assert_string_equal(heard.text, "fsync = off|");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted_rules_have_one_canonical_form),
		cmocka_unit_test(refused_rules_say_where_and_why),
		cmocka_unit_test(what_is_not_built_is_refused_by_name_when_it_is_right),
		cmocka_unit_test(a_rule_is_compiled_as_its_header_says),
		cmocka_unit_test(the_hash_is_of_the_meaning_without_the_name),
		cmocka_unit_test(what_does_not_fit_is_refused_with_its_limit),
		cmocka_unit_test(a_broken_rule_is_written_without_harm),
		cmocka_unit_test(several_rules_are_given_when_all_are_right),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
