/*
 * custom_wait.c - what waits until a time of CLOCK_REALTIME waits until the node's clock says it.
 *
 * While the clock is bent a wait is made of slices: each ends when the node's clock should say the
 * time, or after SLICE_NS, and then it is looked at again. So who waits follows a clock that is set
 * meanwhile. A wait that began while the clock was the machine's is left alone: it costs nothing.
 *
 * A condition's slice ends as a wake-up without a signal does, which POSIX allows and every caller
 * has to expect: to wait again here could miss a signal. A timer is set once, by what the clock says
 * when it is set.
 */
#include "preload/custom_clock.h"
#include "preload/pass.h"
#include "preload/raw.h"

#define SLICE_NS INT64_C(100000000)
enum { CLOCK_UNTOLD = -1 }; /* by the condition or the timer, which does not tell */

struct slice {
	struct timespec until;
	const struct timespec *given; /* to the real call: until, or what was asked for */
	bool more;                    /* when it is over, it need not be time yet */
	bool counted;                 /* as one that waits for the node's time */
};

static bool is_valid(const struct timespec *asked)
{
	return asked && raw_readable(asked) && asked->tv_nsec >= 0 && asked->tv_nsec < 1000000000;
}

static int64_t distance(int64_t a, int64_t b)
{
	int64_t d;

	if (__builtin_sub_overflow(a, b, &d) || d == INT64_MIN)
		return INT64_MAX;
	return d < 0 ? -d : d;
}

/* Which clock's time is it? Up-time and wall clock are decades apart. */
static bool is_wall_time(clockid_t clock, int64_t asked, int64_t node, int64_t uptime)
{
	return clock == CLOCK_UNTOLD ? distance(asked, node) < distance(asked, uptime)
				     : clock_is_real(clock);
}

/* The machine's time at which the node's clock says what was asked for; now_ns: the machine's. False:
 * that is not for us to say. */
static bool find_time(clockid_t clock, const struct timespec *asked, int64_t *machine_ns,
		      int64_t *now_ns)
{
	int64_t uptime, node, ns;
	struct timepage page;

	if (!is_valid(asked) || !timepage_read(&page))
		return false;
	*now_ns = clock_now_ns(clock == CLOCK_UNTOLD ? CLOCK_REALTIME : clock);
	uptime = clock_now_ns(CLOCK_MONOTONIC);
	node = timepage_tell(&page, *now_ns, uptime);
	ns = clock_ns(asked);
	if (!is_wall_time(clock, ns, node, uptime))
		return false;
	*machine_ns = timepage_await(&page, ns, *now_ns, uptime);
	return true;
}

static void next_slice(struct slice *slice, clockid_t clock, const struct timespec *asked)
{
	int64_t until, now;

	slice->given = asked;
	slice->more = false;
	if (!find_time(clock, asked, &until, &now))
		return;
	if (!slice->counted)
		timepage_count();
	slice->counted = true;
	slice->more = until > now;
	if (until < 0)
		until = 0; /* a time before 1970 is over, and not wrong */
	if (until > now + SLICE_NS)
		until = now + SLICE_NS;
	slice->until = clock_timespec(until);
	slice->given = &slice->until;
}

/* The whole wait: expression is made with slice.given until it is not `over`, or time. errno is as
 * if there had been one. */
#define WAIT(clock, asked, over, expression)                  \
	({                                                    \
		struct slice slice = {.counted = false};      \
		int before = errno, ret;                      \
		do {                                          \
			errno = before;                       \
			next_slice(&slice, (clock), (asked)); \
			ret = (int)(expression);              \
		} while (slice.more && (over));               \
		ret;                                          \
	})
#define IS_LATE       (ret == ETIMEDOUT)
#define IS_LATE_ERRNO (ret == -1 && errno == ETIMEDOUT)

/* Both halves of a wrapper. */
#define WAITS(name, params, args, subject, expression)           \
	static __attribute__((noinline)) int armed_##name params \
	{                                                        \
		PASS(name, subject, call_leave, expression)      \
	}                                                        \
	int name params                                          \
	{                                                        \
		if (!ARMED(name))                                \
			return real_##name args;                 \
		return armed_##name args;                        \
	}

/* ---- Sleeping ---- */

static int sleep_until(clockid_t clock, int flags, const struct timespec *span,
		       struct timespec *left)
{
	if (!(flags & TIMER_ABSTIME) || !clock_is_real(clock))
		return real_clock_nanosleep(clock, flags, span, left);
	return WAIT(clock, span, ret == 0, real_clock_nanosleep(clock, flags, slice.given, left));
}

