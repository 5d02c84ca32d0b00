/*
 * linked.h - the names that nameless files were given.
 *
 * A file made with O_TMPFILE goes on being "/folder/#123 (deleted)" to the kernel when linkat() has
 * named it. The last LINKED_MAX such names are kept here by device and inode, so that whoever holds
 * the file, by whatever number, holds the file of that name. A later rename is not followed.
 *
 * An entry is read and written under its sequence number, as in fd_table.h.
 */
#ifndef PRELOAD_LINKED_H
#define PRELOAD_LINKED_H

#include "preload/call.h"

enum { LINKED_MAX = 64, LINKED_PATH_MAX = 256 };

/* After a linkat() that succeeded: keeps the name when it was a descriptor that was linked. */
void linked_note(int dirfd, const char *from, int dirfd2, const char *to, int flags) PRELOAD_HIDDEN;

/* Writes the name that this file was given; false when none is known. */
bool linked_find(uint64_t device, uint64_t inode, char *out, size_t size) PRELOAD_HIDDEN;

#endif
