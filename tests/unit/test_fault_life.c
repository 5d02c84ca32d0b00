/*
 * test_fault_life.c - crash loops, updates, replacement, joining and leaving, on a real cluster.
 *
 * A cluster of small servers in a sandbox; each fault is applied and healed as a run does it. What
 * happened is read from the nodes: how often they started, as what, and what is in their folders.
 */
#include "serving.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>

#include "runner/fault.h"
#include "runner/ledger.h"
#include "runner/net.h"

enum { LIMIT_MS = 20000 };

static struct {
	struct plan *plan;
	struct ledger *ledger;
	struct cluster *cluster;
	struct fault_context context;
	int passed;           /* gates */
	int answer;           /* of the next ones */
	const char *downtime; /* the node that was down at the last one */
} world;

static int pass_gate(void *arg, const char *gate, int fault, struct why *why)
{
	(void)arg;
	(void)fault;
	world.passed += strcmp(gate, "g") == 0;
	world.downtime = NULL;
	for (int i = 0; i < cluster_nodes(world.cluster); i++)
		if (!node_alive(world.cluster, cluster_node(world.cluster, i)))
			world.downtime = cluster_node(world.cluster, i)->name;
	return world.answer ? why_set(why, world.answer, "not met") : 0;
}

static void open_world(const char *dir)
{
	struct cluster_options options = {.run_dir = dir, .network = 0x7f000000};
	struct why why = {""};
	char more[PATH_MAX + 256], path[PATH_MAX];

	CHECK_OK(net_open(&why), why);
	snprintf(more, sizeof(more),
		 "update-command = /bin/sh -c 'touch updated; exec %s serve {addr} 7000'\n"
		 "offline-command = echo out >>told\nonline-command = echo back >>told\n"
		 "disk = 4M\n",
		 own_path);
	options.plan = world.plan = serving_plan(dir, more);
	snprintf(path, sizeof(path), "%s/model.sqlite", dir);
	CHECK_OK(ledger_create(&world.ledger, path, &why), why);
	options.ledger = world.ledger;
	CHECK_OK(cluster_open(&world.cluster, &options, &why), why);
	CHECK_OK(cluster_start(world.cluster, &why), why);
	world.context = (struct fault_context){.plan = world.plan,
					       .cluster = world.cluster,
					       .ledger = world.ledger,
					       .pass_gate = pass_gate};
}

static void close_world(void)
{
	cluster_close(world.cluster);
	ledger_close(world.ledger, NULL);
	plan_free(world.plan);
}

static struct node *node(const char *name)
{
	return cluster_find(world.cluster, name);
}

static bool has_file(const char *name, const char *file)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", node(name)->dir, file);
	return access(path, F_OK) == 0;
}

