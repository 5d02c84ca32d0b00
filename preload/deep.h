/*
 * deep.h - the deep tier: what never passes a name of ours.
 *
 * stdio's own write, mkstemp's open, syscall instructions inlined in a program: none of them is a
 * call that can be interposed. With FAILKIT_DEEP=1 every thread of the target has Syscall User
 * Dispatch on: the kernel turns each system call that is made outside of this library's code into a
 * SIGSYS, and the handler sends it the way that syscall() goes.
 *
 *     program, libc          kernel             this library (exempt)
 *     syscall  ------------> SIGSYS ----------> deep_handler     decides; every signal is blocked
 *                                                  | sigreturn to a stub, on the program's stack,
 *                                                  | as if the instruction had been a call of it
 *              <------------------------------- deep_again       nothing can match: the same call
 *              <------------------------------- deep_enter       asks the engine: a C function
 *              <------------------------------- deep_clone, deep_vfork, deep_sigreturn
 *
 * Only the decision is made in the handler. What may block, be cancelled, fork or meet a rule runs
 * where the program's own call would have run: so signals nest on the stack as they always do, a
 * siglongjmp leaves nothing behind, and a restarted call is restarted by the kernel, in the stub.
 *
 * The exempt range is this library's text. What it does by raw_syscall() is never trapped, and
 * what a wrapper has let through is done here (deep_real.c) instead of in libc, so that a call
 * which was judged is not judged again. Where libc must do it, a mark on the stack says so.
 *
 *     deep.c           start, arm a thread, decide        deep_guard.c     SIGSYS stays ours
 *     deep_threads.c   threads, children, stacks          deep_real.c      judged calls, done here
 *     deep_x86_64.c    stubs and registers; deep_aarch64.c its twin
 *
 * The selector byte is the thread's own and says "block" from before its first call; it is opened
 * only for good, in a process whose engine gave up. A thread that was made by clone() without
 * memory of its own (CLONE_SETTLS) has none, and is trapped always.
 */
#ifndef PRELOAD_DEEP_H
#define PRELOAD_DEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/deep_arch.h"

/* True from deep_start() on, where the kernel can do it. */
extern bool deep_on DEEP_HIDDEN;
/* Of the process that has this memory: a child of vfork is another. */
extern uint32_t deep_pid DEEP_HIDDEN;
/* There was a thread with its parent's TLS: from then on each is asked whose it is. */
extern bool deep_bare DEEP_HIDDEN;

/* From the constructor: when the environment asks for it. Says so when the kernel has none. */
void deep_start(void) DEEP_HIDDEN;

/* ---- Marks: a judged call that libc does, or a trap that is being judged ---- */

/* On the stack of whoever makes it. One that was jumped over is recognised: it lies deeper than who
 * looks, or no longer names itself. */
struct deep_mark {
	const struct deep_mark *self, *before;
	bool trap;   /* a trapped call */
	bool passes; /* system calls made below it have been judged */
};
void deep_mark_begin(struct deep_mark *mark, bool trap, bool passes) DEEP_HIDDEN;
void deep_mark_end(struct deep_mark *mark) DEEP_HIDDEN;
/* The mark this thread is below, NULL when there is none. */
const struct deep_mark *deep_mark_above(uintptr_t sp) DEEP_HIDDEN;
/* What a vfork child leaves behind is taken back by its parent. */
const struct deep_mark *deep_mark_top(void) DEEP_HIDDEN;
void deep_mark_reset(const struct deep_mark *top) DEEP_HIDDEN;

/* Below a trap a call must not become a cancellation point that it was not. */
bool deep_trapped(void) DEEP_HIDDEN;

/* Around the real call of a wrapper. */
void deep_call_begin(unsigned site, struct deep_mark *mark) DEEP_HIDDEN;

/* ---- Between its files ---- */

/* Turns trapping on for this thread. shared: it has another thread's TLS. */
void deep_arm(bool shared) DEEP_HIDDEN;
void deep_install(void) DEEP_HIDDEN; /* the handler */
void deep_own_calls(void) DEEP_HIDDEN;
bool deep_is_own(unsigned site) DEEP_HIDDEN;

/* Judges the trapped call and does it; the kernel's result. */
long deep_route(const struct deep_trap *trap) DEEP_HIDDEN;

/* What a system call needs beside, or instead of, being judged; NULL: nothing. */
typedef long deep_guard(struct deep_trap *trap);
deep_guard *deep_guard_of(long number) DEEP_HIDDEN;
void deep_guard_return(ucontext_t *context) DEEP_HIDDEN;
void deep_guard_foreign(siginfo_t *info, void *context) DEEP_HIDDEN;

/* Sends a clone, clone3, fork or vfork its way; false: it goes as any other does. */
bool deep_fork_way(ucontext_t *context) DEEP_HIDDEN;
long deep_fork(struct deep_trap *trap) DEEP_HIDDEN;
long deep_exit(struct deep_trap *trap) DEEP_HIDDEN;
long deep_stack(struct deep_trap *trap) DEEP_HIDDEN; /* sigaltstack() */
void deep_stack_make(bool shared) DEEP_HIDDEN;
/* Where a thread without TLS of its own keeps its marks: beside the stack it was lent. */
const struct deep_mark **deep_lent_top(void) DEEP_HIDDEN;

#endif
