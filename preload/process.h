/*
 * process.h - children stay targets: what their environment must hold, whatever their parent made
 * of it.
 *
 *     LD_PRELOAD      names this library by an absolute path, after what the program put there: a
 *                     sanitizer's runtime has to be first
 *     FAILKIT_PLANE, FAILKIT_NODE, FAILKIT_STRICT, FAILKIT_DEEP
 *                     as this process was started with, unless given
 *
 * An environment that has all of it is used as it is. Otherwise a copy of the array, with what was
 * missing, is made in memory of the caller's: on the stack, since it may be a vfork child.
 */
#ifndef PRELOAD_PROCESS_H
#define PRELOAD_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "preload/call.h"

/* Keeps what this process was started with, before the program may overwrite it. */
void process_remember(void) PRELOAD_HIDDEN;

/* How many bytes process_environment() needs for this one; 0: nothing is missing. */
size_t process_environment_bytes(char *const environment[]) PRELOAD_HIDDEN;

/* The completed environment, in memory of that many bytes. */
char **process_environment(void *memory, char *const environment[]) PRELOAD_HIDDEN;

/* The file that execvp() would find, written to out; name itself when that is a path or is nowhere. */
const char *process_search(const char *name, char *out, size_t size) PRELOAD_HIDDEN;

#endif
