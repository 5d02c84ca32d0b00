/*
 * control_impl.h - what the files of the controller share; control.h is the manual.
 *
 *     control_plane.c    make, open, close          control_planes.c   list and sweep
 *     control_lock.c     the controllers' mutex, repair after a death, leases
 *     control_check.c    does a rule make sense on this plane?
 *     control_publish.c  rule entries, live bits, raising armed[]
 *     control_rules.c    find, list, remove, heal, release
 *     control_cells.c    threads inside actions: wake them, wait until they are out
 *     control_wait.c     wait for a rule            control_events.c   read the ring
 *     control_slots.c    nodes, processes, points   control_alive.c    is that process still there?
 *     control_clock.c    clocks of nodes
 *     control_escapes.c  what passed by    control_image.c    programs and processes without us
 *     control_uring.c    io_uring_setup() refused
 *     control_environment.c  what makes a program a target
 *
 * Rules, the nodes and next_id are written under the controllers' mutex only. Everything that a
 * target may write at the same time is read with atomics and clamped.
 */
#ifndef FAILPOINT_CONTROL_IMPL_H
#define FAILPOINT_CONTROL_IMPL_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "failkit/control.h"
#include "failpoint/core.h"

enum { CONTROL_NAME_MAX = 64 };

struct control {
	struct plane_head *head;
	uint64_t length;
	char name[CONTROL_NAME_MAX];
	char path[PATH_MAX];
	_Atomic int lease; /* index + 1, 0: none */
	pid_t lease_tid;
	/* The ring's reader: a record that its writer never finished is given up after a while. */
	_Atomic uint64_t stuck_sequence;
	_Atomic int64_t stuck_ns;
};

/* control_alive.c. When it cannot be told, because its namespace is out of our sight, true. */
bool process_is_alive(const struct identity *id);
bool process_thread_is_alive(const struct identity *id, pid_t tid);
int64_t control_now_ns(void);
void control_sleep_ns(int64_t ns);
bool control_is_past(int64_t deadline_ns); /* -1: never */

/* control_image.c */
/* Calls each for every running process that is a slot's, or descends from one, and does not have the
 * plane; slot is its own or its ancestor's. */
void image_strangers(struct control *control,
		     void (*each)(void *arg, struct plane_slot *slot, pid_t pid), void *arg);

/* control_plane.c */
int control_map(struct control *control, const char *path, struct why *why);
bool control_name_is_good(const char *name);

/* control_lock.c */
int control_lock(struct control *control, struct why *why);
void control_unlock(struct control *control);
/* Retires what the lease held and gives it back. False when it belongs to another thread: the mutex
 * stays in that thread's list of robust mutexes, so the plane must stay mapped. */
bool control_end_lease(struct control *control);
bool control_lease_is_alive(struct control *control, uint32_t lease, uint64_t generation);

/* control_check.c. Called under the lock. */
int control_check_rule(struct control *control, const struct rule *rule, struct why *why);
/* The first failpoint it names that nobody has yet, NULL: none; and a known one that may be meant. */
const char *control_missing_point(struct control *control, const struct rule *rule);
const char *control_nearest_point(struct control *control, const char *glob);

/* control_publish.c. All called under the lock. */
unsigned control_entries_used(struct control *control);           /* entries beyond are free */
int control_find_name(struct control *control, const char *name); /* entry, -1 for none */
int control_find_rule(struct control *control, const char *rule); /* by name or id, -1 */
bool control_entry_is_live(struct control *control, unsigned entry);
/* Takes live bits off: of one entry, or of all; bumps the version. */
void control_retire(struct control *control, unsigned entry);
void control_retire_all(struct control *control);
void control_forget(struct control *control, unsigned entry); /* retired before: frees the entry */
void control_raise_all(struct control *control);              /* every site of every slot */
/* Raises the calls with these bits in every slot, for a version of their own. */
void control_raise_calls(struct control *control, const uint64_t calls[CALL_MAX / 64]);
uint32_t control_bump_version(struct control *control);

/* control_cells.c. first..last are rule ids, both included. */
struct control_range {
	uint64_t first, last;
};
struct plane_slot *control_slot(struct control *control, unsigned i);
unsigned control_slots_used(struct control *control);  /* those beyond were never used */
bool control_slot_is_running(struct plane_slot *slot); /* by its state alone */
void control_slot_process(const struct plane_slot *slot, struct identity *out);
unsigned control_wake(struct control *control, struct control_range range, bool only_paused);
int control_wait_out(struct control *control, struct control_range range, int64_t deadline_ns,
		     struct why *why);
unsigned control_count_inside(struct control *control, struct control_range range,
			      bool only_paused);

/* control_clock.c. After a controller's death, under the lock: a half-written clock is discarded. */
void control_clock_repair(struct control *control);

/* control_slots.c */
void control_site_name(struct control *control, uint32_t site, char *name, size_t size);
const char *control_node_name(struct control *control, uint32_t node); /* index + 1; "" for none */
/* index + 1 of a node, or -ENOENT and the nearest name */
int control_find_node(struct control *control, const char *name, struct why *why);

/* control_rules.c. The entry of a rule, or -ENOENT and the nearest name; under the lock. */
int control_find_or_why(struct control *control, const char *rule, struct why *why);
/* The name of a rule by id, "" when it is gone. */
void control_rule_name(struct control *control, uint64_t id, char *name, size_t size);

int control_futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t timeout_ns);
void control_futex_wake(_Atomic uint32_t *word);

#endif
