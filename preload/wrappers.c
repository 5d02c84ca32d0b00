/*
 * wrappers.c - the plain rows of calls.def. Each is two functions: what everybody pays, and what is
 * paid when a rule might match. There is no policy here: that is in call.c and the engine.
 */
#include "preload/call.h"

#define CALL(name, ret, params, args, fails, subject, moves, number, classes, errs) \
	static __attribute__((noinline)) ret armed_##name params                    \
	{                                                                           \
		CALL_PLAIN(name, ret, subject, moves, real_##name args);            \
	}                                                                           \
	ret name params                                                             \
	{                                                                           \
		if (!ARMED(name))                                                   \
			return real_##name args;                                    \
		return armed_##name args;                                           \
	}
#define CUSTOM(name, ...)
#define ALIAS(alias, name)
#include "failpoint/calls.def"
