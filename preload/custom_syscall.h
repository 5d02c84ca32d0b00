/* custom_syscall.h - see custom_syscall.c. */
#ifndef PRELOAD_CUSTOM_SYSCALL_H
#define PRELOAD_CUSTOM_SYSCALL_H

#include "preload/call.h"

/* Until this ran, calls by number pass through. */
void syscall_begin(void) PRELOAD_HIDDEN;

/* Must this one go through syscall_routed(): may a rule match it, or does it tell us something? */
bool syscall_is_judged(long number) PRELOAD_HIDDEN;
/* Its row, CALL_COUNT for none. */
unsigned syscall_site(long number) PRELOAD_HIDDEN;
/* Judges it and does it; -1 and errno on failure. */
long syscall_routed(long number, long a, long b, long c, long d, long e, long f) PRELOAD_HIDDEN;
/* How it is done: libc's syscall(), until the deep tier has one that is exempt. */
extern __typeof__(syscall) *syscall_done PRELOAD_HIDDEN;

#endif
