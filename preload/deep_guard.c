/*
 * deep_guard.c - SIGSYS stays ours, and the program does not notice. See deep.h.
 *
 * A SIGSYS that is blocked, ignored or left to its default when the kernel forces one ends the
 * program. So it is taken out of every mask that the kernel is given: of rt_sigprocmask, of actions,
 * of the calls that wait under a mask, of the frame a handler returns by. What the program asked for
 * is kept, for when it asks back, and for a SIGSYS that somebody else sends.
 */
#include "preload/deep.h"

#include <stdatomic.h>
#include <stddef.h>

#include "preload/call.h"
#include "preload/raw.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

#define OURS (UINT64_C(1) << (SIGSYS - 1))

struct action {
	uint64_t handler, flags, restorer, mask;
};

/* The program's own for SIGSYS, word by word, and the signals whose mask had SIGSYS in it. */
static _Atomic uint64_t program[4];
static _Atomic uint64_t masked;
static __thread bool blocked;

static struct action program_action(void)
{
	return (struct action){atomic_load(&program[0]), atomic_load(&program[1]),
			       atomic_load(&program[2]), atomic_load(&program[3])};
}

/* Memory of the program that may not be there: the kernel says so, in our stead. */
static bool take(void *to, const void *from, size_t bytes)
{
	if (!raw_bytes_readable(from, bytes))
		return false;
	raw_move(to, from, bytes);
	return true;
}

/* ---- Actions ---- */

static long own_action(const struct action *wanted, struct action *old)
{
	struct action before = program_action(), next;

	if (wanted && !take(&next, wanted, sizeof(next)))
		return -EFAULT;
	if (old && !raw_readable(old))
		return -EFAULT;
	if (old)
		raw_move(old, &before, sizeof(before));
	/* A child of vfork has our memory, but not our actions. */
	if (wanted && raw_getpid() == deep_pid) {
		atomic_store(&program[0], next.handler);
		atomic_store(&program[1], next.flags);
		atomic_store(&program[2], next.restorer);
		atomic_store(&program[3], next.mask);
	}
	return 0;
}

static long guard_action(struct deep_trap *t)
{
	const struct action *wanted = (const struct action *)t->argument[1];
	struct action *old = (struct action *)t->argument[2], next;
	uint64_t bit = UINT64_C(1) << ((t->argument[0] - 1) & 63), before;
	long ret;

	if (t->argument[3] != sizeof(uint64_t))
		return deep_route(t);
	if (t->argument[0] == SIGSYS)
		return own_action(wanted, old);
	before = atomic_load(&masked) & bit;
	if (wanted && take(&next, wanted, sizeof(next))) {
		uint64_t asked = next.mask & OURS;

		next.mask &= ~OURS;
		ret = raw(SYS_rt_sigaction, t->argument[0], &next, old, sizeof(uint64_t));
		if (ret == 0 && asked)
			atomic_fetch_or(&masked, bit);
		else if (ret == 0)
			atomic_fetch_and(&masked, ~bit);
	} else {
		ret = deep_route(t);
	}
	if (ret == 0 && old && before)
		old->mask |= OURS;
	return ret;
}

/* ---- Masks ---- */

static long guard_mask(struct deep_trap *t)
{
	uint64_t *old = (uint64_t *)t->argument[2], set;
	bool before = blocked, after = blocked;
	long ret;

	if (t->argument[3] != sizeof(set))
		return deep_route(t);
	if (t->argument[1] && take(&set, (void *)t->argument[1], sizeof(set))) {
		if (set & OURS)
			after = t->argument[0] != SIG_UNBLOCK;
		else if (t->argument[0] == SIG_SETMASK)
			after = false;
		set &= ~OURS;
		ret = raw(SYS_rt_sigprocmask, t->argument[0], &set, old, sizeof(set));
	} else {
		ret = deep_route(t);
	}
	if (ret < 0)
		return ret;
	blocked = after;
	if (old && before)
		*old |= OURS;
	return ret;
}

/* Calls that wait under a mask of the program's, which the handlers that they meet run under. */
static long wait_under(struct deep_trap *t, unsigned argument)
{
	uint64_t set;

	if (!t->argument[argument] || !take(&set, (void *)t->argument[argument], sizeof(set)) ||
	    !(set & OURS))
		return deep_route(t);
	set &= ~OURS;
	t->argument[argument] = (long)&set;
	return deep_route(t);
}

