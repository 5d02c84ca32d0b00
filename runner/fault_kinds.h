/*
 * fault_kinds.h - what stands in the rows of the fault table; for fault.c and fault_*.c alone.
 *
 *     fault_process.c   signals and restarts
 *     fault_life.c      being updated, replaced, crashing again and again
 *     fault_move.c      joining, leaving, being taken out of service and back
 *     fault_rule.c      kinds that set one rule in the interposer: they share all but compose()
 *     fault_disk.c      what those rules say for disks; and filling a disk for real
 *     fault_net.c       cuts of a link in the network namespace; connections refused and reset
 *     fault_group.c     cuts between many nodes
 *     fault_link.c      links that are slow, lossy, narrow: shapes of net_queue.h
 *     fault_resource.c  too little CPU, memory, disk time, descriptors, threads
 *     fault_clock.c     the time that a node is told
 *     fault_catalogue.c each failpoint in turn
 *     fault_point.c     any rule, bound to the node that was drawn
 *     fault_external.c  what remains for a cluster that was started elsewhere
 */
#ifndef RUNNER_FAULT_KINDS_H
#define RUNNER_FAULT_KINDS_H

#include "runner/fault.h"

int fault_wants_on(const struct plan_fault *fault, struct why *why);
int fault_kill(struct fault_run *run, const struct fault_context *c, struct why *why);
int fault_stop(struct fault_run *run, const struct fault_context *c, struct why *why);
bool fault_down(struct fault_run *run, const struct fault_context *c);
int fault_start_node(struct cluster *cluster, struct node *node, struct why *why);
int fault_start(struct fault_run *run, const struct fault_context *c, struct why *why);
bool fault_up(struct fault_run *run, const struct fault_context *c);
int fault_pause(struct fault_run *run, const struct fault_context *c, struct why *why);
bool fault_paused(struct fault_run *run, const struct fault_context *c);
int fault_continue(struct fault_run *run, const struct fault_context *c, struct why *why);

int life_loop(struct fault_run *run, const struct fault_context *c, struct why *why);
bool life_looped(struct fault_run *run, const struct fault_context *c);
int life_update(struct fault_run *run, const struct fault_context *c, struct why *why);
int life_roll(struct fault_run *run, const struct fault_context *c, struct why *why);
bool life_rolled(struct fault_run *run, const struct fault_context *c);
int life_leave_rolled(struct fault_run *run, const struct fault_context *c, struct why *why);
bool life_all_up(struct fault_run *run, const struct fault_context *c);
int life_dead_check(const struct plan_fault *fault, struct why *why);
int life_replace(struct fault_run *run, const struct fault_context *c, struct why *why);

int move_offline(struct fault_run *run, const struct fault_context *c, struct why *why);
bool move_gone(struct fault_run *run, const struct fault_context *c);
int move_online(struct fault_run *run, const struct fault_context *c, struct why *why);
int move_in(struct fault_run *run, const struct fault_context *c, struct why *why);
int move_out(struct fault_run *run, const struct fault_context *c, struct why *why);
int move_in_again(struct fault_run *run, const struct fault_context *c, struct why *why);
int move_out_again(struct fault_run *run, const struct fault_context *c, struct why *why);
bool move_done(struct fault_run *run, const struct fault_context *c);

int rule_check(const struct plan_fault *fault, struct why *why);
int rule_apply(struct fault_run *run, const struct fault_context *c, struct why *why);
bool rule_applied(struct fault_run *run, const struct fault_context *c);
int rule_heal(struct fault_run *run, const struct fault_context *c, struct why *why);
bool rule_healed(struct fault_run *run, const struct fault_context *c);

/* text with every step bound to node ("" leaves it), and with "count*" before the actions of each
 * term unless some term counts already (count 0 leaves it). */
int rule_bind(const char *text, const char *node, int64_t count, char *out, size_t size,
	      struct why *why);

int disk_enospc(const struct fault_atom *atom, char *text, size_t size, struct why *why);
int disk_eio(const struct fault_atom *atom, char *text, size_t size, struct why *why);
int disk_delay(const struct fault_atom *atom, char *text, size_t size, struct why *why);
int disk_jitter(const struct fault_atom *atom, char *text, size_t size, struct why *why);
int disk_short(const struct fault_atom *atom, char *text, size_t size, struct why *why);
int disk_throttle(const struct fault_atom *atom, char *text, size_t size, struct why *why);
int disk_read_only(const struct fault_atom *atom, char *text, size_t size, struct why *why);
int disk_corrupt_read(const struct fault_atom *atom, char *text, size_t size, struct why *why);
int disk_corrupt_write(const struct fault_atom *atom, char *text, size_t size, struct why *why);
int disk_torn(const struct fault_atom *atom, char *text, size_t size, struct why *why);
int disk_lie(const struct fault_atom *atom, char *text, size_t size, struct why *why);
int disk_lie_check(const struct plan_fault *fault, struct why *why);
int disk_replace(struct fault_run *run, const struct fault_context *c, struct why *why);
bool disk_replaced(struct fault_run *run, const struct fault_context *c);

