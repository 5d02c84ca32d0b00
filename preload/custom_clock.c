/*
 * custom_clock.c - what tells and sets the time. See custom_clock.h.
 *
 * A program that sets the clock sets the machine's, so that the node's then says what was asked for.
 */
#include "preload/custom_clock.h"

#include "preload/pass.h"
#include "preload/raw.h"

#define BILLION INT64_C(1000000000)

bool clock_is_real(clockid_t clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ||
	       clock == CLOCK_REALTIME_ALARM || clock == CLOCK_TAI;
}

int64_t clock_ns(const struct timespec *time)
{
	int64_t ns;

	if (__builtin_mul_overflow((int64_t)time->tv_sec, BILLION, &ns) ||
	    __builtin_add_overflow(ns, (int64_t)time->tv_nsec, &ns))
		return time->tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

struct timespec clock_timespec(int64_t ns)
{
	int64_t rest = (ns % BILLION + BILLION) % BILLION;

	return (struct timespec){.tv_sec = (ns - rest) / BILLION, .tv_nsec = rest};
}

int64_t clock_now_ns(clockid_t clock)
{
	struct timespec now = {0};

	real_clock_gettime(clock, &now);
	return clock_ns(&now);
}

void clock_bend(struct timespec *time)
{
	struct timepage page;

	if (!timepage_read(&page))
		return;
	timepage_count();
	*time = clock_timespec(timepage_tell(&page, clock_ns(time), clock_now_ns(CLOCK_MONOTONIC)));
}

/* ---- Telling ---- */

static int tell(clockid_t clock, struct timespec *out)
{
	int ret = real_clock_gettime(clock, out);

	if (ret == 0 && clock_is_real(clock))
		clock_bend(out);
	return ret;
}

static __attribute__((noinline)) int armed_clock_gettime(clockid_t clock, struct timespec *out)
{
	PASS(clock_gettime, NOTHING, call_leave, tell(clock, out))
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
	return ARMED(clock_gettime) ? armed_clock_gettime(clock, out)
				    : real_clock_gettime(clock, out);
}

static int tell_timeval(struct timeval *out, void *zone)
{
	struct timespec time;
	int ret = real_gettimeofday(out, zone);

	if (ret != 0 || !out)
		return ret;
	time = (struct timespec){out->tv_sec, out->tv_usec * 1000};
	clock_bend(&time);
	*out = (struct timeval){time.tv_sec, time.tv_nsec / 1000};
	return ret;
}

static __attribute__((noinline)) int armed_gettimeofday(struct timeval *out, void *zone)
{
	PASS(gettimeofday, NOTHING, call_leave, tell_timeval(out, zone))
}

int gettimeofday(struct timeval *out, void *zone)
{
	return ARMED(gettimeofday) ? armed_gettimeofday(out, zone) : real_gettimeofday(out, zone);
}

/* time() leaves out the part of a second, which a shift may carry over: by the coarse clock, as
 * libc's does. */
static time_t tell_seconds(time_t *out)
{
	struct timespec time = {0};

	tell(CLOCK_REALTIME_COARSE, &time);
	if (out)
		*out = time.tv_sec;
	return time.tv_sec;
}

static __attribute__((noinline)) time_t armed_time(time_t *out){
	PASS(time, NOTHING, call_leave, tell_seconds(out))}

time_t time(time_t *out)
{
	return ARMED(time) ? armed_time(out) : real_time(out);
}

static int tell_base(struct timespec *out, int base)
{
	int ret = real_timespec_get(out, base);

	if (ret == TIME_UTC)
		clock_bend(out);
	return ret;
}

static __attribute__((noinline)) int armed_timespec_get(struct timespec *out, int base)
{
	PASS(timespec_get, NOTHING, call_leave, tell_base(out, base))
}

int timespec_get(struct timespec *out, int base)
{
	return ARMED(timespec_get) ? armed_timespec_get(out, base) : real_timespec_get(out, base);
}

/* ---- Setting ---- */

/* What the machine's clock has to be set to. */
static struct timespec straighten(const struct timespec *to)
{
	int64_t machine = clock_now_ns(CLOCK_REALTIME);
	struct timepage page;
	int64_t ahead, ns;

	if (!timepage_read(&page))
		return *to;
	ahead = timepage_tell(&page, machine, clock_now_ns(CLOCK_MONOTONIC)) - machine;
	return __builtin_sub_overflow(clock_ns(to), ahead, &ns) ? *to : clock_timespec(ns);
}

static int set(clockid_t clock, const struct timespec *to)
{
	struct timespec machine;

	if (!clock_is_real(clock) || !to || !raw_readable(to) || to->tv_nsec < 0 ||
	    to->tv_nsec >= BILLION)
		return real_clock_settime(clock, to);
	machine = straighten(to);
	return real_clock_settime(clock, &machine);
}

static __attribute__((noinline)) int armed_clock_settime(clockid_t clock, const struct timespec *to)
{
	PASS(clock_settime, NOTHING, call_leave, set(clock, to))
}

int clock_settime(clockid_t clock, const struct timespec *to)
{
	return ARMED(clock_settime) ? armed_clock_settime(clock, to)
				    : real_clock_settime(clock, to);
}

static int set_timeval(const struct timeval *to, const struct timezone *zone)
{
	struct timespec machine;
	struct timeval time;

	if (!to || !raw_readable(to) || to->tv_usec < 0 || to->tv_usec >= BILLION / 1000)
		return real_settimeofday(to, zone);
	machine = (struct timespec){to->tv_sec, to->tv_usec * 1000};
	machine = straighten(&machine);
	time = (struct timeval){machine.tv_sec, machine.tv_nsec / 1000};
	return real_settimeofday(&time, zone);
}

static __attribute__((noinline)) int armed_settimeofday(const struct timeval *to,
							const struct timezone *zone)
{
	PASS(settimeofday, NOTHING, call_leave, set_timeval(to, zone))
}

int settimeofday(const struct timeval *to, const struct timezone *zone)
{
	return ARMED(settimeofday) ? armed_settimeofday(to, zone) : real_settimeofday(to, zone);
}
