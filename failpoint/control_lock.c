/* control_lock.c - see control_impl.h: one controller at a time, and the leases of held rules. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "failpoint/control_impl.h"

enum { LOCK_SECONDS = 10, LOCK_POLL_NS = 20000 };

/* A controller died in mid-change. A half-written rule is discarded; what was published but perhaps
 * not raised everywhere is raised again. */
static void repair(struct control *control)
{
	struct plane_head *head = control->head;
	struct plane_rule *rules = plane_rules(head);

	for (unsigned i = 0; i < RULE_MAX; i++) {
		if (!(atomic_load(&rules[i].sequence) & 1))
			continue;
		atomic_fetch_and(&head->live[i / 64], ~(UINT64_C(1) << i % 64));
		atomic_store(&rules[i].id, 0);
		atomic_fetch_add(&rules[i].sequence, 1);
	}
	control_clock_repair(control);
	control_raise_all(control);
}

/* Controllers hold it for microseconds. Asking again and again bounds the wait, and is what
 * ThreadSanitizer understands together with a dead owner, which timedlock is not. */
int control_lock(struct control *control, struct why *why)
{
	int64_t deadline_ns = control_now_ns() + LOCK_SECONDS * INT64_C(1000000000);
	int rc;

	while ((rc = pthread_mutex_trylock(&control->head->control)) == EBUSY &&
	       !control_is_past(deadline_ns))
		control_sleep_ns(LOCK_POLL_NS);
	if (rc == EOWNERDEAD) {
		repair(control);
		rc = pthread_mutex_consistent(&control->head->control);
	}
	if (rc == EBUSY)
		return why_set(why, -EBUSY,
			       "plane \"%s\" has been held by another controller for %d s",
			       control->name, LOCK_SECONDS);
	if (rc)
		return why_set(why, -rc, "cannot lock plane \"%s\": %s", control->name,
			       strerror(rc));
	return 0;
}

void control_unlock(struct control *control)
{
	pthread_mutex_unlock(&control->head->control);
}

/* Word 0 of a robust mutex: the owner's thread id, or 0, or FUTEX_OWNER_DIED put there by the
 * kernel. */
static uint32_t owner_word(struct plane_lease *lease)
{
	return atomic_load((_Atomic uint32_t *)(void *)&lease->owner);
}

static bool owner_is_alive(struct plane_lease *lease)
{
	enum { OWNER_DIED = 0x40000000, OWNER_TID = 0x3fffffff };
	uint32_t word = owner_word(lease);

	return !(word & OWNER_DIED) && (word & OWNER_TID);
}

bool control_lease_is_alive(struct control *control, uint32_t lease, uint64_t generation)
{
	struct plane_lease *l;

	if (lease == 0 || lease > LEASE_MAX)
		return false;
	l = &plane_leases(control->head)[lease - 1];
	return owner_is_alive(l) && atomic_load(&l->generation) == generation;
}

/* The rules of a lease that ended act no more by themselves; this only tidies the live bits. */
static void retire_held(struct control *control, uint32_t lease)
{
	struct plane_rule *rules = plane_rules(control->head);

	for (unsigned i = 0; i < RULE_MAX; i++)
		if (atomic_load(&rules[i].id) && rules[i].lease == lease &&
		    control_entry_is_live(control, i))
			control_retire(control, i);
}

/* Under the controllers' mutex, so nobody else takes a lease without a living owner. The generation
 * goes up first: with a living owner, what the dead one held would act once more. */
static bool take_lease(struct control *control, unsigned i)
{
	struct plane_lease *lease = &plane_leases(control->head)[i];
	int rc;

	if (owner_is_alive(lease))
		return false;
	retire_held(control, i + 1);
	atomic_fetch_add(&lease->generation, 1);
	rc = pthread_mutex_trylock(&lease->owner);
	if (rc == EOWNERDEAD)
		rc = pthread_mutex_consistent(&lease->owner);
	if (rc)
		return false;
	lease->pid = (uint32_t)getpid();
	control->lease_tid = gettid();
	atomic_store(&control->lease, (int)i + 1);
	return true;
}

int control_hold(struct control *control, struct why *why)
{
	int rc;

	if (atomic_load(&control->lease))
		return 0;
	rc = control_lock(control, why);
	if (rc)
		return rc;
	rc = why_set(why, -ENOSPC, "plane \"%s\" has %d controllers that hold rules, no more fit",
		     control->name, LEASE_MAX);
	for (unsigned i = 0; i < LEASE_MAX && rc; i++)
		if (take_lease(control, i))
			rc = 0;
	control_unlock(control);
	return rc;
}

bool control_end_lease(struct control *control)
{
	uint32_t lease = (uint32_t)atomic_load(&control->lease);
	struct plane_rule *rules = plane_rules(control->head);

	if (!lease)
		return true;
	if (control_lock(control, NULL) == 0) {
		retire_held(control, lease);
		control_unlock(control);
		for (unsigned i = 0; i < RULE_MAX; i++) {
			uint64_t id = atomic_load(&rules[i].id);

			if (id && rules[i].lease == lease)
				control_wake(control, (struct control_range){id, id}, false);
		}
	}
	if (control->lease_tid != gettid())
		return false;
	return pthread_mutex_unlock(&plane_leases(control->head)[lease - 1].owner) == 0;
}
