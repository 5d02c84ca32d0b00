/*
 * test_control_rules.c - rules are published, replaced, listed, ended; the controllers' lock.
 *
 * The target's side is played by hand: a slot whose armed words are 0, a thread that sleeps in a
 * cell.
 */
#include "control_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>

static bool is_armed(const struct plane_slot *slot, const char *call)
{
	return atomic_load(&slot->armed[calls_find(call, strlen(call))]) != 0;
}

static unsigned count_armed(const struct plane_slot *slot)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CALL_MAX; i++)
		n += atomic_load(&slot->armed[i]) != 0;
	return n;
}

static void publishing_raises_what_the_rule_names(void **state)
{
	struct fixture *f = *state;
	struct plane_slot *slot = fixture_slot(f, 3), *unused = control_slot(f->control, 4);

	fixture_set(f, "fsync = off");
	assert_true(is_armed(slot, "fsync"));
	assert_int_equal(count_armed(slot), 1);
	assert_int_equal(count_armed(unused), 0);
	fixture_set(f, "%sync:ret=ok => %send:unless=close = 1*kill");
	assert_true(is_armed(slot, "fdatasync"));
	assert_true(is_armed(slot, "sendto"));
	assert_true(is_armed(slot, "write")); /* on a socket it is a %send */
	assert_true(is_armed(slot, "close"));
	assert_false(is_armed(slot, "open"));
}

static void publishing_raises_the_failpoints_a_glob_names(void **state)
{
	struct fixture *f = *state;
	struct plane_slot *slot = fixture_slot(f, 0);
	struct plane_point *points = plane_points(f->control->head);
	struct control_rule rule;

	fixture_set(f, "late := ds/* = off");
	assert_int_equal(control_rule(f->control, "late", &rule, NULL), 0);
	assert_true(rule.pending);
	strcpy(points[0].name, "ds/wal");
	atomic_store(&points[0].used, 2);
	strcpy(points[1].name, "fe/put");
	atomic_store(&points[1].used, 2);
	fixture_set(f, "again := ds/* = off");
	assert_int_not_equal(atomic_load(&slot->point[0]), 0);
	assert_int_equal(atomic_load(&slot->point[1]), 0);
	assert_int_equal(control_rule(f->control, "late", &rule, NULL), 0);
	assert_false(rule.pending);
}

static void a_value_on_a_failpoint_without_one_is_refused(void **state)
{
	struct fixture *f = *state;
	struct plane_point *points = plane_points(f->control->head);

	strcpy(points[0].name, "ds/wal");
	atomic_store(&points[0].used, 2);
	assert_int_equal(control_set(f->control, "ds/wal = error(EIO)", 0, NULL, NULL, &f->why),
			 -EINVAL);
	assert_non_null(strstr(f->why.text, "\"ds/wal\""));
	points[0].kinds = 1;
	fixture_set(f, "ds/wal = error(EIO)");
}

static unsigned count_live(struct control *control)
{
	unsigned n = 0;

	for (unsigned w = 0; w < RULE_MAX / 64; w++)
		n += (unsigned)__builtin_popcountll(atomic_load(&control->head->live[w]));
	return n;
}

static void the_same_name_replaces(void **state)
{
	struct fixture *f = *state;
	struct control_rule rule;

	for (uint64_t i = 1; i <= 3000; i++)
		assert_int_equal(fixture_set(f, "a := fsync = off"), i);
	assert_int_equal(count_live(f->control), 1);
	assert_int_equal(control_rule(f->control, "a", &rule, NULL), 0);
	assert_int_equal(rule.id, 3000);
	assert_int_equal(control_rule(f->control, "2999", &rule, NULL), -ENOENT);
}

static void a_full_table_is_an_error_and_nothing_changes(void **state)
{
	struct fixture *f = *state;
	struct control_rule rule;

	for (unsigned i = 0; i < RULE_LIVE_MAX; i++)
		fixture_set(f, "fsync = off");
	assert_int_equal(control_set(f->control, "fsync = off", 0, NULL, NULL, &f->why), -ENOSPC);
	assert_non_null(strstr(f->why.text, "1008"));
	assert_int_equal(control_remove(f->control, "r5", -1, &f->why), 0);
	assert_int_equal(control_set_each(f->control, "x := fsync = off; y := fsync = off", 0, NULL,
					  NULL, &f->why),
			 -ENOSPC);
	assert_int_equal(control_rule(f->control, "x", &rule, NULL), -ENOENT);
	fixture_set(f, "x := fsync = off");
	/* Healed rules stay to be looked at, until their room is wanted. */
	assert_int_equal(control_heal(f->control, -1, &f->why), 0);
	assert_int_equal(control_rule(f->control, "x", &rule, NULL), 0);
	assert_false(rule.live);
	fixture_set(f, "z := fsync = off");
	assert_int_equal(count_live(f->control), 1);
}

