/*
 * subject.h - what a call is about, found out when a rule wants to know.
 *
 *     a descriptor   its kind, (device, inode), the path it was opened by or renamed to; for a
 *                    socket its kind, cookie and both addresses. Remembered in fd_table.h.
 *     a name         made absolute by the working directory or dirfd and cleaned of "." and "..",
 *                    by text alone: the path as the program means it, links are not followed
 *
 * The answer lies in the struct call around the hit. Only raw system calls are made.
 */
#ifndef PRELOAD_SUBJECT_H
#define PRELOAD_SUBJECT_H

#include "preload/call.h"

extern const struct subject_ops subject_ops PRELOAD_HIDDEN;

/* Writes the absolute, clean form of path seen from dirfd; false when that can't be known. Of what
 * does not fit the tail is kept. */
bool subject_path(int dirfd, const char *path, char *out, size_t size) PRELOAD_HIDDEN;

/* The path of an open descriptor, "" when it has none (a pipe, a memfd). A file that lost its name,
 * by unlink or by a rename over it, is still known by it: the kernel marks it, and so might a name.
 */
void subject_fd_path(int fd, char *out, size_t size) PRELOAD_HIDDEN;

#endif
