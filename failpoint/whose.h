/*
 * whose.h - whose passage is this?
 *
 * In a target a hit belongs to the thread that asks. The supervisor of the notify tier (notify.h)
 * asks for threads of other processes, which wait in the kernel meanwhile: there the same files of
 * the core are compiled with FAILPOINT_ON_BEHALF, and the facts below are those of the thread that
 * is being served.
 *
 * What ends the process does not return in a target. On behalf it does, and then the call that was
 * judged is not to be made.
 */
#ifndef FAILPOINT_WHOSE_H
#define FAILPOINT_WHOSE_H

#include "failpoint/rawsys.h"

#ifdef FAILPOINT_ON_BEHALF

enum { WHOSE_IS_STATIC = 1 };
uint32_t whose_pid(void);
uint32_t whose_tid(void);
void whose_thread_name(char name[16]);
bool whose_fd_is_open(int fd);
int64_t whose_tell(int fd); /* the file's own offset, or -errno */
void whose_signal(int signal);
void whose_kill(void);
void whose_abort(void);
void whose_sleep(void); /* the thread that asks is about to sleep */

/* Its stack is out of reach: notify_check.c refuses what asks for it. */
static inline bool whose_is_here(void)
{
	return false;
}

#else

enum { WHOSE_IS_STATIC = 0 };

static inline uint32_t whose_pid(void)
{
	return raw_getpid();
}

static inline uint32_t whose_tid(void)
{
	return raw_gettid();
}

static inline void whose_thread_name(char name[16])
{
	raw_thread_name(name);
}

static inline bool whose_fd_is_open(int fd)
{
	return raw_fd_is_open(fd);
}

static inline int64_t whose_tell(int fd)
{
	return raw_tell(fd);
}

static inline void whose_signal(int signal)
{
	raw_kill(raw_getpid(), signal);
}

static inline void whose_kill(void)
{
	for (;;)
		raw_kill(raw_getpid(), SIGKILL);
}

static inline void whose_abort(void)
{
	raw_abort();
}

static inline void whose_sleep(void)
{
}

static inline bool whose_is_here(void)
{
	return true;
}

#endif

#endif
