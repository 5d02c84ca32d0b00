/*
 * Which rules does a hit meet, in what order, with what effect? And when does a site stop asking?
 */
#include "engine_support.h"

static void the_first_result_wins_and_the_others_are_suppressed(void **state)
{
	(void)state;
	set_rule("a := fsync = error(EIO)");
	set_rule("b := fsync = 1*error(ENOSPC)");
	set_rule("c := fsync = print(\"seen\")");
	assert_int_equal(pass_fd(CALL_fsync, 1), EIO);
	assert_int_equal(rule_named("a").fires, 1);
	assert_int_equal(rule_named("b").fires, 0);
	assert_int_equal(rule_named("b").suppressed, 1);
	assert_int_equal(rule_named("b").matches, 1);
	assert_int_equal(rule_named("c").fires, 1);
	assert_int_equal(control_remove(control, "a", deadline(), &why), 0);
	assert_int_equal(pass_fd(CALL_fsync, 1), ENOSPC);
	assert_int_equal(rule_named("b").suppressed, 1);
	heal();
}

static void a_spent_rule_is_not_suppressed(void **state)
{
	(void)state;
	set_rule("b := fsync = 1*error(ENOSPC)");
	assert_int_equal(pass_fd(CALL_fsync, 1), ENOSPC);
	set_rule("a := fsync = error(EIO)");
	assert_int_equal(pass_fd(CALL_fsync, 1), EIO);
	assert_int_equal(rule_named("b").suppressed, 0);
	heal();
}

static void delays_add_up(void **state)
{
	int64_t begin = now_ns();

	(void)state;
	set_rule("fsync = delay(20ms)");
	set_rule("fsync = delay(30ms)");
	set_rule("fsync = error(EIO)");
	assert_int_equal(pass_fd(CALL_fsync, 1), EIO);
	assert_true(now_ns() - begin >= 50000000);
	heal();
}

static void more_rules_than_a_batch_are_met_in_order_of_id(void **state)
{
	char text[64];

	(void)state;
	for (int i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "r%d := fsync = 1*error(%s)", i,
			 i % 2 ? "EIO" : "ENOSPC");
		set_rule(text);
	}
	for (int i = 0; i < 40; i++)
		assert_int_equal(pass_fd(CALL_fsync, 1), i % 2 ? EIO : ENOSPC);
	assert_int_equal(pass_fd(CALL_fsync, 1), 0);
	heal();
}

static void a_rule_about_another_process_costs_nothing(void **state)
{
	static const char *const elsewhere[] = {
		"fsync:node=n2 = error(EIO)",  "fsync:role=role2 = error(EIO)",
		"fsync:pid=1 = error(EIO)",    "fsync:comm=nobody = error(EIO)",
		"fsync:node!=n1 = error(EIO)", "write:node=n2 => fsync:node=n2 = error(EIO)",
		"write = error(EIO)",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
		set_rule(elsewhere[i]);
		assert_int_equal(pass_fd(CALL_fsync, 1), 0);
		if (engine_armed[CALL_fsync])
			fail_msg("%s keeps fsync armed", elsewhere[i]);
		heal();
	}
}

static void what_could_still_match_keeps_the_site_armed(void **state)
{
	static const char *const here[] = {
		"fsync:path=/never = error(EIO)",
		"fsync:node=n1 = 1*error(EIO)",
		"fsync:after=1h = error(EIO)",
		"fsync => write = error(EIO)",
		"write => read:unless=fsync = error(EIO)",
		"%sync:len>1G = delay(1ms)",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++) {
		set_rule(here[i]);
		pass_fd(CALL_fsync, 1);
		pass_fd(CALL_fsync, 1);
		if (!engine_armed[CALL_fsync])
			fail_msg("%s does not keep fsync armed", here[i]);
		heal();
	}
}

static void a_rule_set_after_lowering_is_met(void **state)
{
	(void)state;
	pass_fd(CALL_fsync, 1);
	assert_int_equal(engine_armed[CALL_fsync], 0);
	set_rule("fsync = error(EIO)");
	assert_int_not_equal(engine_armed[CALL_fsync], 0);
	assert_int_equal(pass_fd(CALL_fsync, 1), EIO);
	heal();
	pass_fd(CALL_fsync, 1);
	assert_int_equal(engine_armed[CALL_fsync], 0);
}