WAITS(clock_nanosleep,
      (clockid_t clock, int flags, const struct timespec *span, struct timespec *left),
      (clock, flags, span, left), NOTHING, sleep_until(clock, flags, span, left))

/* ---- Locks and threads ---- */

#define UNTIL(clock, expression) WAIT(clock, until, IS_LATE, expression)

WAITS(pthread_mutex_timedlock, (pthread_mutex_t * mutex, const struct timespec *until),
      (mutex, until), NOTHING,
      UNTIL(CLOCK_REALTIME, real_pthread_mutex_timedlock(mutex, slice.given)))
WAITS(pthread_mutex_clocklock,
      (pthread_mutex_t * mutex, clockid_t clock, const struct timespec *until),
      (mutex, clock, until), NOTHING,
      UNTIL(clock, real_pthread_mutex_clocklock(mutex, clock, slice.given)))
WAITS(pthread_rwlock_timedrdlock, (pthread_rwlock_t * lock, const struct timespec *until),
      (lock, until), NOTHING,
      UNTIL(CLOCK_REALTIME, real_pthread_rwlock_timedrdlock(lock, slice.given)))
WAITS(pthread_rwlock_timedwrlock, (pthread_rwlock_t * lock, const struct timespec *until),
      (lock, until), NOTHING,
      UNTIL(CLOCK_REALTIME, real_pthread_rwlock_timedwrlock(lock, slice.given)))
WAITS(pthread_rwlock_clockrdlock,
      (pthread_rwlock_t * lock, clockid_t clock, const struct timespec *until),
      (lock, clock, until), NOTHING,
      UNTIL(clock, real_pthread_rwlock_clockrdlock(lock, clock, slice.given)))
WAITS(pthread_rwlock_clockwrlock,
      (pthread_rwlock_t * lock, clockid_t clock, const struct timespec *until),
      (lock, clock, until), NOTHING,
      UNTIL(clock, real_pthread_rwlock_clockwrlock(lock, clock, slice.given)))
WAITS(pthread_timedjoin_np, (pthread_t thread, void **result, const struct timespec *until),
      (thread, result, until), NOTHING,
      UNTIL(CLOCK_REALTIME, real_pthread_timedjoin_np(thread, result, slice.given)))
WAITS(pthread_clockjoin_np,
      (pthread_t thread, void **result, clockid_t clock, const struct timespec *until),
      (thread, result, clock, until), NOTHING,
      UNTIL(clock, real_pthread_clockjoin_np(thread, result, clock, slice.given)))

/* ---- Semaphores ---- */

WAITS(sem_timedwait, (sem_t * semaphore, const struct timespec *until), (semaphore, until), NOTHING,
      WAIT(CLOCK_REALTIME, until, IS_LATE_ERRNO, real_sem_timedwait(semaphore, slice.given)))
WAITS(sem_clockwait, (sem_t * semaphore, clockid_t clock, const struct timespec *until),
      (semaphore, clock, until), NOTHING,
      WAIT(clock, until, IS_LATE_ERRNO, real_sem_clockwait(semaphore, clock, slice.given)))

/* ---- Conditions: one slice ---- */

#define CONDITION(clock, expression)                     \
	({                                               \
		struct slice slice = {.counted = false}; \
		int ret;                                 \
                                                         \
		next_slice(&slice, (clock), until);      \
		ret = (expression);                      \
		slice.more &&ret == ETIMEDOUT ? 0 : ret; \
	})

WAITS(pthread_cond_timedwait,
      (pthread_cond_t * condition, pthread_mutex_t *mutex, const struct timespec *until),
      (condition, mutex, until), NOTHING,
      CONDITION(CLOCK_UNTOLD, real_pthread_cond_timedwait(condition, mutex, slice.given)))
WAITS(pthread_cond_clockwait,
      (pthread_cond_t * condition, pthread_mutex_t *mutex, clockid_t clock,
       const struct timespec *until),
      (condition, mutex, clock, until), NOTHING,
      CONDITION(clock, real_pthread_cond_clockwait(condition, mutex, clock, slice.given)))

/* C11's, by the same. */
static int as_c11(int error)
{
	return error == 0 ? thrd_success : error == ETIMEDOUT ? thrd_timedout : thrd_error;
}

int mtx_timedlock(mtx_t *mutex, const struct timespec *until)
{
	if (!ARMED(pthread_mutex_timedlock))
		return real_mtx_timedlock(mutex, until);
	return as_c11(armed_pthread_mutex_timedlock((pthread_mutex_t *)(void *)mutex, until));
}

