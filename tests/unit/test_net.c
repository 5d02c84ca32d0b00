/*
 * test_net.c - a cut drops one direction only, and TCP heals it by itself.
 *
 * Two real sockets on the loopback of a network namespace, 127.0.0.1 (client) and 127.0.0.2
 * (server). What is not to arrive is told by the cut's packet counter having moved, not by waiting
 * long.
 */
#include "sandboxed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "runner/net.h"

enum { CLIENT = 0x7f000001, SERVER = 0x7f000002, PORT = 7000 };
static const int64_t limit_ns = INT64_C(60000000000);

static struct sockaddr_in at(uint32_t address, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
}

static int make_socket(uint32_t address, uint16_t port)
{
	struct sockaddr_in own = at(address, port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0);
	return fd;
}

/* A connection: pair[0] at the client, pair[1] at the server. */
static void connect_pair(int pair[2])
{
	struct sockaddr_in to = at(SERVER, PORT);
	int listener = make_socket(SERVER, PORT);

	CHECK(listen(listener, 4) == 0);
	pair[0] = make_socket(CLIENT, 0);
	CHECK(connect(pair[0], (struct sockaddr *)&to, sizeof(to)) == 0);
	pair[1] = accept(listener, NULL, NULL);
	CHECK(pair[1] >= 0);
	close(listener);
}

static bool arrives(int fd, char expected)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	char c = 0;

	return poll(&wait, 1, (int)(limit_ns / 1000000)) == 1 && read(fd, &c, 1) == 1 &&
	       c == expected;
}

/* The cut has dropped something by now, or soon. */
static bool drops(uint64_t cut)
{
	int64_t deadline_ns = process_now_ns() + limit_ns;
	uint64_t packets = 0;

	while (net_dropped(cut, &packets, NULL) == 0 && packets == 0) {
		if (process_now_ns() > deadline_ns)
			return false;
		poll(NULL, 0, 10);
	}
	return packets > 0;
}

static bool is_silent(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	return poll(&wait, 1, 0) == 0;
}

static int cut_one_way(const char *dir)
{
	struct why why = {""};
	uint64_t cut, packets;
	int pair[2];

	(void)dir;
	CHECK_OK(net_open(&why), why);
	CHECK(net_can_cut());
	connect_pair(pair);
	CHECK_OK(net_cut(SERVER, CLIENT, &cut, &why), why);
	CHECK_OK(net_dropped(cut, &packets, &why), why);
	CHECK(packets == 0);

	CHECK(write(pair[0], "a", 1) == 1);
	CHECK(arrives(pair[1], 'a')); /* this way is open */
	CHECK(write(pair[1], "b", 1) == 1);
	CHECK(drops(cut));
	CHECK(is_silent(pair[0]));

	CHECK_OK(net_heal(cut, &why), why);
	CHECK(arrives(pair[0], 'b'));
	CHECK(net_heal(cut, &why) == -ENOENT);
	return 0;
}

static void a_cut_drops_one_way_and_heals_by_retransmission(void **state)
{
	(void)state;
	in_sandbox(cut_one_way);
}

/* In the sandbox's own mount namespace. */
static int cut_without_nft(const char *dir)
{
	CHECK(mount("/dev/null", "/usr/sbin/nft", NULL, MS_BIND, NULL) == 0);
	return cut_one_way(dir);
}

static void without_nft_iptables_does_it(void **state)
{
	(void)state;
	in_sandbox(cut_without_nft);
}

static int cut_without_any(const char *dir)
{
	struct why why = {""};

	(void)dir;
	CHECK(mount("/dev/null", "/usr/sbin/nft", NULL, MS_BIND, NULL) == 0);
	CHECK(mount("/dev/null", "/usr/sbin/iptables", NULL, MS_BIND, NULL) == 0);
	CHECK(net_open(&why) == -ENOTSUP);
	CHECK(strcmp(why.text, "links can't be cut: there is no nft; there is no iptables") == 0);
	CHECK(!net_can_cut());
	return 0;
}

static void without_both_it_is_told(void **state)
{
	(void)state;
	in_sandbox(cut_without_any);
}

static int cut_both(const char *dir)
{
	struct why why = {""};
	struct sockaddr_in to = at(SERVER, PORT);
	uint64_t there, back, other;
	int listener, fd;

	(void)dir;
	CHECK_OK(net_open(&why), why);
	listener = make_socket(SERVER, PORT);
	CHECK(listen(listener, 4) == 0);
	CHECK_OK(net_cut(CLIENT, SERVER, &there, &why), why);
	CHECK_OK(net_cut(SERVER, CLIENT, &back, &why), why);
	CHECK_OK(net_cut(CLIENT, SERVER + 1, &other, &why), why);
	fd = make_socket(CLIENT, 0);
	CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	CHECK(connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1 && errno == EINPROGRESS);
	CHECK(drops(there));
	CHECK(is_silent(listener));
	CHECK_OK(net_heal(there, &why), why);
	/* The SYN arrives now, its answer does not. */
	CHECK(drops(back));
	CHECK_OK(net_heal(back, &why), why);
	CHECK(poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, (int)(limit_ns / 1000000)) ==
	      1);
	CHECK(accept(listener, NULL, NULL) >= 0);
	return 0;
}

static void cuts_are_independent_of_each_other(void **state)
{
	(void)state;
	in_sandbox(cut_both);
}

static void the_network_of_the_host_is_never_touched(void **state)
{
	struct why why = {""};
	uint64_t cut;

	(void)state;
	assert_int_equal(net_open(&why), -ENOTSUP);
	assert_false(net_can_cut());
	assert_int_equal(net_cut(CLIENT, SERVER, &cut, &why), -ENOTSUP);
}

static void an_ordinary_user_can_cut(void **state)
{
	char *dir = folder_make();
	int status = ordinary_in_sandbox(dir, cut_one_way);

	(void)state;
	assert_int_equal(status, 0);
	folder_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cut_drops_one_way_and_heals_by_retransmission),
		cmocka_unit_test(without_nft_iptables_does_it),
		cmocka_unit_test(without_both_it_is_told),
		cmocka_unit_test(cuts_are_independent_of_each_other),
		cmocka_unit_test(the_network_of_the_host_is_never_touched),
		cmocka_unit_test(an_ordinary_user_can_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
