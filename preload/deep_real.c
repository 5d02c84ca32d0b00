/*
 * deep_real.c - judged calls, done here: the kernel exempts this library's code, so what a wrapper
 * lets through need not be trapped and judged again. See deep.h.
 *
 * Each is libc's function as it is: the system call, errno, and where libc has one a cancellation
 * point, made as libc makes it: asynchronous for the time of the call. What is more than its system
 * call, and what the vDSO answers, is left to libc.
 */
#include "preload/deep.h"

#include <pthread.h>
#include <sys/single_threaded.h>

#include "preload/call.h"
#include "preload/custom_syscall.h"
#include "preload/raw.h"

static bool own[CALL_COUNT];

/* The result as libc gives it. */
static long result(long ret)
{
	if (ret > -4096 && ret < 0) {
		errno = (int)-ret;
		return -1;
	}
	return ret;
}

static long cancellable(long number, long a, long b, long c, long d, long e, long f)
{
	int type;
	long ret;

	if (__libc_single_threaded || deep_trapped())
		return result(raw_syscall(number, a, b, c, d, e, f));
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	ret = raw_syscall(number, a, b, c, d, e, f);
	pthread_setcanceltype(type, NULL);
	return result(ret);
}

static long plainly(long number, long a, long b, long c, long d, long e, long f)
{
	return result(raw_syscall(number, a, b, c, d, e, f));
}

/* Calls whose arguments are those of their system call, and whether they are cancellation points. */
#define OWN_CALLS(ONE)                    \
	ONE(write, cancellable)           \
	ONE(pwrite, cancellable)          \
	ONE(writev, cancellable)          \
	ONE(pwritev, cancellable)         \
	ONE(fsync, cancellable)           \
	ONE(fdatasync, cancellable)       \
	ONE(sync_file_range, cancellable) \
	ONE(syncfs, plainly)              \
	ONE(msync, cancellable)           \
	ONE(read, cancellable)            \
	ONE(pread, cancellable)           \
	ONE(readv, cancellable)           \
	ONE(preadv, cancellable)          \
	ONE(recvfrom, cancellable)        \
	ONE(recvmsg, cancellable)         \
	ONE(recvmmsg, cancellable)        \
	ONE(sendto, cancellable)          \
	ONE(sendmsg, cancellable)         \
	ONE(sendmmsg, cancellable)        \
	ONE(sendfile, plainly)            \
	ONE(socket, plainly)              \
	ONE(connect, cancellable)         \
	ONE(bind, plainly)                \
	ONE(listen, plainly)              \
	ONE(accept, cancellable)          \
	ONE(accept4, cancellable)         \
	ONE(openat, cancellable)          \
	ONE(creat, cancellable)           \
	ONE(close, cancellable)           \
	ONE(rename, plainly)              \
	ONE(renameat, plainly)            \
	ONE(unlink, plainly)              \
	ONE(unlinkat, plainly)            \
	ONE(link, plainly)                \
	ONE(linkat, plainly)              \
	ONE(mkdir, plainly)               \
	ONE(mkdirat, plainly)             \
	ONE(rmdir, plainly)               \
	ONE(ftruncate, plainly)           \
	ONE(truncate, plainly)            \
	ONE(fallocate, cancellable)       \
	ONE(dup, plainly)                 \
	ONE(dup2, plainly)                \
	ONE(dup3, plainly)                \
	ONE(fcntl, cancellable)           \
	ONE(close_range, plainly)         \
	ONE(copy_file_range, cancellable) \
	ONE(splice, cancellable)          \
	ONE(tee, cancellable)             \
	ONE(vmsplice, cancellable)        \
	ONE(sync, plainly)                \
	ONE(shutdown, plainly)            \
	ONE(setsockopt, plainly)          \
	ONE(getsockopt, plainly)          \
	ONE(getsockname, plainly)         \
	ONE(getpeername, plainly)         \
	ONE(socketpair, plainly)          \
	ONE(flock, plainly)               \
	ONE(ioctl, plainly)               \
	ONE(symlink, plainly)             \
	ONE(symlinkat, plainly)           \
	ONE(chmod, plainly)               \
	ONE(fchmod, plainly)              \
	ONE(chown, plainly)               \
	ONE(lchown, plainly)              \
	ONE(fchown, plainly)              \
	ONE(fchownat, plainly)            \
	ONE(setxattr, plainly)            \
	ONE(lsetxattr, plainly)           \
	ONE(fsetxattr, plainly)           \
	ONE(execve, plainly)

#define OWN(name, how)                                                         \
	static long own_##name(long a, long b, long c, long d, long e, long f) \
	{                                                                      \
		return how(call_table[CALL_##name].number, a, b, c, d, e, f);  \
	}
OWN_CALLS(OWN)
#undef OWN

/* As libc does them. */
static long own_open(long path, long flags, long mode, long d, long e, long f)
{
	(void)d;
	(void)e;
	(void)f;
	return cancellable(SYS_openat, AT_FDCWD, path, flags, mode, 0, 0);
}

static long own_renameat2(long from_dir, long from, long to_dir, long to, long flags, long f)
{
	(void)f;
	return plainly(flags ? SYS_renameat2 : SYS_renameat, from_dir, from, to_dir, to, flags, 0);
}

/* The kernel takes their offset as two words. */
static long own_preadv2(long fd, long iov, long n, long at, long flags, long f)
{
	(void)f;
	return cancellable(SYS_preadv2, fd, iov, n, at, 0, flags);
}

static long own_pwritev2(long fd, long iov, long n, long at, long flags, long f)
{
	(void)f;
	return cancellable(SYS_pwritev2, fd, iov, n, at, 0, flags);
}

static long own_recv(long fd, long buf, long n, long flags, long e, long f)
{
	(void)e;
	(void)f;
	return cancellable(SYS_recvfrom, fd, buf, n, flags, 0, 0);
}

static long own_send(long fd, long buf, long n, long flags, long e, long f)
{
	(void)e;
	(void)f;
	return cancellable(SYS_sendto, fd, buf, n, flags, 0, 0);
}

/* libaio's way: what the kernel said. */
static long own_io_submit(long context, long n, long blocks, long d, long e, long f)
{
	(void)d;
	(void)e;
	(void)f;
	return raw_syscall(SYS_io_submit, context, n, blocks, 0, 0, 0);
}

/* What syscall() does once it was judged. Not for what makes a child: that is to be trapped. */
static long own_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	return result(raw_syscall(number, a, b, c, d, e, f));
}

void deep_own_calls(void)
{
#define OWN(name, how)                                                     \
	if (call_table[CALL_##name].number >= 0) {                         \
		real_##name = (__typeof__(real_##name))(void *)own_##name; \
		own[CALL_##name] = true;                                   \
	}
	OWN_CALLS(OWN)
#undef OWN
#define OWN(name)                                                  \
	real_##name = (__typeof__(real_##name))(void *)own_##name; \
	own[CALL_##name] = true;
	OWN(open)
	OWN(renameat2)
	OWN(preadv2)
	OWN(pwritev2)
	OWN(recv)
	OWN(send)
	OWN(io_submit)
#undef OWN
	/* Also by a search of the path, which is libc's: that one is not own. */
	own[CALL_execve] = false;
	syscall_done = (__typeof__(syscall_done))(void *)own_syscall;
}

bool deep_is_own(unsigned site)
{
	return site < CALL_COUNT && own[site];
}
