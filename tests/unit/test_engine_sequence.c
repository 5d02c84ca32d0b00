/*
 * Rules of several steps: what was before decides. Each row is a story of hits; a capital letter in
 * `acts` says on which of them the last step fires.
 *
 *     s  fsync of fd 1 that succeeds     f  the same, failing       S  fsync of fd 2
 *     w  write on fd 1                   W  write on fd 2           c  close of fd 1
 */
#include "engine_support.h"

#include "failpoint/core.h"

static const struct {
	const char *rule, *story, *acts;
} stories[] = {
	{"fsync => write = error(EIO)", "wsww", "..F."},
	{"fsync => write = error(EIO)", "swsw", ".F.F"},
	{"fsync => write = 1*error(EIO)", "swsw", ".F.."},
	{"fsync => write = 2@error(EIO)", "swsw", "...F"},
	{"fsync:ret=ok => write = error(EIO)", "fwsw", "...F"},
	{"fsync:ret=err => write = error(EIO)", "swfw", "...F"},
	{"fsync => write => close = error(EIO)", "scwcswc", "...F..F"},
	{"fsync => write:unless=close = error(EIO)", "scwsw", "....F"},
	{"fsync => write:within=1h = error(EIO)", "sw", ".F"},
	{"fsync => write:same=fd = error(EIO)", "sWwSW", "..F.F"},
	{"fsync => write:same=pid = error(EIO)", "sW", ".F"},
	{"fsync => write:same=none = error(EIO)", "sW", ".F"},
	{"fsync => write:same=file = error(EIO)", "sWw", "..F"},
	{"fsync:path=/one => write:path=/two = error(EIO)", "SWswsW", ".....F"},
	{"write => write = error(EIO)", "wwww", ".F.F"},
	{"write:ret=ok => write = error(EIO)", "wwww", ".F.F"},
	{"fsync => fsync => fsync = error(EIO)", "ssss", "..F."},
};

static int tell(char what)
{
	int fd = what == 'S' || what == 'W' ? 2 : 1;
	unsigned call = strchr("sSf", what) ? CALL_fsync : what == 'c' ? CALL_close : CALL_write;
	struct hit hit = hit_of(call, fd);

	pass(&hit, what == 'f' ? -1 : 0, what == 'f' ? EINVAL : 0);
	return what == 'f' && hit.err == EINVAL ? 0 : hit.err;
}

static void stories_end_as_told(void **state)
{
	(void)state;
	fakes[1] = (struct subject){.path = "/one", .file = FILE_REG, .device = 1, .inode = 1};
	fakes[2] = (struct subject){.path = "/two", .file = FILE_REG, .device = 1, .inode = 2};
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		char seen[32] = "";

		set_rule(stories[i].rule);
		for (size_t n = 0; stories[i].story[n]; n++)
			seen[n] = letter(tell(stories[i].story[n]));
		if (strcmp(seen, stories[i].acts) != 0)
			fail_msg("%s: %s gave %s, wanted %s", stories[i].rule, stories[i].story,
				 seen, stories[i].acts);
		heal();
	}
}

static void *tell_in_thread(void *what)
{
	return tell(*(const char *)what) ? what : NULL;
}

static bool fires_in_another_thread(const char *what)
{
	pthread_t thread;
	void *fired;

	pthread_create(&thread, NULL, tell_in_thread, (void *)(uintptr_t)what);
	pthread_join(thread, &fired);
	return fired != NULL;
}

static void the_thread_is_the_same_unless_told_otherwise(void **state)
{
	(void)state;
	set_rule("fsync => write = error(EIO)");
	tell('s');
	assert_false(fires_in_another_thread("w"));
	assert_int_equal(tell('w'), EIO);
	heal();
	set_rule("fsync => write:same=node = error(EIO)");
	tell('s');
	assert_true(fires_in_another_thread("w"));
	heal();
}

static void what_is_too_late_does_not_count(void **state)
{
	int64_t until;

	(void)state;
	set_rule("fsync => write:within=1ms = error(EIO)");
	tell('s');
	until = now_ns() + 2000000;
	while (now_ns() < until)
		;
	assert_int_equal(tell('w'), 0);
	heal();
}

static void a_healed_sequence_is_forgotten(void **state)
{
	(void)state;
	set_rule("x := fsync => write = error(EIO)");
	tell('s');
	heal();
	set_rule("x := fsync => write = error(EIO)");
	assert_int_equal(tell('w'), 0);
	heal();
}

/* More threads than the table has places near each other: those that wait for nothing are reused.
 */
static void idle_states_are_given_away(void **state)
{
	char path[32];

	(void)state;
	set_rule("unlink => mkdir:same=file = error(EIO)");
	for (int i = 0; i < 3 * SCOPE_MAX; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		pass_path(CALL_unlink, path);
		assert_int_equal(pass_path(CALL_mkdir, path), EIO);
	}
	heal();
}

