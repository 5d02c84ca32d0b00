/*
 * notify.h - the notify tier: rules for programs that the interposer can't be loaded into.
 *
 *     failctl                        go-between                   command (static, Go ...)
 *       supervisor threads             subreaper                    seccomp filter, inherited by
 *         RECV a stopped call   <------------------------------------ threads, children, execs
 *         ask the engine, act
 *         SEND go on / the result ----------------------------------> goes on
 *
 * The filter stops a thread at the system calls that a rule could name (notify_filter.c) until a
 * supervisor thread has answered. It looks the call up in calls.def, finds out what it is about
 * through /proc and the target's memory, and asks the engine on behalf of the thread (whose.h): each
 * process of the target has a slot of its own, so rules, counts, events and `failctl ps` are those of
 * the preload tier. Then it answers: the result that a rule made up; or "go on"; or, where a rule
 * changes the amount or waits for the result, what came of making the call itself, on a copy of the
 * descriptor (notify_perform.c).
 *
 *     notify_start.c    the child's filter, the handshake, the threads
 *     notify_serve.c    one notification, from RECV to SEND
 *     notify_filter.c   which system calls are stopped, and which call of the table one is
 *     notify_row.c      calls.def, as positions of arguments
 *     notify_target.c   whose call is it? processes and their slots
 *     notify_subject.c  what a call is about
 *     notify_memory.c   the target's memory
 *     notify_perform.c  making a call in the target's stead; notify_perform_name.c those by path
 *     notify_check.c    which rules can't be obeyed, said before anything runs
 *     notify_guard.c    the go-between: nothing of the target outlives us
 *
 * One thread at a time receives. Before it sleeps in a delay or a pause, or makes a call that may
 * block, it hands that on to another, so a paused thread of the target stops no other.
 *
 * Whoever dies: with failctl the listener closes, and the kernel would answer every stopped call
 * with ENOSYS. So the go-between, told by the kernel, kills whatever descends from it; should the
 * go-between be killed, failctl does. Both killed at once leave the command itself to the kernel
 * (PR_SET_PDEATHSIG), but what it forked would live on with ENOSYS.
 */
#ifndef FAILPOINT_NOTIFY_H
#define FAILPOINT_NOTIFY_H

#include <sys/types.h>

#include "failkit/control.h"

struct notify_options {
	struct control *control;
	const char *node;         /* declared; may be NULL */
	const char *calls;        /* "%write,fsync": what is stopped; NULL: what the rules name */
	const char *const *rules; /* texts, checked against what the tier can do */
	unsigned rule_count;
	/* Goes over to the process group of who started us, once the target is in ours: so what stops
	 * the group does not stop us before the target, whose calls would then never return. */
	bool leaves_group;
};

/* Checks the rules, makes the filter and starts the first supervisor thread, which waits for a
 * child. Once a process. */
int notify_start(const struct notify_options *options, struct why *why);

/* In a forked child, before its exec: forks the command proper, in which this returns once the
 * supervisor has the listener; become (may be NULL) runs before the filter is there. The child
 * itself becomes the go-between, which never returns. */
int notify_become(int (*become)(void *arg, struct why *why), void *arg, struct why *why);

/* After the child has ended: kills what is left of it. */
void notify_end(void);

/* What the filter stops when neither rules nor --calls say: for `failctl set` later on. */
extern const char notify_calls_default[];

#endif
