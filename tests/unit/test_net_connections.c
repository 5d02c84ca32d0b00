/*
 * test_net_connections.c - what link faults do to connections: those in use, idle ones, those to a
 * server with an event loop.
 *
 * Real sockets in a network namespace of the test's own. An end that is to see nothing is asked
 * after something that passed the same way later, not after a sleep.
 */
#include "linked.h"

#include <sys/epoll.h>

/* Reads to the end: bytes that arrived; *error is 0 or how it ended. */
static size_t read_all(int fd, int *error)
{
	char data[4096];
	size_t total = 0;
	ssize_t n;

	*error = 0;
	while (readable(fd, LIMIT_MS)) {
		n = read(fd, data, sizeof(data));
		if (n <= 0) {
			*error = n < 0 ? errno : 0;
			return total;
		}
		total += (size_t)n;
	}
	CHECK(!"an end");
	return total;
}

static void cut_one(size_t bytes, size_t written)
{
	static const char data[20000];
	int pair[2], error;

	connect_pair(pair);
	CHECK(write(pair[1], "r", 1) == 1 && arrives(pair[0], 'r'));
	CHECK(write(pair[0], data, written) == (ssize_t)written);
	CHECK(read_all(pair[1], &error) == bytes);
	CHECK(error == ECONNRESET);
	CHECK(readable(pair[0], LIMIT_MS));
	CHECK(read(pair[0], &(char){0}, 1) == -1 && errno == ECONNRESET);
	close_pair(pair);
}

static int cuts_at_a_byte(const char *dir)
{
	struct net_shape at_start = {.cut = true, .cut_bytes = 0};
	struct net_shape within = {.cut = true, .cut_bytes = 5001};
	int pair[2];
	uint64_t id;

	(void)dir;
	open_net();
	id = shape(CLIENT, SERVER, within);
	cut_one(5001, 20000);
	cut_one(5001, 5002);
	/* What is not more than that is left alone; the way back carries any number. */
	connect_pair(pair);
	CHECK(write(pair[0], (char[5001]){0}, 5001) == 5001);
	CHECK(write(pair[1], (char[9000]){0}, 9000) == 9000);
	for (size_t left = 5001; left > 0 && readable(pair[1], LIMIT_MS);)
		left -= (size_t)read(pair[1], (char[5001]){0}, left);
	for (size_t left = 9000; left > 0 && readable(pair[0], LIMIT_MS);)
		left -= (size_t)read(pair[0], (char[9000]){0}, left);
	CHECK(is_silent(pair[0]) && is_silent(pair[1]));
	CHECK(hits(id) >= 2); /* and those that were under way behind a cut */
	heal(id);
	CHECK(talks(pair));
	close_pair(pair);
	id = shape(CLIENT, SERVER, at_start);
	cut_one(0, 1);
	heal(id);
	net_queue_close();
	return 0;
}

static bool hits_soon(uint64_t id)
{
	int64_t deadline_ns = process_now_ns() + LIMIT_MS * MS;

	while (hits(id) == 0 && process_now_ns() < deadline_ns)
		poll(NULL, 0, 5);
	return hits(id) > 0;
}

static int goes_half_open(const char *dir)
{
	int old[2], fresh[2];
	uint64_t id;

	(void)dir;
	open_net();
	connect_pair(old);
	id = shape(SERVER, CLIENT, (struct net_shape){.half_open = true});
	CHECK(write(old[0], "a", 1) == 1);
	CHECK(arrives(old[1], 'a')); /* this way is open */
	CHECK(write(old[1], "b", 1) == 1);
	CHECK(hits_soon(id));
	connect_pair(fresh);
	CHECK(talks(fresh));
	CHECK(is_silent(old[0])); /* no data, no FIN, no reset */
	heal(id);
	CHECK(arrives(old[0], 'b'));
	CHECK(talks(old) && talks(fresh));
	close_pair(old);
	close_pair(fresh);
	net_queue_close();
	return 0;
}

static int resets_idle_ones(const char *dir)
{
	struct why why = {""};
	int idle[2], other[2], listener;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN};

	(void)dir;
	open_net();
	connect_pair(idle);
	listener = make_socket(SOCK_STREAM, SERVER, PORT);
	CHECK(listen(listener, 4) == 0);
	other[0] = connect_from(OTHER, SERVER);
	other[1] = accept(listener, NULL, NULL);
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, idle[0], &event) == 0);
	CHECK(epoll_wait(epoll, &event, 1, 0) == 0);
	CHECK(net_connections_reset(CLIENT, SERVER, &why) == 1);
	CHECK(epoll_wait(epoll, &event, 1, LIMIT_MS) == 1);
	CHECK(event.events & (EPOLLERR | EPOLLHUP));
	CHECK(read(idle[0], &(char){0}, 1) == -1 && errno == ECONNRESET);
	CHECK(read(idle[1], &(char){0}, 1) <= 0);
	CHECK(talks(other));
	CHECK(net_connections_reset(CLIENT, SERVER, &why) == 0);
	close_pair(idle);
	close_pair(other);
	close(listener);
	close(epoll);
	net_queue_close();
	return 0;
}