static void a_miss_asks_for_no_verification(void **state)
{
	(void)state;
	set_rule("fsync:path=*.wal:fd=4 = error(EIO)");
	fakes[3] = (struct subject){.path = "/data/x.db", .file = FILE_REG};
	resolved = verified = 0;
	pass_fd(CALL_fsync, 3);
	assert_int_equal(resolved, 0);
	heal();
	set_rule("fsync:path=*.wal = error(EIO)");
	pass_fd(CALL_fsync, 3);
	assert_int_equal(resolved, 1);
	assert_int_equal(verified, 0);
	heal();
}

static void a_stale_subject_is_matched_again(void **state)
{
	int fd = dup(1);

	(void)state;
	assert_in_range(fd, 0, FAKE_FDS - 1);
	set_rule("fsync:path=*.wal = error(EIO)");
	fakes[fd] = (struct subject){.path = "/data/x.wal", .file = FILE_REG};
	stale = 1;
	assert_int_equal(pass_fd(CALL_fsync, fd), EIO);
	assert_int_equal(stale, 0);
	heal();
	close(fd);
}

static void a_write_on_a_socket_is_a_send(void **state)
{
	(void)state;
	fakes[1] = (struct subject){.sock = SOCK_TCP};
	fakes[2] = (struct subject){.path = "/f", .file = FILE_REG};
	set_rule("%send = error!(EIO)");
	assert_int_equal(pass_fd(CALL_write, 1), EIO);
	assert_int_equal(pass_fd(CALL_write, 2), 0);
	heal();
	set_rule("%write = error(EIO)");
	assert_int_equal(pass_fd(CALL_write, 1), 0);
	assert_int_equal(pass_fd(CALL_write, 2), EIO);
	heal();
	set_rule("write = error(EIO)");
	assert_int_equal(pass_fd(CALL_write, 1), EIO);
	assert_int_equal(pass_fd(CALL_write, 2), EIO);
	heal();
}

static void set_peer(struct subject *s, uint8_t last, uint16_t port)
{
	const uint8_t address[16] = {[10] = 0xff, 0xff, 127, 0, 0, last};

	*s = (struct subject){.sock = SOCK_TCP, .peer_port = port};
	memcpy(s->peer, address, sizeof(address));
}

static void peers_ports_and_links_are_told_apart(void **state)
{
	static const struct {
		const char *rule;
		unsigned call;
		bool fires;
	} rows[] = {
		{"%send:peer=127.0.0.2 = reset", CALL_send, true},
		{"%send:peer=127.0.0.3 = reset", CALL_send, false},
		{"%send:peer=n2 = reset", CALL_send, true},
		{"%send:peer=n1 = reset", CALL_send, false},
		{"%send:port=7000 = reset", CALL_send, true},
		{"%send:port=1..100 = reset", CALL_send, false},
		{"%send:link=n1>n2 = reset", CALL_send, true},
		{"%send:link=n2>n1 = reset", CALL_send, false},
		{"%recv:link=n2>n1 = reset", CALL_recv, true},
		{"%recv:link=n1>n2 = reset", CALL_recv, false},
		{"connect:link=*>n2 = refuse", CALL_connect, true},
	};
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_in_range(pair[0], 0, FAKE_FDS - 1);
	set_peer(&fakes[pair[0]], 2, 7000);
	resets = 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int wanted = rows[i].call == CALL_connect ? ECONNREFUSED : ECONNRESET;

		set_rule(rows[i].rule);
		if (pass_fd(rows[i].call, pair[0]) != (rows[i].fires ? wanted : 0))
			fail_msg("%s", rows[i].rule);
		heal();
	}
	assert_int_equal(resets, 5);
	close(pair[0]);
	close(pair[1]);
}

static void the_result_is_judged_as_the_program_sees_it(void **state)
{
	struct hit hit = hit_of(CALL_fsync, 1);

	(void)state;
	set_rule("a := fsync = 1*error(EIO)");
	set_rule("ok := fsync:ret=ok = print(\"ok\")");
	set_rule("err := fsync:ret=EIO = print(\"err\")");
	assert_int_equal(pass_fd(CALL_fsync, 1), EIO);
	assert_int_equal(rule_named("ok").fires, 0);
	assert_int_equal(rule_named("err").fires, 1);
	assert_int_equal(pass_fd(CALL_fsync, 1), 0);
	assert_int_equal(rule_named("ok").fires, 1);
	pass(&hit, -1, EIO);
	assert_int_equal(rule_named("err").fires, 2);
	heal();
}

