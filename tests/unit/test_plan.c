/*
 * test_plan.c - which plans are taken, what they mean, and what is said about the others.
 *
 * Tables of texts: each is written to a file in a folder of its own and read. The smallest plan
 * that is taken stands in front of most.
 */
#include "plan_texts.h"

#include <errno.h>

#include "runner/ready.h"

#define ROLE                                                                    \
	"[role ds]\ncount = 3\nspares = 2\ncommand = ds --listen {addr}:7000\n" \
	"ready = http://{addr}:7000/health\n"
#define SMALL "[store]\nendpoints = ds\n" ROLE

static struct plan *must_read(const char *text, const char *const *overrides)
{
	struct plan *plan = NULL;
	struct why why = {""};

	if (read_text(&plan, text, overrides, &why))
		fail_msg("%s", why.text);
	return plan;
}

/* The message without the folder: "p.ini:3: ...". */
static const char *short_text(const struct why *why)
{
	size_t length = strlen(dir) + 1;

	return strncmp(why->text, dir, length - 1) == 0 ? why->text + length : why->text;
}

static const struct {
	const char *text, *why;
} refused[] = {
	{"seed = 1\n", "p.ini:1: \"seed\" stands before the first section"},
	{"[run]\nsed = 1\n", "p.ini:2: unknown key \"sed\", did you mean \"seed\"?"},
	{"[rum]\n", "p.ini:1: unknown section \"rum\", did you mean \"run\"?"},
	{"[run]\n\n[run]\n", "p.ini:3: \"run\" was given before, in line 1"},
	{"[run]\nseed = 1\n# and\nseed = 2\n", "p.ini:4: \"seed\" was given before, in line 2"},
	{"[run]\nduration = 5 parsecs\n",
	 "p.ini:2: duration wants a duration from 1s to 720h, not \"5 parsecs\""},
	{"[run]\nduration = 1ms\n",
	 "p.ini:2: duration wants a duration from 1s to 720h, not \"1ms\""},
	{"[run]\nseed = -1\n",
	 "p.ini:2: seed wants a number from 0 to 18446744073709551615, not \"-1\""},
	{"[run]\ncontract = sink\n",
	 "p.ini:2: contract is one of sync, bounded(D), none, not \"sink\", "
	 "did you mean \"sync\"?"},
	{"[run]\ncontract = bounded\n", "p.ini:2: contract is one of sync, bounded(D), none, not "
					"\"bounded\", did you mean \"bounded(D)\"?"},
	{"[store]\nlist = eventual(0)\n",
	 "p.ini:2: list is one of strict, eventual(D), not \"eventual(0)\", "
	 "did you mean \"eventual(D)\"?"},
	{"[workload]\nmix = put 30, got 20\n",
	 "p.ini:2: unknown operation \"got\", did you mean \"get\"?"},
	{"[workload]\nmix = put\n", "p.ini:2: \"put\" is no mix: put 30, get 70 was wanted"},
	{"[workload]\nmix = put 0\n", "p.ini:2: nothing in the mix has a weight"},
	{"[workload]\nhot-share = 120%\n", "p.ini:2: hot-share wants 0% to 100%, not \"120%\""},
	{"[workload]\nwriters-per-key = 0\n",
	 "p.ini:2: writers-per-key wants a number from 1 to 1024, not \"0\""},
	{"[role]\n", "p.ini:1: [role NAME] wants a name of 1 to 20 characters"},
	{"[role a name]\n", "p.ini:1: [role a name] is no section: [KIND] or [KIND NAME]"},
	{"[role d/s]\n", "p.ini:1: \"d/s\" is no name: letters, digits, - and _ are"},
	{"[role ds2]\n", "p.ini:1: the role name \"ds2\" ends with a digit, as nodes do"},
	{"[run fast]\n", "p.ini:1: [run] has no name"},
	{"[run\n", "p.ini:1: \"[run\" is no section: [KIND] or [KIND NAME]"},
	{"[run]\nseed\n", "p.ini:2: \"seed\" is no line of a plan: KEY = VALUE"},
	{"[run]\nseed : 1 = 2\n", "p.ini:2: \"seed : 1 = 2\" is no line of a plan: KEY = VALUE"},
	{"[store]\n", "p.ini:1: [store] endpoints: it must be given"},
	{"[run]\n", "p.ini: [store] endpoints: it must be given"},
	{"[store]\nendpoints = ds\n[role ds]\ncommand = x\n",
	 "p.ini:3: [role ds] ready: it must be given"},
	{"[store]\nendpoints = dx\n" ROLE,
	 "p.ini:2: [store] endpoints: unknown role \"dx\", did you mean \"ds\"?"},
	{SMALL "[fault f]\nweight = 1\n",
	 "p.ini:8: [fault f] kind: a fault wants a kind or a rule"},
	{SMALL "[fault f]\nkind = restart\non = ds6\n",
	 "p.ini:10: [fault f] on: there is no node \"ds6\": role \"ds\" has 5"},
	{SMALL "[fault f]\nkind = restart\non = ms\n",
	 "p.ini:10: [fault f] on: unknown role or node \"ms\", did you mean \"ds\"?"},
	{SMALL "[fault f]\nkind = one-way\nlink = ds1\n",
	 "p.ini:10: [fault f] link: \"ds1\" is no link: FROM>TO was wanted"},
	{SMALL "[fault f]\nkind = restart\non = ds\ngate = dx\n",
	 "p.ini:11: [fault f] gate: unknown gate \"dx\": wanted one of default"},
	{SMALL "[gate g]\nstep = helth x == 0\n",
	 "p.ini:9: unknown step \"helth\", did you mean \"health\"?"},
	{SMALL "[gate g]\nstep = log x* up\n", "p.ini:8: [gate g] step: no node is named \"x*\""},
	{SMALL "[gate g]\nstep = probe twice\n",
	 "p.ini:9: step \"probe\" takes nothing, not \"twice\""},
	{SMALL "[run]\nduration = 5s\n",
	 "p.ini:9: [run] duration: warmup and quiet together are longer than the duration"},
	{SMALL "[role x]\ncommand = x\nready = tcp://{addr}:1\ndeep = yes\ntier = notify\n",
	 "p.ini:11: [role x] deep: deep is not for tier = notify"},
	{SMALL "[role x]\ncommand = x\nready = ftp://a\n",
	 "p.ini:10: [role x] ready: \"ftp://a\" is no readiness check: http://ADDRESS:PORT/PATH, "
	 "tcp://ADDRESS:PORT or command ... was wanted"},
	{SMALL "survives = 3\n",
	 "p.ini:8: [role ds] survives: \"3\" leaves no node of count = 3: at most 2 was wanted"},
	{SMALL "[gate dflt]\nstep = process\n",
	 "p.ini:8: [gate dflt]: \"dflt\" is neither \"default\" nor any fault's gate or until"},
	{SMALL "[gate defualt]\nstep = process\n",
	 "p.ini:8: [gate defualt]: \"defualt\" is neither \"default\" nor any fault's gate or "
	 "until, "
	 "did you mean \"default\"?"},
	{SMALL "[fault f]\nkind = kill-start\non = ds\nbytes = 4K\n",
	 "p.ini:11: [fault f] bytes: kind \"kill-start\" takes no \"bytes = 4K\" but: on; bytes is "
	 "for short, torn, full, cut, memory, io"},
	{SMALL "[fault f]\nkind = restart\non = ds\nrule = fsync = kill\n",
	 "p.ini:11: [fault f] rule: kind \"restart\" takes no \"rule = fsync = kill\" but: on; "
	 "rule "
	 "is for enospc, eio, delay, jitter, short, throttle, ..."},
	{SMALL "[fault f]\nkind = full\non = ds1\n",
	 "p.ini:10: [fault f] on: kind \"full\" fills a disk of the node's own, which \"ds1\" has "
	 "not: disk = 64M in [role ds] was wanted"},
};

