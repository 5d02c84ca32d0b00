/*
 * test_external.c - a cluster that was started elsewhere: what a plan may say of it, and the prefix of
 * its objects.
 *
 * Tables of texts, as in test_plan.c. What is refused for an external cluster is refused by name.
 */
#include "plan_texts.h"

#include <errno.h>

#include "runner/driver_prefix.h"
#include "runner/external.h"
#include "runner/fault.h"

#define EXTERNAL "[run]\nexternal = yes\n"
#define PLANE    EXTERNAL "plane = theirs\n"
#define ROLE                                                                             \
	"[store]\nendpoints = ds\n[role ds]\naddresses = 10.0.0.1, 10.0.0.2:7100 host\n" \
	"ready = http://{addr}:{port}/health\n"
#define FAULT "[fault f]\non = ds\n"

static const char *const taken[] = {
	EXTERNAL ROLE,
	EXTERNAL ROLE "count = 3\ncommand =\n[gate default]\nstep = ready\nstep = health x == 0\n",
	EXTERNAL "net = host\non-violation = continue\n" ROLE,
	PLANE ROLE FAULT "kind = eio\npath = *.wal\n",
	PLANE ROLE FAULT "kind = delay\nrule = %sync\n",
	PLANE ROLE FAULT "kind = fds\n",
	PLANE ROLE FAULT "rule = fsync = error(EIO)\nanchor = hit 3 fsync\n",
	EXTERNAL ROLE "offline-command = o\nonline-command = p\n" FAULT
		      "kind = offline\nuntil = default\n",
};

static void what_remains_is_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		struct plan *plan = NULL;
		struct why why = {""};

		if (read_text(&plan, taken[i], NULL, &why))
			fail_msg("%zu: %s", i, why.text);
		assert_int_equal(plan->role[0].count, 3);
		assert_int_equal(plan->run.net, NET_HOST);
		assert_string_not_equal(plan_gate(plan, "default")->step[0], "process");
		plan_free(plan);
	}
}

static const struct {
	const char *text, *has;
} refused[] = {
	{"[run]\nplane = x\n[store]\nendpoints = ds\n[role ds]\ncommand = x\nready = tcp://a:1\n",
	 "p.ini:2: [run] plane: it wants external = yes"},
	{ROLE "command = x\n", "p.ini:4: [role ds] addresses: it wants external = yes"},
	{EXTERNAL "net = private\n" ROLE, "[run] net: from a private network"},
	{EXTERNAL "on-violation = freeze\n" ROLE,
	 "[run] on-violation: with external = yes no node"},
	{EXTERNAL ROLE "command = x\n", "p.ini:8: [role ds] command: with external = yes nothing"},
	{EXTERNAL ROLE "spares = 1\n", "[role ds] spares: with external = yes nothing"},
	{EXTERNAL ROLE "disk = 1M\n", "[role ds] disk: with external = yes nothing"},
	{EXTERNAL ROLE "user = x\n", "[role ds] user: with external = yes nothing"},
	{EXTERNAL ROLE "count = 2\n", "[role ds] count: addresses names 3 nodes, not 2"},
	{EXTERNAL "[store]\nendpoints = ds\n[role ds]\nready = tcp://{addr}:1\n",
	 "[role ds] addresses: it must be given"},
	{EXTERNAL "[store]\nendpoints = ds\n[role ds]\naddresses = a:0\nready = tcp://a:1\n",
	 "[role ds] addresses: \"a:0\" is no address"},
	{EXTERNAL ROLE "[gate g]\nstep = process\n", "[gate g] step: \"process\" is not for"},
	{EXTERNAL ROLE FAULT "kind = eio\npath = *\n",
	 "kind \"eio\" is a rule: external = yes wants"},
	{EXTERNAL ROLE FAULT "rule = fsync = error(EIO)\n", "kind \"point\" is a rule"},
	{EXTERNAL ROLE "offline-command = o\nonline-command = p\n" FAULT
		       "kind = offline\nuntil = default\nanchor = hit 2 fsync\n",
	 "anchor \"hit 2 fsync\" counts hits"},
	{PLANE ROLE FAULT "kind = eio\n", "kind \"eio\" wants path or rule"},
	{PLANE ROLE FAULT "rule = fsync = 1*kill\n", "\"kill\" would end a process"},
	{PLANE ROLE FAULT "rule = fsync = 2*off->abort\n", "\"abort\" would end a process"},
};

static void what_does_not_fit_is_refused_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct plan *plan = NULL;
		struct why why = {""};

		assert_int_equal(read_text(&plan, refused[i].text, NULL, &why), -EINVAL);
		if (!strstr(why.text, refused[i].has))
			fail_msg("%zu: \"%s\" instead of \"%s\"", i, why.text, refused[i].has);
	}
}

