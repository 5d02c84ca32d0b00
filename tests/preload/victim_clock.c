/*
 * victim_clock.c - waits until a time of the clock that it is told, in every way there is.
 *
 *     victim_clock waits SECONDS   each wait until that long from now; "NAME ok", or what is wrong
 *     victim_clock follow NAME     says so, waits in that way until an hour from now, and says so
 */
#include <pthread.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "preload/real.h"
#include "tests/preload/victim.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, free_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_t sleeper;
static sem_t semaphore;
static mtx_t c11_mutex;
static cnd_t c11_condition;
static struct timespec until;
static mqd_t queue;

static int is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static struct timespec now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t;
}

static int minus1(int ret)
{
	return ret == -1 ? errno : ret;
}

static int c11(int ret)
{
	return ret == thrd_timedout ? ETIMEDOUT : ret;
}

/* A condition wakes without a signal, too. */
#define LOOP(expression)                  \
	({                                \
		int ret;                  \
		do                        \
			ret = expression; \
		while (ret == 0);         \
		ret;                      \
	})

static int wait_condition(void)
{
	NEED(pthread_mutex_lock(&free_mutex) == 0);
	int error = LOOP(pthread_cond_timedwait(&condition, &free_mutex, &until));

	pthread_mutex_unlock(&free_mutex);
	return error;
}

static int wait_clock_condition(void)
{
	NEED(pthread_mutex_lock(&free_mutex) == 0);
	int error = LOOP(pthread_cond_clockwait(&condition, &free_mutex, CLOCK_REALTIME, &until));

	pthread_mutex_unlock(&free_mutex);
	return error;
}

static int wait_c11_condition(void)
{
	mtx_t own;

	NEED(mtx_init(&own, mtx_plain) == thrd_success && mtx_lock(&own) == thrd_success);
	return LOOP(c11(cnd_timedwait(&c11_condition, &own, &until)));
}

static int wait_timerfd(void)
{
	struct itimerspec at = {.it_value = until};
	int fd = timerfd_create(CLOCK_REALTIME, 0);
	uint64_t expired;

	NEED(fd >= 0 && timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL) == 0);
	NEED(read(fd, &expired, sizeof(expired)) == sizeof(expired));
	close(fd);
	return ETIMEDOUT;
}

static int wait_timer(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
	struct itimerspec at = {.it_value = until};
	timer_t timer;
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	NEED(timer_create(CLOCK_REALTIME, &event, &timer) == 0);
	NEED(timer_settime(timer, TIMER_ABSTIME, &at, NULL) == 0);
	NEED(sigwait(&set, &got) == 0 && got == SIGRTMIN);
	return ETIMEDOUT;
}

static int wait_nanosleep(void)
{
	int error = clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);

	return error ? error : ETIMEDOUT;
}

static int wait_queue(void)
{
	char text[16];

	return minus1((int)mq_timedreceive(queue, text, sizeof(text), NULL, &until));
}

static int wait_full_queue(void)
{
	while (minus1(mq_timedsend(queue, "x", 1, 0, &until)) == 0)
		;
	return errno;
}

#define WAIT(name, expression)       \
	static int wait_##name(void) \
	{                            \
		return (expression); \
	}
WAIT(mutex, pthread_mutex_timedlock(&mutex, &until))
WAIT(clock_mutex, pthread_mutex_clocklock(&mutex, CLOCK_REALTIME, &until))
WAIT(read_lock, pthread_rwlock_timedrdlock(&lock, &until))
WAIT(write_lock, pthread_rwlock_timedwrlock(&lock, &until))
WAIT(clock_read_lock, pthread_rwlock_clockrdlock(&lock, CLOCK_REALTIME, &until))
WAIT(clock_write_lock, pthread_rwlock_clockwrlock(&lock, CLOCK_REALTIME, &until))
WAIT(join, pthread_timedjoin_np(sleeper, NULL, &until))
WAIT(clock_join, pthread_clockjoin_np(sleeper, NULL, CLOCK_REALTIME, &until))
WAIT(semaphore, minus1(sem_timedwait(&semaphore, &until)))
WAIT(clock_semaphore, minus1(sem_clockwait(&semaphore, CLOCK_REALTIME, &until)))
WAIT(c11_mutex, c11(mtx_timedlock(&c11_mutex, &until)))