static void refusals_tell_the_line_and_the_nearest_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct plan *plan = NULL;
		struct why why = {""};
		int r = read_text(&plan, refused[i].text, NULL, &why);

		assert_null(plan);
		assert_true(r < 0);
		assert_string_equal(short_text(&why), refused[i].why);
	}
}

static const struct {
	const char *ready;
	bool taken;
} ready_forms[] = {
	{"http://{addr}:7000/health", true},
	{"http://{addr}:{port}/health", true},
	{"http://localhost:80", true},
	{"tcp://{addr}:65535", true},
	{"command true", true},
	{"http://{addr}", false},
	{"http://{addr}/a:80", false},
	{"http://{addr}:/health", false},
	{"http://{addr}:7000x/", false},
	{"http://{addr", false},
	{"tcp://{addr}:65536", false},
	{"tcp://{addr}", false},
	{"tcp://{addr}:0", false},
};

static void a_ready_check_has_its_port(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ready_forms) / sizeof(ready_forms[0]); i++) {
		struct why why = {""};
		int r = ready_check(ready_forms[i].ready, &why);

		if ((r == 0) != ready_forms[i].taken)
			fail_msg("\"%s\": %d %s", ready_forms[i].ready, r, why.text);
	}
}

static const struct {
	const char *text, *begins; /* what another module says of it follows */
} refused_by_others[] = {
	{SMALL "[fault f]\nkind = restat\non = ds\n", "p.ini:9: [fault f] kind: "},
	{SMALL "[fault f]\nkind = eioo\non = ds\nrule = fsync\n", "p.ini:9: [fault f] kind: "},
	{SMALL "[fault f]\nrule = fsink = error(EIO)\n", "p.ini:9: [fault f] rule: "},
	{SMALL "[fault f]\nkind = restart\non = ds\nanchor = with 4s\n",
	 "p.ini:11: [fault f] anchor: \"with 4s\" is the schedule's own"},
	{SMALL "[fault f]\nkind = restart\non = ds\nanchor = ask 4\n",
	 "p.ini:11: [fault f] anchor: "},
	{SMALL "[gate g]\nstep = process\n[fault f]\nkind = torn\nuntil = g\non = ds2\n",
	 "p.ini:13: [fault f] on: kind \"torn\" may cost a node its data"},
	{SMALL "[fault f]\nkind = lie\non = ds\n", "p.ini:9: [fault f] kind: kind \"lie\" wants"},
	{SMALL "[role x]\ncommand = {bim}/x\nready = tcp://{addr}:1\n",
	 "p.ini:9: [role x] command: unknown placeholder \"bim\", did you mean \"bin\"?"},
	{SMALL "[role x]\ncommand = x\nready = tcp://{addr}:1\nargs = {addrs:dx:1}\n",
	 "p.ini:11: [role x] args: unknown role \"dx\""},
	{SMALL "[gate g]\nstep = command test -d {dir}\n",
	 "p.ini:8: [gate g] step: {dir} means nothing outside of a node"},
	{SMALL "[run]\nnet = host\n[fault f]\nkind = one-way\nlink = ds1>ds2\n",
	 "p.ini:11: [fault f] kind: kind \"one-way\" wants a network of the run's own"},
	{SMALL "[fault f]\nkind = catalogue\non = ds\n",
	 "p.ini:9: [fault f] kind: kind \"catalogue\" takes no `on`"},
	{SMALL "[fault f]\nkind = catalogue\nrule = kil\n", "p.ini:10: [fault f] rule: "},
	{"[store]\ndriver = kw\nendpoints = ds\n" ROLE, "p.ini:2: [store] driver: "},
	{"[store]\nendpoints = ds\nbase-bath = /x\n" ROLE, "p.ini:3: [store] base-bath: "},
};

