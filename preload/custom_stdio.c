/*
 * custom_stdio.c - streams: opening, closing, reading and writing; printing is in custom_print.c.
 *
 * A failed fclose() has closed, and a failed fflush() has dropped what it held: libc does so.
 */
#include <stdio_ext.h>

#include "preload/stream.h"

/* Headers may have them as macros. */
#undef fread_unlocked
#undef fwrite_unlocked

extern void __chk_fail(void) __attribute__((noreturn));

int stream_fd(FILE *stream)
{
	int before = errno, fd = stream ? fileno(stream) : -1;

	errno = before;
	return fd;
}

void stream_result(struct call *call, FILE *stream, int64_t ret, bool incomplete)
{
	call->hit.ret = ret;
	call->hit.err = incomplete && (!stream || ferror_unlocked(stream)) ? errno : 0;
	call->failed = call->hit.err != 0;
}

int64_t stream_leave(struct call *call, FILE *stream)
{
	int64_t ret = call_leave(call);

	if (call->hit.err && stream) {
		flockfile(stream);
		stream->_flags |= _IO_ERR_SEEN;
		funlockfile(stream);
	}
	return ret;
}

/* ---- Opening ---- */

/* Failure is reported for a stream that is open: nobody will ever close it but us. */
static FILE *stream_left(struct call *call)
{
	FILE *made = call->hit.err ? NULL : (FILE *)(intptr_t)call->hit.ret;
	FILE *ret = (FILE *)(intptr_t)call_leave(call);

	if (made && !ret) {
		int before = errno;

		real_fclose(made);
		errno = before;
	}
	return ret;
}

#define OPENS(name, params, args, subject, leave)                                                 \
	static __attribute__((noinline))                                                          \
	FILE *armed_##name params{PASS(name, subject, leave, real_##name args)} FILE *name params \
	{                                                                                         \
		FILE *made;                                                                       \
                                                                                                  \
		if (ARMED(name))                                                                  \
			made = armed_##name args;                                                 \
		else                                                                              \
			made = real_##name args;                                                  \
		if (made)                                                                         \
			fd_table_forget(stream_fd(made));                                         \
		return made;                                                                      \
	}

OPENS(fopen, (const char *path, const char *mode), (path, mode), PATH(path), stream_left)
OPENS(tmpfile, (void), (), NOTHING, stream_left)
/* The descriptor stays the caller's, so nothing is closed for him. */
OPENS(fdopen, (int fd, const char *mode), (fd, mode), FD(fd), call_leave)

/* A freopen() that fails has closed the stream; no path at all has it do so. */
static __attribute__((noinline)) FILE *armed_freopen(const char *path, const char *mode,
						     FILE *stream)
{
	struct call call;

	CALL_BEGIN(call, freopen, HIT_PATH(path), GIVE_NO_BYTES);
	if (call_enter(&call))
		call_result(&call, (intptr_t)real_freopen(path, mode, stream));
	else
		real_freopen("", mode, stream);
	return (FILE *)(intptr_t)call_leave(&call);
}

FILE *freopen(const char *path, const char *mode, FILE *stream)
{
	FILE *ret;

	fd_table_forget(stream_fd(stream));
	ret = ARMED(freopen) ? armed_freopen(path, mode, stream) : real_freopen(path, mode, stream);
	if (ret)
		fd_table_forget(stream_fd(ret));
	return ret;
}

/* ---- Closing ---- */

static __attribute__((noinline)) int armed_fclose(FILE *stream)
{
	struct call call;

	CALL_BEGIN(call, fclose, HIT_FD(stream_fd(stream)), GIVE_NO_BYTES);
	if (call_enter(&call)) {
		call_result(&call, real_fclose(stream));
	} else {
		__fpurge(stream);
		real_fclose(stream);
	}
	return (int)call_leave(&call);
}

int fclose(FILE *stream)
{
	int fd = stream_fd(stream), ret;

	fd_table_forget(fd);
	ret = ARMED(fclose) ? armed_fclose(stream) : real_fclose(stream);
	fd_table_forget(fd);
	return ret;
}

int pclose(FILE *stream)
{
	int fd = stream_fd(stream), ret;

	fd_table_forget(fd);
	ret = real_pclose(stream);
	fd_table_forget(fd);
	return ret;
}

static __attribute__((noinline)) int armed_fflush(FILE *stream)
{
	struct call call;

	CALL_BEGIN(call, fflush, HIT_FD(stream_fd(stream)), GIVE_NO_BYTES);
	if (call_enter(&call)) {
		int ret = real_fflush(stream);

		stream_result(&call, stream, ret, ret != 0);
	} else if (__fwriting(stream)) {
		__fpurge(stream);
	}
	return (int)stream_leave(&call, stream);
}

int fflush(FILE *stream)
{
	return ARMED(fflush) ? armed_fflush(stream) : real_fflush(stream);
}

int fflush_unlocked(FILE *stream)
{
	return ARMED(fflush) ? armed_fflush(stream) : real_fflush_unlocked(stream);
}

/* ---- Bytes ---- */

/* A result made up in bytes, and what a cut transfer moved, in whole items. A transfer that was cut
 * marks the stream: libc's ends early only by an error or at the end. */
