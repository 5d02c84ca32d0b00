/*
 * plane.h - the layout of the plane: the shared-memory control file of one experiment.
 *
 *     head | leases | nodes | clocks | points | rules | counts | scopes | slots | ring | stacks
 *
 * One controller at a time writes rules, under head.control (robust; targets never take it).
 * Targets write their own slot, the counts, the scopes and the ring, all with atomics; they hold
 * nothing while they sleep, so a target killed at any instruction leaves nothing locked.
 *
 *   publish   body under rule.sequence (odd while written), live bit, version + 1, raise armed[]
 *             of every slot for the rule's sites with that version, return
 *             (a rule that is replaced goes in the same store: both bits are in one word)
 *   retire    live bit off, version + 1, wake the cells inside
 *   heal      heal_upto = newest id: one store; then wakes
 *   lower     a walk that finds no rule that could ever match this site in this process swaps
 *             armed[site] from the version it read before the walk to 0
 *   lease     a held rule is live while leases[rule.lease] has the generation it was made with
 *             and the robust mutex there has a living owner (its word 0: FUTEX_OWNER_DIED, or 0)
 *   clock     a node's page under its sequence, with an id as rules have: healed and held like one;
 *             then version + 1 and raise armed[] for the calls about time in the node's slots
 *
 * A file of native 64-bit words without pointers; each part is found by its offset. It is allocated
 * in full when made (a hole would be SIGBUS in a target) and never truncated. The magic is stored
 * last. What a target reads here it checks: counts and offsets are clamped to the bounds below.
 */
#ifndef FAILPOINT_PLANE_H
#define FAILPOINT_PLANE_H

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "failpoint/calls.h"
#include "failpoint/engine.h"
#include "failpoint/rule.h"

#define PLANE_MAGIC UINT64_C(0x31746b6c69616600) /* "\0failkt1" read as a little word */

enum {
	PLANE_ABI = 3,
	RULE_MAX = 1024,
	RULE_LIVE_MAX = RULE_MAX - RULE_MAX / 64, /* each word of live bits has a spare one */
	NODE_MAX = 256,
	CELL_MAX = 64,
	LEASE_MAX = 32,
	SLOT_MAX = 512,
	SCOPE_MAX = 65536, /* a power of two */
	RING_MAX = 16384,  /* a power of two */
	PART_MAX = 16,
	STACK_MAX = 128,
	STACK_TEXT_MAX = 2040,
	POINT_NAME_MAX = 96,
	NODE_NAME_MAX = 32,
};

enum plane_part_id {
	PART_LEASES,
	PART_NODES,
	PART_CLOCKS,
	PART_POINTS,
	PART_RULES,
	PART_COUNTS,
	PART_SCOPES,
	PART_SLOTS,
	PART_RING,
	PART_STACKS,
	PART_COUNT,
};

struct plane_part {
	uint32_t offset_pages, stride_bytes, count, reserved;
};

struct plane_head {
	_Atomic uint64_t magic; /* stored last with release, read first with acquire */
	uint32_t abi, head_bytes;
	uint64_t plane_bytes;
	uint64_t calls_hash; /* ids mean the same on both sides */
	uint64_t build_hash; /* struct sizes are the same on both sides */
	uint64_t boot_id[2], seed;
	int64_t created_ns, created_s; /* CLOCK_MONOTONIC, wall clock */
	uint32_t creator_pid, owner_uid;
	uint64_t creator_start_ticks, creator_pidns;
	char note[128];
	struct plane_part part[PART_MAX];
	alignas(64) _Atomic uint32_t version; /* +1 after each publish or retire; never 0 */
	_Atomic uint32_t event_waiters;       /* futex; bit 0: a watcher sleeps. Who wrote an event
						 and finds it set adds 1 and wakes all */
	_Atomic uint64_t heal_upto;           /* rules with an id up to this act no more */
	_Atomic uint64_t live[RULE_MAX / 64]; /* a bit for each rule entry that is in force */
	alignas(64) pthread_mutex_t control;  /* robust, process-shared; controllers only */
	uint64_t next_id;                     /* under control */
	alignas(64) _Atomic uint64_t ring_head; /* tickets given out */
	alignas(64) uint8_t reserved[256];
};

struct plane_lease {
	pthread_mutex_t owner; /* robust, process-shared; targets read only word 0 */
	_Atomic uint64_t generation;
	uint32_t pid, pad;
	uint64_t pad2;
};

struct plane_node {
	_Atomic uint32_t used; /* stored last */
	uint32_t address;      /* host order, 0: none */
	char name[NODE_NAME_MAX], role[NODE_NAME_MAX];
};

/* How the clock of a node differs from the machine's: timepage.h. The first is that of processes
 * without a node, the next that of the first node. */