static void what_other_parts_refuse_has_its_line_too(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused_by_others) / sizeof(refused_by_others[0]); i++) {
		struct plan *plan = NULL;
		struct why why = {""};
		const char *begins = refused_by_others[i].begins;

		assert_true(read_text(&plan, refused_by_others[i].text, NULL, &why) < 0);
		if (strncmp(short_text(&why), begins, strlen(begins)) != 0)
			fail_msg("%s", why.text);
	}
}

static void a_small_plan_has_the_defaults(void **state)
{
	struct plan *plan = must_read(SMALL, NULL);

	(void)state;
	assert_int_equal(plan->run.duration_ns, INT64_C(60000000000));
	assert_int_equal(plan->workload.workers, 24);
	assert_int_equal(plan->workload.mix.overwrite, 15);
	assert_int_equal(plan->workload.live_bytes_max, 256 << 20);
	assert_true(plan->workload.hot_share > 0.49 && plan->workload.hot_share < 0.51);
	assert_string_equal(plan->store.driver, "kv");
	assert_int_equal(plan->role[0].spares, 2);
	assert_true(plan->role[0].inject);
	assert_false(plan->role[0].deep);
	assert_string_equal(plan->role[0].user, "");
	assert_non_null(plan_gate(plan, "default"));
	assert_int_equal(plan_gate(plan, "default")->steps, 3);
	assert_string_equal(plan_gate(plan, "default")->step[2], "probe");
	assert_ptr_equal(plan_role(plan, "ds"), &plan->role[0]);
	assert_null(plan_role(plan, "dsx"));
	plan_free(plan);
}