/* What the commands of the role were run for, about this node. */
static bool was_told(const char *name, const char *lines)
{
	char path[PATH_MAX], text[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/told", node(name)->dir);
	file = fopen(path, "re");
	if (file) {
		text[fread(text, 1, sizeof(text) - 1, file)] = 0;
		fclose(file);
	}
	return strcmp(text, lines) == 0;
}

struct trial {
	struct plan_fault fault;
	struct fault_atom atom;
	struct fault_run run;
};

static void apply(struct trial *t, const char *kind, const char *name, const char *group)
{
	struct why why = {""};

	memset(t, 0, sizeof(*t));
	t->fault.kind = kind;
	t->fault.gate = t->fault.until = "g";
	t->atom.fault = &t->fault;
	t->atom.kind = fault_kind(kind, NULL);
	t->run.atom = &t->atom;
	t->run.node = name[0] ? node(name) : NULL;
	snprintf(t->atom.group, sizeof(t->atom.group), "%s", group);
	CHECK_OK(t->atom.kind->apply(&t->run, &world.context, &why), why);
}

static void begin(struct trial *t, const char *kind, const char *name, const char *group)
{
	apply(t, kind, name, group);
	for (int ms = 0; ms < LIMIT_MS && !t->atom.kind->applied(&t->run, &world.context); ms++)
		poll(NULL, 0, 1);
	CHECK(t->run.fires > 0);
}

static void end(struct trial *t)
{
	struct why why = {""};

	CHECK_OK(t->atom.kind->heal(&t->run, &world.context, &why), why);
	CHECK(t->atom.kind->healed(&t->run, &world.context));
	for (int i = 0; i < cluster_nodes(world.cluster); i++)
		CHECK(node_alive(world.cluster, cluster_node(world.cluster, i)));
}

static int crashes(const char *dir)
{
	struct trial t;

	open_world(dir);
	begin(&t, "crash-loop", "ds1", "");
	CHECK(t.run.fires == 5);
	CHECK(node("ds1")->starts == 5);
	end(&t);
	CHECK(node("ds1")->starts == 6);
	CHECK(node("ds1")->crashes == 0); /* all of it was asked for */
	close_world();
	return 0;
}

static int updates(const char *dir)
{
	struct trial t;

	open_world(dir);
	begin(&t, "update", "ds1", "");
	CHECK(!node_alive(world.cluster, node("ds1")));
	end(&t);
	CHECK(has_file("ds1", "updated") && !has_file("ds2", "updated"));
	begin(&t, "update", "ds1", "");
	end(&t);
	CHECK(!node("ds1")->updated); /* back to the old one */
	world.passed = 0;
	begin(&t, "rolling-update", "", "ds2 ds1");
	CHECK(t.run.fires == 2 && world.passed == 2 && !world.downtime);
	end(&t);
	CHECK(has_file("ds2", "updated"));
	CHECK(node("ds1")->updated && node("ds2")->updated && !node("ds3")->updated);
	close_world();
	return 0;
}

static int rolls_no_further(const char *dir)
{
	struct why why = {""};
	struct trial t;

	open_world(dir);
	world.answer = -ETIMEDOUT;
	memset(&t, 0, sizeof(t));
	t.fault.gate = "g";
	t.atom.fault = &t.fault;
	t.atom.kind = fault_kind("rolling-update", NULL);
	t.run.atom = &t.atom;
	strcpy(t.atom.group, "ds2 ds1");
	CHECK(t.atom.kind->apply(&t.run, &world.context, &why) == -ETIMEDOUT);
	CHECK(node("ds2")->updated && !node("ds1")->updated);
	end(&t);
	close_world();
	return 0;
}

static int replaces(const char *dir)
{
	struct why why = {""};
	struct trial t;

	open_world(dir);
	write_text(node("ds1")->dir, "data", "x");
	write_text(node("ds2")->dir, "data", "x");
	world.passed = 0;
	begin(&t, "dead", "ds1", "");
	CHECK(world.passed == 0);
	end(&t);
	CHECK(world.passed == 1 && world.downtime == node("ds1")->name);
	CHECK(!has_file("ds1", "data") && has_file("ds2", "data"));
	/* Data that has no copies elsewhere is not thrown away. */
	begin(&t, "dead", "ds2", "");
	world.answer = -ETIMEDOUT;
	CHECK(t.atom.kind->heal(&t.run, &world.context, &why) == -ETIMEDOUT);
	CHECK(has_file("ds2", "data"));
	CHECK(node_wipe(world.cluster, node("ds1"), &why) == -EBUSY);
	close_world();
	return 0;
}

static int moves(const char *dir)
{
	struct trial t;

	open_world(dir);
	world.passed = 0;
	begin(&t, "scale-out", "ds3", "");
	CHECK(!node("ds3")->spare && node("ds3")->starts == 2);
	CHECK(was_told("ds3", "") && world.passed == 0);
	end(&t);
	CHECK(node("ds3")->spare && node("ds3")->starts == 3);
	CHECK(was_told("ds3", "out\nback\n") && world.passed == 2 && !world.downtime);
	begin(&t, "scale-in", "ds1", "");
	CHECK(node("ds1")->spare && was_told("ds1", "out\nback\n") && world.passed == 3);
	end(&t);
	CHECK(!node("ds1")->spare && world.passed == 3);
	close_world();
	return 0;
}

static int goes_offline(const char *dir)
{
	struct why why = {""};
	struct trial t;

	open_world(dir);
	world.passed = 0;
	begin(&t, "offline", "ds1", "");
	CHECK(was_told("ds1", "out\n") && world.passed == 1 && !world.downtime);
	CHECK(!node_alive(world.cluster, node("ds1")));
	end(&t);
	CHECK(was_told("ds1", "out\nback\n") && node("ds1")->starts == 2);
	/* One whose data does not move is not stopped, is taken back all the same, and that is told. */
	world.answer = -ETIMEDOUT;
	begin(&t, "offline", "ds2", "");
	CHECK(node_alive(world.cluster, node("ds2")) && node("ds2")->starts == 1);
	CHECK(t.atom.kind->heal(&t.run, &world.context, &why) == -ETIMEDOUT);
	CHECK(strstr(why.text, "its data did not move: not met"));
	CHECK(was_told("ds2", "out\nback\n"));
	close_world();
	return 0;
}

static void a_crash_loop_kills_again_and_again(void **state)
{
	(void)state;
	in_sandbox(crashes);
}

static void an_update_starts_the_other_version(void **state)
{
	(void)state;
	in_sandbox(updates);
}

static void a_roll_stops_at_a_gate_that_is_not_met(void **state)
{
	(void)state;
	in_sandbox(rolls_no_further);
}

static void the_dead_are_replaced_once_their_data_is_elsewhere(void **state)
{
	(void)state;
	in_sandbox(replaces);
}

static void spares_join_and_servers_leave_for_a_while(void **state)
{
	(void)state;
	in_sandbox(moves);
}

static void a_server_goes_offline_once_its_data_has_moved(void **state)
{
	(void)state;
	in_sandbox(goes_offline);
}

/* The server makes room after the disk was filled, as one does that is done with a log. */
static int fills_again(const char *dir)
{
	static char log[1 << 20];
	struct statvfs disk;
	struct trial t;
	char path[PATH_MAX];
	int fd;

	open_world(dir);
	snprintf(path, sizeof(path), "%s/old.log", node("ds1")->dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(write(fd, log, sizeof(log)) == sizeof(log));
	close(fd);
	apply(&t, "full", "ds1", "");
	CHECK(unlink(path) == 0);
	CHECK(t.atom.kind->applied(&t.run, &world.context));
	CHECK(statvfs(node("ds1")->dir, &disk) == 0 && disk.f_bavail * disk.f_bsize < 65536);
	end(&t);
	CHECK(statvfs(node("ds1")->dir, &disk) == 0 && disk.f_bavail * disk.f_bsize >= 3 << 20);
	close_world();
	return 0;
}

static void a_full_disk_stays_full_where_the_server_makes_room(void **state)
{
	(void)state;
	in_sandbox(fills_again);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crash_loop_kills_again_and_again),
		cmocka_unit_test(an_update_starts_the_other_version),
		cmocka_unit_test(a_roll_stops_at_a_gate_that_is_not_met),
		cmocka_unit_test(the_dead_are_replaced_once_their_data_is_elsewhere),
		cmocka_unit_test(spares_join_and_servers_leave_for_a_while),
		cmocka_unit_test(a_full_disk_stays_full_where_the_server_makes_room),
		cmocka_unit_test(a_server_goes_offline_once_its_data_has_moved),
	};

	serve_if_asked(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