static void error_after_lets_the_call_happen(void **state)
{
	struct hit hit = hit_of(CALL_fsync, 1);

	(void)state;
	set_rule("fsync = error_after(EIO)");
	assert_int_equal(engine_enter(&hit), HIT_CALL);
	hit.ret = 0;
	hit.err = 0;
	engine_leave(&hit);
	assert_int_equal(hit.err, EIO);
	assert_int_equal(hit.ret, -1);
	heal();
}

static int collect(struct control_event *events, uint64_t *at)
{
	uint64_t lost = 0;
	int n = 0;

	while (n < 8 && control_event_next(control, at, &lost, &events[n]) == 1)
		n++;
	assert_int_equal(lost, 0);
	return n;
}

static void every_fire_is_an_event(void **state)
{
	static struct control_event events[8];
	uint64_t at = 0;

	(void)state;
	while (collect(events, &at) == 8)
		;
	set_rule("one := fsync = 1*delay(1ms),error(EIO)");
	fakes[1] = (struct subject){.path = "/data/x.wal", .file = FILE_REG};
	assert_int_equal(pass_fd(CALL_fsync, 1), EIO);
	assert_int_equal(collect(events, &at), 3);
	assert_int_equal(events[0].kind, EVENT_BEGIN);
	assert_int_equal(events[1].kind, EVENT_END);
	assert_int_equal(events[2].kind, EVENT_FIRE);
	assert_string_equal(events[2].rule_name, "one");
	assert_string_equal(events[2].site, "fsync");
	assert_string_equal(events[2].action, "error");
	assert_string_equal(events[2].subject, "/data/x.wal");
	assert_string_equal(events[2].node, "n1");
	assert_int_equal(events[2].error, EIO);
	assert_int_equal(events[2].ordinal, 1);
	assert_int_equal(events[2].pid, getpid());
	heal();
}

static void errno_is_left_alone(void **state)
{
	(void)state;
	set_rule("fsync = delay(1ms),error(EIO)");
	errno = ENOTTY;
	pass_fd(CALL_fsync, 1);
	assert_int_equal(errno, ENOTTY);
	heal();
}

/* Two processes pass through dup while a rule is replaced again and again, now about dup, now about
 * fork: entries are given to others under the eyes of who is about to meet them. Only fork's rule
 * fails, so no dup may. */
static void an_entry_that_is_given_away_is_not_met(void **state)
{
	enum { PASSERS = 2, SETS = 150000 };
	_Atomic bool *stop =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t children[PASSERS];

	(void)state;
	assert_true(stop != MAP_FAILED);
	for (int i = 0; i < PASSERS; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		while (children[i] == 0) {
			if (pass_fd(CALL_dup, 1))
				_exit(1);
			if (*stop)
				_exit(0);
		}
	}
	for (int i = 0; i < SETS; i++)
		set_rule(i % 3 ? "x := dup = off" : "x := fork = error(EAGAIN)");
	*stop = true;
	for (int i = 0; i < PASSERS; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	munmap((void *)stop, 4096);
	heal();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_result_wins_and_the_others_are_suppressed),
		cmocka_unit_test(a_spent_rule_is_not_suppressed),
		cmocka_unit_test(delays_add_up),
		cmocka_unit_test(more_rules_than_a_batch_are_met_in_order_of_id),
		cmocka_unit_test(a_rule_about_another_process_costs_nothing),
		cmocka_unit_test(what_could_still_match_keeps_the_site_armed),
		cmocka_unit_test(a_rule_set_after_lowering_is_met),
		cmocka_unit_test(a_miss_asks_for_no_verification),
		cmocka_unit_test(a_stale_subject_is_matched_again),
		cmocka_unit_test(a_write_on_a_socket_is_a_send),
		cmocka_unit_test(peers_ports_and_links_are_told_apart),
		cmocka_unit_test(the_result_is_judged_as_the_program_sees_it),
		cmocka_unit_test(error_after_lets_the_call_happen),
		cmocka_unit_test(every_fire_is_an_event),
		cmocka_unit_test(errno_is_left_alone),
		cmocka_unit_test(an_entry_that_is_given_away_is_not_met),
	};

	return cmocka_run_group_tests(tests, open_plane, close_plane);
}
