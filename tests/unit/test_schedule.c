/*
 * test_schedule.c - (plan, seed) gives a list, byte for byte.
 *
 * Goal: the same seed prints the same bytes, another seed others; whom and when follow from the
 * plan; what the plan places is placed exactly. Method: plans made here, schedules printed into
 * memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "runner/schedule.h"
#include "runner/seed.h"

#define S 1000000000LL

static struct plan_fault fault(const char *name, const char *kind, const char *on)
{
	struct plan_fault f = {.kind = kind,
			       .on = on,
			       .link = "",
			       .rule = "",
			       .anchor = "",
			       .gate = "",
			       .path = "",
			       .error = "",
			       .weight = 1};

	snprintf(f.name, sizeof(f.name), "%s", name);
	return f;
}

static void add_role(struct plan *plan, const char *name, int count, int spares)
{
	struct plan_role *role = &plan->role[plan->roles++];

	snprintf(role->name, sizeof(role->name), "%s", name);
	role->count = count;
	role->spares = spares;
}

static struct plan *make_plan(uint64_t seed)
{
	struct plan *plan = calloc(1, sizeof(*plan));

	plan->run.seed = seed;
	plan->run.duration_ns = 60 * S;
	plan->run.warmup_ns = 3 * S;
	plan->run.quiet_ns = 5 * S;
	add_role(plan, "ds", 3, 3);
	add_role(plan, "fe", 3, 0);
	plan->fault[plan->faults++] = fault("kill", "kill-start", "ds");
	plan->fault[plan->faults++] = fault("pause", "pause", "fe, ds2");
	plan->fault[plan->faults++] = fault("cut", "one-way", "");
	plan->fault[2].link = "fe>ds";
	plan->fault[plan->faults++] = fault("eio", "eio", "ds");
	plan->fault[3].path = "*.wal";
	return plan;
}

static char *printed(const struct plan *plan)
{
	struct schedule schedule;
	struct why why = {""};
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (schedule_make(&schedule, plan, &why))
		fail_msg("%s", why.text);
	schedule_print(&schedule, to);
	fclose(to);
	schedule_fini(&schedule);
	return text;
}

static void test_same_seed_same_bytes(void **state)
{
	struct plan *one = make_plan(42), *other = make_plan(43);
	char *a = printed(one), *b = printed(one), *c = printed(other);

	(void)state;
	assert_string_equal(a, b);
	assert_string_not_equal(a, c);
	free(a);
	free(b);
	free(c);
	free(one);
	free(other);
}

static void test_every_fault_is_dealt_before_any_is_dealt_twice(void **state)
{
	struct plan *plan = make_plan(1);
	struct schedule s;
	unsigned seen = 0;

	(void)state;
	assert_int_equal(schedule_make(&s, plan, NULL), 0);
	assert_true(s.atoms >= 8);
	for (int i = 0; i < 4; i++)
		seen |= 1u << (s.atom[i].fault - plan->fault);
	assert_int_equal(seen, 15);
	schedule_fini(&s);
	free(plan);
}

static void test_whom_is_of_the_plan(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct plan *plan = make_plan(seed);
		struct schedule s;

		assert_int_equal(schedule_make(&s, plan, NULL), 0);
		for (int i = 0; i < s.atoms; i++) {
			const struct fault_atom *a = &s.atom[i];
			struct anchor anchor;

			if (strcmp(a->fault->name, "cut") == 0) {
				assert_memory_equal(a->from, "fe", 2);
				assert_memory_equal(a->to, "ds", 2);
				assert_true(a->to[2] >= '1' && a->to[2] <= '3'); /* no spare */
			} else if (strcmp(a->fault->name, "pause") == 0) {
				assert_true(a->node[0] == 'f' || strcmp(a->node, "ds2") == 0);
			} else {
				assert_memory_equal(a->node, "ds", 2);
			}
			assert_int_equal(anchor_parse(&anchor, a->anchor, NULL), 0);
		}
		schedule_fini(&s);
		free(plan);
	}
}

static void test_a_fault_taken_out_shifts_no_other(void **state)
{
	struct plan *whole = make_plan(9), *less = make_plan(9);
	struct schedule a, b;
	char first[2][PLAN_NAME_MAX] = {"", ""};

	(void)state;
	less->faults = 3; /* no eio */
	assert_int_equal(schedule_make(&a, whole, NULL), 0);
	assert_int_equal(schedule_make(&b, less, NULL), 0);
	for (int i = a.atoms - 1; i >= 0; i--)
		if (strcmp(a.atom[i].fault->name, "kill") == 0)
			strcpy(first[0], a.atom[i].node);
	for (int i = b.atoms - 1; i >= 0; i--)
		if (strcmp(b.atom[i].fault->name, "kill") == 0)
			strcpy(first[1], b.atom[i].node);
	assert_string_equal(first[0], first[1]);
	schedule_fini(&a);
	schedule_fini(&b);
	free(whole);
	free(less);
}

