/*
 * stream.h - passing a stream through a wrapper: what reading, writing and printing have in common.
 *
 * libc remembers a failure in the stream itself, so a failure that is made up is noted there, too:
 * there is no table of our own that could be wrong. Whether a read ended or failed is seen there.
 */
#ifndef PRELOAD_STREAM_H
#define PRELOAD_STREAM_H

#include <stdarg.h>

#include "preload/pass.h"

/* The descriptor of a stream, -1 when it has none; errno is left alone. */
int stream_fd(FILE *stream) PRELOAD_HIDDEN;

/* Notes what the real call returned, and errno when the stream was marked by it. */
void stream_result(struct call *call, FILE *stream, int64_t ret, bool incomplete) PRELOAD_HIDDEN;

/* Asks the engine about the result; the stream is marked when the caller is told of a failure. */
int64_t stream_leave(struct call *call, FILE *stream) PRELOAD_HIDDEN;

/* The body of the armed half: name's row, by any function of its kind. */
#define STREAM_PASS(name, stream, expression, bad)                                         \
	struct call call;                                                                  \
	CALL_BEGIN(call, name, HIT_FD(stream_fd(stream)), GIVE_NO_BYTES);                  \
	if (call_enter(&call)) {                                                           \
		__typeof__(expression) ret = expression;                                   \
		stream_result(&call, stream, (int64_t)ret, ret == (__typeof__(ret))(bad)); \
	}                                                                                  \
	return (__typeof__(expression))stream_leave(&call, stream);

/* Both halves. */
#define STREAM(type, name, row, params, args, stream, bad)                                         \
	static __attribute__((noinline))                                                           \
	type armed_##name params{STREAM_PASS(row, stream, real_##name args, bad)} type name params \
	{                                                                                          \
		if (!ARMED(row))                                                                   \
			return real_##name args;                                                   \
		return armed_##name args;                                                          \
	}

/* The body of a function of formatted output or input: what expression does with `more`. */
#define VARIADIC(expression)    \
	va_list more;           \
	int ret;                \
                                \
	va_start(more, format); \
	ret = expression;       \
	va_end(more);           \
	return ret

#endif
