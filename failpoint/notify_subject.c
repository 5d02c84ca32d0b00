/*
 * notify_subject.c - what a stopped call is about, through /proc and the target's memory. See
 * notify_impl.h.
 *
 * Nothing is remembered about a descriptor: the calls that close and rename are not stopped unless a
 * rule names them, so nobody could tell us when it has become stale.
 */
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "failpoint/notify_impl.h"

#define DELETED " (deleted)"

enum { VECTOR_MAX = 1024 };

/* ---- Paths ---- */

/* Takes ".", ".." and doubled "/" out of an absolute path, in place. */
static void clean(char *path)
{
	char *out = path, *in = path;

	while (*in) {
		size_t length;

		in += strspn(in, "/");
		length = strcspn(in, "/");
		if (length == 2 && in[0] == '.' && in[1] == '.') {
			while (out > path && *--out != '/')
				;
		} else if (length && !(length == 1 && in[0] == '.')) {
			*out++ = '/';
			memmove(out, in, length);
			out += length;
		}
		in += length;
	}
	if (out == path)
		*out++ = '/';
	*out = 0;
}

/* The tail of what is too long is kept. */
static const char *keep(char to[SUBJECT_PATH_MAX], const char *path)
{
	size_t length = strlen(path);

	if (length >= SUBJECT_PATH_MAX)
		path += length - (SUBJECT_PATH_MAX - 1);
	memmove(to, path, strlen(path) + 1);
	return to;
}

/* Where a link of /proc leads; "" unless it is a path. */
static void read_link(const char *link, char to[PATH_MAX])
{
	ssize_t n = readlink(link, to, PATH_MAX - 1);

	to[n > 0 && to[0] == '/' ? n : 0] = 0;
}

static const char *resolve_name(const struct passage *p, int dirfd, const char *name,
				char to[SUBJECT_PATH_MAX])
{
	char whole[2 * PATH_MAX], link[64];

	whole[0] = 0;
	if (name[0] != '/') {
		if (dirfd == AT_FDCWD)
			proc_path(link, p->tid, "cwd", -1);
		else
			proc_path(link, p->tid, "fd", dirfd);
		read_link(link, whole);
		if (!whole[0])
			return NULL;
		strcat(whole, "/");
	}
	strncat(whole, name, PATH_MAX - 1);
	clean(whole);
	return keep(to, whole);
}

/* A file that lost its name is still known by it: the kernel marks it, and so might a name. */
static const char *resolve_link(const char *link, const struct stat *opened,
				char to[SUBJECT_PATH_MAX])
{
	char whole[PATH_MAX];
	struct stat named;
	size_t length;

	read_link(link, whole);
	length = strlen(whole);
	if (length >= sizeof(DELETED) &&
	    strcmp(whole + length + 1 - sizeof(DELETED), DELETED) == 0 &&
	    !(stat(whole, &named) == 0 && named.st_ino == opened->st_ino &&
	      named.st_dev == opened->st_dev))
		whole[strncmp(whole, "/memfd:", 7) == 0 ? 0 : length + 1 - sizeof(DELETED)] = 0;
	return whole[0] ? keep(to, whole) : NULL;
}

/* ---- Sockets ---- */

static void copy_address(const struct sockaddr_storage *from, socklen_t length, uint16_t *port,
			 uint8_t address[16])
{
	const struct sockaddr_in *in4 = (const void *)from;
	const struct sockaddr_in6 *in6 = (const void *)from;

	if (from->ss_family == AF_INET && length >= sizeof(*in4)) {
		memset(address, 0, 10);
		memset(address + 10, 0xff, 2);
		memcpy(address + 12, &in4->sin_addr, 4);
		*port = ntohs(in4->sin_port);
	} else if (from->ss_family == AF_INET6 &&
		   length >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		memcpy(address, &in6->sin6_addr, 16);
		*port = ntohs(in6->sin6_port);
	}
}