static void test_what_the_plan_places_comes_first_and_once(void **state)
{
	struct plan *plan = make_plan(5);
	struct schedule s;

	(void)state;
	plan->fault[1].anchor = "time 12s";
	plan->fault[3].anchor = "ack 400";
	assert_int_equal(schedule_make(&s, plan, NULL), 0);
	assert_int_equal(s.fixed, 2);
	assert_string_equal(s.atom[0].anchor, "time 12s");
	assert_string_equal(s.atom[1].anchor, "ack 400");
	for (int i = 2; i < s.atoms; i++)
		assert_string_equal(s.atom[i].fault->anchor, "");
	schedule_fini(&s);
	free(plan);
}

static void test_a_short_run_still_gets_a_fault(void **state)
{
	struct plan *plan = make_plan(5);
	struct schedule s;

	(void)state;
	plan->run.duration_ns = 9 * S;
	assert_int_equal(schedule_make(&s, plan, NULL), 0);
	assert_true(s.atoms >= 1);
	schedule_fini(&s);
	free(plan);
}

static struct fault_atom group_atom(uint64_t seed, const char *kind, const char *on, int *error)
{
	struct plan *plan = make_plan(seed);
	struct fault_atom atom = {.number = 0};
	struct schedule s;

	plan->faults = 0;
	plan->fault[plan->faults++] = fault("group", kind, on);
	plan->fault[0].anchor = "ack 1";
	*error = schedule_make(&s, plan, NULL);
	if (!*error)
		atom = s.atom[0];
	if (!*error)
		schedule_fini(&s);
	free(plan);
	return atom;
}

static int names_in(const char *group)
{
	char name[PLAN_NAME_MAX];
	int n = 0;

	while (fault_group_next(&group, name)) {
		assert_true(strncmp(name, "ds", 2) == 0 || strncmp(name, "fe", 2) == 0);
		assert_true(name[2] >= '1' && name[2] <= '3'); /* no spare */
		n++;
	}
	return n;
}

static void test_groups_are_drawn_from_the_seed(void **state)
{
	struct fault_atom half, same, all, ring;
	bool differs = false;
	int error;

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		half = group_atom(seed, "split", "", &error);
		assert_int_equal(error, 0);
		assert_int_equal(names_in(half.group), 3);
		same = group_atom(seed, "split", "", &error);
		assert_string_equal(half.group, same.group);
		differs |= strcmp(half.group, group_atom(99, "split", "", &error).group) != 0;
		ring = group_atom(seed, "ring", "", &error);
		assert_int_equal(error, 0);
		assert_int_equal(names_in(ring.group), 6);
		assert_string_equal(ring.node, "");
	}
	assert_true(differs);
	all = group_atom(1, "split", "ds1, fe", &error);
	assert_int_equal(names_in(all.group), 4);
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct fault_atom spare = group_atom(seed, "scale-out", "ds", &error);

		assert_int_equal(error, 0);
		assert_memory_equal(spare.node, "ds", 2);
		assert_true(spare.node[2] >= '4' && spare.node[2] <= '6');
	}
	group_atom(1, "scale-out", "fe", &error);
	assert_true(error < 0); /* it has none */
	all = group_atom(1, "rolling-update", "fe", &error);
	assert_int_equal(names_in(all.group), 3);
	group_atom(1, "ring", "ds", &error);
	assert_true(error < 0); /* three see each other in any circle */
	group_atom(1, "split", "fe, ds, ds4, ds5, ds6", &error);
	assert_true(error < 0); /* nobody on the other side */
}

