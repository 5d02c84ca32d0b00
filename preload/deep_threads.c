/*
 * deep_threads.c - dispatch is a thread's own and is not inherited: whoever is made is armed before
 * its first instruction. See deep.h.
 *
 *     kind     memory   stack     its way
 *     fork     copied   parent's  deep_fork(), in C: both return
 *              copied   its own   deep_clone, deep_born()
 *     thread   shared   its own   deep_clone, deep_born(): and gets a signal stack
 *     bare     the same, but with its parent's TLS
 *     vfork    shared   either's  deep_vfork, deep_vforked(): the child goes on, then the parent,
 *                                 with what the child has left in the memory of both
 */
#include "preload/deep.h"

#include <linux/sched.h>
#include <sched.h>

#include "failpoint/engine.h"
#include "preload/raw.h"

enum deep_kind { KIND_FORK, KIND_THREAD, KIND_BARE };

/* ---- Signal stacks ---- */

/* The handler's frame is not to depend on the room that is left on the program's stack. One is lent
 * to each thread that has none of its own; the program does not see it. It stays until the thread
 * ends, since a frame of a handler of the program's may still lead back to it. */
struct lent {
	uint64_t mark;
	uint32_t tid, pad;
	const struct deep_mark *top;
	uint64_t align[5];
};

enum { ROOM_BYTES = 65536, STACK_BYTES = ROOM_BYTES - sizeof(struct lent) };
#define LENT_MARK UINT64_C(0x6661696c6b697400)

static __thread struct lent *lent;

static bool is_lent(const stack_t *s)
{
	const struct lent *l = (const struct lent *)s->ss_sp - 1;

	return !(s->ss_flags & SS_DISABLE) && s->ss_size == STACK_BYTES &&
	       l->mark == (LENT_MARK ^ (uintptr_t)l);
}

const struct deep_mark **deep_lent_top(void)
{
	stack_t now = {0};

	raw(SYS_sigaltstack, 0, &now);
	return is_lent(&now) ? &((struct lent *)now.ss_sp - 1)->top : NULL;
}

static struct lent *make_lent(void)
{
	struct lent *l;

	if (lent && lent->tid == raw_gettid())
		return lent;
	l = raw_mmap(ROOM_BYTES, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (l)
		*l = (struct lent){.mark = LENT_MARK ^ (uintptr_t)l, .tid = raw_gettid()};
	return l;
}

void deep_stack_make(bool shared)
{
	stack_t now = {0}, next = {.ss_size = STACK_BYTES};
	struct lent *l;

	raw(SYS_sigaltstack, 0, &now);
	if (!(now.ss_flags & SS_DISABLE))
		return;
	l = make_lent();
	if (!l)
		return;
	next.ss_sp = l + 1;
	raw(SYS_sigaltstack, &next, 0);
	if (!shared)
		lent = l;
}

long deep_stack(struct deep_trap *trap)
{
	stack_t *old = (stack_t *)trap->argument[1], before = {0}, now = {0};
	long ret;

	raw(SYS_sigaltstack, 0, &before);
	ret = raw(SYS_sigaltstack, trap->argument[0], old);
	if (ret < 0)
		return ret;
	if (old && is_lent(&before))
		*old = (stack_t){.ss_flags = SS_DISABLE};
	raw(SYS_sigaltstack, 0, &now);
	if (now.ss_flags & SS_DISABLE && is_lent(&before))
		raw(SYS_sigaltstack, &before, 0);
	else
		deep_stack_make(false);
	return ret;
}

/* A thread's last call: what it was lent goes, unless it stands on it. A child of vfork, and a
 * thread with its parent's TLS, find what belongs to another. */
long deep_exit(struct deep_trap *trap)
{
	stack_t none = {.ss_flags = SS_DISABLE};

	if (lent && lent->tid == raw_gettid() && raw_gettid() != raw_getpid() &&
	    raw(SYS_sigaltstack, &none, 0) == 0)
		raw_munmap(lent, ROOM_BYTES);
	return raw(SYS_exit, trap->argument[0]);
}

/* ---- Whoever is made ---- */

struct making {
	uint64_t flags;
	uintptr_t stack; /* the child's stack pointer, 0: the parent's */
};

static struct making making_of(const struct deep_trap *t)
{
	const struct clone_args *args = (const struct clone_args *)t->argument[0];
	struct making m = {0, 0};