static const struct way {
	const char *name;
	int (*wait)(void);
} ways[] = {
#define WAY(name)                  \
	{                          \
#name, wait_##name \
	}
	WAY(mutex),
	WAY(clock_mutex),
	WAY(read_lock),
	WAY(write_lock),
	WAY(clock_read_lock),
	WAY(clock_write_lock),
	WAY(join),
	WAY(clock_join),
	WAY(semaphore),
	WAY(clock_semaphore),
	WAY(condition),
	WAY(clock_condition),
	WAY(c11_mutex),
	WAY(c11_condition),
	WAY(nanosleep),
	WAY(timerfd),
	WAY(timer),
	WAY(queue),
	WAY(full_queue),
};
enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

/* Holds every lock for good. */
static void *hold(void *arg)
{
	NEED(pthread_mutex_lock(&mutex) == 0 && pthread_rwlock_wrlock(&lock) == 0);
	NEED(mtx_lock(&c11_mutex) == thrd_success);
	sem_post(arg);
	for (;;)
		pause();
	return NULL;
}

static void make(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 16};
	char name[32];
	sem_t ready;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	NEED(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0); /* in every thread: wait_timer()'s */
	snprintf(name, sizeof(name), "/victim_clock.%d", (int)getpid());
	NEED((queue = mq_open(name, O_RDWR | O_CREAT, 0600, &attributes)) != (mqd_t)-1);
	mq_unlink(name);
	NEED(mtx_init(&c11_mutex, mtx_timed) == thrd_success);
	NEED(cnd_init(&c11_condition) == thrd_success);
	NEED(sem_init(&semaphore, 0, 0) == 0 && sem_init(&ready, 0, 0) == 0);
	NEED(pthread_create(&sleeper, NULL, hold, &ready) == 0);
	NEED(sem_wait(&ready) == 0);
}

static void *wait_in(void *arg)
{
	const struct way *way = arg;
	struct timespec told;
	int error = way->wait();

	told = now();
	if (error != ETIMEDOUT)
		printf("%s: %s\n", way->name, strerror(error));
	else
		printf("%s %s\n", way->name, is_before(&told, &until) ? "too early" : "ok");
	return NULL;
}

static void set_until(double seconds)
{
	until = now();
	until.tv_nsec += (long)(seconds * 1e9);
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
}

/* All at once. Each way has its own thread; the two ends of the queue take turns. */
static int waits(double seconds)
{
	pthread_t threads[WAYS];

	set_until(seconds);
	for (int i = 0; i < WAYS - 1; i++)
		NEED(pthread_create(&threads[i], NULL, wait_in, (void *)(uintptr_t)&ways[i]) == 0);
	for (int i = 0; i < WAYS - 1; i++)
		NEED(pthread_join(threads[i], NULL) == 0);
	set_until(seconds);
	wait_in((void *)(uintptr_t)&ways[WAYS - 1]);
	return 0;
}

static int follow(const char *name)
{
	until = now();
	until.tv_sec += 3600;
	for (int i = 0; i < WAYS; i++) {
		if (strcmp(ways[i].name, name) != 0)
			continue;
		puts("waits");
		fflush(stdout);
		wait_in((void *)(uintptr_t)&ways[i]);
		return 0;
	}
	return 2;
}

int main(int argc, char **argv)
{
	make();
	if (argc == 3 && !strcmp(argv[1], "waits"))
		return waits(atof(argv[2]));
	if (argc == 3 && !strcmp(argv[1], "follow"))
		return follow(argv[2]);
	return 2;
}
