/*
 * notify_perform.c - makes a call in the target's stead. See notify_impl.h.
 *
 * A copy of a descriptor shares the file with the original: its offset moves, its locks hold, its
 * socket is the socket. What is written is copied out of the target first, what was read is copied
 * into it before it goes on. A call that may block is waited for here, as long as the target waits.
 *
 * What can't be made so: what changes the target's own table of descriptors or its memory (close,
 * dup, mmap), and messages that carry descriptors.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "failpoint/notify_impl.h"

enum { SLICE_MS = 100, BYTES_MAX = 0x7ffff000, PIECES_MAX = 1024 };

void notify_note_result(struct passage *p, long result)
{
	bool errnum = call_table[p->hit.site].fails == FAILS_ERRNUM;

	p->hit.err = result < 0 ? (int)-result : 0;
	p->hit.ret = result >= 0 ? result : errnum ? -result : -1;
}

/* ---- The target's bytes ---- */

struct bytes {
	struct iovec piece[PIECES_MAX]; /* in the target */
	struct msghdr message;          /* as there, for calls that have one */
	size_t pieces;
	struct iovec own; /* ours: one for all */
};

static bool read_vector(const struct passage *p, struct bytes *b, uint64_t at, uint64_t count)
{
	b->pieces = count;
	return count <= PIECES_MAX && memory_read(p->tid, b->piece, at, count * sizeof(*b->piece));
}

static bool find_pieces(const struct passage *p, struct bytes *b)
{
	if (p->row->message >= 0)
		return memory_read(p->tid, &b->message, passage_argument(p, p->row->message),
				   sizeof(b->message)) &&
		       read_vector(p, b, (uintptr_t)b->message.msg_iov, b->message.msg_iovlen);
	if (p->row->vector >= 0)
		return read_vector(p, b, passage_argument(p, p->row->vector),
				   passage_argument(p, p->row->count));
	b->pieces = 1;
	b->piece[0].iov_base = (void *)(uintptr_t)passage_argument(p, p->row->buffer);
	b->piece[0].iov_len = passage_argument(p, p->row->length);
	return true;
}

/* Shortens them to so many bytes altogether. */
static void cut_pieces(struct bytes *b, size_t bytes)
{
	for (size_t i = 0; i < b->pieces; i++) {
		if (b->piece[i].iov_len > bytes)
			b->piece[i].iov_len = bytes;
		bytes -= b->piece[i].iov_len;
	}
}

static struct bytes *bytes_begin(const struct passage *p)
{
	size_t length = p->hit.len < BYTES_MAX ? p->hit.len : BYTES_MAX;
	struct bytes *b = calloc(1, sizeof(*b));

	if (!b || !find_pieces(p, b)) {
		free(b);
		return NULL;
	}
	cut_pieces(b, length);
	b->own.iov_len = length;
	b->own.iov_base = malloc(length + 1);
	if (b->own.iov_base)
		return b;
	free(b);
	return NULL;
}

static void bytes_end(struct bytes *b)
{
	if (b)
		free(b->own.iov_base);
	free(b);
}

static bool fetch(const struct passage *p, struct bytes *b)
{
	return b->own.iov_len == 0 || process_vm_readv((pid_t)p->tid, &b->own, 1, b->piece,
						       b->pieces, 0) == (ssize_t)b->own.iov_len;
}

static bool deliver(const struct passage *p, struct bytes *b, size_t bytes)
{
	struct iovec own = {b->own.iov_base, bytes};

	cut_pieces(b, bytes);
	return bytes == 0 ||
	       process_vm_writev((pid_t)p->tid, &own, 1, b->piece, b->pieces, 0) == (ssize_t)bytes;
}

/* ---- Blocking ---- */

static bool is_message(const struct passage *p)
{
	int number = p->notification->data.nr;

	return number == SYS_sendto || number == SYS_recvfrom || number == SYS_sendmsg ||
	       number == SYS_recvmsg;
}

static bool still_waits(const struct passage *p)
{
	return ioctl(notify_listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &p->notification->id) == 0;
}

