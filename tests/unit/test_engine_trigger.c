/*
 * Which matches fire? Pictures: one letter a hit, as engine_support.h's letter() draws them. The
 * hits are fsyncs of a real fd, so that nothing but the trigger decides.
 */
#include "engine_support.h"

#include "failpoint/core.h"

static const struct {
	const char *rule, *picture;
} pictures[] = {
	{"fsync = error(EIO)", "FFFFF"},
	{"fsync = 1*error(EIO)", "F...."},
	{"fsync = 3*error(EIO)", "FFF.."},
	{"fsync = 3@error(EIO)", "..F......"},
	{"fsync = 2..4@error(EIO)", ".FFF....."},
	{"fsync = 3+3@error(EIO)", "..F..F..F"},
	{"fsync = 3+@error(EIO)", "..FFFFF"},
	{"fsync = 3+2@2*error(EIO)", "..F.F...."},
	{"fsync = 2..8+3@error(EIO)", ".F..F..F..."},
	{"fsync = 5*off->1*error(EIO)", ".....F..."},
	{"fsync = 2*error(EIO)->1*error(ENOSPC)", "FFN......"},
	{"fsync = 2@error(EIO)->error(ENOSPC)", "NFNNN"},
	{"fsync = 2@1*error(EIO)->4..5@error(ENOSPC)", ".F.NN.."},
	{"fsync = 1*off->2*error(EIO)->off", ".FF....."},
	{"fsync = 1*lie->error(EIO)", ".FFF"},
	{"fsync = 0.0000001%error(EIO)", "........"},
	{"fsync = 1*return(0)->1*error_after(EIO)", ".F......"},
};

static void pictures_are_as_drawn(void **state)
{
	int fd = open("/dev/null", O_RDWR);

	(void)state;
	for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++) {
		char seen[64] = "";

		set_rule(pictures[i].rule);
		for (size_t n = 0; pictures[i].picture[n]; n++)
			seen[n] = letter(pass_fd(CALL_fsync, fd));
		if (strcmp(seen, pictures[i].picture) != 0)
			fail_msg("%s: %s, wanted %s", pictures[i].rule, seen, pictures[i].picture);
		heal();
	}
	close(fd);
}

static void draw(const char *rule, int hits, char *out)
{
	set_rule(rule);
	for (int i = 0; i < hits; i++)
		out[i] = letter(pass_fd(CALL_fsync, 1));
	out[hits] = 0;
	heal();
}

static void chance_depends_on_rule_and_ordinal_alone(void **state)
{
	char a[201], b[201], other[201];
	int fired = 0;

	(void)state;
	draw("a := fsync = 25%error(EIO)", 200, a);
	draw("b := fsync = 25%error(EIO)", 200, b);
	draw("fsync = 25%1000*error(EIO)", 200, other);
	assert_string_equal(a, b);
	assert_string_not_equal(a, other);
	for (int i = 0; i < 200; i++)
		fired += a[i] == 'F';
	assert_in_range(fired, 25, 75);
}

static void chance_is_rolled_before_the_count_is_spent(void **state)
{
	char some[201];
	int left = 3;

	(void)state;
	draw("fsync = 10%3*error(EIO)", 200, some);
	assert_int_not_equal(strncmp(some, "FFF", 3), 0);
	for (int i = 0; i < 200; i++)
		left -= some[i] == 'F';
	assert_int_equal(left, 0);
}

static void an_action_that_cant_apply_spends_nothing(void **state)
{
	struct hit hit;
	uint64_t lengths[] = {0, 1, 10, 10};
	uint64_t wanted[] = {0, 1, 5, 10};

	(void)state;
	set_rule("x := write = 1*short(50%)");
	for (int i = 0; i < 4; i++) {
		hit = hit_of(CALL_write, 1);
		hit.len = lengths[i];
		pass(&hit, 0, 0);
		assert_int_equal(hit.len, wanted[i]);
	}
	assert_int_equal(rule_named("x").fires, 1);
	assert_int_equal(rule_named("x").matches, 4);
	heal();
}

/* A thread may be so late that its rule's entry is another's: nothing is charged to that one. */
static void a_late_thread_spends_nothing_of_a_successor(void **state)
{
	uint64_t id = set_rule("x := fsync = 1*error(EIO)");
	struct hit hit = hit_of(CALL_fsync, 1);
	struct meeting late = {.id = id, .hit = &hit, .phase = PHASE_ENTER};
	struct firing firing;

	(void)state;
	for (unsigned i = 0; i < RULE_MAX; i++)
		if (atomic_load(&core.rules[i].id) == id)
			late.index = i;
	late.entry = &core.rules[late.index];
	late.sequence = atomic_load(&late.entry->sequence);
	count_begin(&core.counts[late.index], id + 1);
	assert_false(trigger_pull(&late, &firing));
	assert_int_equal(atomic_load(&core.counts[late.index].matches), count_word(id + 1, 0));
	assert_int_equal(atomic_load(&core.counts[late.index].term_fires[0]),
			 count_word(id + 1, 0));
	count_begin(&core.counts[late.index], id);
	assert_true(trigger_pull(&late, &firing));
	heal();
}

