/*
 * test_gate.c - conditions on health answers, and gates over a small cluster.
 *
 * The conditions are tables. The gates run in a sandbox on servers that answer with a file of their
 * folder, so a test changes a node's health by writing it.
 */
#include "serving.h"

#include <errno.h>
#include <sqlite3.h>

#include "runner/gate.h"
#include "runner/gate_health.h"
#include "runner/net.h"

static const struct {
	const char *condition, *answer;
	int verdict;
} judged[] = {
	{"x == 0", "{\"x\": 0}", 1},
	{"x == 0", "{\"x\": 0.0}", 1},
	{"x == 0", "{\"x\": 3}", 0},
	{"x != 0", "{\"x\": 3}", 1},
	{"x >= 3", "{\"x\": 3}", 1},
	{"x > 3", "{\"x\": 3}", 0},
	{"x < -1.5", "{\"x\": -2}", 1},
	{"x <= 2", "{\"x\": 3}", 0},
	{"a.b.c == 1", "{\"a\": {\"b\": {\"c\": 1}}}", 1},
	{"a.b == 1", "{\"a\": 1}", -ENOENT},
	{"x == up", "{\"x\": \"up\"}", 1},
	{"x == \"all up\"", "{\"x\": \"all up\"}", 1},
	{"x != up", "{\"x\": \"down\"}", 1},
	{"x == true", "{\"x\": true}", 1},
	{"x == true", "{\"x\": false}", 0},
	{"x == null", "{\"x\": null}", 1},
	{"x == 1", "{\"x\": \"one\"}", 0},
	{"x >= 1", "{\"x\": \"one\"}", 0},
	{"x == 1", "{\"y\": 1}", -ENOENT},
	{"x == 1", "oops", -EINVAL},
	{"x == 1", "", -EINVAL},
};

static void conditions_are_judged_on_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(judged) / sizeof(judged[0]); i++) {
		struct health health;
		struct why why = {""};
		int r;

		assert_int_equal(health_parse(&health, judged[i].condition, &why), 0);
		r = health_judge(&health, health.path, judged[i].answer, &why);
		if (r != judged[i].verdict)
			fail_msg("%s on %s: %d", judged[i].condition, judged[i].answer, r);
	}
}

static const struct {
	const char *step, *why; /* NULL: taken */
} steps[] = {
	{"process", NULL},
	{"port", NULL},
	{"ready", NULL},
	{"probe", NULL},
	{"health under_replicated == 0", NULL},
	{"health ms.registered >= 3", NULL},
	{"log ds* \"recovered in [0-9]+ ms\"", NULL},
	{"log ds1 ^ready$", NULL},
	{"command test -e x", NULL},
	{"proces", "unknown step \"proces\", did you mean \"process\"?"},
	{"command", "command wants a shell command"},
	{"port 80", "step \"port\" takes nothing, not \"80\""},
	{"health x", "\"x\" is no condition: MEMBER OP VALUE, as under_replicated == 0"},
	{"health x = 0", "\"=\" is not one of == != < <= > >="},
	{"log", "\"\" is no log step: NODES REGEX, as ds* \"recovered in\""},
	{"log ds*", "\"ds*\" is no log step: NODES REGEX, as ds* \"recovered in\""},
	{"log ds* \"(up\"", "regular expression \"(up\", at byte 4: \"(\" is never closed"},
	{"health x > much", "\"much\" is no number: only == and != compare words"},
};

static void steps_are_checked_by_their_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct why why = {""};
		int r = gate_step_check(steps[i].step, &why);

		assert_int_equal(r, steps[i].why ? -EINVAL : 0);
		assert_string_equal(why.text, steps[i].why ? steps[i].why : "");
	}
}

#define GATES                                                                  \
	"[gate up]\nstep = process\nstep = port\nstep = ready\nstep = probe\n" \
	"step = command test {addrs:ms} = 127.0.0.1\n"                         \
	"[gate health]\nstep = health bad == 0\nlimit = 100ms\n"               \
	"[gate role]\nstep = health ds.bad == 0\nlimit = 100ms\n"              \
	"[gate none]\nstep = health ugly == 0\nlimit = 100ms\n"                \
	"[gate log]\nstep = log ds* \"^serving at .*:7000$\"\nlimit = 100ms\n" \
	"[gate command]\nstep = command echo not yet; exit 2\nlimit = 100ms\n" \
	"[fault a]\nkind = dead\non = ds\ngate = up\nuntil = health\n"         \
	"[fault b]\nkind = dead\non = ds\ngate = role\nuntil = none\n"         \
	"[fault c]\nkind = dead\non = ds\ngate = log\nuntil = command\n"

struct world {
	struct plan *plan;
	struct cluster *cluster;
};

static struct world start_world(const char *dir)
{
	struct world world;
	struct why why = {""};
	struct cluster_options options = {.run_dir = dir, .network = sandbox_network()};

	net_open(NULL);
	world.plan = serving_plan(dir, GATES);
	options.plan = world.plan;
	CHECK_OK(cluster_open(&world.cluster, &options, &why), why);
	CHECK_OK(cluster_start(world.cluster, &why), why);
	return world;
}

static void end_world(const struct world *world)
{
	cluster_close(world->cluster);
	plan_free(world->plan);
}

/* The gate's answer; words must be in what it says. */
static void expect(const struct world *world, const char *gate, int code, const char *words)
{
	struct gate_context context = {.cluster = world->cluster, .fault = -1};
	struct why why = {""};
	int r = gate_pass(plan_gate(world->plan, gate), &context, &why);

	if (r == code && strstr(why.text, words))
		return;
	fprintf(stderr, "gate %s: %d, %s\n", gate, r, why.text);
	failed_checks++;
}

