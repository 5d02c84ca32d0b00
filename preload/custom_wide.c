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

#define SCANNER(row, character)                                                                  \
	typedef int real_##row##_fn(FILE *stream, const character *format, va_list more);        \
	static __attribute__((noinline)) int armed_##row(real_##row##_fn *real, FILE *stream,    \
							 const character *format, va_list more)  \
	{                                                                                        \
		STREAM_PASS(row, stream, real(stream, format, more), EOF)                        \
	}                                                                                        \
	static inline int do_##row(real_##row##_fn *real, FILE *stream, const character *format, \
				   va_list more)                                                 \
	{                                                                                        \
		return ARMED(row) ? armed_##row(real, stream, format, more)                      \
				  : real(stream, format, more);                                  \
	}

SCANNER(fscanf, char)
SCANNER(fwscanf, wchar_t)

/* The header gives the plain names those of C99; these are defined by their own. */
#define SCANS(row, kind, w, character, real)                                         \
	int kind##f##w##scanf_(FILE *stream, const character *format,                \
			       ...) __asm__(#kind "f" #w "scanf");                   \
	int kind##f##w##scanf_(FILE *stream, const character *format, ...)           \
	{                                                                            \
		VARIADIC(do_##row(real, stream, format, more));                      \
	}                                                                            \
	int kind##w##scanf_(const character *format, ...) __asm__(#kind #w "scanf"); \
	int kind##w##scanf_(const character *format, ...)                            \
	{                                                                            \
		VARIADIC(do_##row(real, stdin, format, more));                       \
	}                                                                            \
	int kind##vf##w##scanf_(FILE *stream, const character *format,               \
				va_list more) __asm__(#kind "vf" #w "scanf");        \
	int kind##vf##w##scanf_(FILE *stream, const character *format, va_list more) \
	{                                                                            \
		return do_##row(real, stream, format, more);                         \
	}                                                                            \
	int kind##v##w##scanf_(const character *format,                              \
			       va_list more) __asm__(#kind "v" #w "scanf");          \
	int kind##v##w##scanf_(const character *format, va_list more)                \
	{                                                                            \
		return do_##row(real, stdin, format, more);                          \
	}

SCANS(fscanf, , , char, real_vfscanf)
SCANS(fscanf, __isoc99_, , char, real___isoc99_vfscanf)
SCANS(fwscanf, , w, wchar_t, real_vfwscanf)
SCANS(fwscanf, __isoc99_, w, wchar_t, real___isoc99_vfwscanf)

int gnu_vfscanf(FILE *stream, const char *format, va_list more) __asm__("__vfscanf");
int gnu_vfscanf(FILE *stream, const char *format, va_list more)
{
	return do_fscanf(real_vfscanf, stream, format, more);
}

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
