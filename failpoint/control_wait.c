/*
 * control_wait.c - see control.h: wait until a rule has fired or holds threads.
 *
 * Every fire and every pause writes an event, so waiting sleeps on the ring's futex. A slice bounds
 * each sleep: a target killed between the effect and the wake must not leave us asleep.
 */
#include <errno.h>
#include <stdio.h>

#include "failpoint/control_impl.h"

enum { SLICE_NS = 5000000 };

/* The reached figure, or -errno. */
typedef int64_t (*reached_fn)(struct control *control, unsigned entry, uint64_t id);

static int64_t fires_of(struct control *control, unsigned entry, uint64_t id)
{
	(void)id;
	return (int64_t)count_number(atomic_load(&plane_counts(control->head)[entry].fires));
}

static int64_t pauses_of(struct control *control, unsigned entry, uint64_t id)
{
	(void)entry;
	return control_count_inside(control, (struct control_range){id, id}, true);
}

static int64_t slice_end(int64_t deadline_ns)
{
	int64_t end = control_now_ns() + SLICE_NS;

	return deadline_ns >= 0 && deadline_ns < end ? deadline_ns : end;
}

static int find(struct control *control, const char *rule, unsigned *entry, uint64_t *id,
		struct why *why)
{
	int rc = control_lock(control, why);

	if (rc)
		return rc;
	rc = control_find_or_why(control, rule, why);
	if (rc >= 0) {
		*entry = (unsigned)rc;
		*id = atomic_load(&plane_rules(control->head)[rc].id);
	}
	control_unlock(control);
	return rc < 0 ? rc : 0;
}

static int wait_until(struct control *control, const char *rule, uint64_t wanted,
		      int64_t deadline_ns, reached_fn reached, const char *what, struct why *why)
{
	uint64_t id, sequence;
	unsigned entry;
	int rc = find(control, rule, &entry, &id, why);

	if (rc)
		return rc;
	for (;;) {
		int64_t n;

		sequence = atomic_load(&control->head->ring_head);
		n = reached(control, entry, id);
		if (atomic_load(&plane_rules(control->head)[entry].id) != id)
			return why_set(why, -ENOENT, "rule \"%s\" was removed", rule);
		if ((uint64_t)n >= wanted)
			return 0;
		if (control_is_past(deadline_ns))
			return why_set(why, -ETIMEDOUT, "rule \"%s\" %s %lld of %llu", rule, what,
				       (long long)n, (unsigned long long)wanted);
		control_event_wait(control, sequence, slice_end(deadline_ns));
	}
}

int control_wait_fired(struct control *control, const char *rule, uint64_t fired,
		       int64_t deadline_ns, struct why *why)
{
	return wait_until(control, rule, fired, deadline_ns, fires_of, "has fired", why);
}

int control_wait_paused(struct control *control, const char *rule, unsigned threads,
			int64_t deadline_ns, struct why *why)
{
	return wait_until(control, rule, threads, deadline_ns, pauses_of, "holds paused", why);
}
