/*
 * custom_io.c - calls that move bytes through a vector: short means fewer bytes, so the vector is
 * copied to the stack and cut at that byte. And the fortified twins of read.
 */
#include "preload/call.h"

#include <limits.h>
#include <stddef.h>

#include "preload/corrupt.h"
#include "preload/custom_io.h"
#include "preload/raw.h"

extern void __chk_fail(void) __attribute__((noreturn));
ssize_t __read_chk(int fd, void *buf, size_t n, size_t size);
ssize_t __pread_chk(int fd, void *buf, size_t n, off_t at, size_t size);
ssize_t __pread64_chk(int fd, void *buf, size_t n, off_t at, size_t size);

uint64_t vector_bytes(const struct iovec *iov, size_t count)
{
	uint64_t bytes = 0;

	if (!count || count > IOV_MAX || !raw_bytes_readable(iov, count * sizeof(*iov)))
		return 0; /* the kernel will refuse it */
	for (size_t i = 0; i < count; i++)
		bytes += iov[i].iov_len;
	return bytes;
}

size_t vector_cut(struct iovec *out, const struct iovec *iov, size_t count, uint64_t bytes)
{
	size_t used = 0;

	while (used < count && bytes > 0) {
		out[used] = iov[used];
		if (out[used].iov_len > bytes)
			out[used].iov_len = bytes;
		bytes -= out[used].iov_len;
		used++;
	}
	return used;
}

bool vector_differs(const struct call *call, uint64_t asked)
{
	return call->hit.len < asked || corrupts_before(call);
}

size_t vector_room(const struct call *call, size_t count)
{
	return count + (corrupts_before(call) ? CORRUPT_PIECES : 0);
}

size_t vector_judged(const struct call *call, struct iovec *out, uint8_t wrong[HIT_FLIP_MAX],
		     const struct iovec *iov, size_t count)
{
	struct iovec *cut;

	if (!corrupts_before(call))
		return vector_cut(out, iov, count, call->hit.len);
	cut = __builtin_alloca(count * sizeof(*cut));
	count = vector_cut(cut, iov, count, call->hit.len);
	return corrupt_vector(call, out, wrong, cut, count, call->hit.len);
}

#define VECTOR(name, params, args, subject, at)                                                  \
	static __attribute__((noinline)) ssize_t armed_##name params                             \
	{                                                                                        \
		uint64_t asked = vector_bytes(iov, (size_t)count);                               \
		uint8_t wrong[HIT_FLIP_MAX];                                                     \
		struct call call;                                                                \
                                                                                                 \
		CALL_BEGIN(call, name, HIT_##subject, GIVE_PIECES(iov, count, asked, at));       \
		do {                                                                             \
			if (!call_enter(&call))                                                  \
				break;                                                           \
			if (vector_differs(&call, asked)) {                                      \
				size_t room = vector_room(&call, (size_t)count);                 \
				struct iovec *cut = __builtin_alloca(room * sizeof(*iov));       \
                                                                                                 \
				count = (__typeof__(count))vector_judged(&call, cut, wrong, iov, \
									 (size_t)count);         \
				iov = cut;                                                       \
			}                                                                        \
			call_result(&call, real_##name args);                                    \
		} while (call_again(&call));                                                     \
		return call_leave(&call);                                                        \
	}                                                                                        \
	ssize_t name params                                                                      \
	{                                                                                        \
		if (!ARMED(name))                                                                \
			return real_##name args;                                                 \
		return armed_##name args;                                                        \
	}

VECTOR(writev, (int fd, const struct iovec *iov, int count), (fd, iov, count), FD(fd), -1)
VECTOR(pwritev, (int fd, const struct iovec *iov, int count, off_t at), (fd, iov, count, at),
       FD(fd), at)
VECTOR(pwritev2, (int fd, const struct iovec *iov, int count, off_t at, int flags),
       (fd, iov, count, at, flags), FD_FLAGS(fd, flags), at)
VECTOR(readv, (int fd, const struct iovec *iov, int count), (fd, iov, count), FD(fd), -1)
VECTOR(preadv, (int fd, const struct iovec *iov, int count, off_t at), (fd, iov, count, at), FD(fd),
       at)
VECTOR(preadv2, (int fd, const struct iovec *iov, int count, off_t at, int flags),
       (fd, iov, count, at, flags), FD_FLAGS(fd, flags), at)

VECTOR(vmsplice, (int fd, const struct iovec *iov, size_t count, unsigned flags),
       (fd, iov, count, flags), FD_FLAGS(fd, flags), -1)

static __attribute__((noinline)) void armed_sync(void)
{
	struct call call;

	CALL_BEGIN(call, sync, HIT_NOTHING, GIVE_NO_BYTES);
	if (call_enter(&call)) {
		real_sync();
		call_result(&call, 0);
	}
	call_leave(&call);
}

/* The one call of the table that returns nothing. */
void sync(void)
{
	if (!ARMED(sync))
		real_sync();
	else
		armed_sync();
}

ssize_t __read_chk(int fd, void *buf, size_t n, size_t size)
{
	if (n > size)
		__chk_fail();
	return read(fd, buf, n);
}

ssize_t __pread_chk(int fd, void *buf, size_t n, off_t at, size_t size)
{
	if (n > size)
		__chk_fail();
	return pread(fd, buf, n, at);
}

ssize_t __pread64_chk(int fd, void *buf, size_t n, off_t at, size_t size)
{
	return __pread_chk(fd, buf, n, at, size);
}

/* ---- Waiting for descriptors, fortified ---- */

int __poll_chk(struct pollfd *fds, nfds_t count, int limit, size_t size);
int __poll_chk(struct pollfd *fds, nfds_t count, int limit, size_t size)
{
	if (size / sizeof(*fds) < count)
		__chk_fail();
	return poll(fds, count, limit);
}

int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *limit,
		const sigset_t *mask, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *limit,
		const sigset_t *mask, size_t size)
{
	if (size / sizeof(*fds) < count)
		__chk_fail();
	return ppoll(fds, count, limit, mask);
}
