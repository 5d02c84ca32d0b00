/*
 * next.h - the next definition of a function after ours, by the symbol tables in memory.
 *
 * What libc has for that, dlsym and dlvsym, are names of ours: the first of them is found so, and
 * finds the others. Nothing is called here, so it works in the earliest of constructors.
 */
#ifndef PRELOAD_NEXT_H
#define PRELOAD_NEXT_H

#include "preload/real.h"

/* Where a program has loaded us with dlopen(), libc is before us, and with dlmopen() in another list:
 * then the first of all. NULL when there is none. */
void *next_definition(const char *name) REAL_HIDDEN;

#endif
