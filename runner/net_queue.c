/* net_queue.c - see net_queue.h for the model. */
#include "runner/net_queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/net.h"
#include "runner/net_command.h"
#include "runner/net_connections.h"
#include "runner/net_held.h"
#include "runner/net_packet.h"
#include "runner/process.h"

enum { LINK_MAX = 64, QUEUE = 0, MARK = 0xfa11, RECEIVE_BYTES = 8 << 20, BURST = 64 };

struct link {
	bool used;
	uint32_t from, to;
	struct shape_state state;
};

static struct {
	pthread_mutex_t lock; /* of links, held and released */
	struct link *link;    /* LINK_MAX of them */
	struct held held;
	bool release[LINK_MAX]; /* what is held of these is to go at once */
	struct nfq_handle *handle;
	struct nfq_q_handle *queue;
	int raw, wake;
	pthread_t thread;
	atomic_bool stop;
} net = {.lock = PTHREAD_MUTEX_INITIALIZER, .raw = -1, .wake = -1};

static void send_raw(const uint8_t *packet, size_t size)
{
	struct sockaddr_in to = {.sin_family = AF_INET};

	memcpy(&to.sin_addr, packet + 16, sizeof(to.sin_addr)); /* the header's destination */
	/* Lost when it does not go: it is one packet of a network that is being disturbed. */
	(void)!sendto(net.raw, packet, size, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to));
}

static void let_go(struct held_packet *p)
{
	nfq_set_verdict(net.queue, p->id, NF_ACCEPT, 0, NULL);
	if (p->copy)
		send_raw(p->copy, p->copy_size);
	free(p->copy);
}

static void let_go_due(int64_t now_ns)
{
	struct held_packet p;

	while (held_pop(&net.held, now_ns, &p))
		let_go(&p);
}

/* Its receiver gets what is left of it, then both ends a reset. */
static void cut_off(uint32_t id, const uint8_t *packet, size_t size, uint32_t keep)
{
	uint8_t copy[PACKET_MAX], receiver[RESET_SIZE], sender[RESET_SIZE];

	memcpy(copy, packet, size);
	size = packet_shorten(copy, keep);
	packet_resets(copy, receiver, sender);
	if (keep > 0)
		nfq_set_verdict(net.queue, id, NF_ACCEPT, (uint32_t)size, copy);
	else
		nfq_set_verdict(net.queue, id, NF_DROP, 0, NULL);
	send_raw(receiver, RESET_SIZE);
	send_raw(sender, RESET_SIZE);
}

static int hold(uint32_t id, int owner, const uint8_t *packet, size_t size,
		const struct shape_fate *fate)
{
	struct held_packet p = {.due_ns = fate->due_ns, .owner = owner, .id = id};

	if (fate->duplicate && (p.copy = malloc(size))) {
		memcpy(p.copy, packet, size);
		p.copy_size = size;
	}
	if (held_push(&net.held, &p) == 0)
		return 0;
	free(p.copy);
	return -ENOSPC;
}

static struct link *find(uint32_t from, uint32_t to)
{
	for (int i = 0; i < LINK_MAX; i++)
		if (net.link[i].used && net.link[i].from == from && net.link[i].to == to)
			return &net.link[i];
	return NULL;
}

static void judge(uint32_t id, const uint8_t *packet, size_t size)
{
	struct shape_packet facts;
	struct shape_fate fate;
	uint32_t from, to;
	struct link *link = packet_read(&facts, &from, &to, packet, size) ? find(from, to) : NULL;

	if (!link) {
		nfq_set_verdict(net.queue, id, NF_ACCEPT, 0, NULL);
		return;
	}
	fate = shape_decide(&link->state, &facts, process_now_ns());
	if (fate.reset) {
		let_go_due(fate.due_ns); /* those before it */
		cut_off(id, packet, size, fate.keep);
	} else if (fate.drop || hold(id, (int)(link - net.link), packet, size, &fate)) {
		nfq_set_verdict(net.queue, id, NF_DROP, 0, NULL);
	}
}

static int on_packet(struct nfq_q_handle *queue, struct nfgenmsg *message, struct nfq_data *data,
		     void *arg)
{
	struct nfqnl_msg_packet_hdr *head = nfq_get_msg_packet_hdr(data);
	unsigned char *packet = NULL;
	int size = nfq_get_payload(data, &packet);

	(void)queue;
	(void)message;
	(void)arg;
	if (head)
		judge(ntohl(head->packet_id), packet, size > 0 ? (size_t)size : 0);
	return 0;
}

