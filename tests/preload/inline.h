/*
 * inline.h - a system call by an instruction of the program's own, past every name that could be
 * interposed. Returns what the kernel returns.
 */
#ifndef TESTS_PRELOAD_INLINE_H
#define TESTS_PRELOAD_INLINE_H

#include <sys/syscall.h>

#if defined(__x86_64__)
static inline long inline4(long number, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return ret;
}
#else
static inline long inline4(long number, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}
#endif

static inline long inline_write(int fd, const void *buf, unsigned long n)
{
	return inline4(SYS_write, fd, (long)buf, (long)n, 0);
}

static inline long inline_read(int fd, void *buf, unsigned long n)
{
	return inline4(SYS_read, fd, (long)buf, (long)n, 0);
}

#endif