int full_check(const struct plan_fault *fault, struct why *why);
int full_apply(struct fault_run *run, const struct fault_context *c, struct why *why);
bool full_applied(struct fault_run *run, const struct fault_context *c);
int full_heal(struct fault_run *run, const struct fault_context *c, struct why *why);
bool full_healed(struct fault_run *run, const struct fault_context *c);

int load_check(const struct plan_fault *fault, struct why *why);
int load_cpu(struct fault_run *run, const struct fault_context *c, struct why *why);
bool load_cpu_applied(struct fault_run *run, const struct fault_context *c);
int load_memory(struct fault_run *run, const struct fault_context *c, struct why *why);
bool load_memory_applied(struct fault_run *run, const struct fault_context *c);
int load_heal(struct fault_run *run, const struct fault_context *c, struct why *why);
bool load_healed(struct fault_run *run, const struct fault_context *c);
int load_io(struct fault_run *run, const struct fault_context *c, struct why *why);
bool load_io_applied(struct fault_run *run, const struct fault_context *c);
int load_io_heal(struct fault_run *run, const struct fault_context *c, struct why *why);
int resource_apply(struct fault_run *run, const struct fault_context *c, struct why *why);
int resource_fds(const struct fault_atom *atom, char *text, size_t size, struct why *why);
int resource_threads(const struct fault_atom *atom, char *text, size_t size, struct why *why);
int resource_alloc(const struct fault_atom *atom, char *text, size_t size, struct why *why);

int clock_jump(struct fault_run *run, const struct fault_context *c, struct why *why);
int clock_drift(struct fault_run *run, const struct fault_context *c, struct why *why);
int clock_freeze(struct fault_run *run, const struct fault_context *c, struct why *why);
bool clock_applied(struct fault_run *run, const struct fault_context *c);
int clock_heal(struct fault_run *run, const struct fault_context *c, struct why *why);
bool clock_healed(struct fault_run *run, const struct fault_context *c);

int net_check(const struct plan_fault *fault, struct why *why);
int net_refuse(const struct fault_atom *atom, char *text, size_t size, struct why *why);
int net_one_way(struct fault_run *run, const struct fault_context *c, struct why *why);
int net_partition(struct fault_run *run, const struct fault_context *c, struct why *why);
bool net_applied(struct fault_run *run, const struct fault_context *c);
int net_restore(struct fault_run *run, const struct fault_context *c, struct why *why);
bool net_restored(struct fault_run *run, const struct fault_context *c);

int net_reset(const struct fault_atom *atom, char *text, size_t size, struct why *why);
int reset_apply(struct fault_run *run, const struct fault_context *c, struct why *why);
bool reset_applied(struct fault_run *run, const struct fault_context *c);
int reset_heal(struct fault_run *run, const struct fault_context *c, struct why *why);

int group_check(const struct plan_fault *fault, struct why *why);
int group_isolate(struct fault_run *run, const struct fault_context *c, struct why *why);
int group_split(struct fault_run *run, const struct fault_context *c, struct why *why);
int group_ring(struct fault_run *run, const struct fault_context *c, struct why *why);

int link_half_open(struct fault_run *run, const struct fault_context *c, struct why *why);
int link_delay(struct fault_run *run, const struct fault_context *c, struct why *why);
int link_jitter(struct fault_run *run, const struct fault_context *c, struct why *why);
int link_loss(struct fault_run *run, const struct fault_context *c, struct why *why);
int link_duplicate(struct fault_run *run, const struct fault_context *c, struct why *why);
int link_reorder(struct fault_run *run, const struct fault_context *c, struct why *why);
int link_rate(struct fault_run *run, const struct fault_context *c, struct why *why);
int link_cut(struct fault_run *run, const struct fault_context *c, struct why *why);
bool link_applied(struct fault_run *run, const struct fault_context *c);
int link_restore(struct fault_run *run, const struct fault_context *c, struct why *why);

int point_rule(const struct fault_atom *atom, char *text, size_t size, struct why *why);
int point_check(const struct plan_fault *fault, struct why *why);

int catalogue_check(const struct plan_fault *fault, struct why *why);
int catalogue_apply(struct fault_run *run, const struct fault_context *c, struct why *why);
bool catalogue_applied(struct fault_run *run, const struct fault_context *c);
int catalogue_heal(struct fault_run *run, const struct fault_context *c, struct why *why);

#endif