static void receive(char *buffer, size_t size)
{
	for (int i = 0; i < BURST; i++) {
		ssize_t n = recv(nfq_fd(net.handle), buffer, size, MSG_DONTWAIT);

		if (n <= 0)
			return;
		nfq_handle_packet(net.handle, buffer, (int)n);
	}
}

static void let_go_released(void)
{
	for (int i = 0; i < LINK_MAX; i++) {
		if (net.release[i])
			held_release(&net.held, i);
		net.release[i] = false;
	}
}

static struct timespec until(int64_t then_ns)
{
	int64_t left_ns = then_ns - process_now_ns();

	if (left_ns < 0)
		left_ns = 0;
	return (struct timespec){.tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000};
}

static void *serve(void *arg)
{
	struct pollfd wait[2] = {{.fd = nfq_fd(net.handle), .events = POLLIN},
				 {.fd = net.wake, .events = POLLIN}};
	static char buffer[PACKET_MAX + 4096];
	uint64_t woken;

	(void)arg;
	while (!net.stop) {
		struct timespec time;
		int64_t next_ns;

		pthread_mutex_lock(&net.lock);
		receive(buffer, sizeof(buffer));
		let_go_released();
		let_go_due(process_now_ns());
		next_ns = held_next_ns(&net.held);
		pthread_mutex_unlock(&net.lock);
		time = until(next_ns);
		ppoll(wait, 2, next_ns < 0 ? NULL : &time, NULL);
		if (wait[1].revents & POLLIN)
			(void)!read(net.wake, &woken, sizeof(woken));
	}
	return NULL;
}

static void wake(void)
{
	uint64_t one = 1;

	(void)!write(net.wake, &one, sizeof(one));
}

static int open_raw(struct why *why)
{
	int mark = MARK;

	net.raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (net.raw < 0 || setsockopt(net.raw, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)))
		return why_set(why, -errno, "no raw socket: %s", strerror(errno));
	return 0;
}

