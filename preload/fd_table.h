/*
 * fd_table.h - what each descriptor is about, remembered.
 *
 *     entry   sequence   even: whole, odd: being written, 0: never written
 *             forgets    counts the moments at which the number may have come to mean another file
 *             subject, path, and the forgets and renames that were current before the kernel was
 * asked
 *
 * An entry is good while both counts are still the same. Whoever cannot take an entry for writing
 * (another thread, or the code a signal handler interrupted, has it) does without: nobody waits,
 * and what is stale is at worst asked for again. A fork may leave an entry odd for ever: it is then
 * never used. Numbers from FD_TABLE_MAX and paths from FD_TABLE_PATH_MAX on are not remembered.
 *
 * Forget a descriptor before and after the kernel closes it, and when one is made. Before a rule
 * fires the subject is verified all the same (subject.h), for libc may close without telling us.
 */
#ifndef PRELOAD_FD_TABLE_H
#define PRELOAD_FD_TABLE_H

#include "preload/call.h"

enum { FD_TABLE_MAX = 4096, FD_TABLE_PATH_MAX = 256 };

/* Copies what is known about fd into call->subject and call->path; false when nothing is. */
bool fd_table_get(int fd, struct call *call) PRELOAD_HIDDEN;

/* A number for what is known about fd just now; 0: nothing is. */
uint64_t fd_table_known(int fd) PRELOAD_HIDDEN;

/* Takes the entry of fd for writing: do it before asking the kernel. Returns a ticket for
 * fd_table_put(), which must follow; 0 when the entry can't be had. put with remember false gives
 * the entry back empty. */
uint32_t fd_table_take(int fd) PRELOAD_HIDDEN;
void fd_table_put(int fd, uint32_t ticket, const struct subject *subject,
		  bool remember) PRELOAD_HIDDEN;

/* True from the first time that anything is remembered: before, there is nothing to forget, and what
 * is asked from then on is asked of the kernel as it is. */
extern bool fd_table_used PRELOAD_HIDDEN;

void fd_table_forget_used(int fd) PRELOAD_HIDDEN;
void fd_table_forget_range(unsigned first, unsigned last) PRELOAD_HIDDEN;
void fd_table_renamed_used(void) PRELOAD_HIDDEN;

static inline void fd_table_forget(int fd)
{
	if (__builtin_expect(__atomic_load_n(&fd_table_used, __ATOMIC_RELAXED), 0))
		fd_table_forget_used(fd);
}

/* Some name changed: every remembered path is to be read again. */
static inline void fd_table_renamed(void)
{
	if (__builtin_expect(__atomic_load_n(&fd_table_used, __ATOMIC_RELAXED), 0))
		fd_table_renamed_used();
}

#endif
