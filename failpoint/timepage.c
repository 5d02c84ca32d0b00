/* timepage.c - see timepage.h. */
#include "failpoint/timepage.h"

#include "failpoint/core.h"

enum { READ_MAX = 64 }; /* a broken plane may never be whole */
#define BILLION INT64_C(1000000000)
#define FOREVER INT64_MAX
#define AGE_MAX INT64_C(100000000000000000) /* of a page: three years */

static const bool about_time[CALL_COUNT] = {
	[CALL_clock_gettime] = true,
	[CALL_gettimeofday] = true,
	[CALL_time] = true,
	[CALL_timespec_get] = true,
	[CALL_clock_settime] = true,
	[CALL_settimeofday] = true,
	[CALL_clock_nanosleep] = true,
	[CALL_pthread_mutex_timedlock] = true,
	[CALL_pthread_mutex_clocklock] = true,
	[CALL_pthread_rwlock_timedrdlock] = true,
	[CALL_pthread_rwlock_timedwrlock] = true,
	[CALL_pthread_rwlock_clockrdlock] = true,
	[CALL_pthread_rwlock_clockwrlock] = true,
	[CALL_pthread_timedjoin_np] = true,
	[CALL_pthread_clockjoin_np] = true,
	[CALL_sem_timedwait] = true,
	[CALL_sem_clockwait] = true,
	[CALL_pthread_cond_timedwait] = true,
	[CALL_pthread_cond_clockwait] = true,
	[CALL_timer_settime] = true,
	[CALL_timerfd_settime] = true,
	[CALL_mq_timedsend] = true,
	[CALL_mq_timedreceive] = true,
};

bool timepage_is_about(uint32_t site)
{
	return site < CALL_COUNT && about_time[site];
}

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

static struct plane_clock *own_clock(void)
{
	return core.head && core.node <= NODE_MAX ? &core.clocks[core.node] : NULL;
}

static bool in_force(struct plane_clock *clock)
{
	uint64_t id = atomic_load_explicit(&clock->id, memory_order_acquire);

	return id && id > atomic_load(&core.head->heal_upto) &&
	       lease_is_held(atomic_load(&clock->lease), atomic_load(&clock->lease_generation));
}

#define LOAD(member) atomic_load_explicit(&clock->member, memory_order_acquire)

static bool copy(struct plane_clock *clock, struct timepage *page)
{
	uint32_t sequence = LOAD(sequence);

	if (sequence & 1)
		return false;
	page->since_ns = clamp(LOAD(since_ns), 0, INT64_MAX);
	page->shift_ns = clamp(LOAD(shift_ns), -TIMEPAGE_SHIFT_MAX, TIMEPAGE_SHIFT_MAX);
	page->drift_ppb = clamp(LOAD(drift_ppb), TIMEPAGE_DRIFT_MIN, TIMEPAGE_DRIFT_MAX);
	page->stands_ns = clamp(LOAD(stands_ns), 0, INT64_MAX);
	return LOAD(sequence) == sequence;
}

bool timepage_read(struct timepage *page)
{
	struct plane_clock *clock = own_clock();

	for (unsigned i = 0; clock && i < READ_MAX && in_force(clock); i++)
		if (copy(clock, page))
			return true;
	return false;
}

void timepage_count(void)
{
	struct plane_clock *clock = own_clock();

	if (clock)
		atomic_fetch_add_explicit(&clock->reads, 1, memory_order_relaxed);
}

/* One that is being written is to be, or was. */
bool timepage_keeps(uint32_t site)
{
	struct plane_clock *clock = timepage_is_about(site) ? own_clock() : NULL;

	return clock && in_force(clock);
}

/* What the clock has gained at that age; both are bounded, so nothing overflows. */
static int64_t gained(int64_t age_ns, int64_t drift_ppb)
{
	return age_ns / BILLION * drift_ppb + age_ns % BILLION * drift_ppb / BILLION;
}

static int64_t add(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? (b < 0 ? INT64_MIN : INT64_MAX) : sum;
}

static int64_t subtract(int64_t a, int64_t b)
{
	int64_t left;

	return __builtin_sub_overflow(a, b, &left) ? (b < 0 ? INT64_MAX : INT64_MIN) : left;
}

int64_t timepage_tell(const struct timepage *page, int64_t machine_ns, int64_t now_ns)
{
	int64_t age = clamp(subtract(now_ns, page->since_ns), 0, AGE_MAX);

	if (page->stands_ns)
		return page->stands_ns;
	return add(machine_ns, add(page->shift_ns, gained(age, page->drift_ppb)));
}

/* How long the machine takes for what is left of the node's time: left / (1 + drift), rounded up,
 * so that who has waited does not find that it is not yet time. */
static int64_t span_of(uint64_t left, int64_t drift_ppb)
{
	uint64_t speed = (uint64_t)(BILLION + drift_ppb), whole = left / speed;

	if (drift_ppb == 0)
		return (int64_t)left;
	if (whole >= FOREVER / BILLION - 1)
		return FOREVER;
	return (int64_t)(whole * BILLION + (left % speed * BILLION + speed - 1) / speed);
}

int64_t timepage_await(const struct timepage *page, int64_t node_ns, int64_t machine_ns,
		       int64_t now_ns)
{
	int64_t left = subtract(node_ns, timepage_tell(page, machine_ns, now_ns));

	if (left <= 0)
		return add(machine_ns, left);
	return page->stands_ns ? FOREVER
			       : add(machine_ns, span_of((uint64_t)left, page->drift_ppb));
}
