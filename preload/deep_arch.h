/*
 * deep_arch.h - what the deep tier must know about registers; deep_x86_64.c and deep_aarch64.c have
 * the stubs.
 *
 * A stub is entered by sigreturn, with every register as at the trapped instruction and the address
 * behind it on the stack, below what the program may have there (the red zone). It returns to that
 * address with the stack pointer as it was. Flags and vector registers survive, as they do a system
 * call.
 */
#ifndef PRELOAD_DEEP_ARCH_H
#define PRELOAD_DEEP_ARCH_H

#include <signal.h>
#include <stdint.h>
#include <ucontext.h>

#define DEEP_HIDDEN __attribute__((visibility("hidden")))

/* A trapped call, saved by its stub on the program's stack. */
struct deep_trap {
	long number, argument[6];
};

/* What parent and child of a vfork find again: they share a stack, so it can't lie there. */
struct deep_vfork_node {
	long back;       /* where both go on */
	long borrowed;   /* the program's value of the register that leads here */
	const void *top; /* of the marks */
};

/* Stubs. */
typedef void deep_stub(void);
extern deep_stub deep_again DEEP_HIDDEN;     /* the same system call */
extern deep_stub deep_enter DEEP_HIDDEN;     /* deep_judge() */
extern deep_stub deep_clone DEEP_HIDDEN;     /* its child begins with deep_born() */
extern deep_stub deep_vfork DEEP_HIDDEN;     /* parent and child pass deep_vforked() */
extern deep_stub deep_sigreturn DEEP_HIDDEN; /* the program's, or ours as a restorer */

/* What stubs call. */
long deep_judge(struct deep_trap *trap) DEEP_HIDDEN;
long deep_born(struct deep_trap *trap) DEEP_HIDDEN; /* number: enum deep_kind */
long deep_vforked(struct deep_trap *trap, struct deep_vfork_node *node) DEEP_HIDDEN;

/* The context of a trap. */
struct deep_trap deep_arch_trap(const ucontext_t *context) DEEP_HIDDEN;
uintptr_t deep_arch_ip(const ucontext_t *context) DEEP_HIDDEN; /* behind the instruction */
uintptr_t deep_arch_sp(const ucontext_t *context) DEEP_HIDDEN;
/* What a trapped rt_sigreturn() is about to restore. */
ucontext_t *deep_arch_frame(const ucontext_t *context) DEEP_HIDDEN;
/* As if a stub had been called instead. */
void deep_arch_call(ucontext_t *context, deep_stub *stub) DEEP_HIDDEN;
/* The same on the stack of a child that is about to be made, and what deep_born() is told. */
void deep_arch_call_born(const ucontext_t *context, uintptr_t child_sp, long kind) DEEP_HIDDEN;
void deep_arch_call_vfork(ucontext_t *context, struct deep_vfork_node *node) DEEP_HIDDEN;
/* Goes to a stub that never returns, stack untouched. */
void deep_arch_jump(ucontext_t *context, deep_stub *stub) DEEP_HIDDEN;
/* A 32-bit call (int 0x80) in a 64-bit program: its numbers are others. */
int deep_arch_is_foreign(const siginfo_t *info) DEEP_HIDDEN;
extern deep_stub deep_again_foreign DEEP_HIDDEN;

#endif