struct plane_clock {
	alignas(128) _Atomic uint32_t sequence; /* odd while written */
	_Atomic uint32_t lease;                 /* index + 1, 0: not held */
	_Atomic uint64_t lease_generation;
	_Atomic uint64_t id;       /* one of the rules' ids; 0: it is the machine's clock */
	_Atomic int64_t since_ns;  /* CLOCK_MONOTONIC when it was set */
	_Atomic int64_t shift_ns;  /* ahead of the machine's clock, then */
	_Atomic int64_t drift_ppb; /* and gaining */
	_Atomic int64_t stands_ns; /* the time at which it stands, 0: it goes */
	alignas(64) _Atomic uint64_t reads; /* by processes of the node */
};

struct plane_point {
	_Atomic uint32_t used; /* 0 free, 1 being written, 2 named */
	uint32_t kinds;        /* bit 0: some site of this name can take a value */
	_Atomic uint64_t hash;
	char name[POINT_NAME_MAX];
};

struct plane_rule {
	_Atomic uint32_t sequence; /* odd while written */
	uint32_t lease;            /* index + 1, 0: not held */
	uint64_t lease_generation;
	_Atomic uint64_t id;  /* 0: free */
	int64_t published_ns; /* for after= and for= */
	struct rule rule;
};

/* What is counted of a rule goes by its id, so that a late thread charges nothing to the rule that
 * came after it in the entry: each of these words is count_word(id, number). */
struct plane_count {
	alignas(128) _Atomic uint64_t matches;
	_Atomic uint64_t fires, suppressed;
	_Atomic uint64_t term_fires[RULE_TERM_MAX];
	_Atomic uint64_t uncounted; /* matches that the table of scopes had no room for */
	_Atomic uint32_t
		release; /* futex: bumped by release; pausers that saw an older value go on */
};

/* One (rule, step, scope key): the ordinal of per=, or how far a sequence has come there. */
struct plane_scope {
	_Atomic uint64_t key; /* a hash of rule id, kind and scope key; 0 free */
	_Atomic uint64_t count;
	_Atomic int64_t ns;
	_Atomic uint64_t extra;
};

enum cell_state { CELL_FREE, CELL_CLAIMED, CELL_DELAY, CELL_PAUSE, CELL_WAKE };

/* One thread inside an action. Sleepers wait on state as a shared futex; CELL_WAKE ends the sleep.
 */
struct plane_cell {
	_Atomic uint64_t rule;
	_Atomic uint32_t tid, state;
	int64_t since_ns, until_ns;
	uint32_t site;
	_Atomic uint32_t stack; /* index + 1 of its stack, 0: none was kept */
};

/* Where a thread that pauses was called from, one function a line. It belongs to the cell that owner
 * names (slot, cell) while that one names it; what a dead process left may be taken. */
struct plane_stack {
	_Atomic uint64_t owner; /* 1 + slot << 8 + cell; 0: free */
	char text[STACK_TEXT_MAX];
};

enum slot_state { SLOT_FREE, SLOT_ATTACHING, SLOT_LIVE, SLOT_EXECING };

/* What passed the process by; control_escapes.c makes a report of it. */
enum { ESCAPE_PROGRAMS = 8, ESCAPE_PATH_MAX = 192 };
enum bypass_way { BYPASS_LIBC, BYPASS_LOADER, BYPASS_INLINE, BYPASS_WAYS };

struct plane_escapes {
	_Atomic uint32_t bypassed[BYPASS_WAYS][CALL_MAX]; /* by call; counted by the deep tier */
	_Atomic uint32_t deep, uring, mapped;             /* deep: it was on */
	_Atomic uint32_t supervised;                      /* by the notify tier: it has no plane */
	_Atomic uint32_t programs;                        /* used entries of program[] */
	char mapping[ESCAPE_PATH_MAX];                    /* the first file that was mapped */
	char executing[ESCAPE_PATH_MAX];                  /* what the last exec was asked for */
	char program[ESCAPE_PROGRAMS][ESCAPE_PATH_MAX];   /* what posix_spawn was asked for */
};

struct plane_slot {
	_Atomic uint64_t state; /* enum slot_state; above it who took it last: slot_attaching() */
	uint32_t pid;           /* in the process's own pid namespace */
	uint32_t node;          /* index + 1 into the nodes, 0: none */
	uint64_t start_ticks, pidns_inode;
	uint32_t parent;
	uint32_t is_static; /* served by a supervisor (notify.h): it never asks us itself */
	_Atomic uint32_t point_count;
	_Atomic uint32_t cells_full; /* actions that found no free cell */
	char comm[16];
	_Atomic uint64_t
		calls_seen[CALL_MAX / 64]; /* set by the first passage, which is always raised */
	_Atomic uint64_t points[POINT_MAX / 64]; /* a bit for each point this process has */
	alignas(64) struct plane_cell cell[CELL_MAX];
	alignas(64) _Atomic uint32_t armed[CALL_MAX]; /* 0, or the version at which it was raised */
	alignas(64) _Atomic uint32_t point[POINT_MAX];
	alignas(64) _Atomic uint64_t
		hits[RULE_MAX]; /* by rule entry; zeroed when the entry is reused */
	alignas(64) struct plane_escapes escapes;
};

