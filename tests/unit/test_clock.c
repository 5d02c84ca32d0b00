/*
 * The clocks of nodes: what a page says of a time and of a wait, how a controller sets and ends one,
 * and that the calls about time are armed as long, and no longer.
 */
#include "engine_support.h"

#include "failpoint/core.h"
#include "failpoint/timepage.h"

#define S     INT64_C(1000000000)
#define NOW   (1700000000 * S) /* the machine's */
#define SINCE (1000 * S)       /* CLOCK_MONOTONIC when the clock was bent */

static const struct {
	struct timepage page;
	int64_t age, tells; /* seconds since; the node's clock then, from NOW on */
	int64_t waits_for;  /* a time of the node's clock, from NOW on */
	int64_t awaits;     /* what the machine's says then, from NOW on; INT64_MAX: never */
} cases[] = {
	{{SINCE, 0, 0, 0}, 5, 0, 7 * S, 7 * S},
	{{SINCE, 300 * S, 0, 0}, 5, 300 * S, 310 * S, 10 * S},
	{{SINCE, -30 * S, 0, 0}, 5, -30 * S, 0, 30 * S},
	{{SINCE, 300 * S, 0, 0}, 0, 300 * S, 299 * S, -S}, /* it is over */
	{{SINCE, 0, 200000, 0}, 1000, S / 5, S / 5, 0},    /* 200 ppm */
	{{SINCE, 0, S, 0}, 10, 10 * S, 30 * S, 10 * S},    /* twice as fast */
	{{SINCE, 0, -S / 2, 0}, 10, -5 * S, 0, 10 * S},    /* half as fast */
	{{SINCE, 7 * S, 0, NOW + S}, 99, S, 2 * S, INT64_MAX},
	{{SINCE, 7 * S, 0, NOW + S}, 99, S, S, 0},
	{{SINCE, 0, 0, 0}, -5, 0, INT64_MAX - NOW, INT64_MAX - NOW},
	{{SINCE, 0, S, 0}, -5, 0, 8 * S, 4 * S}, /* a page of the future has gained nothing */
};

static void a_page_tells_and_awaits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct timepage *page = &cases[i].page;
		int64_t now = SINCE + cases[i].age * S, told = timepage_tell(page, NOW, now);
		int64_t awaited = timepage_await(page, NOW + cases[i].waits_for, NOW, now);

		if (told != NOW + cases[i].tells)
			fail_msg("case %zu tells %lld", i, (long long)(told - NOW));
		if (awaited != (cases[i].awaits == INT64_MAX ? INT64_MAX : NOW + cases[i].awaits))
			fail_msg("case %zu awaits %lld", i, (long long)(awaited - NOW));
	}
}

/* Who waits for what the page says finds that it is time, never too early; and not much too late. */
static void waiting_ends_when_the_clock_says_so(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		int64_t drift = (int64_t)(raw_mix(seed, 1) % 2000000000) - 900000000;
		struct timepage page = {.since_ns = SINCE,
					.shift_ns =
						(int64_t)(raw_mix(seed, 2) % (200 * S)) - 100 * S,
					.drift_ppb = drift};
		int64_t now = SINCE + (int64_t)(raw_mix(seed, 3) % (1000 * S));
		int64_t wanted =
			timepage_tell(&page, NOW, now) + (int64_t)(raw_mix(seed, 4) % (100 * S));
		int64_t span = timepage_await(&page, wanted, NOW, now) - NOW;

		assert_in_range(timepage_tell(&page, NOW + span, now + span) + 2 - wanted, 0, 16);
		seed = raw_mix(seed, 5);
	}
}

/* Whatever a page holds, a target asks it and lives. */
static void a_broken_page_breaks_nobody(void **state)
{
	struct plane_clock *clock = &core.clocks[core.node];
	uint64_t seed = 7;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct timepage page;
		int64_t *words = (int64_t *)(void *)clock;

		for (unsigned w = 0; w < sizeof(*clock) / 8; w++)
			words[w] = raw_mix(seed, w) % 4 ? (int64_t)raw_mix(seed, w)
							: (int64_t)(raw_mix(seed, w) % 3) - 1;
		atomic_store(&clock->lease, (uint32_t)(raw_mix(seed, 99) % 2 * 77));
		if (timepage_read(&page)) {
			assert_in_range(page.drift_ppb - TIMEPAGE_DRIFT_MIN, 0,
					TIMEPAGE_DRIFT_MAX - TIMEPAGE_DRIFT_MIN);
			timepage_await(&page, (int64_t)raw_mix(seed, 100),
				       (int64_t)raw_mix(seed, 101), (int64_t)raw_mix(seed, 102));
		}
		seed = raw_mix(seed, 8);
	}
	for (unsigned w = 0; w < sizeof(*clock) / 8; w++)
		((int64_t *)(void *)clock)[w] = 0;
}