/* An idle connection notices nothing of what is done to its link, and works afterwards. */
static int leaves_idle_ones(const char *dir)
{
	static const struct net_shape shapes[] = {
		{.seed = 1, .delay_ns = 50 * MS},
		{.seed = 1, .delay_ns = 1 * MS, .jitter_ns = 50 * MS},
		{.seed = 1, .loss = 0.9},
		{.seed = 1, .duplicate = 0.9},
		{.seed = 1, .reorder = 0.9, .delay_ns = 20 * MS},
		{.rate = 1000},
		{.cut = true},
		{.half_open = true},
	};
	struct why why = {""};
	uint64_t id, cut;
	int pair[2];

	(void)dir;
	open_net();
	connect_pair(pair);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		for (int way = 0; way < 2; way++) {
			id = shape(way ? SERVER : CLIENT, way ? CLIENT : SERVER, shapes[i]);
			CHECK(is_silent(pair[0]) && is_silent(pair[1]));
			heal(id);
			CHECK(talks(pair));
		}
	}
	CHECK_OK(net_cut(CLIENT, SERVER, &cut, &why), why);
	CHECK(!net_probe(CLIENT, SERVER, 50));
	CHECK(net_probe(SERVER, CLIENT, LIMIT_MS));
	CHECK(is_silent(pair[0]) && is_silent(pair[1]));
	CHECK_OK(net_heal(cut, &why), why);
	CHECK(net_probe(CLIENT, SERVER, LIMIT_MS));
	CHECK(talks(pair));
	close_pair(pair);
	net_queue_close();
	return 0;
}

/* Echoes whatever comes over any connection, in one thread. */
static void serve_events(int listener)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};

	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
	while (epoll_wait(epoll, &event, 1, -1) == 1) {
		int fd = event.data.fd;
		char data[64];
		ssize_t n;

		if (fd == listener) {
			event.events = EPOLLIN;
			event.data.fd = accept(listener, NULL, NULL);
			epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event);
			continue;
		}
		n = read(fd, data, sizeof(data));
		if (n <= 0 || write(fd, data, (size_t)n) != n)
			close(fd);
	}
	_exit(0);
}

static int64_t echo_ns(int fd)
{
	int64_t start_ns = process_now_ns();

	CHECK(write(fd, "e", 1) == 1);
	CHECK(arrives(fd, 'e'));
	return process_now_ns() - start_ns;
}

/* A slow link slows those at its end: an event loop goes on serving the others meanwhile. */
static int does_not_stall_event_loops(const char *dir)
{
	int listener, slow, fast;
	uint64_t id;
	pid_t server;

	(void)dir;
	open_net();
	listener = make_socket(SOCK_STREAM, SERVER, PORT);
	CHECK(listen(listener, 4) == 0);
	server = fork();
	if (server == 0)
		serve_events(listener);
	slow = connect_from(CLIENT, SERVER);
	fast = connect_from(OTHER, SERVER);
	id = shape(SERVER, CLIENT, (struct net_shape){.delay_ns = 3600000 * MS});
	CHECK(write(slow, "e", 1) == 1);
	CHECK(hits_soon(id));
	for (int i = 0; i < 100; i++)
		echo_ns(fast);
	CHECK(is_silent(slow));
	heal(id);
	CHECK(arrives(slow, 'e')); /* what was held comes now, not in an hour */
	id = shape(SERVER, CLIENT, (struct net_shape){.delay_ns = 50 * MS});
	CHECK(echo_ns(slow) >= 50 * MS);
	heal(id);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	close(slow);
	close(fast);
	close(listener);
	net_queue_close();
	return 0;
}

static int is_exclusive(const char *dir)
{
	struct net_shape slow = {.delay_ns = MS};
	struct why why = {""};
	uint64_t id, other, n;

	(void)dir;
	CHECK(net_shape_set(CLIENT, SERVER, &slow, &id, &why) == -ENOTSUP); /* not open yet */
	CHECK(net_shape_clear(1, &why) == -ENOENT);
	open_net();
	id = shape(CLIENT, SERVER, slow);
	CHECK(net_shape_set(CLIENT, SERVER, &slow, &other, &why) == -EEXIST);
	other = shape(SERVER, CLIENT, slow);
	heal(id);
	CHECK(net_shape_clear(id, &why) == -ENOENT);
	CHECK(net_shape_counts(id, &n, &n) == -ENOENT);
	heal(other);
	net_queue_close();
	return 0;
}

static void a_cut_delivers_its_bytes_then_resets_both_ends(void **state)
{
	(void)state;
	in_sandbox(cuts_at_a_byte);
}

static void half_open_connections_are_dead_and_new_ones_are_not(void **state)
{
	(void)state;
	in_sandbox(goes_half_open);
}

static void idle_connections_are_reset(void **state)
{
	(void)state;
	in_sandbox(resets_idle_ones);
}

static void idle_connections_survive_the_other_faults(void **state)
{
	(void)state;
	in_sandbox(leaves_idle_ones);
}

static void event_loops_go_on_serving_others(void **state)
{
	(void)state;
	in_sandbox(does_not_stall_event_loops);
}

static void a_link_has_one_shape_each_way(void **state)
{
	(void)state;
	in_sandbox(is_exclusive);
}

static void an_ordinary_user_can_shape(void **state)
{
	char *dir = folder_make();
	int status = ordinary_in_sandbox(dir, goes_half_open);

	(void)state;
	assert_int_equal(status, 0);
	folder_remove(dir);
}

static void the_network_of_the_host_is_never_touched(void **state)
{
	struct why why = {""};

	(void)state;
	assert_int_equal(net_queue_open(&why), -ENOTSUP);
	assert_int_equal(net_connections_reset(CLIENT, SERVER, &why), -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cut_delivers_its_bytes_then_resets_both_ends),
		cmocka_unit_test(half_open_connections_are_dead_and_new_ones_are_not),
		cmocka_unit_test(idle_connections_are_reset),
		cmocka_unit_test(idle_connections_survive_the_other_faults),
		cmocka_unit_test(event_loops_go_on_serving_others),
		cmocka_unit_test(a_link_has_one_shape_each_way),
		cmocka_unit_test(an_ordinary_user_can_shape),
		cmocka_unit_test(the_network_of_the_host_is_never_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
