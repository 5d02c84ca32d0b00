/*
 * test_fault_net.c - which links the network faults leave open, and that they heal.
 *
 * Goal: for each kind, every pair of nodes is asked for a packet: the right ones and only they don't
 * carry. Method: the nodes of a cluster that is not started, whose addresses are enough; a probe
 * between any two. What the shapes do to packets is test_net_queue.c's.
 */
#include "linked.h"
#include "serving.h"

#include <sys/mount.h>

#include "runner/fault.h"
#include "runner/ledger.h"

enum { NODES = 6 }; /* ms1, ms2, ds1, ds2, ds3 and a spare ds4 */
static const char *const names[NODES] = {"ms1", "ms2", "ds1", "ds2", "ds3", "ds4"};

static struct {
	struct plan *plan;
	struct ledger *ledger;
	struct cluster *cluster;
	struct fault_context context;
} world;

static void open_world(const char *dir)
{
	struct cluster_options options = {.run_dir = dir, .network = 0x7f000000};
	struct why why = {""};
	char path[PATH_MAX];

	open_net();
	world.plan = serving_plan(dir, "");
	world.plan->role[0].count = 2;
	world.plan->role[1].count = 3;
	options.plan = world.plan;
	snprintf(path, sizeof(path), "%s/model.sqlite", dir);
	CHECK_OK(ledger_create(&world.ledger, path, &why), why);
	options.ledger = world.ledger;
	CHECK_OK(cluster_open(&world.cluster, &options, &why), why);
	CHECK(cluster_nodes(world.cluster) == NODES);
	world.context.plan = world.plan;
	world.context.cluster = world.cluster;
	world.context.ledger = world.ledger;
}

static void close_world(void)
{
	cluster_close(world.cluster);
	ledger_close(world.ledger, NULL);
	plan_free(world.plan);
	net_queue_close();
}

static uint32_t address(int i)
{
	return cluster_find(world.cluster, names[i])->address;
}

/* A picture of who reaches whom: a line of NODES for each sender. What should be open is waited for,
 * but not for as long as a delayed packet takes. */
static void draw_links(char picture[NODES * (NODES + 1)], const char *expected)
{
	for (int i = 0; i < NODES; i++) {
		for (int j = 0; j < NODES; j++) {
			int at = i * (NODES + 1) + j, limit_ms = expected[at] == 'o' ? 5000 : 20;

			picture[at] = i == j                                        ? '.'
				      : net_probe(address(i), address(j), limit_ms) ? 'o'
										    : 'x';
		}
		picture[i * (NODES + 1) + NODES] = i + 1 < NODES ? ' ' : '\0';
	}
}

static void check_links(const char *kind, const char *expected)
{
	char picture[NODES * (NODES + 1)];

	draw_links(picture, expected);
	if (strcmp(picture, expected) == 0)
		return;
	fprintf(stderr, "%s:\n%s instead of\n%s\n", kind, picture, expected);
	CHECK(!"the links");
}

static const char open_links[] = ".ooooo o.oooo oo.ooo ooo.oo oooo.o ooooo.";

static const struct {
	const char *kind, *node, *from, *to, *group, *links;
} faults[] = {
	{"one-way", "", "ms1", "ds2", "", ".ooxoo o.oooo oo.ooo ooo.oo oooo.o ooooo."},
	{"one-way", "", "ds2", "ms1", "", ".ooooo o.oooo oo.ooo xoo.oo oooo.o ooooo."},
	{"partition", "", "ms1", "ds2", "", ".ooxoo o.oooo oo.ooo xoo.oo oooo.o ooooo."},
	{"isolate", "ds1", "", "", "", ".oxooo o.xooo xx.xxx oox.oo ooxo.o ooxoo."},
	{"split", "", "", "", "ms1 ds2 ds3", ".xxoox x.oxxo xo.xxo oxx.ox oxxo.x xooxx."},
	{"ring", "", "", "", "ms1 ms2 ds1 ds2", ".oxooo o.oxoo xo.ooo oxo.oo oooo.o ooooo."},
	{"loss", "", "ms1", "ds2", "", ".ooxoo o.oooo oo.ooo ooo.oo oooo.o ooooo."},
	{"link-delay", "", "ds2", "ms1", "", ".ooooo o.oooo oo.ooo xoo.oo oooo.o ooooo."},
};