int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *until)
{
	if (!ARMED(pthread_cond_timedwait))
		return real_cnd_timedwait(condition, mutex, until);
	return as_c11(armed_pthread_cond_timedwait((pthread_cond_t *)(void *)condition,
						   (pthread_mutex_t *)(void *)mutex, until));
}

/* Whose sleep says no more than that it was interrupted. */
int thrd_sleep(const struct timespec *span, struct timespec *left)
{
	int error;

	if (!ARMED(clock_nanosleep))
		return real_thrd_sleep(span, left);
	error = armed_clock_nanosleep(CLOCK_REALTIME, 0, span, left);
	return error == 0 ? 0 : error == EINTR ? -1 : -2;
}

static __attribute__((noinline)) int armed_thrd_create(thrd_t *thread, thrd_start_t body,
						       void *argument)
{
	struct call call;

	CALL_BEGIN(call, pthread_create, HIT_NOTHING, GIVE_NO_BYTES);
	if (call_enter(&call)) {
		int ret = real_thrd_create(thread, body, argument);

		call_result(&call, ret == thrd_success ? 0 : ret == thrd_nomem ? ENOMEM : EAGAIN);
	}
	switch (call_leave(&call)) {
	case 0:
		return thrd_success;
	case ENOMEM:
		return thrd_nomem;
	default:
		return thrd_error;
	}
}

int thrd_create(thrd_t *thread, thrd_start_t body, void *argument)
{
	return ARMED(pthread_create) ? armed_thrd_create(thread, body, argument)
				     : real_thrd_create(thread, body, argument);
}

/* ---- Queues ---- */

WAITS(mq_timedsend,
      (mqd_t queue, const char *text, size_t length, unsigned priority,
       const struct timespec *until),
      (queue, text, length, priority, until), FD(queue),
      WAIT(CLOCK_REALTIME, until, IS_LATE_ERRNO,
	   real_mq_timedsend(queue, text, length, priority, slice.given)))

static ssize_t receive_until(mqd_t queue, char *text, size_t length, unsigned *priority,
			     const struct timespec *until)
{
	return WAIT(CLOCK_REALTIME, until, IS_LATE_ERRNO,
		    real_mq_timedreceive(queue, text, length, priority, slice.given));
}

static __attribute__((noinline)) ssize_t armed_mq_timedreceive(mqd_t queue, char *text,
							       size_t length, unsigned *priority,
							       const struct timespec *until){
	PASS(mq_timedreceive, FD(queue), call_leave,
	     receive_until(queue, text, length, priority, until))}

ssize_t mq_timedreceive(mqd_t queue, char *text, size_t length, unsigned *priority,
			const struct timespec *until)
{
	return ARMED(mq_timedreceive) ? armed_mq_timedreceive(queue, text, length, priority, until)
				      : real_mq_timedreceive(queue, text, length, priority, until);
}

/* ---- Timers ---- */

/* As to be given to the kernel; 0 is a timer that is stopped, and before 1970 is over. */
static const struct itimerspec *timer_of(bool absolute, const struct itimerspec *asked,
					 struct itimerspec *timer)
{
	int64_t until, now;

	if (!absolute || !asked || !raw_readable(asked))
		return asked;
	*timer = *asked;
	if ((asked->it_value.tv_sec || asked->it_value.tv_nsec) &&
	    find_time(CLOCK_UNTOLD, &asked->it_value, &until, &now)) {
		timepage_count();
		timer->it_value = clock_timespec(until > 0 ? until : 1);
	}
	return timer;
}

static int set_timer(timer_t timer, int flags, const struct itimerspec *to, struct itimerspec *was)
{
	struct itimerspec machine;

	return real_timer_settime(timer, flags, timer_of(flags & TIMER_ABSTIME, to, &machine), was);
}

WAITS(timer_settime,
      (timer_t timer, int flags, const struct itimerspec *to, struct itimerspec *was),
      (timer, flags, to, was), NOTHING, set_timer(timer, flags, to, was))

static int set_timerfd(int fd, int flags, const struct itimerspec *to, struct itimerspec *was)
{
	struct itimerspec machine;

	return real_timerfd_settime(fd, flags, timer_of(flags & TFD_TIMER_ABSTIME, to, &machine),
				    was);
}

WAITS(timerfd_settime, (int fd, int flags, const struct itimerspec *to, struct itimerspec *was),
      (fd, flags, to, was), FD_FLAGS(fd, flags), set_timerfd(fd, flags, to, was))