/* ---- The table of scopes ---- */

enum { TENTATIVE = 4, FREED = 1 };

static struct plane_scope *place(uint64_t key, unsigned probe)
{
	return &core.scopes[(key / 8 + probe) & (SCOPE_MAX - 1)];
}

/* Whoever was making it elsewhere was killed, or is slower. */
static void a_counter_has_one_place(void **state)
{
	uint64_t key = scope_key(1000000, SCOPE_ORDINAL, 0, 1);

	(void)state;
	atomic_store(&place(key, 0)->key, FREED);
	atomic_store(&place(key, 1)->key, key | TENTATIVE);
	assert_ptr_equal(scope_find(key, 1000000, true), place(key, 0));
	assert_int_equal(atomic_load(&place(key, 0)->key), key);
	assert_int_equal(atomic_load(&place(key, 1)->key), FREED);
	atomic_store(&place(key, 0)->key, FREED);
	atomic_store(&place(key, 1)->key, key);
	assert_ptr_equal(scope_find(key, 1000000, true), place(key, 1));
	atomic_store(&place(key, 1)->key, FREED);
}

static void a_counter_starts_at_one_wherever_it_is(void **state)
{
	uint64_t key = scope_key(1000000, SCOPE_ORDINAL, 0, 2);
	struct plane_scope *scope = scope_find(key, 1000000, true);

	(void)state;
	/* Left by a thread that counted for the rule before. */
	atomic_store(&scope->count, count_word(~key, 5));
	assert_int_equal(scope_count(scope, key), 1);
	assert_int_equal(scope_count(scope, key), 2);
	/* And it is such a thread itself. */
	atomic_store(&scope->key, FREED);
	atomic_store(&scope->count, 0);
	assert_int_equal(scope_count(scope, key), 0);
}

static _Atomic unsigned ordinals[4];

static void *count_key(void *key)
{
	while (ordinals[0] < 20000) {
		uint64_t number = *(uint64_t *)key + ordinals[0] / 100;
		uint64_t own = scope_key(1000001, SCOPE_ORDINAL, 1, number);
		struct plane_scope *scope = scope_find(own, 1000001, true);

		if (scope && scope_count(scope, own) == 1)
			ordinals[1]++;
		ordinals[0]++;
	}
	return NULL;
}

/* Many threads make each of the same keys at about the same time: one of them counts the first. */
static void racing_threads_count_each_first_once(void **state)
{
	static uint64_t key = 1 << 20;
	pthread_t threads[4];
	unsigned keys = 0;

	(void)state;
	for (unsigned i = 0; i < SCOPE_MAX; i++)
		if (i % 2)
			atomic_store(&core.scopes[i].key, FREED);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_key, &key), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < SCOPE_MAX; i++)
		keys += atomic_load(&core.scopes[i].extra) == 1000001;
	assert_int_equal(ordinals[1], keys);
}

/* How many entries have a time that is yet to come. */
static unsigned count_debts(void)
{
	unsigned debts = 0;

	for (unsigned i = 0; i < SCOPE_MAX; i++)
		debts += atomic_load(&core.scopes[i].ns) > now_ns();
	return debts;
}

/* A rate's debt goes with its rule, and is not made by a call that ends later. */
static void a_rule_that_is_gone_leaves_no_debt(void **state)
{
	struct hit hit = hit_of(CALL_write, 1);

	(void)state;
	hit.len = 1000000;
	set_rule("a := write = rate(1000/s)");
	pass(&hit, 1000000, 0);
	assert_int_equal(count_debts(), 1);
	set_rule("a := write = rate(2000/s)");
	assert_int_equal(count_debts(), 0);

	hit.len = 1000000;
	assert_int_equal(engine_enter(&hit), HIT_CALL);
	set_rule("a := write = rate(3000/s)");
	hit.ret = 1000000;
	engine_leave(&hit);
	assert_int_equal(count_debts(), 0);
	heal();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stories_end_as_told),
		cmocka_unit_test(the_thread_is_the_same_unless_told_otherwise),
		cmocka_unit_test(what_is_too_late_does_not_count),
		cmocka_unit_test(a_healed_sequence_is_forgotten),
		cmocka_unit_test(idle_states_are_given_away),
		cmocka_unit_test(a_counter_has_one_place),
		cmocka_unit_test(a_counter_starts_at_one_wherever_it_is),
		cmocka_unit_test(a_rule_that_is_gone_leaves_no_debt),
		cmocka_unit_test(racing_threads_count_each_first_once),
	};

	return cmocka_run_group_tests(tests, open_plane, close_plane);
}
