/*
 * custom_wide.c - streams again: wide characters, formatted input, and places in them.
 */
#include <stdarg.h>
#include <wchar.h>

#include "preload/stream.h"

extern void __chk_fail(void) __attribute__((noreturn));

/* ---- Wide characters ---- */

STREAM(wint_t, fputwc, fputwc, (wchar_t c, FILE *stream), (c, stream), stream, WEOF)
STREAM(wint_t, fputwc_unlocked, fputwc, (wchar_t c, FILE *stream), (c, stream), stream, WEOF)
STREAM(wint_t, putwchar, fputwc, (wchar_t c), (c), stdout, WEOF)
STREAM(wint_t, putwchar_unlocked, fputwc, (wchar_t c), (c), stdout, WEOF)
STREAM(int, fputws, fputws, (const wchar_t *text, FILE *stream), (text, stream), stream, EOF)
STREAM(int, fputws_unlocked, fputws, (const wchar_t *text, FILE *stream), (text, stream), stream,
       EOF)
STREAM(wint_t, fgetwc, fgetwc, (FILE * stream), (stream), stream, WEOF)
STREAM(wint_t, fgetwc_unlocked, fgetwc, (FILE * stream), (stream), stream, WEOF)
STREAM(wint_t, getwchar, fgetwc, (void), (), stdin, WEOF)
STREAM(wint_t, getwchar_unlocked, fgetwc, (void), (), stdin, WEOF)
STREAM(wchar_t *, fgetws, fgetws, (wchar_t * buf, int n, FILE *stream), (buf, n, stream), stream,
       NULL)
STREAM(wchar_t *, fgetws_unlocked, fgetws, (wchar_t * buf, int n, FILE *stream), (buf, n, stream),
       stream, NULL)

wint_t putwc_unlocked(wchar_t c, FILE *stream)
{
	return fputwc_unlocked(c, stream);
}

wint_t getwc_unlocked(FILE *stream)
{
	return fgetwc_unlocked(stream);
}

wchar_t *__fgetws_chk(wchar_t *buf, size_t size, int n, FILE *stream);
wchar_t *__fgetws_chk(wchar_t *buf, size_t size, int n, FILE *stream)
{
	if (n > 0 && (size_t)n > size)
		__chk_fail();
	return fgetws(buf, n, stream);
}

wchar_t *__fgetws_unlocked_chk(wchar_t *buf, size_t size, int n, FILE *stream);
wchar_t *__fgetws_unlocked_chk(wchar_t *buf, size_t size, int n, FILE *stream)
{
	if (n > 0 && (size_t)n > size)
		__chk_fail();
	return fgetws_unlocked(buf, n, stream);
}

/* ---- Formatted output: what is fortified stays so ---- */

enum { PLAIN = -1 }; /* else the flag of a fortified one */

static int real_print(FILE *stream, int flag, const wchar_t *format, va_list more)
{
	return flag == PLAIN ? real_vfwprintf(stream, format, more)
			     : real___vfwprintf_chk(stream, flag, format, more);
}

static __attribute__((noinline)) int armed_print(FILE *stream, int flag, const wchar_t *format,
						 va_list more)
{
	STREAM_PASS(fwprintf, stream, real_print(stream, flag, format, more), -1)
}

static inline int print(FILE *stream, int flag, const wchar_t *format, va_list more)
{
	return ARMED(fwprintf) ? armed_print(stream, flag, format, more)
			       : real_print(stream, flag, format, more);
}

int fwprintf(FILE *stream, const wchar_t *format, ...)
{
	VARIADIC(print(stream, PLAIN, format, more));
}

int vfwprintf(FILE *stream, const wchar_t *format, va_list more)
{
	return print(stream, PLAIN, format, more);
}

int wprintf(const wchar_t *format, ...)
{
	VARIADIC(print(stdout, PLAIN, format, more));
}