static void a_reused_entry_starts_from_nothing(void **state)
{
	struct fixture *f = *state;
	struct plane_slot *slot = fixture_slot(f, 0);
	struct plane_count *counts = plane_counts(f->control->head);
	struct control_rule rule;
	char text[32];

	for (unsigned i = 0; i < RULE_MAX; i++) {
		atomic_store(&counts[i].fires, 7);
		atomic_store(&counts[i].term_fires[1], 7);
		atomic_store(&slot->hits[i], 7);
	}
	snprintf(text, sizeof(text), "%llu", (unsigned long long)fixture_set(f, "fsync = off"));
	assert_int_equal(control_rule(f->control, text, &rule, NULL), 0);
	assert_int_equal(rule.fires + rule.hits + rule.matches + rule.suppressed, 0);
}

static int count_rule(void *arg, const struct control_rule *rule)
{
	uint64_t *last = arg;

	assert_true(rule->id > *last);
	*last = rule->id;
	return 0;
}

/* Four processes change rules at once; what remains is what each left. */
static void several_controllers_at_once(void **state)
{
	enum { CHILDREN = 4, ROUNDS = 300 };
	struct fixture *f = *state;
	pid_t pids[CHILDREN];
	uint64_t last = 0;
	int status;

	for (int c = 0; c < CHILDREN; c++) {
		pids[c] = fork();
		if (pids[c] == 0) {
			struct control *control;
			char text[64], name[16];
			int bad = control_open(&control, "unit", NULL);

			snprintf(name, sizeof(name), "c%d", c);
			snprintf(text, sizeof(text), "c%d := fsync = off", c);
			for (int i = 0; i < ROUNDS && !bad; i++) {
				bad |= control_set(control, text, 0, NULL, NULL, NULL);
				bad |= control_set(control, "shared := read = off", 0, NULL, NULL,
						   NULL);
				bad |= i % 2 ? 0 : control_remove(control, name, -1, NULL);
			}
			_exit(bad ? 1 : 0);
		}
	}
	for (int c = 0; c < CHILDREN; c++) {
		assert_int_equal(waitpid(pids[c], &status, 0), pids[c]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(control_rules(f->control, count_rule, &last), 0);
	assert_int_equal(count_live(f->control), CHILDREN + 1);
}

/* A controller dies while it writes a rule: the half is discarded, all is raised, work goes on. */
static void a_controller_that_died_is_repaired(void **state)
{
	struct fixture *f = *state;
	struct plane_rule *rules = plane_rules(f->control->head);
	struct plane_slot *slot = fixture_slot(f, 0);
	struct control_rule rule;
	pid_t pid;

	fixture_set(f, "good := fsync = off");
	pid = fork();
	if (pid == 0) {
		pthread_mutex_lock(&f->control->head->control);
		atomic_fetch_add(&rules[9].sequence, 1);
		atomic_store(&rules[9].id, 77);
		atomic_fetch_or(&f->control->head->live[0], 1 << 9);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	memset(slot->armed, 0, sizeof(slot->armed));
	assert_int_equal(control_rule(f->control, "good", &rule, &f->why), 0);
	assert_true(rule.live);
	assert_int_equal(control_rule(f->control, "77", &rule, NULL), -ENOENT);
	assert_int_equal(atomic_load(&rules[9].sequence) & 1, 0);
	assert_int_equal(count_live(f->control), 1);
	assert_true(is_armed(slot, "fsync"));
	fixture_set(f, "more := read = off");
}

static void held_rules_end_with_their_holder(void **state)
{
	struct fixture *f = *state;
	struct control_rule rule;
	struct control *other;
	pid_t pid;

	assert_int_equal(control_set(f->control, "fsync = off", CONTROL_HELD, NULL, NULL, &f->why),
			 -EPERM);
	pid = fork();
	if (pid == 0) {
		int bad = control_hold(f->control, NULL);

		bad |= control_set(f->control, "h := fsync = off", CONTROL_HELD, NULL, NULL, NULL);
		_exit(bad ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(control_rule(f->control, "h", &rule, &f->why), 0);
	assert_true(rule.held);
	assert_false(rule.live);

	/* The same lease again does not bring it back; a proper end retires. */
	assert_int_equal(control_open(&other, "unit", &f->why), 0);
	assert_int_equal(control_hold(other, &f->why), 0);
	assert_int_equal(control_rule(f->control, "h", &rule, &f->why), 0);
	assert_false(rule.live);
	assert_int_equal(control_set(other, "k := fsync = off", CONTROL_HELD, NULL, NULL, &f->why),
			 0);
	assert_int_equal(control_rule(f->control, "k", &rule, &f->why), 0);
	assert_true(rule.live);
	control_close(other);
	assert_int_equal(control_rule(f->control, "k", &rule, &f->why), 0);
	assert_false(rule.live);
	assert_int_equal(count_live(f->control), 0);
}

/* What a dead holder left must not act again while its lease is given to the next. */
struct watch {
	struct control *control;
	uint64_t generation;
	_Atomic bool stop, came_back;
};

static void *watch_lease(void *arg)
{
	struct watch *watch = arg;

	while (!watch->stop)
		if (control_lease_is_alive(watch->control, 1, watch->generation))
			watch->came_back = true;
	return NULL;
}

static void a_lease_that_is_taken_again_brings_nothing_back(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < 60; round++) {
		struct watch watch = {.control = f->control};
		struct control *next;
		pthread_t thread;
		pid_t pid = fork();

		if (pid == 0)
			_exit(control_hold(f->control, NULL) ||
			      control_set(f->control, "h := fsync = off", CONTROL_HELD, NULL, NULL,
					  NULL));
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		watch.generation = atomic_load(&plane_leases(f->control->head)[0].generation);
		assert_int_equal(pthread_create(&thread, NULL, watch_lease, &watch), 0);
		assert_int_equal(control_open(&next, "unit", &f->why), 0);
		assert_int_equal(control_hold(next, &f->why), 0);
		watch.stop = true;
		pthread_join(thread, NULL);
		assert_false(watch.came_back);
		control_close(next);
	}
}

static void *close_it(void *arg)
{
	control_close(arg);
	return NULL;
}

/* The lease's mutex hangs in the list of the thread that took it: another one may close, and the
 * first may still lock and unlock others. */
static void another_thread_may_close(void **state)
{
	struct fixture *f = *state;
	struct control *other;
	pthread_t thread;

	assert_int_equal(control_open(&other, "unit", &f->why), 0);
	assert_int_equal(control_hold(other, &f->why), 0);
	assert_int_equal(control_set(other, "k := fsync = off", CONTROL_HELD, NULL, NULL, &f->why),
			 0);
	assert_int_equal(pthread_create(&thread, NULL, close_it, other), 0);
	pthread_join(thread, NULL);
	assert_int_equal(count_live(f->control), 0);
	fixture_set(f, "fsync = off");
}

struct sleeper {
	struct fixture *f;
	struct plane_cell *cell;
};

/* As the engine does: asleep in a cell until it says wake, then out. */
static void *sleep_in_cell(void *arg)
{
	struct sleeper *s = arg;

	while (atomic_load(&s->cell->state) == CELL_PAUSE)
		control_futex_wait(&s->cell->state, CELL_PAUSE, INT64_C(10000000000));
	atomic_store(&s->cell->state, CELL_FREE);
	return NULL;
}

static pthread_t start_sleeper(struct sleeper *s, uint64_t rule)
{
	pthread_t thread;

	s->cell = &control_slot(s->f->control, 2)->cell[1];
	atomic_store(&s->cell->rule, rule);
	atomic_store(&s->cell->tid, (uint32_t)gettid());
	s->cell->site = (uint32_t)calls_find("fsync", 5);
	atomic_store(&s->cell->state, CELL_PAUSE);
	assert_int_equal(pthread_create(&thread, NULL, sleep_in_cell, s), 0);
	return thread;
}

static void release_remove_and_heal_wake(void **state)
{
	struct sleeper s = {.f = *state};
	uint64_t id = fixture_set(s.f, "p := fsync = pause");
	unsigned released;
	pthread_t thread;

	fixture_slot(s.f, 2);
	thread = start_sleeper(&s, id);
	assert_int_equal(control_wait_paused(s.f->control, "p", 1, control_now_ns(), &s.f->why), 0);
	assert_int_equal(control_release(s.f->control, "p", &released, &s.f->why), 0);
	assert_int_equal(released, 1);
	pthread_join(thread, NULL);

	thread = start_sleeper(&s, id);
	assert_int_equal(control_remove(s.f->control, "p", -1, &s.f->why), 0);
	pthread_join(thread, NULL);

	id = fixture_set(s.f, "p := fsync = pause");
	thread = start_sleeper(&s, id);
	assert_int_equal(control_heal(s.f->control, -1, &s.f->why), 0);
	pthread_join(thread, NULL);
}

/* A thread that does not come out is named; one that is dead is not waited for. */
static void heal_names_who_is_left_and_skips_the_dead(void **state)
{
	struct fixture *f = *state;
	uint64_t id = fixture_set(f, "p := fsync = pause");
	struct plane_slot *slot = fixture_slot(f, 2);
	struct plane_cell *cell = &slot->cell[0];

	atomic_store(&cell->rule, id);
	atomic_store(&cell->tid, (uint32_t)gettid());
	cell->site = (uint32_t)calls_find("fsync", 5);
	atomic_store(&cell->state, CELL_PAUSE);
	assert_int_equal(control_heal(f->control, control_now_ns() + 1000000, &f->why), -ETIMEDOUT);
	assert_non_null(strstr(f->why.text, "in \"p\" at fsync"));
	atomic_store(&cell->tid, 0x7ffffff0);
	assert_int_equal(control_heal(f->control, -1, &f->why), 0);
	atomic_store(&cell->tid, (uint32_t)gettid());
	slot->start_ticks++;
	assert_int_equal(control_heal(f->control, -1, &f->why), 0);
}

/* A process that was killed while it paused holds nothing any more. */
static void the_dead_pause_no_more(void **state)
{
	struct fixture *f = *state;
	uint64_t id = fixture_set(f, "p := fsync = pause");
	struct plane_slot *slot = fixture_slot(f, 0);
	struct plane_cell *cell = &slot->cell[0];
	struct control_rule rule;
	unsigned released = 9;

	atomic_store(&cell->rule, id);
	atomic_store(&cell->tid, (uint32_t)gettid());
	atomic_store(&cell->state, CELL_PAUSE);
	assert_int_equal(control_wait_paused(f->control, "p", 1, control_now_ns(), &f->why), 0);
	slot->start_ticks++;
	assert_int_equal(control_wait_paused(f->control, "p", 1, control_now_ns(), &f->why),
			 -ETIMEDOUT);
	assert_int_equal(control_rule(f->control, "p", &rule, &f->why), 0);
	assert_int_equal(rule.inside, 0);
	assert_int_equal(control_release(f->control, "p", &released, &f->why), 0);
	assert_int_equal(released, 0);
}

static void nodes_are_checked_once_there_are_any(void **state)
{
	struct fixture *f = *state;

	fixture_set(f, "fsync:node=anything:role=any = off");
	assert_int_equal(control_node(f->control, "ds1", "ds", 0, &f->why), 0);
	assert_int_equal(control_node(f->control, "ms1", "ms", 0, &f->why), 0);
	assert_int_equal(control_set(f->control, "fsync:node=dss1 = off", 0, NULL, NULL, &f->why),
			 -EINVAL);
	assert_non_null(strstr(f->why.text, "did you mean \"ds1\"?"));
	assert_int_equal(control_set(f->control, "fsync:role=fe = off", 0, NULL, NULL, &f->why),
			 -EINVAL);
	fixture_set(f, "fsync:node=*1:role=ds,ms = off");
	fixture_set(f, "connect:link=ds1>ms1 = refuse");
	fixture_set(f, "connect:link=ds1>* = refuse");
	fixture_set(f, "connect:peer=127.0.0.9 = refuse");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(publishing_raises_what_the_rule_names),
		FIXTURE_TEST(publishing_raises_the_failpoints_a_glob_names),
		FIXTURE_TEST(a_value_on_a_failpoint_without_one_is_refused),
		FIXTURE_TEST(the_same_name_replaces),
		FIXTURE_TEST(a_full_table_is_an_error_and_nothing_changes),
		FIXTURE_TEST(a_reused_entry_starts_from_nothing),
		FIXTURE_TEST(several_controllers_at_once),
		FIXTURE_TEST(a_controller_that_died_is_repaired),
		FIXTURE_TEST(held_rules_end_with_their_holder),
		FIXTURE_TEST(a_lease_that_is_taken_again_brings_nothing_back),
		FIXTURE_TEST(another_thread_may_close),
		FIXTURE_TEST(release_remove_and_heal_wake),
		FIXTURE_TEST(heal_names_who_is_left_and_skips_the_dead),
		FIXTURE_TEST(the_dead_pause_no_more),
		FIXTURE_TEST(nodes_are_checked_once_there_are_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
