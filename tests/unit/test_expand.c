/*
 * test_expand.c - what commands become: placeholders filled in, words split.
 *
 * A cluster that is never started: two ms, two ds with one spare.
 */
#include "sandboxed.h"

#include <errno.h>

#include "runner/cluster_impl.h"

static struct {
	char *dir;
	struct plan *plan;
	struct cluster *cluster;
} fixture;

static int set_up(void **state)
{
	struct cluster_options options = {.network = 0x7f050600};
	struct why why = {""};
	char path[PATH_MAX];

	(void)state;
	fixture.dir = folder_make();
	write_text(fixture.dir, "p.ini",
		   "[store]\nendpoints = ds\n"
		   "[role ms]\ncount = 2\ncommand = x\nready = tcp://{addr}:1\n"
		   "[role ds]\ncount = 2\nspares = 1\ncommand = x\nready = tcp://{addr}:1\n");
	snprintf(path, sizeof(path), "%s/p.ini", fixture.dir);
	if (plan_read(&fixture.plan, path, NULL, &why))
		fail_msg("%s", why.text);
	options.plan = fixture.plan;
	options.run_dir = fixture.dir;
	if (cluster_open(&fixture.cluster, &options, &why))
		fail_msg("%s", why.text);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	cluster_close(fixture.cluster);
	plan_free(fixture.plan);
	folder_remove(fixture.dir);
	return 0;
}

static const struct {
	const char *text, *filled; /* DIR stands for the folder */
} filled[] = {
	{"", ""},
	{"plain $text", "plain $text"},
	{"{addr}:7000", "127.5.6.5:7000"},
	{"{node}/{index}", "ds3/2"},
	{"--dir {dir}", "--dir DIR/nodes/ds3"},
	{"{plan}/x.conf", "DIR/x.conf"},
	{"{addrs:ms}", "127.5.6.1,127.5.6.2"},
	{"{addrs:ds}", "127.5.6.3,127.5.6.4"},
	{"{addrs:ms:7000}", "127.5.6.1:7000,127.5.6.2:7000"},
	{"${{HOME}", "${HOME}"},
	{"a}b", "a}b"},
};

static void with_dir(const char *text, char *out, size_t size)
{
	const char *at = strstr(text, "DIR");

	if (at)
		snprintf(out, size, "%.*s%s%s", (int)(at - text), text, fixture.dir, at + 3);
	else
		snprintf(out, size, "%s", text);
}

static void placeholders_are_filled_in(void **state)
{
	struct node *node = cluster_find(fixture.cluster, "ds3");

	(void)state;
	for (size_t i = 0; i < sizeof(filled) / sizeof(filled[0]); i++) {
		char text[512], wanted[512];
		struct why why = {""};

		if (cluster_expand(fixture.cluster, node, filled[i].text, text, sizeof(text), &why))
			fail_msg("%s", why.text);
		with_dir(filled[i].filled, wanted, sizeof(wanted));
		assert_string_equal(text, wanted);
	}
}

static const struct {
	const char *text, *why;
	int code;
} refused[] = {
	{"a {} b",
	 "\"{}\" names no placeholder: wanted one such as {addr}; braces of its own are written "
	 "{{}",
	 -EINVAL},
	{"{adr}", "unknown placeholder \"adr\", did you mean \"addr\"?", -EINVAL},
	{"{addrs:dx}", "unknown role \"dx\", did you mean \"ds\"?", -EINVAL},
	{"x {addr", "\"{addr\" has no \"}\"; a brace of its own is written {{", -EINVAL},
	{"{dir}{dir}{dir}{dir}{dir}{dir}", "is longer than 63 bytes when filled in", -ENOSPC},
};

static void what_can_not_be_filled_in_is_told(void **state)
{
	struct node *node = cluster_find(fixture.cluster, "ds3");

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct why why = {""};
		char text[64];

		assert_int_equal(cluster_expand(fixture.cluster, node, refused[i].text, text,
						sizeof(text), &why),
				 refused[i].code);
		if (!strstr(why.text, refused[i].why))
			fail_msg("%s", why.text);
	}
}

static void outside_of_a_node_there_are_only_addresses(void **state)
{
	struct why why = {""};
	char text[64];

	(void)state;
	assert_int_equal(
		cluster_expand(fixture.cluster, NULL, "{addrs:ms}", text, sizeof(text), &why), 0);
	assert_string_equal(text, "127.5.6.1,127.5.6.2");
	assert_int_equal(cluster_expand(fixture.cluster, NULL, "{addr}", text, sizeof(text), &why),
			 -EINVAL);
	assert_string_equal(why.text, "{addr} means nothing outside of a node");
}

static const struct {
	const char *text;
	const char *word[6];
} split[] = {
	{"a", {"a"}},
	{"  a  bc\td ", {"a", "bc", "d"}},
	{"a 'b c' \"d e\"", {"a", "b c", "d e"}},
	{"sh -c 'echo \"x\"; exit 3'", {"sh", "-c", "echo \"x\"; exit 3"}},
	{"a\\ b c\\\\d", {"a b", "c\\d"}},
	{"'' x\"\"y", {"", "xy"}},
	{"\"a\\\"b\" '\\n'", {"a\"b", "\\n"}},
};

static void commands_are_split_into_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(split) / sizeof(split[0]); i++) {
		const char *argv[8];
		struct why why = {""};
		char text[128];
		int n = 0;

		strcpy(text, split[i].text);
		assert_int_equal(expand_split(text, argv, 8, &why), 0);
		for (; split[i].word[n]; n++)
			assert_string_equal(argv[n], split[i].word[n]);
		assert_null(argv[n]);
	}
}

static void words_that_can_not_be_split_are_refused(void **state)
{
	struct why why = {""};
	const char *argv[3];
	char quote[] = "a 'b", many[] = "a b c", none[] = "  ";

	(void)state;
	assert_int_equal(expand_split(quote, argv, 3, &why), -EINVAL);
	assert_string_equal(why.text, "a quote is not closed");
	assert_int_equal(expand_split(many, argv, 3, &why), -E2BIG);
	assert_int_equal(expand_split(none, argv, 3, &why), -EINVAL);
	assert_string_equal(why.text, "the command is empty");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(placeholders_are_filled_in),
		cmocka_unit_test(what_can_not_be_filled_in_is_told),
		cmocka_unit_test(outside_of_a_node_there_are_only_addresses),
		cmocka_unit_test(commands_are_split_into_words),
		cmocka_unit_test(words_that_can_not_be_split_are_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
