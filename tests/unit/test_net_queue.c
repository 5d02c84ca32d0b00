/*
 * test_net_queue.c - what arrives on a shaped link, what does not, when, and that it heals.
 *
 * Real sockets in a network namespace of the test's own. What a seed decides is checked exactly
 * against net_shape.h; shares and times within bounds that 2,000 packets keep (five standard
 * deviations; a delay is never too short, and by the median not much too long).
 */
#include "linked.h"

#include <math.h>

#include "runner/net_shape.h"

enum { PACKETS = 2000 };

static struct {
	int64_t took_ns[PACKETS];
	int times[PACKETS]; /* how often it arrived */
	int order[4 * PACKETS];
	int arrived;
} seen;

static void take_one(int fd)
{
	struct record r;
	ssize_t n = recv(fd, &r, sizeof(r), MSG_WAITALL);

	if (n != sizeof(r) || r.number < 0 || r.number >= PACKETS || seen.arrived == 4 * PACKETS) {
		CHECK(!"a record");
		return;
	}
	if (seen.times[r.number]++ == 0)
		seen.took_ns[r.number] = process_now_ns() - r.sent_ns;
	seen.order[seen.arrived++] = r.number;
}

/* Sends `count` records, about 4 a millisecond, taking in meanwhile what arrives; then waits until
 * `wanted` have, or nothing has for a while. */
