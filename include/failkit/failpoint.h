/*
 * failpoint.h - places in your own program that failkit can make fail.
 *
 *     FAILPOINT("wal/after-sync");                     act only: delay, pause, kill, print
 *     if (FAILPOINT_ERROR("wal/append")) return -1;    errno is set, true when an error was injected
 *     FAILPOINT_RETURN("put/commit", -EIO);            return from the function: the rule's value or this
 *     n = FAILPOINT_BUFFER("list/page", buf, n);       the length to go on with, shortened by a rule
 *
 * A name is a string literal that contains a "/". -DFAILPOINT_DISABLE compiles all of it to nothing.
 */
#ifndef FAILKIT_FAILPOINT_H
#define FAILKIT_FAILPOINT_H

#ifdef FAILPOINT_DISABLE
#define FAILPOINT(name) ((void)0)
#define FAILPOINT_ERROR(name) (0)
#define FAILPOINT_RETURN(name, value) ((void)0)
#define FAILPOINT_BUFFER(name, buffer, length) (length)
#else
#error "libfailpoint is not built yet; compile with -DFAILPOINT_DISABLE"
#endif

#endif
