/*
 * custom_made.c - calls that make a descriptor, or two, or a name for a new file.
 */
#include <signal.h>
#include <stdarg.h>

#include "preload/pass.h"
#include "preload/raw.h"

MAKES_FD(epoll_create, (int size), (size), NOTHING)
MAKES_FD(epoll_create1, (int flags), (flags), NOTHING)
MAKES_FD(eventfd, (unsigned count, int flags), (count, flags), NOTHING)
MAKES_FD(timerfd_create, (clockid_t clock, int flags), (clock, flags), NOTHING)
MAKES_FD(inotify_init1, (int flags), (flags), NOTHING)
MAKES_FD(pidfd_open, (pid_t pid, unsigned flags), (pid, flags), NOTHING)
MAKES_FD(pidfd_getfd, (int fd, int theirs, unsigned flags), (fd, theirs, flags),
	 FD_FLAGS(fd, flags))
MAKES_FD(fanotify_init, (unsigned flags, unsigned how), (flags, how), NOTHING)
MAKES_FD(open_by_handle_at, (int mount, struct file_handle *handle, int flags),
	 (mount, handle, flags), FD_FLAGS(mount, flags))
MAKES_FD(memfd_create, (const char *name, unsigned flags), (name, flags), NOTHING)
MAKES_FD(mkstemp, (char *path), (path), PATH(path))
MAKES_FD(mkostemp, (char *path, int flags), (path, flags), PATH_AT(AT_FDCWD, path, flags))
MAKES_FD(mkstemps, (char *path, int suffix), (path, suffix), PATH(path))
MAKES_FD(mkostemps, (char *path, int suffix, int flags), (path, suffix, flags),
	 PATH_AT(AT_FDCWD, path, flags))

/* With a descriptor it makes none, but changes that one: which stays open when failure is reported. */
static __attribute__((noinline)) int armed_signalfd(int fd, const sigset_t *mask, int flags)
{
	PASS(signalfd, NOTHING, (fd < 0 ? call_leave_fd : call_leave),
	     real_signalfd(fd, mask, flags))
}

int signalfd(int fd, const sigset_t *mask, int flags)
{
	int made =
		ARMED(signalfd) ? armed_signalfd(fd, mask, flags) : real_signalfd(fd, mask, flags);

	fd_table_forget(made);
	return made;
}

static __attribute__((noinline)) int armed_inotify_init(void)
{
	PASS(inotify_init1, NOTHING, call_leave_fd, real_inotify_init())
}

int inotify_init(void)
{
	int made = ARMED(inotify_init1) ? armed_inotify_init() : real_inotify_init();

	fd_table_forget(made);
	return made;
}

/* Two at once: when failure is reported all the same, nobody will ever close them but us. */
#define MAKES_TWO(name, params, args)                                         \
	static __attribute__((noinline)) int armed_##name params              \
	{                                                                     \
		bool made = false;                                            \
		struct call call;                                             \
                                                                              \
		CALL_BEGIN(call, name, HIT_NOTHING, GIVE_NO_BYTES);           \
		if (call_enter(&call)) {                                      \
			call_result(&call, real_##name args);                 \
			made = call.hit.err == 0;                             \
		}                                                             \
		return both_left(&call, fds, made);                           \
	}                                                                     \
	int name params                                                       \
	{                                                                     \
		int ret = ARMED(name) ? armed_##name args : real_##name args; \
                                                                              \
		if (ret == 0) {                                               \
			fd_table_forget(fds[0]);                              \
			fd_table_forget(fds[1]);                              \
		}                                                             \
		return ret;                                                   \
	}

static int both_left(struct call *call, const int fds[2], bool made)
{
	int ret = (int)call_leave(call);

	if (made && ret != 0) {
		raw(SYS_close, fds[0]);
		raw(SYS_close, fds[1]);
	}
	return ret;
}

MAKES_TWO(pipe, (int fds[2]), (fds))
MAKES_TWO(pipe2, (int fds[2], int flags), (fds, flags))
MAKES_TWO(socketpair, (int domain, int type, int protocol, int fds[2]),
	  (domain, type, protocol, fds))

static __attribute__((noinline)) char *armed_mkdtemp(char *path)
{
	PASS(mkdtemp, PATH(path), call_leave, real_mkdtemp(path))
}

char *mkdtemp(char *path)
{
	return ARMED(mkdtemp) ? armed_mkdtemp(path) : real_mkdtemp(path);
}

static __attribute__((noinline)) int armed_ioctl(int fd, unsigned long request, void *argument)
{
	PASS(ioctl, FD_FLAGS(fd, request), call_leave, real_ioctl(fd, request, argument))
}

/* The argument is a whole word, or absent: then what is read is passed on and not looked at. */
int ioctl(int fd, unsigned long request, ...)
{
	void *argument;
	va_list more;

	va_start(more, request);
	argument = va_arg(more, void *);
	va_end(more);
	return ARMED(ioctl) ? armed_ioctl(fd, request, argument)
			    : real_ioctl(fd, request, argument);
}

/* ---- An eventfd's number, as libc reads and writes it ---- */

int eventfd_read(int fd, eventfd_t *value)
{
	return read(fd, value, sizeof(*value)) == sizeof(*value) ? 0 : -1;
}

int eventfd_write(int fd, eventfd_t value)
{
	return write(fd, &value, sizeof(value)) == sizeof(value) ? 0 : -1;
}