/* BEGIN before a blocking or killing action, END after; everything else is one FIRE. */
struct plane_event {
	_Atomic uint64_t sequence; /* ticket * 2 + 1 while written, * 2 + 2 when whole */
	int64_t ns;
	uint64_t rule, ordinal;
	uint32_t pid, tid;
	uint16_t node, site;
	uint8_t kind, action; /* enum control_event_kind (control.h), enum action_kind */
	uint16_t pad;
	int64_t result;
	int32_t fd, error;
	char rule_name[24], subject[160]; /* the tail of what is longer */
	uint64_t check;                   /* hash of all above but sequence, with the ticket */
};

_Static_assert(sizeof(struct plane_lease) % 8 == 0, "abi"); /* a mutex has its size by machine */
_Static_assert(sizeof(struct plane_cell) == 40, "abi");
_Static_assert(sizeof(struct plane_stack) == 2048, "abi");
_Static_assert(sizeof(struct plane_event) == 256, "abi");
_Static_assert(sizeof(struct plane_count) % 128 == 0, "abi");

/* ---- Numbers that belong to a rule ---- */

enum { COUNT_BITS = 40 };
#define COUNT_NUMBER_MAX ((UINT64_C(1) << COUNT_BITS) - 1)

static inline uint64_t count_word(uint64_t id, uint64_t number)
{
	return id << COUNT_BITS | number;
}

static inline uint64_t count_number(uint64_t word)
{
	return word & COUNT_NUMBER_MAX;
}

/* Adds one, up to a limit (0: none); returns the new number. 0: the limit is reached, or the word is
 * another rule's. Never by adding and taking back: a reader sees no number that wasn't. */
static inline uint64_t count_up(_Atomic uint64_t *count, uint64_t id, uint64_t limit)
{
	uint64_t word = atomic_load_explicit(count, memory_order_relaxed), number;

	do {
		number = count_number(word);
		if (word - number != count_word(id, 0) || (limit && number >= limit) ||
		    number == COUNT_NUMBER_MAX)
			return 0;
	} while (!atomic_compare_exchange_weak(count, &word, word + 1));
	return number + 1;
}

static inline void count_begin(struct plane_count *count, uint64_t id)
{
	atomic_store(&count->matches, count_word(id, 0));
	atomic_store(&count->fires, count_word(id, 0));
	atomic_store(&count->suppressed, count_word(id, 0));
	atomic_store(&count->uncounted, count_word(id, 0));
	for (unsigned t = 0; t < RULE_TERM_MAX; t++)
		atomic_store(&count->term_fires[t], count_word(id, 0));
}

/* Where a part lies, by this build's layout: plane_check() has found the head's table to be the same,
 * but whoever maps the plane may write there since. */
void *plane_part(struct plane_head *head, enum plane_part_id id);

static inline struct plane_rule *plane_rules(struct plane_head *head)
{
	return (struct plane_rule *)plane_part(head, PART_RULES);
}

static inline struct plane_count *plane_counts(struct plane_head *head)
{
	return (struct plane_count *)plane_part(head, PART_COUNTS);
}

static inline struct plane_slot *plane_slots(struct plane_head *head)
{
	return (struct plane_slot *)plane_part(head, PART_SLOTS);
}

static inline struct plane_node *plane_nodes(struct plane_head *head)
{
	return (struct plane_node *)plane_part(head, PART_NODES);
}

static inline struct plane_clock *plane_clocks(struct plane_head *head)
{
	return (struct plane_clock *)plane_part(head, PART_CLOCKS);
}

static inline struct plane_point *plane_points(struct plane_head *head)
{
	return (struct plane_point *)plane_part(head, PART_POINTS);
}

static inline struct plane_lease *plane_leases(struct plane_head *head)
{
	return (struct plane_lease *)plane_part(head, PART_LEASES);
}

static inline struct plane_scope *plane_scopes(struct plane_head *head)
{
	return (struct plane_scope *)plane_part(head, PART_SCOPES);
}

static inline struct plane_stack *plane_stacks(struct plane_head *head)
{
	return (struct plane_stack *)plane_part(head, PART_STACKS);
}

static inline struct plane_event *plane_ring(struct plane_head *head)
{
	return (struct plane_event *)plane_part(head, PART_RING);
}

/* The layout this build expects: fills part[] and returns the size of the whole file in bytes. */
uint64_t plane_layout(struct plane_part part[PART_MAX]);
uint64_t plane_build_hash(void);

/* 0, or a short reason (constant text) why this mapping of length bytes is no plane of ours. */
const char *plane_check(const struct plane_head *head, uint64_t length);

/* The event ring's check. */
uint64_t plane_event_check(const struct plane_event *event, uint64_t ticket);

#endif
