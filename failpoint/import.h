/*
 * import.h - rules written for other tools, as native rules.
 *
 *     strace   inject=fsync,write:error=EIO:when=3+2    what follows -e; also -P PATH, fault=
 *     failrs   put=20%3*return(1)->pause                fail-rs: FAILPOINTS=, divided by ";"
 *     gofail   app/put=5*off->1%return(5)               gofail: GOFAIL_FAILPOINTS=, divided by ";"
 *     fail9    debug.fail_point.put=10%return(5)        fail(9): one sysctl a line
 *     fiu      enable_random name=posix/io/rw/write,failinfo=28,probability=0.1
 *                                                       libfiu: one command a line, or a whole
 * command line of fiu-run or fiu-ctrl
 *
 * What a dialect says and failkit can't is refused by name with the reason, never dropped: a rule
 * that means less than its source would prove nothing. Known differences that remain are these.
 *
 *   - A failpoint named without "/" becomes app/NAME, for a failkit name always has one.
 *   - strace counts by thread, so its rules get per=thread; a call is any that libc makes of that
 * system call (openat: open and openat), and an errno that the call can't return is forced.
 *   - panic prints its text and aborts the process; pause is bound by failkit's 60 s; yield becomes
 * a delay of nothing; break raises SIGTRAP.
 */
#ifndef FAILPOINT_IMPORT_H
#define FAILPOINT_IMPORT_H

#include <stddef.h>

#include "failkit/why.h"

/* Calls each with the canonical text of every rule; all are translated before the first is given.
 * Returns 0, -EINVAL or -ENOTSUP with the reason in why, or what each returned. */
int import_rules(const char *dialect, const char *text, int (*each)(void *arg, const char *native),
		 void *arg, struct why *why);

/* The i-th dialect's name, NULL after the last. */
const char *import_dialect_at(size_t i);

#endif
