/* subject.c - see subject.h for the model. */
#include "preload/subject.h"

#include <netinet/in.h>
#include <stddef.h>
#include <sys/un.h>

#include "preload/fd_table.h"
#include "preload/linked.h"
#include "preload/raw.h"

#define DELETED " (deleted)"
#define MEMFD   "/memfd:"

union address {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

/* "/proc/self/fd/N" without stdio. */
static void link_name(int fd, char out[32])
{
	char digits[12];
	int n = 0;

	raw_move(out, "/proc/self/fd/", 14);
	out += 14;
	do
		digits[n++] = (char)('0' + fd % 10);
	while (fd /= 10);
	while (n)
		*out++ = digits[--n];
	*out = 0;
}

static long raw_fstat(int fd, struct stat *st)
{
	return raw(SYS_fstat, fd, st);
}

/* Is there a file of that very name, and is it this one? */
static bool is_named(int fd, const char *path)
{
	struct stat named, opened;

	return raw(SYS_newfstatat, AT_FDCWD, path, &named, 0) == 0 && raw_fstat(fd, &opened) == 0 &&
	       named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

void subject_fd_path(int fd, char *out, size_t size)
{
	const long mark = sizeof(DELETED) - 1;
	struct stat st;
	char name[32];
	long n;

	link_name(fd, name);
	n = raw(SYS_readlinkat, AT_FDCWD, name, out, size - 1);
	if (n <= 0 || out[0] != '/')
		n = 0;
	out[n] = 0;
	if (n <= mark || !raw_equal(out + n - mark, DELETED) || is_named(fd, out))
		return;
	if (raw_fstat(fd, &st) == 0 && linked_find(st.st_dev, st.st_ino, out, size))
		return;
	out[raw_begins(out, MEMFD, sizeof(MEMFD) - 1) ? 0 : n - mark] = 0;
}

static void copy_address(const union address *from, socklen_t length, uint16_t *port,
			 uint8_t address[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (from->any.sa_family == AF_INET && length >= sizeof(from->in4)) {
		raw_move(address, mapped, sizeof(mapped));
		raw_move(address + 12, &from->in4.sin_addr, 4);
		*port = ntohs(from->in4.sin_port);
	} else if (from->any.sa_family == AF_INET6 &&
		   length >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		raw_move(address, &from->in6.sin6_addr, 16);
		*port = ntohs(from->in6.sin6_port);
	}
}

static void copy_unix_path(const union address *from, socklen_t length, char *out)
{
	size_t n = length - offsetof(struct sockaddr_un, sun_path);

	if (from->any.sa_family != AF_UNIX || length <= offsetof(struct sockaddr_un, sun_path) ||
	    from->un.sun_path[0] != '/' || n > sizeof(from->un.sun_path))
		return;
	raw_move(out, from->un.sun_path, n);
	out[n] = 0;
}

static uint8_t sock_kind(int domain, int type)
{
	if (domain == AF_UNIX)
		return SOCK_UNIX;
	if (domain != AF_INET && domain != AF_INET6)
		return SOCK_OTHER;
	return type == SOCK_STREAM ? SOCK_TCP : type == SOCK_DGRAM ? SOCK_UDP : SOCK_OTHER;
}

static long socket_option(int fd, int option, void *value, socklen_t size)
{
	return raw(SYS_getsockopt, fd, SOL_SOCKET, option, value, &size);
}

/* Returns whether it may be remembered: both ends are known, so only our own wrappers change them.
 */
static bool ask_socket(int fd, struct call *call)
{
	struct subject *s = &call->subject;
	union address local = {0}, peer = {0};
	socklen_t local_length = sizeof(local), peer_length = sizeof(peer);
	int domain = 0, type = 0;

	socket_option(fd, SO_DOMAIN, &domain, sizeof(domain));
	socket_option(fd, SO_TYPE, &type, sizeof(type));
	socket_option(fd, SO_COOKIE, &s->inode, sizeof(s->inode));
	s->sock = sock_kind(domain, type);
	s->datagram = type != SOCK_STREAM;
	if (raw(SYS_getsockname, fd, &local, &local_length) == 0) {
		copy_address(&local, local_length, &s->local_port, s->local);
		copy_unix_path(&local, local_length, call->path);
	}
	if (raw(SYS_getpeername, fd, &peer, &peer_length) < 0)
		return false;
	copy_address(&peer, peer_length, &s->peer_port, s->peer);
	copy_unix_path(&peer, peer_length, call->path);
	return s->sock != SOCK_OTHER;
}

static uint8_t file_kind(mode_t mode)
{
	return S_ISREG(mode)    ? FILE_REG
	       : S_ISDIR(mode)  ? FILE_DIR
	       : S_ISSOCK(mode) ? FILE_SOCK
	       : S_ISFIFO(mode) ? FILE_FIFO
				: FILE_OTHER;
}

/* Asks the kernel; returns whether the answer may be remembered. */
static bool ask_descriptor(int fd, struct call *call)
{
	struct subject *s = &call->subject;
	bool remember = true;
	struct stat st;

	*s = (struct subject){0};
	call->path[0] = 0;
	if (raw_fstat(fd, &st) < 0)
		return false;
	s->file = file_kind(st.st_mode);
	s->device = st.st_dev;
	s->inode = st.st_ino;
	if (s->file == FILE_SOCK)
		remember = ask_socket(fd, call);
	else
		subject_fd_path(fd, call->path, sizeof(call->path));
	if (call->path[0])
		s->path = call->path;
	return remember;
}

static void resolve_descriptor(int fd, struct call *call)
{
	uint32_t ticket;
	bool remember;

	if (fd_table_get(fd, call))
		return;
	ticket = fd_table_take(fd);
	remember = ask_descriptor(fd, call);
	fd_table_put(fd, ticket, &call->subject, remember);
}

/* What the call itself says about an address: connect's and sendto's is the peer, bind's is local.
 */
static void add_address(struct call *call)
{
	const struct hit *hit = &call->hit;
	struct subject *s = &call->subject;
	const union address *to = hit->address;

	if (!to || hit->address_length < sizeof(to->any.sa_family) ||
	    !raw_bytes_readable(to, hit->address_length < sizeof(*to) ? hit->address_length
								      : sizeof(*to)))
		return;
	if (hit->site == CALL_bind)
		copy_address(to, hit->address_length, &s->local_port, s->local);
	else
		copy_address(to, hit->address_length, &s->peer_port, s->peer);
	copy_unix_path(to, hit->address_length, call->path);
	if (call->path[0])
		s->path = call->path;
}

/* Appends the components of from to the clean absolute path out of length *n. */
static bool append_clean(char *out, size_t size, size_t *n, const char *from)
{
	while (*from) {
		const char *start;
		size_t length;

		while (*from == '/')
			from++;
		start = from;
		while (*from && *from != '/')
			from++;
		length = (size_t)(from - start);
		if (!length || (length == 1 && start[0] == '.'))
			continue;
		if (length == 2 && start[0] == '.' && start[1] == '.') {
			while (*n && out[--*n] != '/')
				;
			continue;
		}
		if (*n + 1 + length >= size)
			return false;
		out[(*n)++] = '/';
		raw_move(out + *n, start, length);
		*n += length;
	}
	return true;
}

/* What does not fit: the tail, unclean; a rule about the end of a path still matches. */
static void keep_tail(const char *path, char *out, size_t size)
{
	size_t length = raw_length(path), skip = length >= size ? length - size + 1 : 0;

	raw_move(out, path + skip, length - skip + 1);
}

bool subject_path(int dirfd, const char *path, char *out, size_t size)
{
	char base[SUBJECT_PATH_MAX];
	size_t n = 0;

	base[0] = 0;
	if (!path || !raw_text_readable(path))
		return false;
	if (path[0] != '/') {
		if (dirfd == AT_FDCWD) {
			if (raw(SYS_getcwd, base, sizeof(base)) <= 0)
				base[0] = 0;
		} else if (dirfd >= 0) {
			subject_fd_path(dirfd, base, sizeof(base));
		}
		if (base[0] != '/')
			return false;
	}
	if (!append_clean(out, size, &n, base) || !append_clean(out, size, &n, path)) {
		keep_tail(path, out, size);
		return true;
	}
	if (!n)
		out[n++] = '/';
	out[n] = 0;
	return true;
}

static void resolve_paths(struct call *call)
{
	const struct hit *hit = &call->hit;
	struct subject *s = &call->subject;

	*s = (struct subject){0};
	if (subject_path(hit->dirfd, hit->path, call->path, sizeof(call->path)))
		s->path = call->path;
	if (hit->path2 && subject_path(hit->dirfd2, hit->path2, call->path2, sizeof(call->path2)))
		s->path2 = call->path2;
}

static struct call *call_of(struct hit *hit)
{
	return (struct call *)(void *)((char *)hit - offsetof(struct call, hit));
}

static const struct subject *resolve(struct hit *hit)
{
	struct call *call = call_of(hit);

	if (hit->path) {
		resolve_paths(call);
	} else if (hit->fd >= 0) {
		resolve_descriptor(hit->fd, call);
		add_address(call);
	} else {
		call->subject = (struct subject){0};
	}
	return &call->subject;
}

/* What an address of the call itself adds is not remembered. */
static uint64_t known(const struct hit *hit)
{
	return hit->path || hit->address ? 0 : fd_table_known(hit->fd);
}

/* Device and inode, or the cookie, of what is open there now. A closed number is nothing. */
static bool is_still(int fd, const struct subject *s)
{
	uint64_t inode;
	struct stat st;

	if (raw_fstat(fd, &st) < 0)
		return s->file == FILE_NONE;
	if (file_kind(st.st_mode) != s->file || st.st_dev != s->device)
		return false;
	inode = st.st_ino;
	if (s->file == FILE_SOCK)
		socket_option(fd, SO_COOKIE, &inode, sizeof(inode));
	return inode == s->inode;
}

static bool verify(struct hit *hit)
{
	if (!hit->subject || hit->path || hit->fd < 0 || is_still(hit->fd, hit->subject))
		return true;
	fd_table_forget(hit->fd);
	hit->subject = resolve(hit);
	return false;
}

/* Disconnecting a TCP socket sends RST and leaves ECONNRESET behind; the descriptor stays open. */
static void reset(int fd)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	raw(SYS_connect, fd, &none, sizeof(none));
	fd_table_forget(fd);
}

/* From the linker: where this library's code begins and ends. */
extern const char code_begin[] __asm__("__ehdr_start") __attribute__((visibility("hidden")));
extern const char code_end[] __asm__("_etext") __attribute__((visibility("hidden")));

const struct subject_ops subject_ops = {
	.resolve = resolve,
	.verify = verify,
	.known = known,
	.reset = reset,
	.code = code_begin,
	.code_end = code_end,
};