int vwprintf(const wchar_t *format, va_list more)
{
	return print(stdout, PLAIN, format, more);
}

int __fwprintf_chk(FILE *stream, int flag, const wchar_t *format, ...);
int __fwprintf_chk(FILE *stream, int flag, const wchar_t *format, ...)
{
	VARIADIC(print(stream, flag, format, more));
}

int __vfwprintf_chk(FILE *stream, int flag, const wchar_t *format, va_list more)
{
	return print(stream, flag, format, more);
}

int __wprintf_chk(int flag, const wchar_t *format, ...);
int __wprintf_chk(int flag, const wchar_t *format, ...)
{
	VARIADIC(print(stdout, flag, format, more));
}

int __vwprintf_chk(int flag, const wchar_t *format, va_list more);
int __vwprintf_chk(int flag, const wchar_t *format, va_list more)
{
	return print(stdout, flag, format, more);
}

/* ---- Formatted input: by the rules of C99, or GNU's own ---- */

typedef int scan_fn(FILE *stream, const char *format, va_list more);

static __attribute__((noinline)) int armed_scan(scan_fn *real, FILE *stream, const char *format,
						va_list more)
{
	STREAM_PASS(fscanf, stream, real(stream, format, more), EOF)
}

static inline int scan(scan_fn *real, FILE *stream, const char *format, va_list more)
{
	return ARMED(fscanf) ? armed_scan(real, stream, format, more) : real(stream, format, more);
}

/* The header gives the plain names those of C99; these are defined by their own. */
#define SCANS(kind, real)                                                                 \
	int kind##fscanf_(FILE *stream, const char *format, ...) __asm__(#kind "fscanf"); \
	int kind##fscanf_(FILE *stream, const char *format, ...)                          \
	{                                                                                 \
		VARIADIC(scan(real, stream, format, more));                               \
	}                                                                                 \
	int kind##scanf_(const char *format, ...) __asm__(#kind "scanf");                 \
	int kind##scanf_(const char *format, ...)                                         \
	{                                                                                 \
		VARIADIC(scan(real, stdin, format, more));                                \
	}                                                                                 \
	int kind##vfscanf_(FILE *stream, const char *format,                              \
			   va_list more) __asm__(#kind "vfscanf");                        \
	int kind##vfscanf_(FILE *stream, const char *format, va_list more)                \
	{                                                                                 \
		return scan(real, stream, format, more);                                  \
	}                                                                                 \
	int kind##vscanf_(const char *format, va_list more) __asm__(#kind "vscanf");      \
	int kind##vscanf_(const char *format, va_list more)                               \
	{                                                                                 \
		return scan(real, stdin, format, more);                                   \
	}

SCANS(, real_vfscanf)
SCANS(__isoc99_, real___isoc99_vfscanf)

/* ---- Places: not being able to seek is no mark of the stream ---- */

static __attribute__((noinline)) long armed_ftell(FILE *stream)
{
	PASS(ftell, FD(stream_fd(stream)), call_leave, real_ftell(stream))
}

long ftell(FILE *stream)
{
	return ARMED(ftell) ? armed_ftell(stream) : real_ftell(stream);
}

static __attribute__((noinline)) int armed_fgetpos(FILE *stream, fpos_t *place)
{
	PASS(fgetpos, FD(stream_fd(stream)), call_leave, real_fgetpos(stream, place))
}

int fgetpos(FILE *stream, fpos_t *place)
{
	return ARMED(fgetpos) ? armed_fgetpos(stream, place) : real_fgetpos(stream, place);
}

static __attribute__((noinline)) int armed_fsetpos(FILE *stream, const fpos_t *place)
{
	PASS(fsetpos, FD(stream_fd(stream)), call_leave, real_fsetpos(stream, place))
}

int fsetpos(FILE *stream, const fpos_t *place)
{
	return ARMED(fsetpos) ? armed_fsetpos(stream, place) : real_fsetpos(stream, place);
}