static void copy_unix_path(const struct sockaddr_storage *from, socklen_t length, struct passage *p)
{
	const struct sockaddr_un *un = (const void *)from;
	size_t n = length - offsetof(struct sockaddr_un, sun_path);

	if (from->ss_family != AF_UNIX || length <= offsetof(struct sockaddr_un, sun_path) ||
	    n > sizeof(un->sun_path) || un->sun_path[0] != '/')
		return;
	memcpy(p->path, un->sun_path, n);
	p->path[n] = 0;
	p->subject.path = p->path;
}

int notify_copy_fd(const struct passage *p, int fd)
{
	return (int)raw_syscall(SYS_pidfd_getfd, p->target->pidfd, fd, 0, 0, 0, 0);
}

static int option(int fd, int name, void *value, socklen_t size)
{
	return getsockopt(fd, SOL_SOCKET, name, value, &size);
}

static uint8_t sock_kind(int domain, int type)
{
	if (domain == AF_UNIX)
		return SOCK_UNIX;
	if (domain != AF_INET && domain != AF_INET6)
		return SOCK_OTHER;
	return type == SOCK_STREAM ? SOCK_TCP : type == SOCK_DGRAM ? SOCK_UDP : SOCK_OTHER;
}

static void resolve_socket(struct passage *p, int fd)
{
	struct sockaddr_storage address = {0};
	struct subject *s = &p->subject;
	int domain = 0, type = 0;
	socklen_t length = sizeof(address);

	option(fd, SO_DOMAIN, &domain, sizeof(domain));
	option(fd, SO_TYPE, &type, sizeof(type));
	option(fd, SO_COOKIE, &s->inode, sizeof(s->inode));
	s->sock = sock_kind(domain, type);
	if (getsockname(fd, (struct sockaddr *)&address, &length) == 0) {
		copy_address(&address, length, &s->local_port, s->local);
		copy_unix_path(&address, length, p);
	}
	length = sizeof(address);
	if (getpeername(fd, (struct sockaddr *)&address, &length) == 0) {
		copy_address(&address, length, &s->peer_port, s->peer);
		copy_unix_path(&address, length, p);
	}
}

/* ---- Subjects ---- */

static uint8_t file_kind(mode_t mode)
{
	return S_ISREG(mode)    ? FILE_REG
	       : S_ISDIR(mode)  ? FILE_DIR
	       : S_ISSOCK(mode) ? FILE_SOCK
	       : S_ISFIFO(mode) ? FILE_FIFO
				: FILE_OTHER;
}

/* What our copy of it is; a look through the target's folder in /proc would take longer. */
static void resolve_copy(struct passage *p, int fd)
{
	struct subject *s = &p->subject;
	struct stat st;
	char link[32];

	if (fstat(fd, &st) < 0)
		return;
	s->file = file_kind(st.st_mode);
	s->device = st.st_dev;
	s->inode = st.st_ino;
	if (s->file == FILE_SOCK) {
		resolve_socket(p, fd);
		return;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	s->path = resolve_link(link, &st, p->path);
}

static void resolve_descriptor(struct passage *p)
{
	int fd = notify_copy_fd(p, p->hit.fd);

	if (fd < 0)
		return;
	resolve_copy(p, fd);
	close(fd);
}

/* connect's and sendto's address is the peer, bind's is local. */
static void add_address(struct passage *p)
{
	struct subject *s = &p->subject;
	bool binds = p->hit.site == CALL_bind;

	if (!p->hit.address)
		return;
	copy_address(&p->address, p->hit.address_length, binds ? &s->local_port : &s->peer_port,
		     binds ? s->local : s->peer);
	copy_unix_path(&p->address, p->hit.address_length, p);
}

static const struct subject *resolve(struct hit *hit)
{
	struct passage *p = notify_passage;

	memset(&p->subject, 0, sizeof(p->subject));
	if (hit->path)
		p->subject.path = resolve_name(p, hit->dirfd, p->name, p->path);
	if (hit->path && hit->path2)
		p->subject.path2 = resolve_name(p, hit->dirfd2, p->name2, p->path2);
	if (!hit->path && hit->fd >= 0) {
		resolve_descriptor(p);
		add_address(p);
	}
	return &p->subject;
}

/* Disconnecting a TCP socket sends RST, through a copy of the descriptor as well. */
static void reset(int fd)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	int copy = notify_copy_fd(notify_passage, fd);

	if (copy < 0)
		return;
	raw_syscall(SYS_connect, copy, (long)&none, sizeof(none), 0, 0, 0);
	close(copy);
}