static struct node *find_node(const char *name)
{
	return name[0] ? cluster_find(world.cluster, name) : NULL;
}

/* What a shape does to a packet, its own thread does and counts. */
static bool soon(bool (*is)(struct fault_run *run, const struct fault_context *c),
		 struct fault_run *run)
{
	int64_t deadline_ns = process_now_ns() + LIMIT_MS * MS;

	while (!is(run, &world.context)) {
		if (process_now_ns() > deadline_ns)
			return false;
		poll(NULL, 0, 5);
	}
	return true;
}

static void try_fault(size_t i)
{
	struct plan_fault fault = {.kind = faults[i].kind, .share = 1.0, .delay_ns = 10000 * MS};
	struct fault_atom atom = {.fault = &fault, .kind = fault_kind(fault.kind, NULL)};
	struct fault_run run = {.atom = &atom};
	struct why why = {""};

	snprintf(atom.group, sizeof(atom.group), "%s", faults[i].group);
	run.node = find_node(faults[i].node);
	run.from = find_node(faults[i].from);
	run.to = find_node(faults[i].to);
	CHECK_OK(atom.kind->apply(&run, &world.context, &why), why);
	CHECK(!atom.kind->applied(&run, &world.context)); /* nothing has come by yet */
	CHECK(!atom.kind->healed(&run, &world.context));
	check_links(fault.kind, faults[i].links);
	CHECK(soon(atom.kind->applied, &run));
	CHECK(run.fires > 0);
	CHECK_OK(atom.kind->heal(&run, &world.context, &why), why);
	CHECK(soon(atom.kind->healed, &run));
	check_links("healed", open_links);
}

static int tries_all(const char *dir)
{
	open_world(dir);
	check_links("at the start", open_links);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		try_fault(i);
	close_world();
	return 0;
}

static void each_cuts_its_links_and_heals(void **state)
{
	(void)state;
	in_sandbox(tries_all);
}

/* In the sandbox's own mount namespace: the same by iptables. */
static int tries_without_nft(const char *dir)
{
	if (mount("/dev/null", "/usr/sbin/nft", NULL, MS_BIND, NULL))
		return 1;
	return tries_all(dir);
}

static void iptables_cuts_the_same(void **state)
{
	(void)state;
	in_sandbox(tries_without_nft);
}

/* Something else is still in the way. */
static int is_not_healed_before_it_carries(const char *dir)
{
	struct plan_fault fault = {.kind = "one-way"};
	struct fault_atom atom = {.fault = &fault, .kind = fault_kind(fault.kind, NULL)};
	struct fault_run run = {.atom = &atom};
	struct why why = {""};
	uint64_t other;

	open_world(dir);
	run.from = find_node("ms1");
	run.to = find_node("ds1");
	CHECK_OK(atom.kind->apply(&run, &world.context, &why), why);
	CHECK_OK(net_cut(run.to->address, run.from->address, &other, &why), why);
	CHECK_OK(atom.kind->heal(&run, &world.context, &why), why);
	CHECK(!atom.kind->healed(&run, &world.context));
	CHECK_OK(net_heal(other, &why), why);
	CHECK(soon(atom.kind->healed, &run));
	close_world();
	return 0;
}

static void a_link_is_healed_when_it_carries_both_ways(void **state)
{
	(void)state;
	in_sandbox(is_not_healed_before_it_carries);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cuts_its_links_and_heals),
		cmocka_unit_test(iptables_cuts_the_same),
		cmocka_unit_test(a_link_is_healed_when_it_carries_both_ways),
	};

	serve_if_asked(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