/* Every kind that is not a rule in the plane has its name in a refusal; no new one slips through. */
static void kinds_that_touch_processes_and_machines_are_refused(void **state)
{
	static const char *const possible[] = {
		"offline",   "enospc",       "eio", "delay",   "jitter", "short", "throttle",
		"read-only", "corrupt-read", "fds", "threads", "alloc",  "point"};
	const struct fault_kind *kind;

	(void)state;
	for (int i = 0; (kind = fault_kind_at(i)); i++) {
		const struct plan_fault fault = {
			.kind = kind->name,
			.anchor = "",
			.path = "*",
			.rule = kind->class_ == FAULT_POINT ? "fsync = error(EIO)" : "",
			.error = "",
			.on = "",
			.share = 0.1,
			.rate = 1024,
			.bits = 1};
		const struct plan plan = {.run = {.external = true, .plane = "theirs"}};
		struct why why = {""};
		bool may = false;
		int r = fault_external_check(&plan, &fault, kind, &why);

		for (size_t n = 0; n < sizeof(possible) / sizeof(possible[0]); n++)
			may |= strcmp(possible[n], kind->name) == 0;
		if (may != (r == 0) || (r && !strstr(why.text, kind->name)))
			fail_msg("%s: %d %s", kind->name, r, why.text);
	}
}

static void a_plan_that_was_written_reads_the_same(void **state)
{
	struct plan *plan = NULL, *again = NULL;
	struct why why = {""};
	char path[PATH_MAX];

	(void)state;
	assert_int_equal(read_text(&plan, PLANE ROLE, NULL, &why), 0);
	snprintf(path, sizeof(path), "%s/again.ini", dir);
	assert_int_equal(plan_write(plan, path, &why), 0);
	if (plan_read(&again, path, NULL, &why))
		fail_msg("%s", why.text);
	assert_true(again->run.external);
	assert_int_equal(again->role[0].count, 3);
	plan_free(plan);
	plan_free(again);
}

static void addresses_are_read_one_by_one(void **state)
{
	static const struct {
		const char *text, *host;
		int r, port;
	} cases[] = {{"", "", 0, 0},          {" , ", "", 0, 0},
		     {"a", "a", 1, 0},        {"10.0.0.1:80,b", "10.0.0.1", 1, 80},
		     {":80", "", -EINVAL, 0}, {"a:65536", "", -EINVAL, 0},
		     {"a:", "", -EINVAL, 0},  {"::1", "", -EINVAL, 0},
		     {"a:8x", "", -EINVAL, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char host[EXTERNAL_HOST_MAX] = "";
		const char *list = cases[i].text;
		uint16_t port;

		assert_int_equal(external_address_next(&list, host, &port, NULL), cases[i].r);
		if (cases[i].r != 1)
			continue;
		assert_string_equal(host, cases[i].host);
		assert_int_equal(port, cases[i].port);
	}
}

static int page_of_three(void *store, const struct op *op, const struct reply *reply,
			 int (*each)(void *arg, const struct list_entry *entry), void *arg,
			 char *after, size_t after_max, struct why *why)
{
	static const char *const keys[] = {"p/k/1", "p/k/2", "q/k/3"};
	int r = 0;

	(void)store, (void)reply, (void)why;
	assert_string_equal(op->prefix, "p/k/");
	assert_string_equal(op->after, "p/k/0");
	for (int i = 0; i < 3 && r == 0; i++)
		r = each(arg, &(struct list_entry){.key = keys[i], .key_length = 5, .tag = ""});
	snprintf(after, after_max, "p/k/2");
	return r;
}

static int add_key(void *arg, const struct list_entry *entry)
{
	char *end = (char *)arg + strlen(arg);

	sprintf(end, "%.*s ", (int)entry->key_length, entry->key);
	return 0;
}

static void a_prefix_is_seen_by_the_store_alone(void **state)
{
	static const struct driver driver = {.page = page_of_three};
	const struct op put = {.verb = VERB_PUT, .key = "k/1"};
	const struct op list = {.verb = VERB_LIST, .prefix = "k/", .after = "k/0"};
	const struct op first = {.verb = VERB_LIST, .prefix = "k/", .after = ""};
	char keys[64] = "", after[KEY_MAX];
	struct driver_prefixed to;

	(void)state;
	assert_ptr_equal(driver_prefix_op(&to, &put, ""), &put);
	assert_ptr_equal(driver_prefix_op(&to, &put, NULL), &put);
	assert_string_equal(driver_prefix_op(&to, &put, "p/")->key, "p/k/1");
	assert_null(driver_prefix_op(&to, &put, "p/")->prefix);
	assert_string_equal(driver_prefix_op(&to, &first, "p/")->after, "");
	assert_int_equal(driver_prefix_page(&driver, NULL, driver_prefix_op(&to, &list, "p/"), "p/",
					    NULL, add_key, keys, after, sizeof(after), NULL),
			 0);
	assert_string_equal(keys, "k/1 k/2 q/k/3 ");
	assert_string_equal(after, "k/2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_remains_is_taken),
		cmocka_unit_test(what_does_not_fit_is_refused_by_name),
		cmocka_unit_test(kinds_that_touch_processes_and_machines_are_refused),
		cmocka_unit_test(a_plan_that_was_written_reads_the_same),
		cmocka_unit_test(addresses_are_read_one_by_one),
		cmocka_unit_test(a_prefix_is_seen_by_the_store_alone),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
