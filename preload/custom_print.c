/*
 * custom_print.c - formatted output: every way to print to a stream is fprintf, to a descriptor
 * dprintf. What is fortified stays so: the check is libc's.
 */
#include <stdarg.h>

#include "preload/stream.h"

enum { PLAIN = -1 }; /* else the flag of a fortified one */

static int real_print(FILE *stream, int flag, const char *format, va_list more)
{
	return flag == PLAIN ? real_vfprintf(stream, format, more)
			     : real___vfprintf_chk(stream, flag, format, more);
}

static __attribute__((noinline)) int armed_print(FILE *stream, int flag, const char *format,
						 va_list more)
{
	struct call call;

	CALL_BEGIN(call, fprintf, HIT_FD(stream_fd(stream)), GIVE_NO_BYTES);
	if (call_enter(&call)) {
		int ret = real_print(stream, flag, format, more);

		stream_result(&call, stream, ret, ret < 0);
	}
	return (int)stream_leave(&call, stream);
}

static inline int print(FILE *stream, int flag, const char *format, va_list more)
{
	return ARMED(fprintf) ? armed_print(stream, flag, format, more)
			      : real_print(stream, flag, format, more);
}

static int real_dprint(int fd, int flag, const char *format, va_list more)
{
	return flag == PLAIN ? real_vdprintf(fd, format, more)
			     : real___vdprintf_chk(fd, flag, format, more);
}

static __attribute__((noinline)) int armed_dprint(int fd, int flag, const char *format,
						  va_list more)
{
	PASS(dprintf, FD(fd), call_leave, real_dprint(fd, flag, format, more))
}

static inline int dprint(int fd, int flag, const char *format, va_list more)
{
	return ARMED(dprintf) ? armed_dprint(fd, flag, format, more)
			      : real_dprint(fd, flag, format, more);
}

int fprintf(FILE *stream, const char *format, ...)
{
	VARIADIC(print(stream, PLAIN, format, more));
}

int vfprintf(FILE *stream, const char *format, va_list more)
{
	return print(stream, PLAIN, format, more);
}

int printf(const char *format, ...)
{
	VARIADIC(print(stdout, PLAIN, format, more));
}

int vprintf(const char *format, va_list more)
{
	return print(stdout, PLAIN, format, more);
}

int dprintf(int fd, const char *format, ...)
{
	VARIADIC(dprint(fd, PLAIN, format, more));
}

int vdprintf(int fd, const char *format, va_list more)
{
	return dprint(fd, PLAIN, format, more);
}

int __fprintf_chk(FILE *stream, int flag, const char *format, ...);
int __fprintf_chk(FILE *stream, int flag, const char *format, ...)
{
	VARIADIC(print(stream, flag, format, more));
}

int __vfprintf_chk(FILE *stream, int flag, const char *format, va_list more)
{
	return print(stream, flag, format, more);
}

int __printf_chk(int flag, const char *format, ...);
int __printf_chk(int flag, const char *format, ...)
{
	VARIADIC(print(stdout, flag, format, more));
}

int __vprintf_chk(int flag, const char *format, va_list more);
int __vprintf_chk(int flag, const char *format, va_list more)
{
	return print(stdout, flag, format, more);
}

int __dprintf_chk(int fd, int flag, const char *format, ...);
int __dprintf_chk(int fd, int flag, const char *format, ...)
{
	VARIADIC(dprint(fd, flag, format, more));
}

int __vdprintf_chk(int fd, int flag, const char *format, va_list more)
{
	return dprint(fd, flag, format, more);
}
