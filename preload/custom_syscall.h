/* custom_syscall.h - see custom_syscall.c. */
#ifndef PRELOAD_CUSTOM_SYSCALL_H
#define PRELOAD_CUSTOM_SYSCALL_H

#include "preload/call.h"

/* Until this ran, calls by number pass through. */
void syscall_begin(void) PRELOAD_HIDDEN;

#endif