static void test_anchors(void **state)
{
	static const struct {
		const char *text;
		int kind; /* -1: refused */
		int64_t ns;
		uint64_t count;
	} anchors[] = {
		{"ack 400", ANCHOR_ACK, 0, 400},
		{"ack +20", ANCHOR_ACK_MORE, 0, 20},
		{"time 1.5s", ANCHOR_TIME, 1500000000, 0},
		{"after 250ms", ANCHOR_AFTER, 250000000, 0},
		{"hit 3 %sync:path=*.wal", ANCHOR_HIT, 0, 3},
		{"with 30ms", ANCHOR_WITH, 30000000, 0},
		{"", -1, 0, 0},
		{"ack", -1, 0, 0},
		{"ack -1", -1, 0, 0},
		{"ack 4 times", -1, 0, 0},
		{"time soon", -1, 0, 0},
		{"hit 0 fsync", -1, 0, 0},
		{"hit 3", -1, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(anchors) / sizeof(anchors[0]); i++) {
		struct anchor a = {0};
		int r = anchor_parse(&a, anchors[i].text, NULL);

		assert_int_equal(r == 0, anchors[i].kind >= 0);
		if (r)
			continue;
		assert_int_equal(a.kind, anchors[i].kind);
		assert_int_equal(a.ns, anchors[i].ns);
		assert_int_equal(a.count, anchors[i].count);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *on, *link, *anchor;
	} wrong[] = {
		{"dss", "fe>ds", ""},           {"ds7", "fe>ds", ""},
		{"ds0", "fe>ds", ""},           {"ds", "fe", ""},
		{"ds", "ds1>ds1", ""},          {"ds", "fe>ds", "sometimes"},
		{"ds", "fe>ds", "hit 3 %sinc"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct plan *plan = make_plan(1);
		struct schedule s;
		struct why why = {""};

		plan->fault[0].on = wrong[i].on;
		plan->fault[2].link = wrong[i].link;
		plan->fault[0].anchor = wrong[i].anchor;
		assert_true(schedule_make(&s, plan, &why) < 0);
		assert_true(why.text[0]);
		free(plan);
	}
}

static void test_a_budget_beyond_what_the_roles_bear_is_refused(void **state)
{
	struct plan *plan = make_plan(1);
	struct schedule s;
	struct why why = {""};

	(void)state;
	plan->run.budget = 2;
	plan->role[0].survives = 1;
	assert_true(schedule_make(&s, plan, &why) < 0);
	assert_non_null(strstr(why.text, "all roles together bear 1 "));
	free(plan);
}

/* How many nodes of this role a wave disturbs. */
static int disturbed(const struct schedule *s, int wave, const char *role)
{
	int count = 0;

	for (int i = wave; i < s->atoms && s->atom[i].wave == wave; i++) {
		const char *names[] = {s->atom[i].node, s->atom[i].from, s->atom[i].to};

		for (int n = 0; n < 3; n++)
			count += strncmp(names[n], role, 2) == 0;
	}
	return count;
}

static void test_waves_disturb_no_more_than_is_survived(void **state)
{
	int most[2] = {0, 0}, shared = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct plan *plan = make_plan(seed);
		struct schedule s;

		plan->run.budget = 3;
		plan->role[0].survives = 1;
		plan->role[1].survives = 2;
		assert_int_equal(schedule_make(&s, plan, NULL), 0);
		for (int i = 0; i < s.atoms; i++) {
			struct anchor anchor;
			int w = s.atom[i].wave, ds = disturbed(&s, w, "ds"),
			    fe = disturbed(&s, w, "fe");

			assert_int_equal(anchor_parse(&anchor, s.atom[i].anchor, NULL), 0);
			assert_int_equal(anchor.kind == ANCHOR_WITH, w != i);
			assert_true(i - w < 3);
			shared += w != i;
			most[0] = ds > most[0] ? ds : most[0];
			most[1] = fe > most[1] ? fe : most[1];
		}
		schedule_fini(&s);
		free(plan);
	}
	assert_true(shared > 0);
	assert_int_equal(most[0], 1);
	assert_int_equal(most[1], 2);
}

static void add_phase(struct plan *plan, const char *name, int seconds, const char *faults)
{
	struct plan_phase *phase = &plan->phase[plan->phases++];

	snprintf(phase->name, sizeof(phase->name), "%s", name);
	phase->for_ns = seconds * S;
	phase->faults = faults;
}

static void test_a_phase_is_dealt_what_it_allows(void **state)
{
	struct plan *plan = make_plan(3);
	struct schedule s;
	struct why why = {""};

	(void)state;
	add_phase(plan, "warm", 5, "none");
	add_phase(plan, "links", 30, "network, pause");
	add_phase(plan, "rest", 5, "none");
	add_phase(plan, "disks", 30, "disk");
	assert_int_equal(schedule_make(&s, plan, NULL), 0);
	assert_int_equal(s.phases, 4);
	assert_int_equal(s.phase[0].atoms + s.phase[2].atoms, 0);
	assert_true(s.phase[1].atoms > 2 && s.phase[3].atoms > 2);
	for (int i = 0; i < s.atoms; i++) {
		const char *name = s.atom[i].fault->name;

		assert_int_equal(s.atom[i].phase, i < s.phase[3].first ? 1 : 3);
		if (s.atom[i].phase == 1)
			assert_true(strcmp(name, "cut") == 0 || strcmp(name, "pause") == 0);
		else
			assert_string_equal(name, "eio");
	}
	schedule_fini(&s);
	plan->phase[1].faults = "netwrok";
	assert_true(schedule_make(&s, plan, &why) < 0);
	assert_non_null(strstr(why.text, "did you mean \"network\""));
	free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_seed_same_bytes),
		cmocka_unit_test(test_every_fault_is_dealt_before_any_is_dealt_twice),
		cmocka_unit_test(test_whom_is_of_the_plan),
		cmocka_unit_test(test_a_fault_taken_out_shifts_no_other),
		cmocka_unit_test(test_what_the_plan_places_comes_first_and_once),
		cmocka_unit_test(test_a_short_run_still_gets_a_fault),
		cmocka_unit_test(test_groups_are_drawn_from_the_seed),
		cmocka_unit_test(test_anchors),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_a_budget_beyond_what_the_roles_bear_is_refused),
		cmocka_unit_test(test_waves_disturb_no_more_than_is_survived),
		cmocka_unit_test(test_a_phase_is_dealt_what_it_allows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