	if (t->number == SYS_clone) {
		m = (struct making){(uint64_t)t->argument[0], (uintptr_t)t->argument[1]};
#ifdef SYS_vfork
	} else if (t->number == SYS_vfork) {
		m.flags = CLONE_VM | CLONE_VFORK;
#endif
	} else if (t->number == SYS_clone3 && t->argument[1] >= CLONE_ARGS_SIZE_VER0 &&
		   raw_readable(args)) {
		m.flags = args->flags;
		if (args->stack)
			m.stack = (uintptr_t)(args->stack + args->stack_size);
	}
	return m;
}

/* The stack it was lent is there, as a copy; and it is another thread's now. */
static void forked(void)
{
	deep_pid = raw_getpid();
	if (lent)
		lent->tid = raw_gettid();
	engine_forked();
}

__attribute__((used)) long deep_born(struct deep_trap *trap)
{
	long kind = trap->number;

	if (kind == KIND_FORK) {
		deep_install(); /* CLONE_CLEAR_SIGHAND leaves no handler */
		forked();
	} else {
		deep_stack_make(kind == KIND_BARE);
	}
	deep_arm(kind == KIND_BARE);
	return 0;
}

long deep_fork(struct deep_trap *t)
{
	long ret;

	if (making_of(t).flags & CLONE_VM)
		return -ENOMEM; /* a vfork that there was no node for */
	ret = raw_syscall(t->number, t->argument[0], t->argument[1], t->argument[2], t->argument[3],
			  t->argument[4], t->argument[5]);
	if (ret == 0) {
		deep_install();
		forked();
		deep_arm(false);
	}
	return ret;
}

/* The child passes first; what it left in the memory of both is taken back by the parent. */
__attribute__((used)) long deep_vforked(struct deep_trap *trap, struct deep_vfork_node *node)
{
	long ret = trap->number;

	if (ret == 0) {
		deep_install();
		deep_arm(false);
		return 0;
	}
	deep_mark_reset(node->top);
	raw_munmap(node, sizeof(*node));
	return ret;
}

static bool vfork_way(ucontext_t *context)
{
	struct deep_vfork_node *node = raw_mmap(sizeof(*node), MAP_PRIVATE | MAP_ANONYMOUS, -1);

	if (!node)
		return false;
	node->top = deep_mark_top();
	deep_arch_call_vfork(context, node);
	return true;
}

/* ---- Which kind ---- */

static bool makes(long number)
{
#ifdef SYS_fork
	if (number == SYS_fork || number == SYS_vfork)
		return true;
#endif
	return number == SYS_clone || number == SYS_clone3;
}

/* Without a stack of its own a child that shares memory can only be one. */
static bool is_vfork(const struct making *m)
{
	return m->flags & CLONE_VM && (m->flags & CLONE_VFORK || !m->stack);
}

static enum deep_kind kind_of(uint64_t flags)
{
	if (!(flags & CLONE_VM))
		return KIND_FORK;
	return flags & CLONE_SETTLS ? KIND_THREAD : KIND_BARE;
}

bool deep_fork_way(ucontext_t *context)
{
	struct deep_trap trap = deep_arch_trap(context);
	struct making m;

	if (!makes(trap.number))
		return false;
	m = making_of(&trap);
	if (is_vfork(&m) && vfork_way(context))
		return true;
	if (!m.stack || is_vfork(&m)) {
		deep_arch_call(context, deep_enter);
		return true;
	}
	if (kind_of(m.flags) == KIND_BARE)
		__atomic_store_n(&deep_bare, true, __ATOMIC_RELAXED);
	deep_arch_call_born(context, m.stack, kind_of(m.flags));
	deep_arch_call(context, deep_clone);
	return true;
}
