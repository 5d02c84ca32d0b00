/*
 * test_fault.c - what the rows of the fault table make of a plan.
 *
 * Goal: every rule that is composed is one the language reads, says what the plan said, and is
 * bound to the drawn node on every step. Method: a table of plan entries and the rules they become.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "failpoint/rule.h"
#include "runner/fault.h"

/* What a plan leaves out is the empty text. */
static struct plan_fault filled(struct plan_fault f)
{
	const char **const texts[] = {&f.rule, &f.path, &f.error};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!*texts[i])
			*texts[i] = "";
	f.on = "ds";
	f.link = "fe>ms";
	f.anchor = f.gate = "";
	strcpy(f.name, "x");
	return f;
}

static const struct {
	struct plan_fault fault;
	const char *rule; /* NULL: refused */
} composed[] = {
	{{.kind = "enospc", .path = "*.wal"},
	 "f3-x := %write,%space:path=*.wal:node=ds2 = error(ENOSPC)"},
	{{.kind = "eio", .path = "*.wal", .count = 2},
	 "f3-x := %write,%sync:path=*.wal:node=ds2 = 2*error(EIO)"},
	{{.kind = "eio", .rule = "%sync", .count = 1}, "f3-x := %sync:node=ds2 = 1*error(EIO)"},
	{{.kind = "eio", .rule = "write", .error = "EDQUOT"},
	 "f3-x := write:node=ds2 = error(EDQUOT)"},
	{{.kind = "delay", .delay_ns = 5000000},
	 "f3-x := %write,%sync:path=nodes/ds2/**:node=ds2 = delay(5ms)"},
	{{.kind = "jitter", .delay_ns = 1000000, .jitter_ns = 30000000, .path = "*.wal"},
	 "f3-x := %sync:path=*.wal:node=ds2 = delay(1ms,jitter=30ms)"},
	{{.kind = "short", .path = "*.wal", .count = 3},
	 "f3-x := %write:path=*.wal:node=ds2 = 3*short(50%)"},
	{{.kind = "short", .bytes = 7}, "f3-x := %write:path=nodes/ds2/**:node=ds2 = short(7)"},
	{{.kind = "throttle", .path = "*.wal", .rate = 4096},
	 "f3-x := %write,%read:path=*.wal:node=ds2 = rate(4K/s)"},
	{{.kind = "read-only", .rule = "rename", .path = "*.tmp"},
	 "f3-x := rename:path=*.tmp:node=ds2 = error(EROFS)"},
	{{.kind = "read-only", .path = "/d/**"},
	 "f3-x := %write,%sync,%space,creat,rename,renameat,renameat2,unlink,unlinkat,link,linkat,"
	 "mkdir,mkdirat,rmdir,symlink,symlinkat:path=/d/**:node=ds2 = error(EROFS)"},
	{{.kind = "corrupt-read", .path = "*.chunk", .bits = 3, .count = 2},
	 "f3-x := %read:path=*.chunk:node=ds2 = 2*corrupt(bits=3)"},
	{{.kind = "corrupt-write", .until = "g", .path = "*.wal", .bits = 1},
	 "f3-x := %write:path=*.wal:node=ds2 = corrupt(bits=1)"},
	{{.kind = "torn", .until = "g", .path = "*.wal"},
	 "f3-x := %write:path=*.wal:node=ds2 = torn(512)"},
	{{.kind = "torn", .until = "g", .path = "*.wal", .bytes = 7},
	 "f3-x := %write:path=*.wal:node=ds2 = torn(7)"},
	{{.kind = "threads", .count = 3}, "f3-x := pthread_create:node=ds2 = 3*error(EAGAIN)"},
	{{.kind = "alloc", .share = 0.001, .count = 2},
	 "f3-x := %alloc:node=ds2 = 0.1%2*error(ENOMEM)"},
	{{.kind = "fds", .rule = "accept4"}, "f3-x := accept4:node=ds2 = error(EMFILE)"},
	{{.kind = "lie", .until = "g", .rule = "%sync"}, "f3-x := %sync:node=ds2 = lie"},
	{{.kind = "refuse", .count = 0}, "f3-x := %send,connect:link=fe1>ms2 = refuse"},
	{{.kind = "reset", .count = 0}, "f3-x := %send:link=fe1>ms2 = reset"},
	{{.kind = "reset", .count = 2}, "f3-x := %send:link=fe1>ms2 = 2*reset"},
	{{.kind = "point", .rule = "ds/after-wal-sync = kill"},
	 "f3-x := ds/after-wal-sync:node=ds2 = 1*kill"},
	{{.kind = "point", .rule = "old-name := ds/x = 2*kill", .count = 9},
	 "f3-x := ds/x:node=ds2 = 2*kill"},
	{{.kind = "point", .rule = "%sync:path=*.wal:ret=ok => %send:within=5s = kill"},
	 "f3-x := %sync:path=*.wal:ret=ok:node=ds2 => %send:within=5s:node=ds2 = 1*kill"},
	{{.kind = "point", .rule = "write:path=\"a = b => c\" = 5%error(EIO),print(\"x -> y\")"},
	 ""},
	{{.kind = "point", .rule = "a/b = 3@pause", .count = 4},
	 "f3-x := a/b:node=ds2 = 3@4*pause"},
	{{.kind = "point", .rule = "a/b = 10%error(EIO)->delay(5ms)"}, ""},
	{{.kind = "point", .rule = "fsinc = kill"}, NULL},
	{{.kind = "point", .rule = ""}, NULL},
	{{.kind = "eio", .error = "ENOENTX"}, NULL},
	{{.kind = "enospc", .rule = "%no"}, NULL},
	{{.kind = "kill-start", .count = 0}, ""},
};

