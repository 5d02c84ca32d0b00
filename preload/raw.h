/*
 * raw.h - raw(SYS_x, ...): rawsys.h's system call with up to six arguments of any type. It returns
 * what the kernel returned, -errno on failure.
 */
#ifndef PRELOAD_RAW_H
#define PRELOAD_RAW_H

#include "failpoint/rawsys.h"

#define RAW_(number, a, b, c, d, e, f, ...) \
	raw_syscall(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define raw(...) RAW_(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

/* memcpy, but not by that name: a sanitizer's would judge our sequence locks. */
typedef uint64_t raw_word __attribute__((may_alias, aligned(1)));
static inline void raw_move(void *to, const void *from, size_t bytes)
{
	size_t i = 0;

	for (; i + sizeof(raw_word) <= bytes; i += sizeof(raw_word))
		*(volatile raw_word *)((char *)to + i) =
			*(const raw_word *)((const char *)from + i);
	for (; i < bytes; i++)
		((volatile char *)to)[i] = ((const char *)from)[i];
}

/* Does text begin with these bytes? */
static inline bool raw_begins(const char *text, const char *with, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (text[i] != with[i] || !text[i])
			return false;
	return true;
}

/* May all of it be read? A bad pointer of the program's is to be EFAULT, from the kernel, and not our
 * crash. */
static inline bool raw_bytes_readable(const void *at, size_t bytes)
{
	uintptr_t here = (uintptr_t)at, last = here + (bytes ? bytes - 1 : 0);

	for (; here <= last; here = (here | (RAW_PAGE_BYTES - 1)) + 1)
		if (!raw_is_readable((const void *)here))
			return false;
	return last >= (uintptr_t)at;
}
#define raw_readable(at) raw_bytes_readable(at, sizeof(*(at)))

#endif
