/*
 * custom_net.c - sockets: what makes one, connects one, or may carry descriptors.
 *
 * A node is an address: before a socket without one connects within 127.0.0.0/8 it is bound to the
 * node's, so that accept() names the peer and the kernel can cut a link by source and destination.
 */
#include "preload/custom_net.h"

#include <netinet/in.h>

#include "preload/custom_io.h"
#include "preload/fd_table.h"
#include "preload/pass.h"
#include "preload/raw.h"

extern void __chk_fail(void) __attribute__((noreturn));
ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t size, int flags, __SOCKADDR_ARG from,
		       socklen_t *length);

#define LOOPBACK_NET 127

/* An IPv4 socket of TCP or UDP without an address or port of its own. */
static bool is_unbound(int fd)
{
	struct sockaddr_in own = {0};
	socklen_t length = sizeof(own);
	int type = 0;
	socklen_t type_length = sizeof(type);

	if (raw(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &type_length) < 0 ||
	    (type != SOCK_STREAM && type != SOCK_DGRAM))
		return false;
	return raw(SYS_getsockname, fd, &own, &length) == 0 && own.sin_family == AF_INET &&
	       own.sin_addr.s_addr == 0 && own.sin_port == 0;
}

static void node_bind(int fd, const struct sockaddr *to, socklen_t length)
{
	struct sockaddr_in own = {.sin_family = AF_INET};
	struct sockaddr_in peer;
	uint32_t node = engine_node_address();
	int on = 1;

	if (!node || length < sizeof(peer) || !raw_bytes_readable(to, sizeof(peer)) ||
	    to->sa_family != AF_INET)
		return;
	raw_move(&peer, to, sizeof(peer));
	if (ntohl(peer.sin_addr.s_addr) >> 24 != LOOPBACK_NET || !is_unbound(fd))
		return;
	own.sin_addr.s_addr = htonl(node);
	raw(SYS_setsockopt, fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	raw(SYS_bind, fd, &own, sizeof(own));
}

static __attribute__((noinline)) int armed_connect(int fd, __CONST_SOCKADDR_ARG address,
						   socklen_t length)
{
	struct call call;

	CALL_BEGIN(call, connect, HIT_ADDRESS(fd, 0, address.__sockaddr__, length), GIVE_NO_BYTES);
	if (call_enter(&call))
		call_result(&call, real_connect(fd, address, length));
	return (int)call_leave(&call);
}

int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t length)
{
	int ret;

	if (!preload_begun)
		preload_begin();
	node_bind(fd, address.__sockaddr__, length);
	fd_table_forget(fd);
	ret = ARMED(connect) ? armed_connect(fd, address, length)
			     : real_connect(fd, address, length);
	fd_table_forget(fd);
	return ret;
}

MAKES_FD(socket, (int domain, int type, int protocol), (domain, type, protocol), NOTHING)
MAKES_FD(accept, (int fd, __SOCKADDR_ARG address, socklen_t *length), (fd, address, length),
	 SOCKET(fd))
MAKES_FD(accept4, (int fd, __SOCKADDR_ARG address, socklen_t *length, int flags),
	 (fd, address, length, flags), FD_FLAGS(fd, flags))

/* Descriptors that came with a message: their numbers mean something new. */
void forget_received(struct msghdr *message)
{
	if (!message->msg_control || message->msg_controllen < sizeof(struct cmsghdr))
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			raw_move(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			fd_table_forget(fd);
		}
	}
}

/* The kernel overwrites the length of the address: the next try wants what there was. */
static __attribute__((noinline)) ssize_t armed_recvfrom(int fd, void *buf, size_t n, int flags,
							__SOCKADDR_ARG from, socklen_t *length)
{
	socklen_t room = length && raw_readable(length) ? *length : 0;
	struct call call;

	CALL_BEGIN(call, recvfrom, HIT_FD_FLAGS(fd, flags), GIVE_DATA(buf, n, -1));
	while (call_enter(&call)) {
		call_result(&call, real_recvfrom(fd, buf, call.hit.len, flags, from, length));
		if (!call_again(&call))
			break;
		if (length)
			*length = room;
	}
	return call_leave(&call);
}