static void test_composed_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(composed) / sizeof(composed[0]); i++) {
		struct plan_fault plain = filled(composed[i].fault), *f = &plain;
		struct fault_atom atom = {.number = 3,
					  .fault = f,
					  .kind = fault_kind(f->kind, NULL),
					  .node = "ds2",
					  .from = "fe1",
					  .to = "ms2"};
		char text[2048];
		struct rule rule;
		struct why why = {""};
		int r = fault_rule(&atom, text, sizeof(text), &why);

		assert_non_null(atom.kind);
		if (!composed[i].rule) {
			assert_true(r < 0 || atom.kind->check(f, &why) < 0);
			assert_true(why.text[0]);
			continue;
		}
		if (r)
			fail_msg("%s: %s", f->rule, why.text);
		if (composed[i].rule[0])
			assert_string_equal(text, composed[i].rule);
		if (atom.kind->compose)
			assert_int_equal(rule_parse(&rule, text, strlen(text), NULL), 0);
	}
}

static void test_quoted_text_is_left_alone(void **state)
{
	struct plan_fault f = filled((struct plan_fault){
		.kind = "point", .rule = "write:path=\"a = b => c\" = 5%print(\"x -> y\")"});
	struct fault_atom atom = {.fault = &f, .kind = fault_kind("point", NULL), .node = "ds1"};
	char text[2048];

	(void)state;
	assert_int_equal(fault_rule(&atom, text, sizeof(text), NULL), 0);
	assert_non_null(strstr(text, "\"a = b => c\":node=ds1 = 5%1*print(\"x -> y\")"));
}

static void test_every_row_answers_all_questions(void **state)
{
	const struct fault_kind *kind;

	(void)state;
	for (int i = 0; (kind = fault_kind_at(i)); i++) {
		assert_non_null(kind->help);
		assert_non_null(kind->takes);
		assert_non_null(kind->check);
		assert_non_null(kind->apply);
		assert_non_null(kind->applied);
		assert_non_null(kind->heal);
		assert_non_null(kind->healed);
		assert_ptr_equal(fault_kind(kind->name, NULL), kind);
	}
}

static void test_a_misspelt_kind_is_refused_with_the_nearest(void **state)
{
	struct why why = {""};

	(void)state;
	assert_null(fault_kind("kill-strat", &why));
	assert_non_null(strstr(why.text, "\"kill-start\""));
}

static void test_rules_tell_their_fault(void **state)
{
	(void)state;
	assert_int_equal(fault_of_rule("f12-wal-eio"), 12);
	assert_int_equal(fault_of_rule("h12-wal-eio"), -1);
	assert_int_equal(fault_of_rule("first"), -1);
	assert_int_equal(fault_of_rule("f1x-"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_composed_rules),
		cmocka_unit_test(test_quoted_text_is_left_alone),
		cmocka_unit_test(test_every_row_answers_all_questions),
		cmocka_unit_test(test_a_misspelt_kind_is_refused_with_the_nearest),
		cmocka_unit_test(test_rules_tell_their_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
