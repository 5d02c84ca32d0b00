/*
 * test_history_read.c - histories in every form, their verdicts, and lines that are refused.
 *
 * The verdicts are known: most histories are the small ones that textbooks on linearizability draw.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runner/history_read.h"

static int read_text(struct history *h, const char *text, struct why *why)
{
	FILE *in = fmemopen((void *)text, strlen(text), "r");

	assert_non_null(in);
	int rc = history_read(h, in, why);
	fclose(in);
	return rc;
}

static enum judge_verdict judge(const struct history *h, size_t *part)
{
	struct judge_general *g = judge_general_open();
	struct judge_values values;
	struct judge_answer a;

	assert_int_equal(judge_values_init(&values), 0);
	struct judge_model model = h->text ? judge_model_text((struct judge_texts *)&h->texts)
					   : judge_model_register(&values);
	assert_int_equal(judge_general(g, &model, h->part, h->keys, 0, &a, part), 0);
	judge_values_fini(&values);
	judge_general_close(g);
	return a.verdict;
}

#define P(process, rest) "INFO  jepsen.util - " #process "\t" rest "\n"

static const struct {
	const char *about, *text;
	bool possible;
} histories[] = {
	{"one after the other",
	 P(0, ":invoke\t:write\t1") P(0, ":ok\t:write\t1") P(1, ":invoke\t:read\tnil")
		 P(1, ":ok\t:read\t1"),
	 true},
	{"a register starts as nil", P(1, ":invoke :read nil") P(1, ":ok :read nil"), true},
	{"nil is gone after a write",
	 P(0, ":invoke :write 0") P(0, ":ok :write 0") P(1, ":invoke :read nil")
		 P(1, ":ok :read nil"),
	 false},
	{"overlapping writes, read in either order",
	 P(0, ":invoke :write 1") P(1, ":invoke :write 2") P(0, ":ok :write 1") P(1, ":ok :write 2")
		 P(2, ":invoke :read nil") P(2, ":ok :read 1"),
	 true},
	{"but not in both",
	 P(0, ":invoke :write 1") P(1, ":invoke :write 2") P(0, ":ok :write 1") P(1, ":ok :write 2")
		 P(2, ":invoke :read nil") P(2, ":ok :read 1") P(2, ":invoke :read nil")
			 P(2, ":ok :read 2"),
	 false},
	{"new, then old while the write is going on",
	 P(0, ":invoke :write 1") P(1, ":invoke :read nil") P(1, ":ok :read 1")
		 P(2, ":invoke :read nil") P(2, ":ok :read nil") P(0, ":ok :write 1"),
	 false},
	{"a compare-and-set that fits",
	 P(0, ":invoke :write 1") P(0, ":ok :write 1") P(1, ":invoke :cas [1 2]")
		 P(1, ":ok :cas [1 2]") P(0, ":invoke :read nil") P(0, ":ok :read 2"),
	 true},
	{"two that can't both have fitted",
	 P(0, ":invoke :write 1") P(0, ":ok :write 1") P(1, ":invoke :cas [1 2]")
		 P(2, ":invoke :cas [1 3]") P(1, ":ok :cas [1 2]") P(2, ":ok :cas [1 3]"),
	 false},
	{"one that failed has seen another value",
	 P(0, ":invoke :write 1") P(0, ":ok :write 1") P(1, ":invoke :cas [1 2]")
		 P(1, ":fail :cas [1 2]"),
	 false},
	{"a write that timed out may land late",
	 P(0, ":invoke :write 1") P(0, ":info :write :timed-out") P(1, ":invoke :write 2")
		 P(1, ":ok :write 2") P(1, ":invoke :read nil") P(1, ":ok :read 1"),
	 true},
	{"but only once",
	 P(0, ":invoke :write 1") P(0, ":info :write :timed-out") P(1, ":invoke :write 2")
		 P(1, ":ok :write 2") P(1, ":invoke :read nil") P(1, ":ok :read 1")
			 P(1, ":invoke :write 2") P(1, ":ok :write 2") P(1, ":invoke :read nil")
				 P(1, ":ok :read 1"),
	 false},
	{"a write that failed never lands",
	 P(0, ":invoke :write 1") P(0, ":fail :write 1") P(1, ":invoke :read nil")
		 P(1, ":ok :read 1"),
	 false},
	{"a read that timed out proves nothing; others talk too",
	 P(0, ":invoke :write 1") P(0, ":ok :write 1") P(1, ":invoke :read nil")
		 P(1, ":fail :read :timed-out") "WARN  jepsen.core - 1 :ok :read 9\n" P(
			 : nemesis, ":info :start nil"),
	 true},
	{"texts, by key",
	 "{:process 0, :type :invoke, :f :put, :key \"a\", :value \"x\"}\n"
	 "{:process 0, :type :ok, :f :put, :key \"a\", :value \"x\"}\n"
	 "{:process 1, :type :invoke, :f :append, :key \"a\", :value \" y\"}\n"
	 "{:process 0, :type :invoke, :f :append, :key \"a\", :value \" z\"}\n"
	 "{:process 1, :type :ok, :f :append, :key \"a\", :value \" y\"}\n"
	 "{:process 0, :type :ok, :f :append, :key \"a\", :value \" z\"}\n"
	 "{:process 1, :type :invoke, :f :get, :key \"b\", :value nil}\n"
	 "{:process 1, :type :ok, :f :get, :key \"b\", :value \"\"}\n"
	 "{:process 0, :type :invoke, :f :get, :key \"a\", :value nil}\n"
	 "{:process 0, :type :ok, :f :get, :key \"a\", :value \"x z y\"}\n",
	 true},
	{"an append that is lost",
	 "{:process 0, :type :invoke, :f :append, :key \"a\", :value \"x\"}\n"
	 "{:process 0, :type :ok, :f :append, :key \"a\", :value \"x\"}\n"
	 "{:process 0, :type :invoke, :f :append, :key \"a\", :value \"\\\"y\"}\n"
	 "{:process 0, :type :ok, :f :append, :key \"a\", :value \"\\\"y\"}\n"
	 "{:process 0, :type :invoke, :f :get, :key \"a\", :value nil}\n"
	 "{:process 0, :type :ok, :f :get, :key \"a\", :value \"\\\"y\"}\n",
	 false},
	{"maps in another order, with more in them, of independent keys",
	 "{:type :invoke, :f :write, :value [7 1], :process 0, :time 12, :index 0}\n"
	 "{:type :info, :f :start, :process :nemesis, :value [:isolated {\"n1\" [1]}]}\n"
	 "{:type :ok, :f :write, :value [7 1], :process 0, :time 13, :index 1}\n"
	 "{:type :invoke, :f :cas, :value [7 [1 2]], :process 0}\n"
	 "{:type :ok, :f :cas, :value [7 [1 2]], :process 0}\n"
	 "{:type :invoke, :f :read, :value [8 nil], :process 1}\n"
	 "{:type :ok, :f :read, :value [8 nil], :process 1}\n"
	 "{:type :invoke, :f :read, :value [7 nil], :process 1}\n"
	 "{:type :ok, :f :read, :value [7 2], :process 1}\n",
	 true},
	{"our own",
	 "\n"
	 "{\"op\":1,\"key\":\"a\",\"do\":\"put\",\"value\":5,\"inv\":1,\"res\":2}\n"
	 "{\"op\":2,\"key\":\"a\",\"do\":\"delete\",\"inv\":3,\"outcome\":\"ambiguous\"}\n"
	 "{\"op\":3,\"key\":\"a\",\"do\":\"read\",\"value\":\"5\",\"inv\":4,\"res\":5}\n"
	 "{\"op\":4,\"key\":\"a\",\"do\":\"read\",\"value\":null,\"inv\":6,\"res\":7}\n"
	 "{\"op\":4,\"key\":\"a\",\"do\":\"read\",\"inv\":6}\n",
	 true},
	{"our own, with a key that came back",
	 "{\"do\":\"put\",\"value\":\"x\",\"inv\":1,\"res\":2}\n"
	 "{\"do\":\"take\",\"inv\":3,\"res\":4}\n"
	 "{\"do\":\"present\",\"inv\":5,\"res\":6}\n",
	 false},
	{"our own, conditional",
	 "{\"do\":\"cas\",\"expect\":null,\"value\":1,\"inv\":1,\"res\":4}\n"
	 "{\"do\":\"cas\",\"expect\":null,\"value\":2,\"inv\":2,\"res\":3}\n"
	 "{\"do\":\"unequal\",\"expect\":null,\"inv\":5,\"res\":6}\n",
	 false},
};

static void test_histories_get_their_known_verdicts(void **state)
{
	struct history h;
	struct why why;
	size_t part;

	(void)state;
	for (size_t i = 0; i < sizeof(histories) / sizeof(histories[0]); i++) {
		if (read_text(&h, histories[i].text, &why) < 0)
			fail_msg("%s: %s", histories[i].about, why.text);
		if ((judge(&h, &part) == JUDGE_OK) != histories[i].possible)
			fail_msg("%s: the other verdict", histories[i].about);
		history_free(&h);
	}
}

static void test_what_was_read_is_what_was_written(void **state)
{
	struct history h;
	struct why why;

	(void)state;
	assert_int_equal(read_text(&h,
				   P(3, ":invoke :write 1") P(4, ":invoke :read nil")
					   P(3, ":ok :write 1"),
				   &why),
			 0);
	assert_int_equal(h.keys, 1);
	assert_string_equal(h.key[0], "");
	assert_false(h.text);
	assert_int_equal(h.part[0].count, 2);
	const struct judge_op *op = h.part[0].ops;
	assert_int_equal(op[0].kind, JUDGE_PUT);
	assert_int_equal(op[0].client, 3);
	assert_int_equal(op[0].inv, 1);
	assert_int_equal(op[0].res, 3);
	assert_int_equal(op[0].id, 1);
	assert_int_equal(op[0].outcome, JUDGE_KNOWN);
	assert_int_equal(op[1].outcome, JUDGE_AMBIGUOUS);
	assert_true(op[1].res == JUDGE_NEVER);
	history_free(&h);
}

static void test_the_guilty_key_is_named(void **state)
{
	static const char text[] =
		"{\"key\":\"a\",\"do\":\"put\",\"value\":1,\"inv\":1,\"res\":2}\n"
		"{\"key\":\"b\",\"do\":\"put\",\"value\":1,\"inv\":1,\"res\":2}\n"
		"{\"key\":\"b\",\"do\":\"absent\",\"inv\":3,\"res\":4}\n";
	struct history h;
	struct why why;
	size_t part = 9;

	(void)state;
	assert_int_equal(read_text(&h, text, &why), 0);
	assert_int_equal(judge(&h, &part), JUDGE_VIOLATION);
	assert_string_equal(h.key[part], "b");
	history_free(&h);
}

#define FIRST_PUT "{\"do\":\"put\",\"value\":1,\"inv\":1,\"res\":2}\n"
#define EDN(rest) "{:process 0, " rest "}\n"

static const struct {
	const char *text, *why;
} refused[] = {
	{"hello\n", "line 1: \"hello\" begins no history"},
	{P(0, ":invoke :read nil") "\n" P(0, ":ok"), "line 3: wanted :read, :write or :cas"},
	{P(0, ":ok :read 1"), "line 1: process 0 has no :read to end"},
	{P(0, ":invoke :read nil") P(0, ":ok :write 1"), "line 2: process 0 has no :write"},
	{P(0, ":invoke :read nil") P(0, ":invoke :read nil"), "line 2: process 0 began"},
	{P(0, ":invoke :cas 3"), "line 1: \"3\" is no pair"},
	{P(0, ":invoke :cas [3]"), "line 1: \"3\" is no pair"},
	{P(0, ":invoke :write :x"), "line 1: \":x\" is no value"},
	{P(0, ":begin :write 1"), "line 1: wanted :invoke"},
	{P(0, ":invoke :write"), "line 1: wanted a value after :write"},
	{P(0, ":invoke :get nil"), "line 1: wanted :read, :write or :cas"},
	{P(0, ":invoke :read nil") "java.lang.Error\n", "line 2: \"java.lang.Error\" is no line"},
	{EDN(":type :invoke, :f :get, :value nil") EDN(":type :ok, :f :get, :value \"x"),
	 "line 2: \":value\" has no value"},
	{"{:process 0, :type :invoke\n", "line 1: the map does not end"},
	{EDN(":type :invoke, :f :jump, :value nil"), "line 1: :f wants"},
	{EDN(":type :went, :f :get, :value nil"), "line 1: :type wants"},
	{"{:type :invoke, :f :get}\n", "line 1: :process wants a number"},
	{EDN(":type :invoke, :f :get, :value nil") "{:process 1, :type :invoke, :f :cas, "
						   ":value [1 2]}\n",
	 "line 2: a history is of registers or of texts"},
	{EDN(":type :invoke, :f :put, :value [1 2 3]"), "line 1: \"1 2 3\" is no value"},
	{FIRST_PUT "{\"do\":\"put\",\"inv\":3,\"res\":4}\n", "line 2: no \"value\""},
	{FIRST_PUT "{\"do\":\"jump\",\"inv\":3}\n", "line 2: \"do\" can't be \"jump\""},
	{FIRST_PUT "{\"inv\":3}\n", "line 2: no \"do\""},
	{FIRST_PUT "{\"do\":\"delete\"}\n", "line 2: no \"inv\""},
	{FIRST_PUT "{\"do\":\"delete\",\"inv\":-1}\n", "line 2: \"inv\" wants a whole number"},
	{FIRST_PUT "{\"do\":\"delete\",\"inv\":3,\"res\":2}\n", "line 2: it ends before"},
	{FIRST_PUT "{\"do\":\"delete\",\"inv\":3,\"outcome\":\"known\"}\n", "line 2: it is known"},
	{FIRST_PUT "{\"do\":\"delete\",\"inv\":3,\"outcome\":\"maybe\"}\n",
	 "line 2: \"outcome\" can't be \"maybe\""},
	{FIRST_PUT "{\"do\":\"read\",\"value\":[],\"inv\":3,\"res\":4}\n",
	 "line 2: \"value\" wants a text"},
	{FIRST_PUT "{\"do\":\"delete\",\"key\":4,\"inv\":3}\n", "line 2: \"key\" wants a text"},
	{FIRST_PUT "{\"do\":\n", "line 2: "},
	{FIRST_PUT "[]\n", "line 2: wanted an object"},
};

static void test_a_bad_line_is_refused_with_its_number(void **state)
{
	struct history h;
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		int rc = read_text(&h, refused[i].text, &why);
		if (rc != -EINVAL)
			fail_msg("%s: was taken", refused[i].text);
		if (strncmp(why.text, refused[i].why, strlen(refused[i].why)) != 0)
			fail_msg("%s: says \"%s\"", refused[i].text, why.text);
	}
}

static void test_no_line_is_a_history_without_keys(void **state)
{
	struct history h;
	struct why why;
	size_t part;

	(void)state;
	assert_int_equal(read_text(&h, "\n \n", &why), 0);
	assert_int_equal(h.keys, 0);
	assert_int_equal(judge(&h, &part), JUDGE_OK);
	history_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_histories_get_their_known_verdicts),
		cmocka_unit_test(test_what_was_read_is_what_was_written),
		cmocka_unit_test(test_the_guilty_key_is_named),
		cmocka_unit_test(test_a_bad_line_is_refused_with_its_number),
		cmocka_unit_test(test_no_line_is_a_history_without_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
