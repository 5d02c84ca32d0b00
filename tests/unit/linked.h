/*
 * linked.h - two ends of a link, 127.0.0.1 and 127.0.0.2, with real sockets, in a sandbox.
 */
#ifndef UNIT_LINKED_H
#define UNIT_LINKED_H

#include "sandboxed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "runner/net.h"
#include "runner/net_connections.h"
#include "runner/net_queue.h"

enum { CLIENT = 0x7f000001, SERVER = 0x7f000002, OTHER = 0x7f000003, PORT = 7000 };
enum { LIMIT_MS = 60000 }; /* of what is to happen; nothing is expected to need it */
#define MS INT64_C(1000000)

struct record {
	int64_t sent_ns;
	int32_t number;
};

static inline struct sockaddr_in at(uint32_t address, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
}

static inline int make_socket(int type, uint32_t address, uint16_t port)
{
	struct sockaddr_in own = at(address, port);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), one = 1;

	CHECK(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	CHECK(bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0);
	return fd;
}

static inline int connect_from(uint32_t address, uint32_t to)
{
	struct sockaddr_in there = at(to, PORT);
	int fd = make_socket(SOCK_STREAM, address, 0), one = 1;

	CHECK(connect(fd, (struct sockaddr *)&there, sizeof(there)) == 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* A connection: pair[0] at the client, pair[1] at the server. */
static inline void connect_pair(int pair[2])
{
	int listener = make_socket(SOCK_STREAM, SERVER, PORT), one = 1;

	CHECK(listen(listener, 4) == 0);
	pair[0] = connect_from(CLIENT, SERVER);
	pair[1] = accept(listener, NULL, NULL);
	CHECK(pair[1] >= 0);
	setsockopt(pair[1], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	close(listener);
}

/* Datagrams from pair[0] at the client to pair[1] at the server, and back. */
static inline void datagram_pair(int pair[2])
{
	struct sockaddr_in client = at(CLIENT, PORT), server = at(SERVER, PORT);
	int bytes = 4 << 20;

	pair[0] = make_socket(SOCK_DGRAM, CLIENT, PORT);
	pair[1] = make_socket(SOCK_DGRAM, SERVER, PORT);
	/* What comes in one burst after a busy moment is not to be lost here. */
	if (setsockopt(pair[1], SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(pair[1], SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	CHECK(connect(pair[0], (struct sockaddr *)&server, sizeof(server)) == 0);
	CHECK(connect(pair[1], (struct sockaddr *)&client, sizeof(client)) == 0);
}

static inline void close_pair(const int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

static inline bool readable(int fd, int limit_ms)
{
	return poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, limit_ms) == 1;
}

static inline bool is_silent(int fd)
{
	return !readable(fd, 0);
}

static inline bool arrives(int fd, char expected)
{
	char c = 0;

	return readable(fd, LIMIT_MS) && read(fd, &c, 1) == 1 && c == expected;
}

/* A byte gets there and another one back. */
static inline bool talks(const int pair[2])
{
	return write(pair[0], "p", 1) == 1 && arrives(pair[1], 'p') &&
	       write(pair[1], "q", 1) == 1 && arrives(pair[0], 'q');
}

static inline void open_net(void)
{
	struct why why = {""};

	CHECK_OK(net_open(&why), why);
	CHECK_OK(net_queue_open(&why), why);
}

static inline uint64_t shape(uint32_t from, uint32_t to, struct net_shape shape)
{
	struct why why = {""};
	uint64_t id = 0;

	CHECK_OK(net_shape_set(from, to, &shape, &id, &why), why);
	return id;
}

static inline void heal(uint64_t id)
{
	struct why why = {""};

	CHECK_OK(net_shape_clear(id, &why), why);
	CHECK(net_probe(CLIENT, SERVER, LIMIT_MS));
	CHECK(net_probe(SERVER, CLIENT, LIMIT_MS));
}

static inline uint64_t hits(uint64_t id)
{
	uint64_t packets = 0, n = 0;

	CHECK(net_shape_counts(id, &packets, &n) == 0);
	return n;
}

#endif
