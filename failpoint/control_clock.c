/*
 * control_clock.c - see control.h: clocks of nodes, set and told.
 *
 * The page is written under its sequence, with an id that rules give out too: a heal ends it with
 * the same store, and an older heal does not. Then the calls about time are raised; a walk that
 * lowers one again looks at the page after it read the version.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "failpoint/control_impl.h"
#include "failpoint/timepage.h"

static int64_t machine_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int check(const struct control_clock *clock, struct why *why)
{
	if (clock->shift_ns > TIMEPAGE_SHIFT_MAX || clock->shift_ns < -TIMEPAGE_SHIFT_MAX)
		return why_set(why, -EINVAL, "a clock is shifted by 50 years at most");
	if (clock->drift_ppb > TIMEPAGE_DRIFT_MAX || clock->drift_ppb < TIMEPAGE_DRIFT_MIN)
		return why_set(why, -EINVAL, "a clock drifts by %lld to %lld ppm, not by %lld ppb",
			       (long long)(TIMEPAGE_DRIFT_MIN / 1000),
			       (long long)(TIMEPAGE_DRIFT_MAX / 1000), (long long)clock->drift_ppb);
	return 0;
}

/* False: it is the machine's. */
static bool describe(struct control *control, unsigned i, struct control_clock *out)
{
	struct plane_clock *page = &plane_clocks(control->head)[i];
	uint64_t id = atomic_load(&page->id);
	uint32_t lease = atomic_load(&page->lease);
	struct timepage time = {
		.since_ns = atomic_load(&page->since_ns),
		.shift_ns = atomic_load(&page->shift_ns),
		.drift_ppb = atomic_load(&page->drift_ppb),
		.stands_ns = atomic_load(&page->stands_ns),
	};
	int64_t machine = machine_ns();

	*out = (struct control_clock){0};
	snprintf(out->node, sizeof(out->node), "%s", control_node_name(control, i));
	if (!id || id <= atomic_load(&control->head->heal_upto) ||
	    (lease &&
	     !control_lease_is_alive(control, lease, atomic_load(&page->lease_generation))))
		return false;
	out->shift_ns = timepage_tell(&time, machine, control_now_ns()) - machine;
	out->drift_ppb = time.drift_ppb;
	out->frozen = time.stands_ns != 0;
	out->held = lease != 0;
	out->reads = atomic_load(&page->reads);
	return true;
}

/* to NULL: the machine's. */
static void write_page(struct control *control, unsigned i, const struct control_clock *to,
		       uint32_t lease)
{
	struct plane_clock *page = &plane_clocks(control->head)[i];
	struct plane_lease *leases = plane_leases(control->head);
	struct control_clock was;
	int64_t shift = to ? to->shift_ns : 0, stands;

	if (to && to->from_here)
		shift = describe(control, i, &was) ? was.shift_ns : 0;
	stands = to && to->frozen ? machine_ns() + shift : 0;

	atomic_fetch_add(&page->sequence, 1);
	atomic_store(&page->lease, lease);
	atomic_store(&page->lease_generation,
		     lease ? atomic_load(&leases[lease - 1].generation) : 0);
	atomic_store(&page->since_ns, control_now_ns());
	atomic_store(&page->shift_ns, shift);
	atomic_store(&page->drift_ppb, to ? to->drift_ppb : 0);
	atomic_store(&page->stands_ns, stands);
	atomic_store(&page->reads, 0);
	atomic_store(&page->id, to ? control->head->next_id++ : 0);
	atomic_fetch_add(&page->sequence, 1);
}

void control_clock_repair(struct control *control)
{
	struct plane_clock *clocks = plane_clocks(control->head);

	for (unsigned i = 0; i <= NODE_MAX; i++) {
		if (!(atomic_load(&clocks[i].sequence) & 1))
			continue;
		atomic_store(&clocks[i].id, 0);
		atomic_fetch_add(&clocks[i].sequence, 1);
	}
}

static void raise_calls(struct control *control)
{
	uint64_t calls[CALL_MAX / 64] = {0};

	for (unsigned i = 0; i < CALL_COUNT; i++)
		if (timepage_is_about(i))
			calls[i / 64] |= UINT64_C(1) << i % 64;
	control_raise_calls(control, calls);
}

static bool is_used(struct control *control, unsigned i)
{
	return i == 0 || atomic_load(&plane_nodes(control->head)[i - 1].used);
}

/* The index of a node's page. */
static int find_page(struct control *control, const char *node, struct why *why)
{
	return *node ? control_find_node(control, node, why) : 0;
}

static int write_pages(struct control *control, const char *node, const struct control_clock *to,
		       uint32_t lease, struct why *why)
{
	int only, rc = control_lock(control, why);

	if (rc)
		return rc;
	only = node ? find_page(control, node, why) : -1;
	for (unsigned i = 0; i <= NODE_MAX; i++)
		if (node ? (int)i == only : is_used(control, i))
			write_page(control, i, to, lease);
	raise_calls(control);
	control_unlock(control);
	return node && only < 0 ? only : 0;
}

int control_clock_set(struct control *control, const char *node, const struct control_clock *clock,
		      int flags, struct why *why)
{
	uint32_t lease = flags & CONTROL_HELD ? (uint32_t)atomic_load(&control->lease) : 0;
	int rc = check(clock, why);

	if (!rc && flags & CONTROL_HELD && !lease)
		rc = why_set(why, -EPERM, "a held clock needs control_hold() first");
	return rc ? rc : write_pages(control, node, clock, lease, why);
}

int control_clock_clear(struct control *control, const char *node, struct why *why)
{
	return write_pages(control, node, NULL, 0, why);
}

/* ---- Telling ---- */

int control_clock(struct control *control, const char *node, struct control_clock *out,
		  struct why *why)
{
	int page, rc = control_lock(control, why);

	if (rc)
		return rc;
	page = find_page(control, node, why);
	if (page >= 0)
		describe(control, (unsigned)page, out);
	control_unlock(control);
	return page < 0 ? page : 0;
}

int control_clocks(struct control *control, int (*each)(void *, const struct control_clock *),
		   void *arg)
{
	struct control_clock bent[NODE_MAX + 1];
	unsigned n = 0;
	int rc = control_lock(control, NULL);

	if (rc)
		return rc;
	for (unsigned i = 0; i <= NODE_MAX; i++)
		n += is_used(control, i) && describe(control, i, &bent[n]);
	control_unlock(control);
	for (unsigned i = 0; i < n && !rc; i++)
		rc = each(arg, &bent[i]);
	return rc;
}