static void values_may_hold_what_inih_would_cut(void **state)
{
	char text[4096], args[1024];
	struct plan *plan;

	(void)state;
	memset(args, 'x', sizeof(args) - 1);
	args[sizeof(args) - 1] = 0;
	snprintf(text, sizeof(text),
		 "\xef\xbb\xbf" SMALL
		 "args = %s\r\n  setup = a ; b # c: d = e   \n\n; a comment\n# another\n"
		 "[fault f]\non = ds1, ds2\nrule = %%sync:path=*.wal = 1*error(EIO)\n",
		 args);
	plan = must_read(text, NULL);
	assert_string_equal(plan->role[0].args, args);
	assert_string_equal(plan->role[0].setup, "a ; b # c: d = e");
	assert_string_equal(plan->fault[0].rule, "%sync:path=*.wal = 1*error(EIO)");
	assert_string_equal(plan->fault[0].kind, "point");
	plan_free(plan);
}

static void a_line_that_is_too_long_is_refused(void **state)
{
	char *text = calloc(1, 8192);
	struct plan *plan = NULL;
	struct why why = {""};

	(void)state;
	assert_non_null(text);
	strcpy(text, SMALL "args = ");
	memset(text + strlen(text), 'x', 4100);
	assert_int_equal(read_text(&plan, text, NULL, &why), -EINVAL);
	assert_string_equal(short_text(&why),
			    "p.ini:8: the line has 4107 characters, at most 4000 can be read");
	free(text);
}

static void overrides_go_through_the_same_table(void **state)
{
	static const char *const overrides[] = {"run.seed=7",
						"role.ds.args=--bug a.b=c",
						"fault.wal-eio.weight=9",
						"run.dir=/tmp/x.y",
						"gate.g.step=port",
						"workload.size-max=1M",
						NULL};
	struct plan *plan =
		must_read(SMALL "[fault wal-eio]\nrule = fsync = error(EIO)\non = ds\ngate = g\n"
				"[gate g]\nstep = process\nstep = probe\n",
			  overrides);

	(void)state;
	assert_int_equal(plan->run.seed, 7);
	assert_string_equal(plan->role[0].args, "--bug a.b=c");
	assert_int_equal(plan->fault[0].weight, 9);
	assert_string_equal(plan->run.dir, "/tmp/x.y");
	assert_int_equal(plan_gate(plan, "g")->steps, 1);
	assert_string_equal(plan_gate(plan, "g")->step[0], "port");
	assert_int_equal(plan->workload.size_max, 1 << 20);
	plan_free(plan);
}

static const struct {
	const char *override, *why;
} refused_overrides[] = {
	{"seed=7", "--set seed=7: SECTION.KEY=VALUE or SECTION.NAME.KEY=VALUE was wanted"},
	{"run.sed=7", "--set run.sed=7: unknown key \"sed\", did you mean \"seed\"?"},
	{"role.dx.args=7", "--set role.dx.args=7: the plan has no [role dx]"},
	{"run.net=hos",
	 "--set run.net=hos: net is one of auto, private, host, not \"hos\", did you "
	 "mean \"host\"?"},
};

