/*
 * custom_syscall.c - syscall(): a call by number is the call by name.
 *
 * A number without a row goes on to libc by a jump, with registers and stack untouched, so that
 * vfork and clone by number still return where they must. The number of a row is judged as the row,
 * and what is done then is the very system call that was asked for; where the row needs a body of
 * its own and a rule may match, that body is called.
 */
#include "preload/call.h"

#include <sched.h>
#include <sys/syscall.h>

#include "preload/custom_net.h"
#include "preload/custom_syscall.h"
#include "preload/fd_table.h"

enum { NUMBER_MAX = 512 };

typedef long routed(long a, long b, long c, long d, long e, long f);

/* By system call number: the call's id + 1, 0: not ours. Read by the stub below. */
extern uint16_t syscall_routes[NUMBER_MAX] PRELOAD_HIDDEN;
uint16_t syscall_routes[NUMBER_MAX];
enum { ROUTE_FORK = CALL_MAX + 1, ROUTE_URING };

#if defined(__x86_64__)
__asm__(".text\n"
	".globl syscall\n"
	".type syscall, @function\n"
	"syscall:\n"
	"	cmp $512, %rdi\n"
	"	jae 1f\n"
	"	lea syscall_routes(%rip), %rax\n"
	"	cmpw $0, (%rax,%rdi,2)\n"
	"	jne syscall_routed\n"
	"1:	jmp *real_syscall(%rip)\n"
	".size syscall, . - syscall\n");
#elif defined(__aarch64__)
__asm__(".text\n"
	".globl syscall\n"
	".type syscall, @function\n"
	"syscall:\n"
	"	cmp x0, #512\n"
	"	b.hs 1f\n"
	"	adrp x16, syscall_routes\n"
	"	add x16, x16, :lo12:syscall_routes\n"
	"	ldrh w16, [x16, x0, lsl #1]\n"
	"	cbnz w16, syscall_routed\n"
	"1:	adrp x16, real_syscall\n"
	"	ldr x16, [x16, :lo12:real_syscall]\n"
	"	br x16\n"
	".size syscall, . - syscall\n");
#endif

static long done_by_libc(long number, long a, long b, long c, long d, long e, long f)
{
	return real_syscall(number, a, b, c, d, e, f);
}

__typeof__(syscall) *syscall_done = (__typeof__(syscall) *)(void *)done_by_libc;

