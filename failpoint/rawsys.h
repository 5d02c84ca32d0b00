/*
 * rawsys.h - system calls made by hand, and the few string functions the core needs.
 *
 * The core runs where libc may not be entered: in a vfork child, in a signal handler, before libc's
 * constructors, inside an interposed function. So it calls the kernel itself. Each raw_*() returns
 * what the kernel returns: a result, or -errno. None of them touches errno or is a cancellation
 * point.
 *
 * x86-64 and aarch64; only system calls that both have.
 */
#ifndef FAILPOINT_RAWSYS_H
#define FAILPOINT_RAWSYS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#if defined(__x86_64__)
static inline long raw_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__)
static inline long raw_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}
#else
#error "failkit knows the system calls of x86-64 and aarch64"
#endif

static inline uint32_t raw_getpid(void)
{
	return (uint32_t)raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

static inline uint32_t raw_getppid(void)
{
	return (uint32_t)raw_syscall(SYS_getppid, 0, 0, 0, 0, 0, 0);
}

static inline uint32_t raw_gettid(void)
{
	return (uint32_t)raw_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

static inline int raw_open(const char *path, int flags)
{
	return (int)raw_syscall(SYS_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC, 0, 0, 0);
}

static inline long raw_read(int fd, void *buffer, size_t size)
{
	return raw_syscall(SYS_read, fd, (long)buffer, (long)size, 0, 0, 0);
}

static inline long raw_write(int fd, const void *buffer, size_t size)
{
	return raw_syscall(SYS_write, fd, (long)buffer, (long)size, 0, 0, 0);
}

static inline long raw_close(int fd)
{
	return raw_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
}

/* The file's own offset, or -errno. */
static inline int64_t raw_tell(int fd)
{
	return raw_syscall(SYS_lseek, fd, 0, 1, 0, 0, 0);
}

static inline bool raw_fd_is_open(int fd)
{
	return raw_syscall(SYS_fcntl, fd, F_GETFD, 0, 0, 0, 0) >= 0;
}

static inline long raw_statx(const char *path, int fd, struct statx *out)
{
	return raw_syscall(SYS_statx, fd, (long)path, fd >= 0 ? AT_EMPTY_PATH : 0,
			   STATX_BASIC_STATS, (long)out, 0);
}

/* NULL when there is no memory to be had. */
static inline void *raw_mmap(size_t length, int flags, int fd)
{
	long at = raw_syscall(SYS_mmap, 0, (long)length, PROT_READ | PROT_WRITE, flags, fd, 0);

	return at < 0 && at > -4096 ? NULL : (void *)at;
}

enum { RAW_PAGE_BYTES = 4096 };

/* The kernel reads the eight bytes there before it refuses the first argument. */
static inline bool raw_is_readable(const void *at)
{
	return raw_syscall(SYS_rt_sigprocmask, -1, (long)((uintptr_t)at & ~(uintptr_t)7), 0, 8, 0,
			   0) != -EFAULT;
}

/* May all of a text be read, up to its end? A bad pointer of the program's is to be EFAULT, from the
 * kernel, and not our crash. */
static inline bool raw_text_readable(const char *text)
{
	do {
		if (!raw_is_readable(text))
			return false;
		while (*text && ((uintptr_t)text + 1) % RAW_PAGE_BYTES)
			text++;
	} while (*text++);
	return true;
}

static inline long raw_munmap(void *at, size_t length)
{
	return raw_syscall(SYS_munmap, (long)at, (long)length, 0, 0, 0, 0);
}

static inline long raw_madvise(void *at, size_t length, int advice)
{
	return raw_syscall(SYS_madvise, (long)at, (long)length, advice, 0, 0, 0);
}

static inline void raw_yield(void)
{
	raw_syscall(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

/* The name of the calling thread. */
static inline void raw_thread_name(char name[16])
{
	if (raw_syscall(SYS_prctl, PR_GET_NAME, (long)name, 0, 0, 0, 0) < 0)
		name[0] = 0;
	name[15] = 0;
}

static inline long raw_kill(uint32_t pid, int signal)
{
	return raw_syscall(SYS_kill, (int)pid, signal, 0, 0, 0, 0);
}

/* As abort() does, but without its locks: unblocked, and with nobody to catch it. */
static inline void raw_abort(void)
{
	struct {
		uint64_t handler, flags, restorer, mask;
	} plain = {0, 0, 0, 0};
	uint64_t only = UINT64_C(1) << (SIGABRT - 1);

	raw_syscall(SYS_rt_sigaction, SIGABRT, (long)&plain, 0, 8, 0, 0);
	raw_syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&only, 0, 8, 0, 0);
	raw_syscall(SYS_tgkill, raw_getpid(), raw_gettid(), SIGABRT, 0, 0, 0);
	for (;;)
		raw_kill(raw_getpid(), SIGKILL);
}

static inline int64_t raw_now_ns(void)
{
	struct timespec now = {0, 0};

	raw_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&now, 0, 0, 0, 0);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline void raw_futex_wake_all(_Atomic uint32_t *word)
{
	raw_syscall(SYS_futex, (long)word, FUTEX_WAKE, INT32_MAX, 0, 0, 0);
}

/* What was loaded before stays before what is loaded after. A fence by hand, since ThreadSanitizer
 * knows none. */
static inline void raw_load_barrier(void)
{
#if defined(__aarch64__)
	__asm__ volatile("dmb ishld" ::: "memory");
#else
	__asm__ volatile("" ::: "memory");
#endif
}

/* Strings and memory. Not the libc names: those may be interposed, or not yet be bound. */
static inline size_t raw_length(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

static inline bool raw_equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* Copies what fits of at most length bytes, up to a 0; always ends with a 0; returns the length. */
static inline size_t raw_copy(char *to, size_t size, const char *from, size_t length)
{
	size_t n = 0;

	while (n + 1 < size && n < length && from[n]) {
		to[n] = from[n];
		n++;
	}
	to[n] = 0;
	return n;
}

/* Room for the digits of a number, sign and 0 included; returns how many were written. */
enum { RAW_DIGITS = 21 };
static inline size_t raw_number(char to[RAW_DIGITS], uint64_t number)
{
	char digits[RAW_DIGITS];
	size_t n = 0, length;

	do {
		digits[n++] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	length = n;
	for (size_t i = 0; i < length; i++)
		to[i] = digits[--n];
	to[length] = 0;
	return length;
}

/* One step of splitmix64: every bit of both numbers reaches every bit of the answer. */
static inline uint64_t raw_mix(uint64_t hash, uint64_t number)
{
	uint64_t z = hash + (number + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* FNV-1a, mixed at the end. */
static inline uint64_t raw_hash(const char *bytes, size_t length)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (uint8_t)bytes[i]) * UINT64_C(0x100000001b3);
	return raw_mix(hash, length);
}

#endif