static void overrides_are_refused_with_their_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused_overrides) / sizeof(refused_overrides[0]); i++) {
		const char *const overrides[] = {refused_overrides[i].override, NULL};
		struct plan *plan = NULL;
		struct why why = {""};

		assert_true(read_text(&plan, SMALL, overrides, &why) < 0);
		assert_string_equal(why.text, refused_overrides[i].why);
	}
}

static char *slurp(const char *path)
{
	char *text = calloc(1, 65536);
	FILE *file = fopen(path, "re");

	assert_non_null(text);
	assert_non_null(file);
	assert_true(fread(text, 1, 65535, file) > 0);
	fclose(file);
	return text;
}

static void a_plan_that_was_written_reads_the_same(void **state)
{
	struct plan *plan =
		must_read(SMALL "[workload]\nhot-share = 12.5%\nmix = get 1\n"
				"[fault f]\nrule = fsync = error(EIO)\nfor = 1500ms\ngate = g\n"
				"[gate g]\nstep = process\nstep = health a.b >= 2\n",
			  NULL);
	struct plan *again = NULL;
	struct why why = {""};
	char first[PATH_MAX], second[PATH_MAX];
	char *a, *b;

	(void)state;
	snprintf(first, sizeof(first), "%s/first.ini", dir);
	snprintf(second, sizeof(second), "%s/second.ini", dir);
	assert_int_equal(plan_write(plan, first, &why), 0);
	assert_int_equal(plan_read(&again, first, NULL, &why), 0);
	assert_int_equal(plan_write(again, second, &why), 0);
	a = slurp(first);
	b = slurp(second);
	/* The first line names the file it was read from. */
	assert_string_equal(strchr(a, '\n'), strchr(b, '\n'));
	assert_non_null(strstr(a, "hot-share = 12.5%"));
	assert_non_null(strstr(a, "for = 1500ms"));
	free(a);
	free(b);
	plan_free(plan);
	plan_free(again);
}

static int count_row(void *arg, const char *section, const char *key, const char *value,
		     const char *range, const char *help)
{
	assert_true(*section && *key && *range && *help);
	assert_non_null(value);
	++*(int *)arg;
	return 0;
}

static void help_lists_every_key(void **state)
{
	int rows = 0;

	(void)state;
	assert_int_equal(plan_help(count_row, &rows), 0);
	assert_true(rows > 40);
}

static void a_plan_that_is_not_there_is_told(void **state)
{
	struct plan *plan = NULL;
	struct why why;

	(void)state;
	assert_int_equal(plan_read(&plan, "/nowhere/p.ini", NULL, &why), -ENOENT);
	assert_string_equal(why.text, "/nowhere/p.ini: No such file or directory");
}

static void phases_are_as_long_as_the_run(void **state)
{
	static const char phases[] = SMALL "[phase a]\nfor = 10s\n[phase b]\nfor = 30s\n";
	struct plan *plan = must_read(phases, NULL);

	(void)state;
	assert_int_equal(plan->run.duration_ns, INT64_C(40000000000));
	plan_free(plan);
	plan = must_read(phases, (const char *const[]){"run.duration=20s", NULL});
	assert_int_equal(plan->run.duration_ns, INT64_C(20000000000));
	assert_int_equal(plan->phase[0].for_ns, INT64_C(5000000000));
	assert_int_equal(plan->phase[1].for_ns, INT64_C(15000000000));
	plan_free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals_tell_the_line_and_the_nearest_name),
		cmocka_unit_test(what_other_parts_refuse_has_its_line_too),
		cmocka_unit_test(a_ready_check_has_its_port),
		cmocka_unit_test(a_small_plan_has_the_defaults),
		cmocka_unit_test(values_may_hold_what_inih_would_cut),
		cmocka_unit_test(a_line_that_is_too_long_is_refused),
		cmocka_unit_test(overrides_go_through_the_same_table),
		cmocka_unit_test(overrides_are_refused_with_their_text),
		cmocka_unit_test(a_plan_that_was_written_reads_the_same),
		cmocka_unit_test(help_lists_every_key),
		cmocka_unit_test(phases_are_as_long_as_the_run),
		cmocka_unit_test(a_plan_that_is_not_there_is_told),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