/* Plain rows: as in wrappers.c, but what is done is the system call. */
#define WITHOUT_PARENTHESES(...) __VA_ARGS__
#define CALL(name, ret, params, args, fails, subject, moves, nr, classes, errs)                  \
	static __attribute__((noinline)) ret routed_##name params                                \
	{                                                                                        \
		CALL_PLAIN(                                                                      \
			name, ret, subject, moves,                                               \
			syscall_done(call_table[CALL_##name].number, WITHOUT_PARENTHESES args)); \
	}
/* Others: their wrapper, seen as a function of six words. */
#define CUSTOM(name, ret, params, args, fails, subject, moves, nr, classes, errs)           \
	extern routed wrapper_##name __asm__(#name);                                        \
	static __attribute__((noinline)) long routed_##name(long a, long b, long c, long d, \
							    long e, long f)                 \
	{                                                                                   \
		return (long)(ret)wrapper_##name(a, b, c, d, e, f);                         \
	}
#define ALIAS(alias, name)
#include "failpoint/calls.def"
#undef CALL
#undef CUSTOM

/* What a system call of a custom row means for the fd table when nothing can match it. */
enum note {
	NOTE_PLAIN,
	NOTE_FIRST,
	NOTE_SECOND,
	NOTE_MADE,
	NOTE_RANGE,
	NOTE_NAMES,
	NOTE_RIGHTS,
	NOTE_WRAPPER
};

#define CALL(name, ...)   [CALL_##name] = (routed *)(void *)routed_##name,
#define CUSTOM(name, ...) [CALL_##name] = routed_##name,
static routed *const routes[CALL_COUNT] = {
#include "failpoint/calls.def"
};
#undef CALL
#undef CUSTOM

static const uint8_t notes[CALL_COUNT] = {
	[CALL_close] = NOTE_FIRST,         [CALL_dup2] = NOTE_SECOND,
	[CALL_dup3] = NOTE_SECOND,         [CALL_dup] = NOTE_MADE,
	[CALL_fcntl] = NOTE_MADE,          [CALL_open] = NOTE_MADE,
	[CALL_openat] = NOTE_MADE,         [CALL_creat] = NOTE_MADE,
	[CALL_socket] = NOTE_MADE,         [CALL_accept] = NOTE_MADE,
	[CALL_accept4] = NOTE_MADE,        [CALL_close_range] = NOTE_RANGE,
	[CALL_rename] = NOTE_NAMES,        [CALL_renameat] = NOTE_NAMES,
	[CALL_renameat2] = NOTE_NAMES,     [CALL_unlink] = NOTE_NAMES,
	[CALL_unlinkat] = NOTE_NAMES,      [CALL_link] = NOTE_NAMES,
	[CALL_linkat] = NOTE_WRAPPER,      [CALL_rmdir] = NOTE_NAMES,
	[CALL_recvmsg] = NOTE_RIGHTS,      [CALL_recvmmsg] = NOTE_WRAPPER,
	[CALL_connect] = NOTE_WRAPPER,     [CALL_execve] = NOTE_WRAPPER,
	[CALL_pipe] = NOTE_WRAPPER,        [CALL_pipe2] = NOTE_WRAPPER,
	[CALL_epoll_create] = NOTE_MADE,   [CALL_epoll_create1] = NOTE_MADE,
	[CALL_timerfd_create] = NOTE_MADE, [CALL_inotify_init1] = NOTE_MADE,
	[CALL_memfd_create] = NOTE_MADE,   [CALL_socketpair] = NOTE_WRAPPER,
	[CALL_pidfd_open] = NOTE_MADE,     [CALL_pidfd_getfd] = NOTE_MADE,
	[CALL_fanotify_init] = NOTE_MADE,
};

static void note(unsigned call, long a, long b, long ret)
{
	switch (notes[call]) {
	case NOTE_FIRST:
		fd_table_forget((int)a);
		break;
	case NOTE_SECOND:
		fd_table_forget((int)b);
		break;
	case NOTE_MADE:
		fd_table_forget((int)ret);
		break;
	case NOTE_RANGE:
		fd_table_forget_range((unsigned)a, (unsigned)b);
		break;
	case NOTE_NAMES:
		fd_table_renamed();
		break;
	case NOTE_RIGHTS:
		if (ret >= 0)
			forget_received((struct msghdr *)b);
		break;
	}
}

/* A fork by number. Not for a child that shares our memory or starts on another stack. */
static __attribute__((noinline)) long fork_by_number(long number, long a, long b, long c, long d,
						     long e)
{
	long ret = real_syscall(number, a, b, c, d, e);

	if (ret == 0)
		engine_forked();
	return ret;
}

static long make_uring(long entries, void *parameters)
{
	long made = syscall_done(SYS_io_uring_setup, entries, parameters);

	if (made >= 0)
		engine_notes_uring();
	return made;
}

unsigned syscall_site(long number)
{
	unsigned route = number >= 0 && number < NUMBER_MAX ? syscall_routes[number] : 0;

	return route && route <= CALL_COUNT ? route - 1 : CALL_COUNT;
}

bool syscall_is_judged(long number)
{
	unsigned call = syscall_site(number);

	return call < CALL_COUNT && (engine_armed[call] || notes[call] != NOTE_PLAIN);
}

/* libaio's: the errno itself, negative. */
static bool returns_error(unsigned call)
{
	return call == CALL_io_setup || call == CALL_io_submit || call == CALL_io_getevents;
}

__attribute__((used)) long syscall_routed(long number, long a, long b, long c, long d, long e,
					  long f)
{
	unsigned call = syscall_routes[number] - 1u;
	long ret;

	if (call == ROUTE_URING - 1)
		return make_uring(a, (void *)b);
	if (call == ROUTE_FORK - 1) {
		if (number != SYS_clone || (!(a & CLONE_VM) && !b))
			return fork_by_number(number, a, b, c, d, e);
		return ((long (*)(long, long, long, long, long, long, long))real_syscall)(
			number, a, b, c, d, e, f);
	}
	if (engine_armed[call] || notes[call] == NOTE_WRAPPER) {
		/* The kernel takes their offset as two words. */
		if (call == CALL_preadv2 || call == CALL_pwritev2)
			e = f;
		ret = routes[call](a, b, c, d, e, f);
		if (!returns_error(call) || ret >= 0)
			return ret;
		errno = (int)-ret; /* libaio's way is not syscall()'s */
		return -1;
	}
	if (notes[call] == NOTE_FIRST || notes[call] == NOTE_SECOND || notes[call] == NOTE_RANGE)
		note(call, a, b, -1);
	ret = syscall_done(number, a, b, c, d, e, f);
	note(call, a, b, ret);
	return ret;
}

void syscall_begin(void)
{
	for (unsigned i = 0; i < CALL_COUNT; i++)
		if (call_table[i].number >= 0 && call_table[i].number < NUMBER_MAX)
			syscall_routes[call_table[i].number] = (uint16_t)(i + 1);
	syscall_routes[SYS_clone] = ROUTE_FORK;
	syscall_routes[SYS_io_uring_setup] = ROUTE_URING;
#ifdef SYS_fork
	syscall_routes[SYS_fork] = ROUTE_FORK;
#endif
}