static long guard_suspend(struct deep_trap *t)
{
	return wait_under(t, 0);
}

static long guard_ppoll(struct deep_trap *t)
{
	return wait_under(t, 3);
}

static long guard_epoll(struct deep_trap *t)
{
	return wait_under(t, 4);
}

/* These give mask and size together. */
static long guard_pselect(struct deep_trap *t)
{
	struct {
		const uint64_t *set;
		uint64_t size;
	} pair;
	uint64_t set;

	if (!t->argument[5] || !take(&pair, (void *)t->argument[5], sizeof(pair)) || !pair.set ||
	    !take(&set, pair.set, sizeof(set)) || !(set & OURS))
		return deep_route(t);
	set &= ~OURS;
	pair.set = &set;
	t->argument[5] = (long)&pair;
	return deep_route(t);
}

void deep_guard_return(ucontext_t *context)
{
	/* The program's frame, as its handler left it. */
	ucontext_t *theirs = deep_arch_frame(context);

	*(uint64_t *)(void *)&theirs->uc_sigmask &= ~OURS;
	deep_arch_jump(context, deep_sigreturn);
}

/* ---- A SIGSYS of somebody else's ---- */

static void die_of_it(void)
{
	struct action plain = {0, 0, 0, 0};

	raw(SYS_rt_sigaction, SIGSYS, &plain, 0, sizeof(uint64_t));
	raw(SYS_tgkill, raw_getpid(), raw_gettid(), SIGSYS);
}

void deep_guard_foreign(siginfo_t *info, void *context)
{
	struct action action = program_action();
	uint64_t mask;

	if (action.handler == (uintptr_t)SIG_IGN)
		return;
	if (action.handler == (uintptr_t)SIG_DFL) {
		die_of_it();
		return;
	}
	raw_move(&mask, &((ucontext_t *)context)->uc_sigmask, sizeof(mask));
	mask = (mask | action.mask) & ~OURS;
	raw(SYS_rt_sigprocmask, SIG_SETMASK, &mask, 0, sizeof(mask));
	((void (*)(int, siginfo_t *, void *))action.handler)(SIGSYS, info, context);
}

/* ---- Other calls that can't simply go on ---- */

/* Dispatch is taken: as on a kernel without it. */
static long guard_prctl(struct deep_trap *t)
{
	return t->argument[0] == PR_SET_SYSCALL_USER_DISPATCH ? -EINVAL : deep_route(t);
}

static long guard_execveat(struct deep_trap *t)
{
	const struct deep_mark *mark = deep_mark_above((uintptr_t)t);
	int before = errno, ret;

	if (mark && mark->passes)
		return deep_route(t);
	ret = execveat((int)t->argument[0], (const char *)t->argument[1],
		       (char *const *)t->argument[2], (char *const *)t->argument[3],
		       (int)t->argument[4]);
	if (ret < 0)
		ret = -errno;
	errno = before;
	return ret;
}

static long guard_uring(struct deep_trap *t)
{
	long made = deep_route(t);

	if (made >= 0)
		engine_notes_uring();
	return made;
}

static const struct {
	long number;
	deep_guard *guard;
} guards[] = {
	{SYS_rt_sigaction, guard_action},
	{SYS_rt_sigprocmask, guard_mask},
	{SYS_rt_sigsuspend, guard_suspend},
	{SYS_ppoll, guard_ppoll},
	{SYS_pselect6, guard_pselect},
	{SYS_epoll_pwait, guard_epoll},
#ifdef SYS_epoll_pwait2
	{SYS_epoll_pwait2, guard_epoll},
#endif
#ifdef SYS_io_pgetevents
	{SYS_io_pgetevents, guard_pselect},
#endif
	{SYS_sigaltstack, deep_stack},
	{SYS_prctl, guard_prctl},
	{SYS_execveat, guard_execveat},
	{SYS_io_uring_setup, guard_uring},
	{SYS_exit, deep_exit},
	{SYS_clone, deep_fork},
	{SYS_clone3, deep_fork},
#ifdef SYS_fork
	{SYS_fork, deep_fork},
	{SYS_vfork, deep_fork},
#endif
};

deep_guard *deep_guard_of(long number)
{
	for (size_t i = 0; i < sizeof(guards) / sizeof(guards[0]); i++)
		if (guards[i].number == number)
			return guards[i].guard;
	return NULL;
}