static void restart(const struct world *world, const char *name)
{
	struct node *node = cluster_find(world->cluster, name);
	struct why why = {""};

	CHECK_OK(node_stop(world->cluster, node, &why), why);
	CHECK_OK(node_start(world->cluster, node, &why), why);
	CHECK_OK(node_wait_ready(world->cluster, node, process_now_ns() + INT64_C(10000000000),
				 &why),
		 why);
}

static int pass_gates(const char *dir)
{
	struct world world = start_world(dir);
	struct node *node = cluster_find(world.cluster, "ds2");
	struct why why = {""};

	expect(&world, "up", 0, "");
	expect(&world, "none", -ETIMEDOUT, "no node answers with \"ugly\"");
	expect(&world, "command", -ETIMEDOUT, "exited with status 2: \"not yet\"");
	write_text(node->dir, "health", "{\"bad\": 2}");
	expect(&world, "health", -ETIMEDOUT, "step \"health bad == 0\": ds2: bad is 2");
	write_text(node->dir, "health", "{\"bad\": 0}");
	expect(&world, "health", 0, "");
	/* With a role each of its nodes is meant. */
	expect(&world, "role", -ETIMEDOUT, "ds1: the answer has no \"bad\"");

	CHECK_OK(node_stop(world.cluster, node, &why), why);
	expect(&world, "up", 0, "");
	CHECK_OK(node_start(world.cluster, node, &why), why);
	CHECK_OK(
		node_wait_ready(world.cluster, node, process_now_ns() + INT64_C(10000000000), &why),
		why);
	end_world(&world);
	return 0;
}

static void gates_ask_every_node_that_should_be_up(void **state)
{
	(void)state;
	in_sandbox(pass_gates);
}

static int count_states(const char *path, const char *log)
{
	sqlite3_stmt *s = NULL;
	sqlite3 *db = NULL;
	int n = -1;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, "SELECT count(*) FROM state WHERE pid > 0 AND log LIKE ?", -1,
			       &s, NULL) == SQLITE_OK &&
	    sqlite3_bind_text(s, 1, log, -1, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
		n = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return n;
}

static int note_nodes(const char *dir)
{
	struct world world = start_world(dir);
	struct ledger *ledger;
	struct why why = {""};
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/model.sqlite", dir);
	CHECK_OK(ledger_create(&ledger, path, &why), why);
	gate_note_nodes(world.cluster, ledger);
	CHECK_OK(ledger_close(ledger, &why), why);
	CHECK(count_states(path, "%") == cluster_nodes(world.cluster));
	CHECK(count_states(path, "%serving at 127.0.0.3:7000") == 1);
	end_world(&world);
	return 0;
}

static void every_nodes_state_is_kept(void **state)
{
	(void)state;
	in_sandbox(note_nodes);
}

static void expect_since(const struct world *world, const uint64_t *from, int code,
			 const char *words)
{
	struct gate_context context = {.cluster = world->cluster, .fault = 0, .log_from = from};
	struct why why = {""};
	int r = gate_pass(plan_gate(world->plan, "log"), &context, &why);

	if (r == code && strstr(why.text, words))
		return;
	fprintf(stderr, "gate log: %d, %s\n", r, why.text);
	failed_checks++;
}

static int look_at_logs(const char *dir)
{
	struct world world = start_world(dir);
	uint64_t from[NODE_COUNT_MAX], nothing[NODE_COUNT_MAX] = {0};

	cluster_log_ends(world.cluster, from);
	expect_since(&world, nothing, 0, "");
	expect_since(&world, from, -ETIMEDOUT, "no node has printed such a line");
	/* Of another role: not meant. */
	restart(&world, "ms1");
	expect_since(&world, from, -ETIMEDOUT, "no node has printed such a line");
	restart(&world, "ds2");
	expect_since(&world, from, 0, "");
	end_world(&world);
	return 0;
}

static void a_log_counts_from_the_faults_beginning(void **state)
{
	(void)state;
	in_sandbox(look_at_logs);
}

static int crashed_node(const char *dir)
{
	struct world world = start_world(dir);
	struct node *node = cluster_find(world.cluster, "ds2");

	((struct plan_gate *)plan_gate(world.plan, "up"))->limit_ns = INT64_C(500000000);
	kill(node->pid, SIGKILL);
	while (node_alive(world.cluster, node))
		poll(NULL, 0, 1);
	expect(&world, "up", -ETIMEDOUT, "step \"process\": ds2: it is not running; its log ends:");
	CHECK(node->state == NODE_CRASHED);
	end_world(&world);
	return 0;
}

static void a_crashed_node_keeps_the_gate_shut(void **state)
{
	(void)state;
	in_sandbox(crashed_node);
}

static int at_once(void *arg)
{
	(void)arg;
	return 1;
}

static int cancel(const char *dir)
{
	struct world world = start_world(dir);
	struct gate_context context = {.cluster = world.cluster, .fault = -1, .cancelled = at_once};
	struct why why = {""};

	CHECK(gate_pass(plan_gate(world.plan, "none"), &context, &why) == -ECANCELED);
	end_world(&world);
	return 0;
}

static void a_gate_gives_up_when_told(void **state)
{
	(void)state;
	in_sandbox(cancel);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_are_judged_on_json),
		cmocka_unit_test(steps_are_checked_by_their_words),
		cmocka_unit_test(gates_ask_every_node_that_should_be_up),
		cmocka_unit_test(every_nodes_state_is_kept),
		cmocka_unit_test(a_log_counts_from_the_faults_beginning),
		cmocka_unit_test(a_crashed_node_keeps_the_gate_shut),
		cmocka_unit_test(a_gate_gives_up_when_told),
	};

	serve_if_asked(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
