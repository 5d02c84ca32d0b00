/*
 * slot.c - this process's slot in the plane.
 *
 *     free -> attaching -> live -> executing -> (the new image) live ... -> dead
 *
 * A slot belongs to (pid, start time, pid namespace): a new image, or a second engine in the
 * process, finds the one that is there. Slots are taken from the front and one that never was used
 * ends the search, so few are touched. When none is free, those of dead processes are taken.
 *
 * Every step is a compare-and-swap from the state that was looked at, generation included; so who
 * judged a slot dead can't take it from whoever was faster.
 */
#include "failpoint/core.h"

static uint64_t state_with(uint64_t old, enum slot_state state)
{
	return (old & ~UINT64_C(0xff)) | (uint64_t)state;
}

static bool is_in_use(uint64_t state)
{
	return (state & 0xff) == SLOT_LIVE || (state & 0xff) == SLOT_EXECING;
}

static void become(struct plane_slot *slot, enum slot_state state)
{
	atomic_store(&slot->state, state_with(atomic_load(&slot->state), state));
}

static struct identity owner_of(const struct plane_slot *slot)
{
	return (struct identity){slot->pid, 0, slot->start_ticks, slot->pidns_inode};
}

/* Who attaches has not written yet whose slot it is, but the state says that, too. */
static struct identity attacher_of(uint64_t state, const struct identity *self)
{
	struct identity owner = {.pid = (uint32_t)(state >> 8)};

	if ((uint16_t)(state >> 40) == (uint16_t)self->pidns)
		owner.pidns = self->pidns;
	return owner;
}

static bool can_be_taken(const struct plane_slot *slot, uint64_t state, const struct identity *self,
			 bool reclaim)
{
	struct identity owner;

	if ((state & 0xff) == SLOT_FREE)
		return true;
	if (!reclaim)
		return false;
	owner = (state & 0xff) == SLOT_ATTACHING ? attacher_of(state, self) : owner_of(slot);
	return !identity_may_live(&owner);
}

uint64_t slot_attaching(uint64_t state, const struct identity *self)
{
	return ((state >> 56) + 1) << 56 | (self->pidns & 0xffff) << 40 | (uint64_t)self->pid << 8 |
	       SLOT_ATTACHING;
}

static struct plane_slot *find_own(const struct identity *self)
{
	for (unsigned i = 0; i < SLOT_MAX; i++) {
		struct plane_slot *slot = &core.slots[i];
		uint64_t state = atomic_load(&slot->state);

		if (state == 0)
			break;
		if (is_in_use(state) && slot->pid == self->pid &&
		    slot->start_ticks == self->start_ticks && slot->pidns_inode == self->pidns)
			return slot;
	}
	return NULL;
}

static struct plane_slot *claim(const struct identity *self, bool reclaim)
{
	for (unsigned i = 0; i < SLOT_MAX; i++) {
		struct plane_slot *slot = &core.slots[i];
		uint64_t state = atomic_load(&slot->state);
		uint64_t next = slot_attaching(state, self);

		if (!can_be_taken(slot, state, self, reclaim) ||
		    !atomic_compare_exchange_strong(&slot->state, &state, next))
			continue;
		slot->pid = self->pid;
		slot->start_ticks = self->start_ticks;
		slot->pidns_inode = self->pidns;
		return slot;
	}
	return NULL;
}

/* ---- What is in it ---- */

static void raise_all(struct plane_slot *slot)
{
	uint32_t version = atomic_load(&core.head->version);

	for (unsigned i = 0; i < CALL_MAX; i++)
		atomic_exchange(&slot->armed[i], version ? version : 1);
	for (unsigned i = 0; i < POINT_MAX; i++)
		atomic_exchange(&slot->point[i], version ? version : 1);
}

/* What belonged to an image that is gone, or to another process. */
static void clear_image(struct plane_slot *slot)
{
	atomic_store(&slot->point_count, 0);
	for (unsigned i = 0; i < POINT_MAX / 64; i++)
		atomic_store(&slot->points[i], 0);
	for (unsigned i = 0; i < CELL_MAX; i++) {
		atomic_store(&slot->cell[i].rule, 0);
		atomic_store(&slot->cell[i].tid, 0);
		atomic_store(&slot->cell[i].stack, 0);
		atomic_store(&slot->cell[i].state, CELL_FREE);
	}
}

static void clear_all(struct plane_slot *slot)
{
	atomic_store(&slot->cells_full, 0);
	for (unsigned i = 0; i < CALL_MAX / 64; i++)
		atomic_store(&slot->calls_seen[i], 0);
	for (unsigned i = 0; i < RULE_MAX; i++)
		if (atomic_load_explicit(&slot->hits[i], memory_order_relaxed))
			atomic_store_explicit(&slot->hits[i], 0, memory_order_relaxed);
	escape_clear(slot);
	clear_image(slot);
}

static void describe(struct plane_slot *slot, const char comm[16], uint32_t parent)
{
	slot->node = core.node;
	slot->parent = parent;
#ifdef FAILPOINT_ON_BEHALF
	atomic_store(&slot->escapes.supervised, 1);
#endif
	for (unsigned i = 0; i < sizeof(slot->comm); i++)
		slot->comm[i] = comm[i];
}

static struct plane_slot *take(const struct identity *self)
{
	struct plane_slot *slot = claim(self, false);

	if (!slot)
		slot = claim(self, true);
	if (slot)
		clear_all(slot);
	return slot;
}

/* A slot that is live already belongs to another engine in this process: what it lowered stays
 * lowered, and to raise it again could hide a rule from a walk of that engine. */
bool slot_attach_as(const struct identity *self, uint32_t parent)
{
	struct plane_slot *slot = find_own(self);
	bool live = slot && (atomic_load(&slot->state) & 0xff) == SLOT_LIVE;

	if (slot && !live)
		clear_image(slot);
	if (!slot)
		slot = take(self);
	if (!slot)
		return false;
	describe(slot, core.comm, parent);
	slot->is_static = WHOSE_IS_STATIC;
	core.pid = self->pid;
	core.process_key = raw_mix(raw_mix(self->pid, self->start_ticks), self->pidns);
	core.slot = slot;
	if (!live)
		raise_all(slot);
	become(slot, SLOT_LIVE);
	return true;
}

bool slot_attach(void)
{
	struct identity self;

	identity_self(&self);
	identity_comm(core.comm);
	return slot_attach_as(&self, raw_getppid());
}

/* ---- Exec ---- */

/* In a vfork child core is the parent's, so nothing there is changed: only the plane is. */
void engine_exec_begin(const char *program)
{
	struct plane_slot *slot = core.slot;
	struct identity self;

	if (!core.head || !slot)
		return;
	if (!identity_is_own()) {
		identity_self(&self);
		slot = find_own(&self);
		if (!slot)
			slot = take(&self);
		if (!slot)
			return;
		describe(slot, core.comm, raw_getppid());
	}
	escape_path(slot->escapes.executing, program);
	become(slot, SLOT_EXECING);
}

void engine_exec_failed(void)
{
	struct plane_slot *slot = core.slot;
	struct identity self;

	if (!core.head || !slot)
		return;
	if (identity_is_own()) {
		become(slot, SLOT_LIVE);
		return;
	}
	identity_self(&self);
	slot = find_own(&self);
	if (slot)
		become(slot, SLOT_FREE);
}
