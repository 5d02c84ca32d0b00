/*
 * attach.c - map the plane, take a slot; fork and exec. See engine.h.
 *
 *     slot:  free -> attaching -> live -> executing -> (the new image) live ... -> dead
 *
 * A slot belongs to (pid, start time, pid namespace): a new image, or a second engine in the
 * process, finds the one that is there. A child has none until fork's wrapper, or its first armed
 * passage (a page that the kernel wipes in children tells), takes one.
 *
 * Slots are taken from the front and a slot that never was used ends the search, so few are
 * touched.
 */
#include "failpoint/core.h"

enum { PAGE_BYTES = 4096, SPIN_MAX = 100000 };
enum phase { PHASE_NONE, PHASE_BUSY, PHASE_READY, PHASE_OFF };

#define STATE(generation, state) ((generation) << 8 | (uint64_t)(state))

struct core core;
void (*attach_changed)(void);

static const uint32_t raised[CALL_MAX] = {[0 ... CALL_MAX - 1] = 1};
static const uint32_t quiet[CALL_MAX];
const uint32_t *engine_armed = raised;

static _Atomic int phase = PHASE_NONE;
static _Atomic uint32_t busy_tid;
static _Atomic uint32_t *not_forked; /* points to 1, and to 0 in a forked child */

extern char **environ;

static const char *env(const char *name)
{
	size_t length = raw_length(name);

	for (char **e = environ; e && *e; e++) {
		size_t i = 0;

		while (i < length && (*e)[i] == name[i])
			i++;
		if (i == length && (*e)[i] == '=')
			return *e + i + 1;
	}
	return NULL;
}

/* ---- Saying what is wrong ---- */

void attach_say(const char *a, const char *b)
{
	char line[512];
	size_t n = raw_copy(line, sizeof(line), "failkit: ", SIZE_MAX);

	n += raw_copy(line + n, sizeof(line) - n - 1, a, SIZE_MAX);
	n += raw_copy(line + n, sizeof(line) - n - 1, ": ", SIZE_MAX);
	n += raw_copy(line + n, sizeof(line) - n - 1, b, SIZE_MAX);
	line[n++] = '\n';
	raw_write(2, line, n);
}

/* Fails open: says so and lets everything pass; under FAILKIT_STRICT=1 the process ends here. */
static void give_up(const char *path, const char *reason)
{
	const char *strict = env("FAILKIT_STRICT");

	attach_say(path, reason);
	if (!strict || !raw_equal(strict, "1"))
		return;
	attach_say(path, "FAILKIT_STRICT=1: the program is not run without it");
	for (;;)
		raw_kill(raw_getpid(), SIGKILL);
}

/* ---- Slots ---- */

static bool slot_is(const struct plane_slot *slot, const struct identity *self)
{
	uint64_t state = atomic_load(&slot->state) & 0xff;

	return (state == SLOT_LIVE || state == SLOT_EXECING) && slot->pid == self->pid &&
	       slot->start_ticks == self->start_ticks && slot->pidns_inode == self->pidns;
}

static bool slot_can_be_taken(const struct plane_slot *slot, bool reclaim)
{
	uint64_t state = atomic_load(&slot->state) & 0xff;
	struct identity id = {slot->pid, 0, slot->start_ticks, slot->pidns_inode};

	if (state == SLOT_FREE)
		return true;
	/* One that is being attached does not say yet whose it is. */
	if (!reclaim || state == SLOT_ATTACHING)
		return false;
	return state == SLOT_DEAD || !identity_may_live(&id);
}

/* Claims for ourselves: the caller fills it and makes it live. */
static bool slot_claim(struct plane_slot *slot, const struct identity *self)
{
	uint64_t old = atomic_load(&slot->state);

	if (!atomic_compare_exchange_strong(&slot->state, &old,
					    STATE((old >> 8) + 1, SLOT_ATTACHING)))
		return false;
	slot->pid = self->pid;
	slot->start_ticks = self->start_ticks;
	slot->pidns_inode = self->pidns;
	return true;
}

/* Our own slot, or else the first that can be taken. *found tells which. */
static struct plane_slot *slot_search(const struct identity *self, bool reclaim, bool *found)
{
	struct plane_slot *take = NULL;

	for (unsigned i = 0; i < SLOT_MAX; i++) {
		struct plane_slot *slot = &core.slots[i];

		*found = slot_is(slot, self);
		if (*found)
			return slot;
		if (!take && slot_can_be_taken(slot, reclaim))
			take = slot;
		if (atomic_load(&slot->state) == 0)
			break;
	}
	return take;
}

static struct plane_slot *slot_take(const struct identity *self, bool *found)
{
	for (int attempt = 0; attempt < SLOT_MAX; attempt++) {
		struct plane_slot *slot = slot_search(self, false, found);

		if (!slot)
			slot = slot_search(self, true, found);
		if (!slot || *found || slot_claim(slot, self))
			return slot;
	}
	return NULL;
}