static bool has_timeout(int fd, int option)
{
	struct timeval time = {0};
	socklen_t size = sizeof(time);

	return getsockopt(fd, SOL_SOCKET, option, &time, &size) == 0 &&
	       (time.tv_sec || time.tv_usec);
}

/* Waits as the target would, but no longer than it does. */
static bool wait_until_ready(const struct passage *p, int fd, short events)
{
	struct pollfd ready = {.fd = fd, .events = events};
	long flags = raw_syscall(SYS_fcntl, fd, F_GETFL, 0, 0, 0, 0);

	notify_hand_over();
	if (flags & O_NONBLOCK || (is_message(p) && p->hit.flags & MSG_DONTWAIT) ||
	    has_timeout(fd, events & POLLIN ? SO_RCVTIMEO : SO_SNDTIMEO))
		return true;
	while (poll(&ready, 1, SLICE_MS) == 0)
		if (!still_waits(p))
			return false;
	return true;
}

/* ---- Bytes ---- */

static void signal_broken_pipe(const struct passage *p)
{
	raw_syscall(SYS_tgkill, core.pid, p->tid, SIGPIPE, 0, 0, 0);
}

static bool has_control(const struct passage *p)
{
	struct msghdr message;

	return p->tid && p->row->message >= 0 &&
	       (!memory_read(p->tid, &message, passage_argument(p, p->row->message),
			     sizeof(message)) ||
		message.msg_controllen);
}

static bool perform_out(struct passage *p, int fd)
{
	struct bytes *b = bytes_begin(p);
	struct msghdr message = {.msg_name = (void *)(uintptr_t)p->hit.address,
				 .msg_namelen = p->hit.address_length};
	bool done = b && fetch(p, b) && wait_until_ready(p, fd, POLLOUT);
	long result = 0;

	if (done && is_message(p)) {
		message.msg_iov = &b->own;
		message.msg_iovlen = 1;
		result = raw_syscall(SYS_sendmsg, fd, (long)&message,
				     (long)(p->hit.flags | MSG_NOSIGNAL), 0, 0, 0);
	} else if (done) {
		result = raw_syscall(SYS_pwritev2, fd, (long)&b->own, 1, p->hit.offset, 0,
				     p->row->flags >= 0 ? (long)p->hit.flags : 0);
	}
	bytes_end(b);
	if (!done)
		return false;
	if (result == -EPIPE && !(is_message(p) && p->hit.flags & MSG_NOSIGNAL))
		signal_broken_pipe(p);
	notify_note_result(p, result);
	return true;
}

/* recvfrom: the address and its length are its last arguments. */
static void deliver_address(const struct passage *p, const struct bytes *b,
			    const struct msghdr *message)
{
	bool whole = p->row->message >= 0;
	uint64_t at = whole ? (uintptr_t)b->message.msg_name : passage_argument(p, 4);
	uint64_t size_at =
		whole ? passage_argument(p, p->row->message) + offsetof(struct msghdr, msg_namelen)
		      : passage_argument(p, 5);
	socklen_t room = 0, length = message->msg_namelen;
	uint64_t flags_at = passage_argument(p, 1) + offsetof(struct msghdr, msg_flags);

	if (whole)
		memory_write(p->tid, flags_at, &message->msg_flags, sizeof(message->msg_flags));
	if (!at || !memory_read(p->tid, &room, size_at, sizeof(room)))
		return;
	memory_write(p->tid, at, message->msg_name, length < room ? length : room);
	memory_write(p->tid, size_at, &length, sizeof(length));
}

static bool perform_in(struct passage *p, int fd)
{
	struct bytes *b = bytes_begin(p);
	struct msghdr message = {.msg_name = &p->address, .msg_namelen = sizeof(p->address)};
	bool done = b && wait_until_ready(p, fd, POLLIN);
	long result = 0;

	if (done && is_message(p)) {
		message.msg_iov = &b->own;
		message.msg_iovlen = 1;
		result = raw_syscall(SYS_recvmsg, fd, (long)&message, (long)p->hit.flags, 0, 0, 0);
		if (result >= 0)
			deliver_address(p, b, &message);
	} else if (done) {
		result = raw_syscall(SYS_preadv2, fd, (long)&b->own, 1, p->hit.offset, 0,
				     p->row->flags >= 0 ? (long)p->hit.flags : 0);
	}
	if (done && result > 0 &&
	    !deliver(p, b, (size_t)result < b->own.iov_len ? (size_t)result : b->own.iov_len))
		result = -EFAULT;
	bytes_end(b);
	if (done)
		notify_note_result(p, result);
	return done;
}

