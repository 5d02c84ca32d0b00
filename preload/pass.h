/*
 * pass.h - the shapes that wrappers by hand have in common. Each is the armed half, or both halves.
 *
 *     static int armed_dup(int fd)
 *     {
 *             PASS(dup, FD(fd), call_leave_fd, real_dup(fd))
 *     }
 *
 *     MAKES_FD(epoll_create1, (int flags), (flags), NOTHING)
 */
#ifndef PRELOAD_PASS_H
#define PRELOAD_PASS_H

#include "preload/call.h"
#include "preload/fd_table.h"

/* The whole body: ask, do it, ask again. */
#define PASS(name, subject, leave, expression)                \
	struct call call;                                     \
	CALL_BEGIN(call, name, HIT_##subject, GIVE_NO_BYTES); \
	if (call_enter(&call))                                \
		call_result(&call, (int64_t)(expression));    \
	return (__typeof__(expression))leave(&call);

/* A call that makes a descriptor. */
#define MAKES_FD(name, params, args, subject)                        \
	static __attribute__((noinline)) int armed_##name params     \
	{                                                            \
		PASS(name, subject, call_leave_fd, real_##name args) \
	}                                                            \
	int name params                                              \
	{                                                            \
		int made;                                            \
                                                                     \
		if (ARMED(name))                                     \
			return armed_##name args;                    \
		made = real_##name args;                             \
		fd_table_forget(made);                               \
		return made;                                         \
	}

#endif