static void raise_all(struct plane_slot *slot)
{
	uint32_t version = atomic_load(&core.head->version);

	for (unsigned i = 0; i < CALL_MAX; i++)
		atomic_exchange(&slot->armed[i], version ? version : 1);
	for (unsigned i = 0; i < POINT_MAX; i++)
		atomic_exchange(&slot->point[i], version ? version : 1);
}

/* What belonged to an image that is gone, or to another process. */
static void slot_clear_image(struct plane_slot *slot)
{
	atomic_store(&slot->point_count, 0);
	for (unsigned i = 0; i < POINT_MAX / 64; i++)
		atomic_store(&slot->points[i], 0);
	for (unsigned i = 0; i < POINT_MAX / 64; i++)
		atomic_store(&slot->points[i], 0);
	for (unsigned i = 0; i < CELL_MAX; i++) {
		atomic_store(&slot->cell[i].rule, 0);
		atomic_store(&slot->cell[i].tid, 0);
		atomic_store(&slot->cell[i].state, CELL_FREE);
	}
}

static void slot_clear(struct plane_slot *slot)
{
	atomic_store(&slot->cells_full, 0);
	for (unsigned i = 0; i < CALL_MAX / 64; i++)
		atomic_store(&slot->calls_seen[i], 0);
	for (unsigned i = 0; i < RULE_MAX; i++)
		if (atomic_load_explicit(&slot->hits[i], memory_order_relaxed))
			atomic_store_explicit(&slot->hits[i], 0, memory_order_relaxed);
	slot_clear_image(slot);
}

static void slot_describe(struct plane_slot *slot, const char comm[16])
{
	slot->node = core.node;
	slot->parent = raw_getppid();
	for (unsigned i = 0; i < sizeof(slot->comm); i++)
		slot->comm[i] = comm[i];
}

static void slot_become(struct plane_slot *slot, enum slot_state state)
{
	atomic_store(&slot->state, STATE(atomic_load(&slot->state) >> 8, state));
}

static bool take_slot(void)
{
	struct identity self;
	struct plane_slot *slot;
	bool found;

	identity_self(&self);
	slot = slot_take(&self, &found);
	if (!slot)
		return false;
	if (!found)
		slot_clear(slot);
	else if ((atomic_load(&slot->state) & 0xff) == SLOT_EXECING)
		slot_clear_image(slot);
	identity_comm(core.comm);
	slot_describe(slot, core.comm);
	core.pid = self.pid;
	core.process_key = raw_mix(raw_mix(self.pid, self.start_ticks), self.pidns);
	core.slot_index = (uint32_t)(slot - core.slots);
	core.slot = slot;
	raise_all(slot);
	slot_become(slot, SLOT_LIVE);
	engine_armed = (const uint32_t *)(const void *)slot->armed;
	return true;
}

/* ---- The plane ---- */

static void find_parts(struct plane_head *head)
{
	struct plane_part part[PART_MAX];
	char *base = (char *)head;

	plane_layout(part);
#define PART(id) ((void *)(base + (uint64_t)part[id].offset_pages * PAGE_BYTES))
	core.leases = PART(PART_LEASES);
	core.nodes = PART(PART_NODES);
	core.points = PART(PART_POINTS);
	core.rules = PART(PART_RULES);
	core.counts = PART(PART_COUNTS);
	core.scopes = PART(PART_SCOPES);
	core.slots = PART(PART_SLOTS);
	core.ring = PART(PART_RING);
#undef PART
	core.head = head;
}

static struct plane_head *map_plane(const char *path, const char **reason)
{
	struct plane_head *head = NULL;
	int fd = raw_open(path, O_RDWR);
	struct statx st;
	uint64_t boot_id[2];

	*reason = fd == -EACCES ? "permission denied" : "no such plane";
	if (fd < 0)
		return NULL;
	*reason = "can't be mapped";
	if (raw_statx("", fd, &st) == 0 && st.stx_size >= sizeof(*head))
		head = raw_mmap(st.stx_size, MAP_SHARED, fd);
	raw_close(fd);
	if (!head)
		return NULL;
	*reason = plane_check(head, st.stx_size);
	identity_boot(boot_id);
	if (!*reason && boot_id[0] &&
	    (head->boot_id[0] != boot_id[0] || head->boot_id[1] != boot_id[1]))
		*reason = "left over from before this machine was started";
	if (!*reason)
		return head;
	raw_munmap(head, st.stx_size);
	return NULL;
}

static bool find_node(const char *name)
{
	for (unsigned i = 0; i < NODE_MAX; i++) {
		const struct plane_node *node = &core.nodes[i];
		char *own = core.node_name;

		if (!atomic_load(&node->used))
			break;
		raw_copy(own, NODE_NAME_MAX, node->name, NODE_NAME_MAX);
		if (!raw_equal(own, name))
			continue;
		raw_copy(core.node_role, NODE_NAME_MAX, node->role, NODE_NAME_MAX);
		core.node = i + 1;
		core.node_address = node->address;
		core.node_key = raw_hash(own, raw_length(own));
		return true;
	}
	core.node_name[0] = 0;
	return false;
}