static int open_queue(struct why *why)
{
	int bytes = RECEIVE_BYTES, one = 1;

	net.handle = nfq_open();
	if (net.handle)
		net.queue = nfq_create_queue(net.handle, QUEUE, on_packet, NULL);
	if (!net.queue)
		return why_set(why, -errno, "no packet queue: %s", strerror(errno));
	if (nfq_set_mode(net.queue, NFQNL_COPY_PACKET, PACKET_MAX) < 0 ||
	    nfq_set_queue_maxlen(net.queue, HELD_MAX) < 0)
		return why_set(why, -errno, "the packet queue can't be set up: %s",
			       strerror(errno));
	/* Bursts wait in the socket. Without the right to more, with as much as is allowed. */
	if (setsockopt(nfq_fd(net.handle), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(nfq_fd(net.handle), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	setsockopt(nfq_fd(net.handle), SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof(one));
	return 0;
}

/* iptables, because a kernel may have its NFQUEUE and yet not nft's queue. */
static int queue_rule(const char *verb, uint32_t from, uint32_t to, struct why *why)
{
	struct in_addr ends[2] = {{htonl(from)}, {htonl(to)}};
	char text[2][INET_ADDRSTRLEN];

	for (int i = 0; i < 2; i++)
		inet_ntop(AF_INET, &ends[i], text[i], sizeof(text[i]));
	return net_command(NULL, why,
			   "iptables -t mangle %s failkit -s %s -d %s -j NFQUEUE --queue-num %d "
			   "--queue-bypass",
			   verb, text[0], text[1], QUEUE);
}

static int open_chain(struct why *why)
{
	int r = net_command(NULL, why, "iptables -t mangle -N failkit");

	if (r == 0)
		r = net_command(NULL, why, "iptables -t mangle -A INPUT -j failkit");
	if (r == 0)
		r = net_command(NULL, why,
				"iptables -t mangle -A failkit -m mark --mark %#x -j RETURN", MARK);
	/* Of a link that is none: whether the kernel can queue shows here, not at the first fault. */
	if (r == 0)
		r = queue_rule("-A", 0, 0, why);
	return r ? r : queue_rule("-D", 0, 0, why);
}

int net_queue_open(struct why *why)
{
	int r;

	if (net.wake >= 0)
		return 0;
	if (!net_can_cut())
		return why_set(why, -ENOTSUP, "links can't be shaped without netfilter");
	net.stop = false;
	net.link = calloc(LINK_MAX, sizeof(*net.link));
	net.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = net.link && net.wake >= 0 ? 0 : why_set(why, -ENOMEM, "no memory for a packet queue");
	if (r == 0)
		r = open_raw(why);
	if (r == 0)
		r = open_queue(why);
	if (r == 0)
		r = open_chain(why);
	if (r == 0)
		r = held_init(&net.held);
	if (r == 0)
		r = -pthread_create(&net.thread, NULL, serve, NULL);
	if (r == 0)
		return 0;
	net.stop = true;
	net_queue_close();
	return why_prefix(why, -ENOTSUP, "links can't be shaped");
}

void net_queue_close(void)
{
	if (net.wake < 0)
		return;
	if (!net.stop) {
		net.stop = true;
		wake();
		pthread_join(net.thread, NULL);
	}
	if (net.queue)
		nfq_destroy_queue(net.queue);
	if (net.handle)
		nfq_close(net.handle);
	if (net.raw >= 0)
		close(net.raw);
	close(net.wake);
	held_fini(&net.held);
	free(net.link);
	net.queue = NULL;
	net.handle = NULL;
	net.link = NULL;
	net.raw = net.wake = -1;
}

static int take(uint32_t from, uint32_t to, const struct net_shape *shape, struct why *why)
{
	int i = 0;

	if (find(from, to))
		return why_set(why, -EEXIST, "this link is shaped already");
	while (i < LINK_MAX && net.link[i].used)
		i++;
	if (i == LINK_MAX)
		return why_set(why, -ENOSPC, "more than %d links are shaped", LINK_MAX);
	shape_start(&net.link[i].state, shape);
	if (shape->half_open)
		net.link[i].state.shape.deads = net_connections(
			from, to, net.link[i].state.shape.dead, SHAPE_CONNECTIONS_MAX);
	net.link[i].from = from;
	net.link[i].to = to;
	net.link[i].used = true;
	net.release[i] = false;
	return i;
}

int net_shape_set(uint32_t from, uint32_t to, const struct net_shape *shape, uint64_t *id,
		  struct why *why)
{
	int i, r;

	if (net.wake < 0)
		return why_set(why, -ENOTSUP, "links can't be shaped here");
	pthread_mutex_lock(&net.lock);
	i = take(from, to, shape, why);
	pthread_mutex_unlock(&net.lock);
	if (i < 0)
		return i;
	r = queue_rule("-A", from, to, why);
	if (r) {
		pthread_mutex_lock(&net.lock);
		net.link[i].used = false;
		pthread_mutex_unlock(&net.lock);
		return r;
	}
	*id = (uint64_t)i + 1;
	return 0;
}

/* With the lock held. */
static struct link *known(uint64_t id)
{
	if (net.wake < 0 || id == 0 || id > LINK_MAX || !net.link[id - 1].used)
		return NULL;
	return &net.link[id - 1];
}

int net_shape_clear(uint64_t id, struct why *why)
{
	struct link *link, copy = {0};
	int r;

	pthread_mutex_lock(&net.lock);
	link = known(id);
	if (link) {
		copy.from = link->from;
		copy.to = link->to;
	}
	pthread_mutex_unlock(&net.lock);
	if (!link)
		return why_set(why, -ENOENT, "there is no shape %llu", (unsigned long long)id);
	r = queue_rule("-D", copy.from, copy.to, why);
	if (r)
		return r;
	pthread_mutex_lock(&net.lock);
	link->used = false;
	net.release[id - 1] = true;
	pthread_mutex_unlock(&net.lock);
	wake();
	return 0;
}

int net_shape_counts(uint64_t id, uint64_t *packets, uint64_t *hits)
{
	struct link *link;

	pthread_mutex_lock(&net.lock);
	link = known(id);
	if (link) {
		*packets = link->state.packets;
		*hits = link->state.hits;
	}
	pthread_mutex_unlock(&net.lock);
	return link ? 0 : -ENOENT;
}