static struct control_clock clock_of(const char *node)
{
	struct control_clock clock;

	assert_int_equal(control_clock(control, node, &clock, &why), 0);
	return clock;
}

static void bend(const char *node, struct control_clock clock, int flags)
{
	if (control_clock_set(control, node, &clock, flags, &why))
		fail_msg("%s", why.text);
}

/* To a second: a machine's step must not fail the test. */
static bool is_about(int64_t ns, int64_t wanted)
{
	return ns > wanted - S && ns < wanted + S;
}

static void a_clock_is_bent_for_its_node_alone(void **state)
{
	struct timepage page;

	(void)state;
	assert_false(timepage_read(&page));
	bend("n2", (struct control_clock){.shift_ns = 5 * S}, 0);
	assert_false(timepage_read(&page));
	bend("n1", (struct control_clock){.shift_ns = -7 * S, .drift_ppb = 1000}, 0);
	assert_true(timepage_read(&page));
	assert_int_equal(page.shift_ns, -7 * S);
	assert_int_equal(page.drift_ppb, 1000);
	assert_true(is_about(clock_of("n1").shift_ns, -7 * S));
	assert_string_equal(clock_of("n1").node, "n1");
	assert_false(clock_of("n1").held);
	assert_int_equal(control_clock_clear(control, "n1", &why), 0);
	assert_false(timepage_read(&page));
	assert_int_equal(clock_of("n1").shift_ns, 0);
	assert_true(is_about(clock_of("n2").shift_ns, 5 * S));
	assert_int_equal(control_clock_clear(control, NULL, &why), 0);
	assert_int_equal(clock_of("n2").shift_ns, 0);
}

static void from_here_makes_no_jump(void **state)
{
	struct timepage page;

	(void)state;
	bend("n1", (struct control_clock){.shift_ns = 60 * S}, 0);
	bend("n1", (struct control_clock){.from_here = true, .frozen = true, .shift_ns = 9}, 0);
	assert_true(timepage_read(&page) && page.stands_ns);
	assert_true(is_about(clock_of("n1").shift_ns, 60 * S));
	bend("n1", (struct control_clock){.from_here = true, .drift_ppb = -1000}, 0);
	assert_true(timepage_read(&page) && !page.stands_ns);
	assert_true(is_about(page.shift_ns, 60 * S));
	heal();
	bend("n1", (struct control_clock){.from_here = true, .drift_ppb = 5}, 0);
	assert_int_equal(clock_of("n1").shift_ns / S, 0);
	heal();
}

static void wrong_clocks_are_refused(void **state)
{
	(void)state;
	assert_int_equal(control_clock_set(control, "n3", &(struct control_clock){0}, 0, &why),
			 -ENOENT);
	assert_string_equal(why.text, "unknown node \"n3\", did you mean \"n1\"?");
	assert_int_equal(control_clock_set(control, "n1",
					   &(struct control_clock){.shift_ns = INT64_MAX}, 0, &why),
			 -EINVAL);
	assert_int_equal(
		control_clock_set(control, "n1", &(struct control_clock){.drift_ppb = -S}, 0, &why),
		-EINVAL);
	assert_int_equal(control_clock_set(control, "n1", &(struct control_clock){.shift_ns = 1},
					   CONTROL_HELD, &why),
			 -EPERM);
}

static bool is_armed(unsigned call)
{
	return engine_armed[call] != 0;
}