static void exchange(const int pair[2], int count, int wanted)
{
	memset(&seen, 0, sizeof(seen));
	for (int i = 0; i < count; i++) {
		struct record r = {.sent_ns = process_now_ns(), .number = i};

		CHECK(send(pair[0], &r, sizeof(r), 0) == sizeof(r));
		while (readable(pair[1], i % 4 == 3))
			take_one(pair[1]);
	}
	while (seen.arrived < wanted && readable(pair[1], LIMIT_MS))
		take_one(pair[1]);
	while (readable(pair[1], 50))
		take_one(pair[1]);
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

enum { TRIES = 5 };

/* All of them arrive, none sooner than that; and half of them by then, unless the machine is too busy
 * for that each time it is tried. */
static void exchange_times(const int pair[2], int64_t least_ns, int64_t median_most_ns)
{
	int64_t median_ns = 0;

	for (int i = 0; i < TRIES; i++) {
		exchange(pair, PACKETS, PACKETS);
		CHECK(seen.arrived == PACKETS);
		qsort(seen.took_ns, PACKETS, sizeof(seen.took_ns[0]), by_value);
		CHECK(seen.took_ns[0] >= least_ns);
		median_ns = seen.took_ns[PACKETS / 2];
		if (median_ns <= median_most_ns)
			return;
	}
	fprintf(stderr, "median %lld us\n", (long long)(median_ns / 1000));
	CHECK(!"half of them in time");
}

static bool in_order(void)
{
	for (int i = 1; i < seen.arrived; i++)
		if (seen.order[i] < seen.order[i - 1])
			return false;
	return true;
}

/* `hits` of `packets` is as expected of this share. */
static bool is_share(double part, double all, double share)
{
	double deviation = sqrt(all * share * (1 - share));

	if (fabs(part - all * share) <= 5 * deviation)
		return true;
	fprintf(stderr, "%.0f of %.0f\n", part, all);
	return false;
}

/* What becomes of the first datagrams of a link, by the seed alone. */
static int predict(const struct net_shape *shape, struct shape_fate *fate)
{
	static struct shape_state state;
	struct shape_packet packet = {.length = 28 + sizeof(struct record)};
	int hit = 0;

	shape_start(&state, shape);
	for (int i = 0; i < PACKETS; i++)
		fate[i] = shape_decide(&state, &packet, 0);
	hit = (int)state.hits;
	return hit;
}

static void delay(void (*make_pair)(int pair[2]))
{
	struct net_shape slow = {.seed = 1, .delay_ns = 50 * MS};
	int pair[2], back[2];
	uint64_t id;

	make_pair(pair);
	id = shape(CLIENT, SERVER, slow);
	exchange_times(pair, 50 * MS, 80 * MS);
	CHECK(in_order());
	heal(id);
	/* The other way, on the same sockets. */
	back[0] = pair[1];
	back[1] = pair[0];
	id = shape(CLIENT, SERVER, slow);
	exchange_times(back, 0, 40 * MS);
	heal(id);
	exchange_times(pair, 0, 40 * MS);
	close_pair(pair);
}

static int delays(const char *dir)
{
	(void)dir;
	open_net();
	delay(datagram_pair);
	delay(connect_pair);
	net_queue_close();
	return 0;
}

static int jitters(const char *dir)
{
	struct net_shape uneven = {.seed = 2, .delay_ns = 5 * MS, .jitter_ns = 20 * MS};
	int pair[2];
	uint64_t id;

	(void)dir;
	open_net();
	datagram_pair(pair);
	id = shape(CLIENT, SERVER, uneven);
	exchange_times(pair, 5 * MS, 60 * MS);
	CHECK(in_order());
	/* Spread, not all the same. */
	CHECK(seen.took_ns[PACKETS * 9 / 10] - seen.took_ns[PACKETS / 10] > 2 * MS);
	heal(id);
	close_pair(pair);
	net_queue_close();
	return 0;
}

static int loses_datagrams(const char *dir)
{
	static struct shape_fate fate[PACKETS];
	struct net_shape lossy = {.seed = 3, .loss = 0.1};
	int pair[2], back[2], lost = predict(&lossy, fate);
	uint64_t id;

	(void)dir;
	CHECK(is_share(lost, PACKETS, 0.1));
	open_net();
	datagram_pair(pair);
	id = shape(CLIENT, SERVER, lossy);
	exchange(pair, PACKETS, PACKETS - lost);
	CHECK(seen.arrived == PACKETS - lost);
	for (int i = 0; i < PACKETS; i++)
		CHECK(seen.times[i] == !fate[i].drop);
	back[0] = pair[1];
	back[1] = pair[0];
	exchange(back, PACKETS, PACKETS);
	CHECK(seen.arrived == PACKETS);
	CHECK(hits(id) == (uint64_t)lost);
	heal(id);
	exchange(pair, PACKETS, PACKETS);
	CHECK(seen.arrived == PACKETS);
	close_pair(pair);
	net_queue_close();
	return 0;
}

static int loses_segments(const char *dir)
{
	struct net_shape lossy = {.seed = 4, .loss = 0.1};
	uint64_t id, packets = 0, dropped = 0;
	int pair[2];

	(void)dir;
	open_net();
	connect_pair(pair);
	id = shape(CLIENT, SERVER, lossy);
	/* TCP makes up for it: nothing is missing, nothing out of order. Fewer segments than
	 * records, as what waits is sent together: until there have been as many. */
	while (packets < PACKETS && !failed_checks) {
		exchange(pair, PACKETS, PACKETS);
		CHECK(seen.arrived == PACKETS && in_order());
		CHECK(net_shape_counts(id, &packets, &dropped) == 0);
	}
	CHECK(is_share((double)dropped, (double)packets, 0.1));
	heal(id);
	CHECK(talks(pair));
	close_pair(pair);
	net_queue_close();
	return 0;
}

static int duplicates(const char *dir)
{
	static struct shape_fate fate[PACKETS];
	struct net_shape twice = {.seed = 5, .duplicate = 0.25};
	int pair[2], extra = predict(&twice, fate);
	uint64_t id;

	(void)dir;
	CHECK(is_share(extra, PACKETS, 0.25));
	open_net();
	datagram_pair(pair);
	id = shape(CLIENT, SERVER, twice);
	exchange(pair, PACKETS, PACKETS + extra);
	CHECK(seen.arrived == PACKETS + extra);
	for (int i = 0; i < PACKETS; i++)
		CHECK(seen.times[i] == 1 + fate[i].duplicate);
	heal(id);
	close_pair(pair);
	connect_pair(pair);
	id = shape(CLIENT, SERVER, twice);
	exchange(pair, PACKETS, PACKETS);
	CHECK(seen.arrived == PACKETS && in_order());
	CHECK(hits(id) > 0);
	heal(id);
	close_pair(pair);
	net_queue_close();
	return 0;
}

static int reorders(const char *dir)
{
	static struct shape_fate fate[PACKETS];
	struct net_shape mixed = {.seed = 6, .reorder = 0.05, .delay_ns = 20 * MS};
	int pair[2], held = predict(&mixed, fate), last = -1;
	uint64_t id;

	(void)dir;
	CHECK(is_share(held, PACKETS, 0.05));
	open_net();
	datagram_pair(pair);
	id = shape(CLIENT, SERVER, mixed);
	exchange(pair, PACKETS, PACKETS);
	CHECK(seen.arrived == PACKETS);
	CHECK(!in_order());
	for (int i = 0; i < seen.arrived; i++) {
		int n = seen.order[i];

		if (fate[n].due_ns > 0) {
			CHECK(seen.took_ns[n] >= 20 * MS);
			continue;
		}
		CHECK(n > last); /* the others among themselves keep their order */
		last = n;
	}
	CHECK(hits(id) == (uint64_t)held);
	heal(id);
	exchange(pair, PACKETS, PACKETS);
	CHECK(in_order());
	close_pair(pair);
	connect_pair(pair);
	id = shape(CLIENT, SERVER, mixed);
	exchange(pair, PACKETS, PACKETS);
	CHECK(seen.arrived == PACKETS && in_order());
	heal(id);
	close_pair(pair);
	net_queue_close();
	return 0;
}

/* How long this many bytes take from one end to the other. */
static int64_t transfer_ns(int from, int to, size_t size)
{
	static char data[1 << 20];
	int64_t start_ns = process_now_ns();
	size_t sent = 0, got = 0;

	while (got < size && !failed_checks) {
		ssize_t n = sent < size ? send(from, data, size - sent, MSG_DONTWAIT) : 0;

		sent += n > 0 ? (size_t)n : 0;
		CHECK(readable(to, LIMIT_MS));
		n = recv(to, data, sizeof(data), MSG_DONTWAIT);
		got += n > 0 ? (size_t)n : 0;
	}
	return process_now_ns() - start_ns;
}

/* In less time than the line would take, unless the machine is too busy for that each time. */
static bool is_quick(int from, int to, size_t size, int64_t most_ns)
{
	for (int i = 0; i < TRIES; i++)
		if (transfer_ns(from, to, size) < most_ns)
			return true;
	return false;
}

static int limits_the_rate(const char *dir)
{
	struct net_shape narrow = {.seed = 7, .rate = 400000};
	int pair[2];
	uint64_t id;

	(void)dir;
	open_net();
	connect_pair(pair);
	id = shape(CLIENT, SERVER, narrow);
	CHECK(transfer_ns(pair[0], pair[1], 400000) >= 1000 * MS);
	CHECK(is_quick(pair[1], pair[0], 400000, 900 * MS));
	heal(id);
	CHECK(is_quick(pair[0], pair[1], 400000, 900 * MS));
	close_pair(pair);
	net_queue_close();
	return 0;
}

static void a_delay_is_one_way_and_never_too_short(void **state)
{
	(void)state;
	in_sandbox(delays);
}

static void jitter_spreads_but_keeps_the_order(void **state)
{
	(void)state;
	in_sandbox(jitters);
}

static void the_seed_says_which_datagrams_are_lost(void **state)
{
	(void)state;
	in_sandbox(loses_datagrams);
}

static void tcp_makes_up_for_what_is_lost(void **state)
{
	(void)state;
	in_sandbox(loses_segments);
}

static void duplicates_come_twice_and_tcp_hides_them(void **state)
{
	(void)state;
	in_sandbox(duplicates);
}

static void the_overtaken_are_those_that_the_seed_says(void **state)
{
	(void)state;
	in_sandbox(reorders);
}

static void a_line_carries_its_rate_one_way(void **state)
{
	(void)state;
	in_sandbox(limits_the_rate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_delay_is_one_way_and_never_too_short),
		cmocka_unit_test(jitter_spreads_but_keeps_the_order),
		cmocka_unit_test(the_seed_says_which_datagrams_are_lost),
		cmocka_unit_test(tcp_makes_up_for_what_is_lost),
		cmocka_unit_test(duplicates_come_twice_and_tcp_hides_them),
		cmocka_unit_test(the_overtaken_are_those_that_the_seed_says),
		cmocka_unit_test(a_line_carries_its_rate_one_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