#define ITEMS(name, buffer)                                                               \
	static __attribute__((noinline))                                                  \
	size_t armed_##name(buffer buf, size_t size, size_t count, FILE *stream)          \
	{                                                                                 \
		uint64_t asked = size * count;                                            \
		bool cut = false;                                                         \
		struct call call;                                                         \
                                                                                          \
		CALL_BEGIN(call, name, HIT_FD(stream_fd(stream)), GIVE_BYTES(asked, -1)); \
		if (call_enter(&call)) {                                                  \
			size_t done;                                                      \
                                                                                          \
			cut = call.hit.len < asked;                                       \
			done = cut ? real_##name(buf, 1, call.hit.len, stream) / size     \
				   : real_##name(buf, size, count, stream);               \
			stream_result(&call, stream, (int64_t)done, done < count);        \
		} else if (!call.hit.err && call.hit.ret == (int64_t)asked) {             \
			call.hit.ret = (int64_t)count;                                    \
		}                                                                         \
		return items_leave(&call, stream, cut);                                   \
	}                                                                                 \
	size_t name(buffer buf, size_t size, size_t count, FILE *stream)                  \
	{                                                                                 \
		if (!ARMED(name))                                                         \
			return real_##name(buf, size, count, stream);                     \
		return armed_##name(buf, size, count, stream);                            \
	}                                                                                 \
	size_t name##_unlocked(buffer buf, size_t size, size_t count, FILE *stream)       \
	{                                                                                 \
		if (!ARMED(name))                                                         \
			return real_##name##_unlocked(buf, size, count, stream);          \
		return armed_##name(buf, size, count, stream);                            \
	}

static size_t items_leave(struct call *call, FILE *stream, bool cut)
{
	size_t ret = (size_t)stream_leave(call, stream);

	if (cut) {
		flockfile(stream);
		stream->_flags |= _IO_ERR_SEEN;
		funlockfile(stream);
	}
	return ret;
}

ITEMS(fwrite, const void *)
ITEMS(fread, void *)

STREAM(int, fputs, fputs, (const char *text, FILE *stream), (text, stream), stream, EOF)
STREAM(int, fputs_unlocked, fputs, (const char *text, FILE *stream), (text, stream), stream, EOF)
STREAM(int, puts, fputs, (const char *text), (text), stdout, EOF)
STREAM(int, fputc, fputc, (int c, FILE *stream), (c, stream), stream, EOF)
STREAM(int, fputc_unlocked, fputc, (int c, FILE *stream), (c, stream), stream, EOF)
STREAM(int, putchar, fputc, (int c), (c), stdout, EOF)
STREAM(int, putchar_unlocked, fputc, (int c), (c), stdout, EOF)
STREAM(int, putw, fputc, (int word, FILE *stream), (word, stream), stream, EOF)
STREAM(int, getw, fgetc, (FILE * stream), (stream), stream, EOF)
STREAM(char *, gets, fgets, (char *buf), (buf), stdin, NULL)
STREAM(char *, __gets_chk, fgets, (char *buf, size_t room), (buf, room), stdin, NULL)
STREAM(char *, fgets, fgets, (char *buf, int n, FILE *stream), (buf, n, stream), stream, NULL)
STREAM(char *, fgets_unlocked, fgets, (char *buf, int n, FILE *stream), (buf, n, stream), stream,
       NULL)
STREAM(int, fgetc, fgetc, (FILE * stream), (stream), stream, EOF)
STREAM(int, fgetc_unlocked, fgetc, (FILE * stream), (stream), stream, EOF)
STREAM(int, getchar, fgetc, (void), (), stdin, EOF)
STREAM(int, getchar_unlocked, fgetc, (void), (), stdin, EOF)
STREAM(ssize_t, getdelim, getdelim, (char **line, size_t *size, int end, FILE *stream),
       (line, size, end, stream), stream, -1)

int putc_unlocked(int c, FILE *stream)
{
	return fputc_unlocked(c, stream);
}

int getc_unlocked(FILE *stream)
{
	return fgetc_unlocked(stream);
}

ssize_t getline(char **line, size_t *size, FILE *stream)
{
	return getdelim(line, size, '\n', stream);
}

/* Not being able to seek is no mark of the stream. */
static __attribute__((noinline)) int armed_fseek(FILE *stream, long at, int from)
{
	PASS(fseek, FD(stream_fd(stream)), call_leave, real_fseek(stream, at, from))
}

int fseek(FILE *stream, long at, int from)
{
	return ARMED(fseek) ? armed_fseek(stream, at, from) : real_fseek(stream, at, from);
}

/* Which says nothing: who wants to know looks at errno. */
static __attribute__((noinline)) void armed_rewind(FILE *stream)
{
	struct call call;

	CALL_BEGIN(call, fseek, HIT_FD(stream_fd(stream)), GIVE_NO_BYTES);
	if (call_enter(&call)) {
		real_rewind(stream);
		call_result(&call, 0);
	}
	call_leave(&call);
}

void rewind(FILE *stream)
{
	if (ARMED(fseek))
		armed_rewind(stream);
	else
		real_rewind(stream);
}

/* ---- Fortified ---- */

#define CHECKED(type, name, twin, params, args, fits) \
	type name params;                             \
	type name params                              \
	{                                             \
		if (!(fits))                          \
			__chk_fail();                 \
		return twin args;                     \
	}

static bool fits(size_t room, size_t size, size_t count)
{
	size_t bytes;

	return !__builtin_mul_overflow(size, count, &bytes) && bytes <= room;
}

#define FREAD_PARAMS (void *buf, size_t room, size_t size, size_t count, FILE *stream)
#define FGETS_PARAMS (char *buf, size_t room, int n, FILE *stream)
CHECKED(size_t, __fread_chk, fread, FREAD_PARAMS, (buf, size, count, stream),
	fits(room, size, count))
CHECKED(size_t, __fread_unlocked_chk, fread_unlocked, FREAD_PARAMS, (buf, size, count, stream),
	fits(room, size, count))
CHECKED(char *, __fgets_chk, fgets, FGETS_PARAMS, (buf, n, stream), n <= 0 || (size_t)n <= room)
CHECKED(char *, __fgets_unlocked_chk, fgets_unlocked, FGETS_PARAMS, (buf, n, stream),
	n <= 0 || (size_t)n <= room)