static void calls_about_time_are_armed_while_it_lasts(void **state)
{
	(void)state;
	pass_fd(CALL_clock_gettime, -1);
	assert_false(is_armed(CALL_clock_gettime));
	bend("n2", (struct control_clock){.shift_ns = 5 * S}, 0);
	assert_true(is_armed(CALL_clock_gettime));
	pass_fd(CALL_clock_gettime, -1);
	assert_false(is_armed(CALL_clock_gettime)); /* another's clock costs one look */
	bend("n1", (struct control_clock){.shift_ns = 5 * S}, 0);
	pass_fd(CALL_clock_gettime, -1);
	assert_true(is_armed(CALL_clock_gettime));
	assert_false(is_armed(CALL_write) && pass_fd(CALL_write, 1) == 0 && is_armed(CALL_write));
	heal();
	pass_fd(CALL_clock_gettime, -1);
	assert_false(is_armed(CALL_clock_gettime));
	assert_int_equal(clock_of("n1").shift_ns, 0);
}

/* A clock set after a heal is not ended by it. */
static void a_heal_ends_what_was_before_it(void **state)
{
	struct timepage page;

	(void)state;
	bend(NULL, (struct control_clock){.frozen = true}, 0);
	assert_true(timepage_read(&page));
	heal();
	assert_false(timepage_read(&page));
	bend(NULL, (struct control_clock){.shift_ns = S}, 0);
	assert_true(timepage_read(&page));
	heal();
}

static struct control *other;

static void *hold_and_end(void *arg)
{
	assert_int_equal(control_open(&other, control_path(control), &why), 0);
	assert_int_equal(control_hold(other, &why), 0);
	assert_int_equal(control_clock_set(other, "n1", &(struct control_clock){.shift_ns = S},
					   CONTROL_HELD, &why),
			 0);
	*(bool *)arg = clock_of("n1").held;
	return NULL; /* and with the thread ends the lease */
}

static void a_held_clock_ends_with_its_controller(void **state)
{
	struct timepage page;
	pthread_t thread;
	bool held = false;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, hold_and_end, &held), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(held);
	assert_false(timepage_read(&page));
	assert_int_equal(clock_of("n1").shift_ns, 0);
	control_close(other);
}

static int count(void *arg, const struct control_clock *clock)
{
	*(char *)arg += clock->node[0] ? 1 : 10;
	return 0;
}

static void those_that_are_bent_are_listed(void **state)
{
	char n = 0;

	(void)state;
	assert_int_equal(control_clocks(control, count, &n), 0);
	assert_int_equal(n, 0);
	bend(NULL, (struct control_clock){.shift_ns = S}, 0);
	assert_int_equal(control_clocks(control, count, &n), 0);
	assert_int_equal(n, 12); /* n1, n2 and those without a node */
	timepage_count();
	assert_int_equal(clock_of("n1").reads, 1);
	bend("n1", (struct control_clock){.shift_ns = S}, 0);
	assert_int_equal(clock_of("n1").reads, 0);
	heal();
}

/* A controller died in mid-write: the next one finds the clock the machine's. */
static void a_half_written_clock_is_discarded(void **state)
{
	struct plane_clock *clock = &core.clocks[core.node];
	struct timepage page;
	pid_t child;

	(void)state;
	bend("n1", (struct control_clock){.shift_ns = S}, 0);
	child = fork();
	if (child == 0) {
		pthread_mutex_lock(&core.head->control);
		atomic_fetch_add(&clock->sequence, 1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_false(timepage_read(&page));
	assert_int_equal(clock_of("n1").shift_ns, 0);
	bend("n1", (struct control_clock){.shift_ns = 3 * S}, 0);
	assert_true(timepage_read(&page));
	heal();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_tells_and_awaits),
		cmocka_unit_test(waiting_ends_when_the_clock_says_so),
		cmocka_unit_test(a_clock_is_bent_for_its_node_alone),
		cmocka_unit_test(from_here_makes_no_jump),
		cmocka_unit_test(wrong_clocks_are_refused),
		cmocka_unit_test(calls_about_time_are_armed_while_it_lasts),
		cmocka_unit_test(a_heal_ends_what_was_before_it),
		cmocka_unit_test(a_held_clock_ends_with_its_controller),
		cmocka_unit_test(those_that_are_bent_are_listed),
		cmocka_unit_test(a_half_written_clock_is_discarded),
		cmocka_unit_test(a_broken_page_breaks_nobody),
	};

	return cmocka_run_group_tests(tests, open_plane, close_plane);
}