static void a_closed_fd_gets_its_own_error(void **state)
{
	(void)state;
	set_rule("x := fsync = 1*lie");
	assert_int_equal(pass_fd(CALL_fsync, 999), 0);
	assert_int_equal(rule_named("x").fires, 0);
	heal();
}

static void short_leaves_at_least_one_byte_each_way(void **state)
{
	static const struct {
		const char *rule;
		uint64_t asked, left;
	} rows[] = {
		{"write = short(1)", 2, 1},        {"write = short(100)", 10, 9},
		{"write = short(1%)", 10, 1},      {"write = short(99%)", 10, 9},
		{"write = short(50%)", 1000, 500}, {"write = short(4K)", 8192, 4096},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hit hit = hit_of(CALL_write, 1);

		hit.len = rows[i].asked;
		set_rule(rows[i].rule);
		pass(&hit, 0, 0);
		assert_int_equal(hit.len, rows[i].left);
		heal();
	}
}

static void *draw_in_thread(void *out)
{
	char *picture = out;

	for (int i = 0; i < 3; i++)
		picture[i] = letter(pass_fd(CALL_fsync, 1));
	return NULL;
}

static void per_thread_counts_in_each_thread(void **state)
{
	pthread_t thread;
	char picture[8] = "", own[8] = "";

	(void)state;
	set_rule("x := fsync:per=thread = 2@error(EIO)");
	draw_in_thread(own);
	pthread_create(&thread, NULL, draw_in_thread, picture);
	pthread_join(thread, NULL);
	assert_string_equal(own, ".F.");
	assert_string_equal(picture, ".F.");
	assert_int_equal(rule_named("x").matches, 6);
	heal();
}

static void per_path_and_per_fd_count_each_by_itself(void **state)
{
	char picture[8] = "";

	(void)state;
	set_rule("unlink:per=path = 2@error(EIO)");
	picture[0] = letter(pass_path(CALL_unlink, "/a"));
	picture[1] = letter(pass_path(CALL_unlink, "/b"));
	picture[2] = letter(pass_path(CALL_unlink, "/b"));
	picture[3] = letter(pass_path(CALL_unlink, "/a"));
	assert_string_equal(picture, "..FF");
	heal();
	set_rule("fsync:per=fd = 2@error(EIO)");
	picture[0] = letter(pass_fd(CALL_fsync, 1));
	picture[1] = letter(pass_fd(CALL_fsync, 2));
	picture[2] = letter(pass_fd(CALL_fsync, 2));
	picture[3] = letter(pass_fd(CALL_fsync, 1));
	assert_string_equal(picture, "..FF");
	heal();
}

static void after_and_for_begin_at_publishing(void **state)
{
	int64_t until = deadline();
	bool fired = false;

	(void)state;
	set_rule("fsync:after=1h = error(EIO)");
	assert_int_equal(pass_fd(CALL_fsync, 1), 0);
	heal();
	set_rule("fsync:after=20ms = error(EIO)");
	while (!fired && now_ns() < until)
		fired = pass_fd(CALL_fsync, 1) == EIO;
	assert_true(fired);
	heal();
	set_rule("fsync:for=20ms = error(EIO)");
	while (fired && now_ns() < until)
		fired = pass_fd(CALL_fsync, 1) == EIO;
	assert_false(fired);
	assert_int_equal(engine_armed[CALL_fsync], 0);
	heal();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pictures_are_as_drawn),
		cmocka_unit_test(chance_depends_on_rule_and_ordinal_alone),
		cmocka_unit_test(chance_is_rolled_before_the_count_is_spent),
		cmocka_unit_test(an_action_that_cant_apply_spends_nothing),
		cmocka_unit_test(a_late_thread_spends_nothing_of_a_successor),
		cmocka_unit_test(a_closed_fd_gets_its_own_error),
		cmocka_unit_test(short_leaves_at_least_one_byte_each_way),
		cmocka_unit_test(per_thread_counts_in_each_thread),
		cmocka_unit_test(per_path_and_per_fd_count_each_by_itself),
		cmocka_unit_test(after_and_for_begin_at_publishing),
	};

	return cmocka_run_group_tests(tests, open_plane, close_plane);
}