static bool able(const struct hit *hit, unsigned action)
{
	(void)hit;
	return notify_able(notify_passage, action);
}

const struct subject_ops notify_subject_ops = {.resolve = resolve, .reset = reset, .able = able};

/* ---- From arguments to a hit ---- */

static uint64_t vector_bytes(const struct passage *p, uint64_t vector, uint64_t count)
{
	struct iovec piece;
	uint64_t bytes = 0;

	for (uint64_t i = 0; i < count && i < VECTOR_MAX; i++) {
		if (!memory_read(p->tid, &piece, vector + i * sizeof(piece), sizeof(piece)))
			break;
		bytes += piece.iov_len;
	}
	return bytes;
}

static void fill_address(struct passage *p, uint64_t address, uint64_t length)
{
	if (!address || length > sizeof(p->address) || length < sizeof(p->address.ss_family) ||
	    !memory_read(p->tid, &p->address, address, length))
		return;
	p->hit.address = &p->address;
	p->hit.address_length = (uint32_t)length;
}

static void fill_message(struct passage *p)
{
	struct msghdr message;

	if (!memory_read(p->tid, &message, passage_argument(p, p->row->message), sizeof(message)))
		return;
	p->hit.len = vector_bytes(p, (uintptr_t)message.msg_iov, message.msg_iovlen);
	if (p->hit.site == CALL_sendmsg)
		fill_address(p, (uintptr_t)message.msg_name, message.msg_namelen);
}

static const char *fill_name(struct passage *p, int position, char name[PATH_MAX])
{
	return position >= 0 && memory_text(p->tid, name, PATH_MAX, passage_argument(p, position))
		       ? name
		       : NULL;
}

/* A function without the argument means the working directory. */
static int fill_dirfd(const struct passage *p, int position, int path)
{
	if (position >= 0)
		return (int)passage_argument(p, position);
	return path >= 0 ? AT_FDCWD : -1;
}

/* A second name of the system call has the row of the first: open's arguments are openat's. */
void notify_fill(struct passage *p, int site)
{
	int own = site;

	for (unsigned i = 0; i < CALL_COUNT; i++)
		if (call_table[i].number == p->notification->data.nr)
			own = (int)i;
	p->row = &notify_rows[own];
	p->hit = (struct hit){.site = (uint32_t)site, .fd = -1, .offset = -1};
	if (p->row->fd >= 0)
		p->hit.fd = (int)passage_argument(p, p->row->fd);
	p->hit.dirfd = fill_dirfd(p, p->row->dirfd, p->row->path);
	p->hit.dirfd2 = fill_dirfd(p, p->row->dirfd2, p->row->path2);
	p->hit.path = fill_name(p, p->row->path, p->name);
	p->hit.path2 = fill_name(p, p->row->path2, p->name2);
	p->hit.flags = (uint32_t)passage_argument(p, p->row->flags);
	if (own == CALL_creat)
		p->hit.flags = O_CREAT | O_WRONLY | O_TRUNC;
	p->hit.len = passage_argument(p, p->row->length);
	if (p->row->vector >= 0)
		p->hit.len = vector_bytes(p, passage_argument(p, p->row->vector),
					  passage_argument(p, p->row->count));
	if (p->row->offset >= 0)
		p->hit.offset = (int64_t)passage_argument(p, p->row->offset);
	if (p->row->address >= 0)
		fill_address(p, passage_argument(p, p->row->address),
			     passage_argument(p, p->row->address_length));
	if (p->row->message >= 0)
		fill_message(p);
}
