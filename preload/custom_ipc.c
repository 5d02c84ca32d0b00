/*
 * custom_ipc.c - shared memory, queues and semaphores of POSIX, by name.
 */
#include <stdarg.h>

#include "preload/pass.h"
#include "preload/raw.h"

#define SHARED "/dev/shm/"

extern void __chk_fail(void) __attribute__((noreturn));

/* ---- Shared memory: a file, by what follows the slashes ---- */

enum { SHARED_PATH_MAX = sizeof(SHARED) + 256 };

static const char *shared_path(const char *name, char path[SHARED_PATH_MAX])
{
	size_t n;

	if (!name || !raw_readable(name))
		return name;
	while (*name == '/')
		name++;
	n = raw_copy(path, SHARED_PATH_MAX, SHARED, SIZE_MAX);
	raw_copy(path + n, SHARED_PATH_MAX - n, name, SIZE_MAX);
	return path;
}

static __attribute__((noinline)) int armed_shm_open(const char *name, int flags, mode_t mode)
{
	char path[SHARED_PATH_MAX];

	PASS(shm_open, PATH_AT(AT_FDCWD, shared_path(name, path), flags), call_leave_fd,
	     real_shm_open(name, flags, mode))
}

int shm_open(const char *name, int flags, mode_t mode)
{
	int made = ARMED(shm_open) ? armed_shm_open(name, flags, mode)
				   : real_shm_open(name, flags, mode);

	fd_table_forget(made);
	return made;
}

static __attribute__((noinline)) int armed_shm_unlink(const char *name)
{
	char path[SHARED_PATH_MAX];

	PASS(shm_unlink, PATH(shared_path(name, path)), call_leave, real_shm_unlink(name))
}

int shm_unlink(const char *name)
{
	int ret = ARMED(shm_unlink) ? armed_shm_unlink(name) : real_shm_unlink(name);

	fd_table_renamed();
	return ret;
}

/* ---- Queues ---- */

static __attribute__((noinline)) mqd_t armed_mq_open(const char *name, int flags, mode_t mode,
						     struct mq_attr *attributes)
{
	PASS(mq_open, PATH_AT(AT_FDCWD, name, flags), call_leave_fd,
	     real_mq_open(name, flags, mode, attributes))
}

static mqd_t open_queue(const char *name, int flags, mode_t mode, struct mq_attr *attributes)
{
	mqd_t made = ARMED(mq_open) ? armed_mq_open(name, flags, mode, attributes)
				    : real_mq_open(name, flags, mode, attributes);

	fd_table_forget(made);
	return made;
}

mqd_t mq_open(const char *name, int flags, ...)
{
	struct mq_attr *attributes = NULL;
	mode_t mode = 0;
	va_list more;

	if (flags & O_CREAT) {
		va_start(more, flags);
		mode = va_arg(more, mode_t);
		attributes = va_arg(more, struct mq_attr *);
		va_end(more);
	}
	return open_queue(name, flags, mode, attributes);
}

mqd_t __mq_open_2(const char *name, int flags);
mqd_t __mq_open_2(const char *name, int flags)
{
	if (flags & O_CREAT)
		__chk_fail();
	return open_queue(name, flags, 0, NULL);
}

int mq_close(mqd_t queue)
{
	fd_table_forget(queue);
	return real_mq_close(queue);
}

/* ---- Semaphores ---- */

/* Failure is reported for one that is open: nobody will ever close it but us. */
static sem_t *semaphore_left(struct call *call)
{
	sem_t *made = call->hit.err ? SEM_FAILED : (sem_t *)(intptr_t)call->hit.ret;
	sem_t *ret = (sem_t *)(intptr_t)call_leave(call);

	if (made != SEM_FAILED && ret == SEM_FAILED) {
		int before = errno;

		sem_close(made);
		errno = before;
	}
	return ret;
}

static __attribute__((noinline)) sem_t *armed_sem_open(const char *name, int flags, mode_t mode,
						       unsigned value){
	PASS(sem_open, PATH_AT(AT_FDCWD, name, flags), semaphore_left,
	     real_sem_open(name, flags, mode, value))}

sem_t *sem_open(const char *name, int flags, ...)
{
	unsigned value = 0;
	mode_t mode = 0;
	va_list more;

	if (flags & O_CREAT) {
		va_start(more, flags);
		mode = va_arg(more, mode_t);
		value = va_arg(more, unsigned);
		va_end(more);
	}
	return ARMED(sem_open) ? armed_sem_open(name, flags, mode, value)
			       : real_sem_open(name, flags, mode, value);
}