ssize_t recvfrom(int fd, void *buf, size_t n, int flags, __SOCKADDR_ARG from, socklen_t *length)
{
	return ARMED(recvfrom) ? armed_recvfrom(fd, buf, n, flags, from, length)
			       : real_recvfrom(fd, buf, n, flags, from, length);
}

/* What the kernel writes into a message that it received, from one to the other. */
static void tell_received(struct msghdr *message, const struct msghdr *judged, bool failed)
{
	if (failed)
		return;
	message->msg_namelen = judged->msg_namelen;
	message->msg_controllen = judged->msg_controllen;
	message->msg_flags = judged->msg_flags;
}

/* The caller's message is what the kernel gets, so that it refuses one that can't be written; a copy
 * only where it is cut. Of what is dropped the caller's message is to say nothing. */
static __attribute__((noinline)) ssize_t armed_recvmsg(int fd, struct msghdr *message, int flags)
{
	uint64_t asked = vector_bytes(message->msg_iov, message->msg_iovlen);
	size_t pieces = asked ? message->msg_iovlen : 0;
	struct iovec *cut = __builtin_alloca((pieces + 1) * sizeof(*cut));
	struct msghdr judged;
	struct call call;

	CALL_BEGIN(call, recvmsg, HIT_FD_FLAGS(fd, flags),
		   GIVE_PIECES(message->msg_iov, message->msg_iovlen, asked, -1));
	while (call_enter(&call)) {
		bool is_cut = call.hit.len < asked;

		judged = *message;
		if (is_cut) {
			judged.msg_iov = cut;
			judged.msg_iovlen = vector_cut(cut, message->msg_iov, pieces, call.hit.len);
		}
		call_result(&call, real_recvmsg(fd, is_cut ? &judged : message, flags));
		if (is_cut != call_again(&call))
			tell_received(message, &judged, call.failed);
		if (!call_again(&call))
			break;
	}
	return call_leave(&call);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t ret = ARMED(recvmsg) && raw_readable(message) ? armed_recvmsg(fd, message, flags)
							      : real_recvmsg(fd, message, flags);

	if (ret >= 0)
		forget_received(message);
	return ret;
}

static __attribute__((noinline)) int armed_recvmmsg(int fd, struct mmsghdr *messages,
						    unsigned count, int flags,
						    struct timespec *timeout)
{
	struct call call;

	CALL_BEGIN(call, recvmmsg, HIT_FD_FLAGS(fd, flags), GIVE_NO_BYTES);
	if (call_enter(&call))
		call_result(&call, real_recvmmsg(fd, messages, count, flags, timeout));
	return (int)call_leave(&call);
}

int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
	int ret = ARMED(recvmmsg) ? armed_recvmmsg(fd, messages, count, flags, timeout)
				  : real_recvmmsg(fd, messages, count, flags, timeout);

	for (int i = 0; i < ret && i < (int)count; i++)
		forget_received(&messages[i].msg_hdr);
	return ret;
}

static __attribute__((noinline)) ssize_t armed_sendmsg(int fd, const struct msghdr *message,
						       int flags)
{
	uint64_t asked = vector_bytes(message->msg_iov, message->msg_iovlen);
	struct msghdr judged = *message;
	uint8_t wrong[HIT_FLIP_MAX];
	struct call call;

	CALL_BEGIN(call, sendmsg, HIT_ADDRESS(fd, flags, message->msg_name, message->msg_namelen),
		   GIVE_PIECES(message->msg_iov, message->msg_iovlen, asked, -1));
	if (call_enter(&call)) {
		if (vector_differs(&call, asked)) {
			size_t room = vector_room(&call, message->msg_iovlen);

			judged.msg_iov = __builtin_alloca(room * sizeof(struct iovec));
			judged.msg_iovlen = vector_judged(&call, judged.msg_iov, wrong,
							  message->msg_iov, message->msg_iovlen);
		}
		call_result(&call, real_sendmsg(fd, &judged, flags));
	}
	return call_leave(&call);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	if (!ARMED(sendmsg) || !raw_readable(message))
		return real_sendmsg(fd, message, flags);
	return armed_sendmsg(fd, message, flags);
}

ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags)
{
	if (n > size)
		__chk_fail();
	return recv(fd, buf, n, flags);
}

ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t size, int flags, __SOCKADDR_ARG from,
		       socklen_t *length)
{
	if (n > size)
		__chk_fail();
	return recvfrom(fd, buf, n, flags, from, length);
}
