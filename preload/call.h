/*
 * call.h - the passage of a call through its wrapper.
 *
 *     if (!ARMED(fsync))
 *             return real_fsync(fd);                     the cheap path: nothing can match
 *     struct call call;
 *     CALL_BEGIN(call, fsync, HIT_FD(fd), GIVE_NO_BYTES);
 *     if (call_enter(&call))                             ask the engine; false: it has the result
 *             call_result(&call, real_fsync(fd));        do it, note what came of it
 *     return call_leave(&call);                          ask again, set errno if it failed
 *
 * A struct call lives on the stack of one call: the subject is resolved into it, so nothing is
 * shared between threads, nested signal handlers or children of vfork. It is about 2 KiB.
 *
 * What stays true whoever decides the result: errno is written only on failure, a cancellation
 * point cancels before anything is done, a descriptor nobody heard of is closed.
 */
#ifndef PRELOAD_CALL_H
#define PRELOAD_CALL_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "failpoint/engine.h"
#include "preload/deep.h"
#include "preload/real.h"

#define PRELOAD_HIDDEN __attribute__((visibility("hidden")))

struct call {
	struct hit hit;
	int64_t moved; /* what the real call returned; -1: somebody else knows */
	int errno_before;
	bool outside;     /* false: passed through untouched, we are inside the engine already */
	bool cancellable; /* a cancellation point */
	bool failed;      /* the real call was made and failed */
	struct deep_mark mark;
	struct subject subject;
	char path[SUBJECT_PATH_MAX], path2[SUBJECT_PATH_MAX];
};

#define ARMED(name) __builtin_expect(engine_armed[CALL_##name] != 0, 0)

/* The subject column of calls.def as fields of a hit. */
#define HIT_NOTHING          .fd = -1, .dirfd = -1, .dirfd2 = -1
#define HIT_FD(f)            .fd = (f), .dirfd = -1, .dirfd2 = -1
#define HIT_MAPPING(f, how)  HIT_FD_FLAGS(f, how)
#define HIT_SOCKET(f)        HIT_FD(f)
#define HIT_FD_FLAGS(f, how) HIT_FD(f), .flags = (uint64_t)(how)
#define HIT_ADDRESS(f, how, to, length_) \
	HIT_FD_FLAGS(f, how), .address = (to), .address_length = (uint32_t)(length_)
#define HIT_PATH(p) HIT_PATH_AT(AT_FDCWD, p, 0)
#define HIT_PATH_AT(d, p, how) \
	.fd = -1, .dirfd = (d), .path = (p), .dirfd2 = -1, .flags = (uint64_t)(how)
#define HIT_PATHS(d, p, d2, p2, how) \
	.fd = -1, .dirfd = (d), .path = (p), .dirfd2 = (d2), .path2 = (p2), .flags = (uint64_t)(how)

/* The moves column: what the hit is given, and what the call takes back from it. */
#define GIVE_NO_BYTES     .offset = -1
#define GIVE_MAKES        GIVE_NO_BYTES
#define GIVE_BYTES(n, at) .len = (uint64_t)(n), .offset = (at)
#define GIVE_DATA(buffer, n, at) \
	.data = (void *)(uintptr_t)(buffer), .len = (uint64_t)(n), .offset = (at)
#define GIVE_PIECES(pieces, count, n, at) \
	.iov = (n) ? (pieces) : NULL, .iovs = (uint32_t)(count), GIVE_BYTES(n, at)
#define TAKE_NO_BYTES            ((void)0)
#define TAKE_MAKES               TAKE_NO_BYTES
#define TAKE_BYTES(n, at)        ((n) = (__typeof__(n))call.hit.len)
#define TAKE_DATA(buffer, n, at) TAKE_BYTES(n, at)

/* And how the real call is made: expression, or one that writes corrupted bytes in its place. */
#define DO_NO_BYTES(expression) ((int64_t)(expression))
#define DO_MAKES(expression)    DO_NO_BYTES(expression)
#define DO_BYTES(n, at)         DO_NO_BYTES
#define DO_DATA(buffer, n, at)  DO_OR_CORRUPTED
#define DO_OR_CORRUPTED(expression) \
	(corrupts_before(&call) ? corrupt_and_call(&call) : (int64_t)(expression))

#define CALL_BEGIN(call, name, ...)              \
	call.hit = (struct hit)                  \
	{                                        \
		.site = CALL_##name, __VA_ARGS__ \
	}

/* Asks the engine. True: make the real call, with hit.len bytes. */
bool call_enter(struct call *call) PRELOAD_HIDDEN;

/* What was received is to be thrown away: ask again, for the next. */
static inline bool call_again(struct call *call)
{
	return call->hit.drop && !call->hit.err;
}

/* The body of a plain row's armed half; moves is a GIVE_ column, expression makes the real call. */
#define CALL_PLAIN(name, ret, subject, moves, expression)    \
	struct call call;                                    \
                                                             \
	CALL_BEGIN(call, name, HIT_##subject, GIVE_##moves); \
	do {                                                 \
		if (!call_enter(&call))                      \
			break;                               \
		TAKE_##moves;                                \
		call_result(&call, DO_##moves(expression));  \
	} while (call_again(&call));                         \
	return (ret)call_leave(&call)

/* Notes what the real call returned, and errno when that means failure. */
void call_result(struct call *call, int64_t ret) PRELOAD_HIDDEN;

/* Asks the engine about the result and turns it into what the caller gets. */
int64_t call_leave(struct call *call) PRELOAD_HIDDEN;

/* The same for a call that made a descriptor: when failure is reported all the same, nobody will
 * ever close it but us. */
int64_t call_leave_fd(struct call *call) PRELOAD_HIDDEN;

/* corrupt.c: does a rule want these bytes to be wrong before they go? */
bool corrupts_before(const struct call *call) PRELOAD_HIDDEN;
int64_t corrupt_and_call(struct call *call) PRELOAD_HIDDEN;

/* init.c: the engine attached and everything found, from whichever call comes first. */
void preload_begin(void) PRELOAD_HIDDEN;
extern bool preload_begun PRELOAD_HIDDEN;

#endif
