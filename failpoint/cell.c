/*
 * cell.c - sleeping inside an action. See plane.h for the cells.
 *
 * A sleeper waits for three words at once: its cell (a controller's wake), the lease of the rule
 * (its owner dies: the kernel changes the word and wakes one sleeper, who wakes the others) and the
 * rule's release word. It looks at the rule again after its cell says that it sleeps, and a
 * controller ends the rule before it looks for cells: one of the two sees the other.
 *
 * Kernels before 5.16, and sandboxes that refuse what they don't know, wait for the cell alone, in slices. A thread that finds no free cell sleeps
 * in slices, too: nobody can wake it, but it notices.
 */
#include "failpoint/stack.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

enum { WORDS = 3, SLICE_NS = 10000000, LEASE_SLICE_NS = 1000000000 };

struct sleeper {
	const struct meeting *meeting;
	struct plane_cell *cell;
	_Atomic uint32_t *state;   /* the cell's, or own when there was none */
	_Atomic uint32_t *release; /* NULL for a delay */
	uint32_t released, asleep;
	int64_t until_ns;
	_Atomic uint32_t own;
};

static struct plane_cell *claim(void)
{
	for (unsigned i = 0; i < CELL_MAX; i++) {
		struct plane_cell *cell = &core.slot->cell[i];
		uint32_t free = CELL_FREE;

		if (atomic_load_explicit(&cell->state, memory_order_relaxed) == CELL_FREE &&
		    atomic_compare_exchange_strong(&cell->state, &free, CELL_CLAIMED))
			return cell;
	}
	atomic_fetch_add(&core.slot->cells_full, 1);
	return NULL;
}

static void lie_down(struct sleeper *s, int64_t now_ns)
{
	struct plane_cell *cell = claim();

	s->cell = cell;
	s->own = s->asleep;
	s->state = cell ? &cell->state : &s->own;
	if (!cell)
		return;
	cell->since_ns = now_ns;
	cell->until_ns = s->until_ns;
	cell->site = s->meeting->hit->site;
	if (s->release)
		stack_keep(cell, s->meeting->hit);
	atomic_store(&cell->tid, whose_tid());
	atomic_store(&cell->rule, s->meeting->id);
	atomic_store(&cell->state, s->asleep);
}

/* Only by the thread that claimed it: a child that was forked in a handler meanwhile has a copy of
 * this frame, but not the cell. */
void cell_abandon(struct plane_cell *cell)
{
	if (atomic_load(&cell->tid) != whose_tid())
		return;
	stack_drop(cell);
	atomic_store(&cell->rule, 0);
	atomic_store(&cell->tid, 0);
	atomic_store(&cell->state, CELL_FREE);
}

/* Asks the kernel to wake us when the owner dies; returns the word to wait for. */
static uint32_t watch_lease(_Atomic uint32_t *lease)
{
	uint32_t word = atomic_load(lease);

	while (!(word & FUTEX_WAITERS) && (word & FUTEX_TID_MASK) && !(word & FUTEX_OWNER_DIED))
		if (atomic_compare_exchange_weak(lease, &word, word | FUTEX_WAITERS))
			return word | FUTEX_WAITERS;
	return word;
}

static struct timespec timespec_of(int64_t ns)
{
	return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

static void wait_slice(struct sleeper *s, int64_t now_ns)
{
	int64_t left = s->until_ns - now_ns;
	struct timespec time = timespec_of(left < SLICE_NS ? left : SLICE_NS);

	raw_syscall(SYS_futex, (long)s->state, FUTEX_WAIT, s->asleep, (long)&time, 0, 0);
}

static void wait_words(struct sleeper *s, _Atomic uint32_t *lease, int64_t now_ns)
{
	struct futex_waitv words[WORDS] = {{.val = s->asleep, .uaddr = (uintptr_t)s->state}};
	int64_t until = s->until_ns;
	struct timespec time;
	unsigned n = 1;
	long error;

	if (lease) {
		words[n].val = watch_lease(lease);
		words[n++].uaddr = (uintptr_t)lease;
		if (!rule_is_live(s->meeting->index, s->meeting->id))
			return;
		if (until > now_ns + LEASE_SLICE_NS)
			until = now_ns + LEASE_SLICE_NS;
	}
	if (s->release) {
		words[n].val = s->released;
		words[n++].uaddr = (uintptr_t)s->release;
	}
	for (unsigned i = 0; i < n; i++)
		words[i].flags = FUTEX_32;
	time = timespec_of(until);
	error = raw_syscall(SYS_futex_waitv, (long)words, n, 0, (long)&time, CLOCK_MONOTONIC, 0);
	if (error == -ENOSYS || error == -EPERM)
		wait_slice(s, now_ns);
}

static bool is_over(struct sleeper *s, int64_t now_ns)
{
	return now_ns >= s->until_ns || atomic_load(s->state) != s->asleep ||
	       (s->release && atomic_load(s->release) != s->released);
}

bool cell_sleep(const struct meeting *meeting, int64_t duration_ns, bool pause)
{
	_Atomic uint32_t *release = &core.counts[meeting->index].release;
	struct sleeper s = {.meeting = meeting, .asleep = pause ? CELL_PAUSE : CELL_DELAY};
	int64_t now = raw_now_ns();
	_Atomic uint32_t *lease;
	unsigned sleep;
	bool live;

	if (pause) {
		s.release = release;
		s.released = atomic_load(release);
	}
	s.until_ns = duration_ns < INT64_MAX - now ? now + duration_ns : INT64_MAX;
	lie_down(&s, now);
	sleep = walk_sleeps(s.cell);
	whose_sleep();
	lease = rule_lease(meeting->entry);
	while ((live = rule_is_live(meeting->index, meeting->id)) && !is_over(&s, now)) {
		if (s.cell)
			wait_words(&s, lease, now);
		else
			wait_slice(&s, now);
		now = raw_now_ns();
	}
	if (lease && !live)
		raw_futex_wake_all(lease);
	walk_wakes(sleep);
	if (s.cell)
		cell_abandon(s.cell);
	return live;
}
