/*
 * real.h - the calls as they would be without us: the next definition after ours, usually libc's.
 *
 *     real_write(fd, buf, n)
 *
 * Each pointer starts at a stub that finds the function, stores it and goes there, arguments and
 * stack as they were, so that a caller needs no check and a call before our constructor works. The
 * constructor finds all of them at once (real_find_all), so that none is looked up in a signal
 * handler or a vfork child. A function that is nowhere fails with ENOSYS.
 */
#ifndef PRELOAD_REAL_H
#define PRELOAD_REAL_H

#include <aio.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <mqueue.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>
#include <wchar.h>

/* What libc advises against is called all the same. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#define REAL_HIDDEN __attribute__((visibility("hidden")))

/* Real functions that are no call of their own in the table: hooks, and twins with other arguments
 * that libc must be asked for. */
#define REAL_OTHERS(ONE)        \
	ONE(closefrom)          \
	ONE(closedir)           \
	ONE(pclose)             \
	ONE(fwrite_unlocked)    \
	ONE(fputs_unlocked)     \
	ONE(puts)               \
	ONE(fputc_unlocked)     \
	ONE(putchar)            \
	ONE(putchar_unlocked)   \
	ONE(fflush_unlocked)    \
	ONE(vfprintf)           \
	ONE(__vfprintf_chk)     \
	ONE(vdprintf)           \
	ONE(__vdprintf_chk)     \
	ONE(fread_unlocked)     \
	ONE(fgets_unlocked)     \
	ONE(fgetc_unlocked)     \
	ONE(getchar)            \
	ONE(getchar_unlocked)   \
	ONE(reallocarray)       \
	ONE(valloc)             \
	ONE(pvalloc)            \
	ONE(free)               \
	ONE(malloc_usable_size) \
	ONE(_Fork)              \
	ONE(execvpe)            \
	ONE(fexecve)            \
	ONE(execveat)           \
	ONE(posix_spawnp)       \
	ONE(syscall)            \
	ONE(dlsym)              \
	ONE(dlvsym)             \
	ONE(dlclose)            \
	ONE(mtx_timedlock)      \
	ONE(cnd_timedwait)      \
	ONE(fputwc_unlocked)    \
	ONE(putwchar)           \
	ONE(putwchar_unlocked)  \
	ONE(fputws_unlocked)    \
	ONE(fgetwc_unlocked)    \
	ONE(getwchar)           \
	ONE(getwchar_unlocked)  \
	ONE(fgetws_unlocked)    \
	ONE(vfwprintf)          \
	ONE(__vfwprintf_chk)    \
	ONE(vfscanf)            \
	ONE(__isoc99_vfscanf)   \
	ONE(vfwscanf)           \
	ONE(__isoc99_vfwscanf)  \
	ONE(gets)               \
	ONE(__gets_chk)         \
	ONE(putw)               \
	ONE(getw)               \
	ONE(rewind)             \
	ONE(thrd_create)        \
	ONE(thrd_sleep)         \
	ONE(mq_close)           \
	ONE(inotify_init)

/* The fortified ones that are called, and that headers show only when fortified themselves. */
int __vfprintf_chk(FILE *stream, int flag, const char *format, va_list more);
int __vdprintf_chk(int fd, int flag, const char *format, va_list more);
int __vfwprintf_chk(FILE *stream, int flag, const wchar_t *format, va_list more);
int __isoc99_vfscanf(FILE *stream, const char *format, va_list more);
int __isoc99_vfwscanf(FILE *stream, const wchar_t *format, va_list more);

/* What the headers of some don't have: C dropped it, or it is newer. */
char *gets(char *buf);
char *__gets_chk(char *buf, size_t room);
int pidfd_open(pid_t pid, unsigned flags);
int pidfd_getfd(int fd, int theirs, unsigned flags);

/* libaio's, by the words of its own. */
int io_setup(int count, void **context);
int io_submit(void *context, long count, void **blocks);
int io_getevents(void *context, long least, long most, void *events, struct timespec *limit);

#define REAL_DECLARE(name) extern REAL_HIDDEN __typeof__(name) *real_##name;
#define CALL(name, ...)    REAL_DECLARE(name)
#define CUSTOM(name, ...)  REAL_DECLARE(name)
#define ALIAS(alias, name)
#include "failpoint/calls.def"
#undef CALL
#undef CUSTOM
#undef ALIAS
REAL_OTHERS(REAL_DECLARE)

void real_find_all(void) REAL_HIDDEN;

#endif
