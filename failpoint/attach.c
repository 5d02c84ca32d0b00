/*
 * attach.c - map the plane, take a slot; fork. See engine.h.
 *
 * What a slot is stands in slot.c. A child has none until fork's wrapper, or its first armed passage
 * (a page that the kernel wipes in children tells), takes one.
 */
#include "failpoint/core.h"

enum { PAGE_BYTES = 4096, SPIN_MAX = 100000 };
/* The phase: one of these, and while busy the thread that attaches above the low byte. */
enum { PHASE_NONE, PHASE_BUSY, PHASE_READY, PHASE_OFF, PHASE_MASK = 0xff };

#ifdef FAILPOINT_ON_BEHALF
struct core_state core_base;
__thread struct core_state *core_now = &core_base;
#else
struct core_state core;
#endif
void (*attach_changed)(void);

static const uint32_t raised[CALL_MAX] = {[0 ... CALL_MAX - 1] = 1};
static const uint32_t quiet[CALL_MAX];
const uint32_t *engine_armed = raised;

static _Atomic uint64_t phase = PHASE_NONE;
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
	raw_abort();
}

/* ---- The plane ---- */

static void find_parts(struct plane_head *head)
{
	core.leases = plane_leases(head);
	core.nodes = plane_nodes(head);
	core.points = plane_points(head);
	core.clocks = plane_clocks(head);
	core.rules = plane_rules(head);
	core.counts = plane_counts(head);
	core.scopes = plane_scopes(head);
	core.slots = plane_slots(head);
	core.ring = plane_ring(head);
	core.stacks = plane_stacks(head);
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

static bool take_slot(void)
{
	if (slot_attach()) {
		engine_armed = (const uint32_t *)(const void *)core.slot->armed;
		return true;
	}
	give_up(core.plane_path[0] ? core.plane_path : "FAILPOINTS",
		"no slot is free: too many processes; nothing is injected in this one");
	core.head = NULL;
	return false;
}

static bool settle(void)
{
	watch_forks();
	return take_slot();
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
	atomic_store(&phase, (uint64_t)(attached ? PHASE_READY : PHASE_OFF));
	if (attach_changed)
		attach_changed();
}

static unsigned phase_now(void)
{
	return atomic_load_explicit(&phase, memory_order_acquire) & PHASE_MASK;
}

static bool is_of_this_process(uint32_t tid)
{
	return raw_syscall(SYS_tgkill, raw_getpid(), tid, 0, 0, 0, 0) == 0;
}

/* Another thread attaches just now: waits for it; but not when it is this one, in a handler. In a
 * child that was forked meanwhile nobody will ever be done: that one fails open. */
static void wait_for_other(void)
{
	uint64_t busy = atomic_load(&phase);

	if ((busy & PHASE_MASK) != PHASE_BUSY || busy >> 8 == raw_gettid())
		return;
	do
		for (int i = 0; i < SPIN_MAX && atomic_load(&phase) == busy; i++)
			raw_yield();
	while (atomic_load(&phase) == busy && is_of_this_process((uint32_t)(busy >> 8)));
	if (phase_now() == PHASE_BUSY && atomic_compare_exchange_strong(&phase, &busy, PHASE_OFF))
		finish(false);
}

/* Only one thread goes from here to busy; false: somebody else does, or did. */
static bool become_busy(uint64_t from)
{
	if (atomic_compare_exchange_strong(&phase, &from, (uint64_t)raw_gettid() << 8 | PHASE_BUSY))
		return true;
	if ((from & PHASE_MASK) == PHASE_BUSY)
		wait_for_other();
	return false;
}

void engine_init(const struct subject_ops *ops)
{
	if (ops && !core.ops)
		core.ops = ops;
	/* Without an environment libc has not begun yet: the next passage will try again. */
	if (environ && become_busy(PHASE_NONE))
		finish(attach_plane());
}

void attach_private(struct plane_head *head)
{
	if (!become_busy(PHASE_NONE))
		return;
	find_parts(head);
	finish(settle());
}

void attach_on_behalf(struct plane_head *head, const char *node)
{
	if (!become_busy(PHASE_NONE))
		return;
	find_parts(head);
	if (node)
		find_node(node);
	watch_forks();
	finish(true);
}

bool attach_ready(void)
{
	if (phase_now() == PHASE_NONE)
		engine_init(NULL);
	if (phase_now() == PHASE_BUSY)
		wait_for_other();
	if (phase_now() != PHASE_READY)
		return false;
	if (!atomic_load_explicit(not_forked, memory_order_acquire))
		engine_forked();
	return phase_now() == PHASE_READY;
}

/* ---- Fork ---- */

/* Several threads of the child may come at once: one takes the slot, the others wait for it. In a pid
 * namespace of its own a child may have its parent's number. */
void engine_forked(void)
{
	if (!become_busy(PHASE_READY))
		return;
	if (!atomic_load(not_forked) || !identity_is_own())
		take_slot();
	atomic_store(not_forked, 1);
	finish(core.head != NULL);
}

uint32_t engine_node_address(void)
{
	return core.node_address;
}