/* In children a page reads as zeroes: the kernel wipes it, whatever way they were forked. */
static void watch_forks(void)
{
	_Atomic uint32_t *page = raw_mmap(PAGE_BYTES, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	static _Atomic uint32_t always = 1;

	if (page && raw_madvise(page, PAGE_BYTES, MADV_WIPEONFORK) < 0) {
		raw_munmap(page, PAGE_BYTES);
		page = NULL;
	}
	not_forked = page ? page : &always;
	atomic_store(not_forked, 1);
}

static const char no_slot[] =
	"no slot is free: too many processes; nothing is injected in this one";

static const char *plane_label(void)
{
	return core.plane_path[0] ? core.plane_path : "FAILPOINTS";
}

static bool settle(void)
{
	watch_forks();
	if (take_slot())
		return true;
	give_up(plane_label(), no_slot);
	core.head = NULL;
	return false;
}

static bool attach_plane(void)
{
	const char *path = env("FAILKIT_PLANE"), *node = env("FAILKIT_NODE"), *reason;
	struct plane_head *head;

	if (!path || !*path)
		return false;
	raw_copy(core.plane_path, sizeof(core.plane_path), path, SIZE_MAX);
	head = map_plane(path, &reason);
	if (!head) {
		give_up(path, reason);
		return false;
	}
	find_parts(head);
	if (node && *node && !find_node(node))
		give_up(node, "no such node in the plane (FAILKIT_NODE); it runs without one");
	return settle();
}

static void finish(bool attached)
{
	if (!attached)
		engine_armed = quiet;
	atomic_store(&phase, attached ? PHASE_READY : PHASE_OFF);
	if (attach_changed)
		attach_changed();
}

/* Another thread attaches just now: wait for it; but not when it is this one, in a handler. */
static void wait_for_other(void)
{
	if (atomic_load(&busy_tid) == raw_gettid())
		return;
	for (int i = 0; i < SPIN_MAX && atomic_load(&phase) == PHASE_BUSY; i++)
		raw_yield();
}

void engine_init(const struct subject_ops *ops)
{
	int none = PHASE_NONE;

	if (ops && !core.ops)
		core.ops = ops;
	if (!environ) /* libc has not begun yet: the next passage will try again */
		return;
	if (!atomic_compare_exchange_strong(&phase, &none, PHASE_BUSY)) {
		wait_for_other();
		return;
	}
	atomic_store(&busy_tid, raw_gettid());
	finish(attach_plane());
	atomic_store(&busy_tid, 0);
}

void attach_private(struct plane_head *head)
{
	find_parts(head);
	finish(settle());
}

bool attach_ready(void)
{
	if (atomic_load_explicit(&phase, memory_order_acquire) == PHASE_NONE)
		engine_init(NULL);
	if (atomic_load_explicit(&phase, memory_order_acquire) != PHASE_READY)
		return false;
	if (!atomic_load_explicit(not_forked, memory_order_relaxed))
		engine_forked();
	return core.head != NULL;
}

/* ---- Fork and exec ---- */

void engine_forked(void)
{
	if (atomic_load(&phase) != PHASE_READY || core.pid == raw_getpid())
		return;
	atomic_store(not_forked, 1);
	if (!take_slot()) {
		give_up(plane_label(), no_slot);
		core.head = NULL;
		finish(false);
		return;
	}
	if (attach_changed)
		attach_changed();
}

/* In a vfork child core is the parent's, so nothing there is changed: only the plane is. */
void engine_exec_begin(void)
{
	struct plane_slot *slot = core.slot;
	struct identity self;
	bool found;

	if (atomic_load(&phase) != PHASE_READY)
		return;
	if (raw_getpid() != core.pid) {
		identity_self(&self);
		slot = slot_take(&self, &found);
		if (slot && !found) {
			slot_clear(slot);
			slot_describe(slot, core.comm);
		}
	}
	if (slot)
		slot_become(slot, SLOT_EXECING);
}

void engine_exec_failed(void)
{
	struct plane_slot *slot = core.slot;
	struct identity self;
	bool found;

	if (atomic_load(&phase) != PHASE_READY)
		return;
	if (raw_getpid() == core.pid) {
		slot_become(slot, SLOT_LIVE);
		return;
	}
	identity_self(&self);
	slot = slot_search(&self, false, &found);
	if (found)
		slot_become(slot, SLOT_FREE);
}

/* ---- What others ask ---- */

uint32_t engine_node_address(void)
{
	return core.node_address;
}

const char *engine_node_name(void)
{
	return core.node_name;
}

const char *engine_plane_path(void)
{
	return core.plane_path;
}