/* ---- Calls without bytes ---- */

static bool perform_plain(struct passage *p, int fd)
{
	const __u64 *a = p->notification->data.args;

	notify_hand_over();
	notify_note_result(p, raw_syscall(p->notification->data.nr, fd, (long)a[1], (long)a[2],
					  (long)a[3], (long)a[4], (long)a[5]));
	return true;
}

/* A relative path of a socket would be meant from another folder. */
static bool perform_address(struct passage *p, int fd)
{
	const struct sockaddr_un *un = (const void *)&p->address;

	if (!p->hit.address ||
	    (p->address.ss_family == AF_UNIX && un->sun_path[0] && un->sun_path[0] != '/'))
		return false;
	notify_hand_over();
	notify_note_result(p, raw_syscall(p->notification->data.nr, fd, (long)&p->address,
					  p->hit.address_length, 0, 0, 0));
	return true;
}

static bool perform_accept(struct passage *p, int fd)
{
	const __u64 *a = p->notification->data.args;
	bool four = p->notification->data.nr == SYS_accept4;
	socklen_t length = sizeof(p->address), room = 0;
	long result;

	if (!wait_until_ready(p, fd, POLLIN))
		return false;
	result = raw_syscall(SYS_accept4, fd, (long)&p->address, (long)&length,
			     (four ? (long)a[3] : 0) | SOCK_CLOEXEC, 0, 0);
	p->made = result >= 0;
	p->cloexec = four && a[3] & SOCK_CLOEXEC;
	if (p->made && a[1] && memory_read(p->tid, &room, a[2], sizeof(room))) {
		memory_write(p->tid, a[1], &p->address, length < room ? length : room);
		memory_write(p->tid, a[2], &length, sizeof(length));
	}
	notify_note_result(p, result);
	return true;
}

static const struct performer {
	long number;
	bool (*perform)(struct passage *p, int fd);
} performers[] = {
	{SYS_write, perform_out},
	{SYS_pwrite64, perform_out},
	{SYS_writev, perform_out},
	{SYS_pwritev, perform_out},
	{SYS_pwritev2, perform_out},
	{SYS_sendto, perform_out},
	{SYS_sendmsg, perform_out},
	{SYS_read, perform_in},
	{SYS_pread64, perform_in},
	{SYS_readv, perform_in},
	{SYS_preadv, perform_in},
	{SYS_preadv2, perform_in},
	{SYS_recvfrom, perform_in},
	{SYS_recvmsg, perform_in},
	{SYS_fsync, perform_plain},
	{SYS_fdatasync, perform_plain},
	{SYS_sync_file_range, perform_plain},
	{SYS_syncfs, perform_plain},
	{SYS_ftruncate, perform_plain},
	{SYS_fallocate, perform_plain},
	{SYS_listen, perform_plain},
	{SYS_shutdown, perform_plain},
	{SYS_connect, perform_address},
	{SYS_bind, perform_address},
	{SYS_accept, perform_accept},
	{SYS_accept4, perform_accept},
};

static const struct performer *find_performer(const struct passage *p)
{
	for (size_t i = 0; i < sizeof(performers) / sizeof(performers[0]); i++)
		if (performers[i].number == p->notification->data.nr)
			return &performers[i];
	return NULL;
}

bool notify_can_perform(const struct passage *p)
{
	return find_performer(p) ? !has_control(p) : notify_can_perform_name(p);
}

bool notify_perform(struct passage *p)
{
	const struct performer *performer = find_performer(p);
	bool done;
	int fd;

	if (!notify_can_perform(p))
		return false;
	if (!performer)
		return notify_perform_name(p);
	fd = notify_copy_fd(p, p->hit.fd);
	if (fd < 0)
		return false;
	done = performer->perform(p, fd);
	close(fd);
	return done;
}
