/*
 * process.h - starting, watching and reaping processes of our own.
 *
 *     process_start()   a program in a process group of its own, exec's failure reported at once
 *     process_wait()    until it ended or a deadline, by pidfd; reaped when this returns 1
 *     process_run()     both, with what it printed; its group is killed at the deadline
 *
 * The worker of a run is pid 1 of its namespace, so orphans of the nodes become its children and
 * must be reaped, yet never a process that somebody here waits for. So everything is started
 * through this module, which knows its own: process_reap_orphans() reaps only the others. Any
 * thread may call any of these. Programs start with default signals, an empty mask, and no
 * descriptor but 0-2.
 */
#ifndef RUNNER_PROCESS_H
#define RUNNER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "failkit/why.h"

enum { PROCESS_GROUPS_MAX = 64 };

/* Who a program runs as. */
struct process_user {
	uid_t uid;
	gid_t gid;
	gid_t groups[PROCESS_GROUPS_MAX];
	int group_count;
};

struct process_options {
	const char *const *argv;
	const char *const *environment;  /* NULL: ours */
	const char *dir;                 /* where it runs; NULL: here */
	int output;                      /* its stdout and stderr; -1: ours */
	const struct process_user *user; /* NULL: ours */
	bool dies_with_us;               /* PR_SET_PDEATHSIG; follows the thread that starts it */
	int (*before)(struct why *why);  /* in the child, as our user; system calls only; or NULL */
};

int64_t process_now_ns(void); /* CLOCK_MONOTONIC */

/* By name or number. Refused unless we may become that user: root can, others only themselves. */
int process_user_find(struct process_user *out, const char *name, struct why *why);

int process_start(pid_t *pid, const struct process_options *options, struct why *why);

/* 1 when it has ended (and is reaped: the pid is free), with its wait status; 0 while it runs;
 * -ECHILD when it is none of ours. deadline_ns 0 asks without waiting, -1 waits for ever. */
int process_wait(pid_t pid, int64_t deadline_ns, int *status);

/* Runs to the end. output (may be NULL) gets the beginning of what was printed, with a NUL.
 * Returns 0 with the wait status, or -ETIMEDOUT after having killed its group. */
int process_run(const struct process_options *options, int64_t deadline_ns, char *output,
		size_t size, int *status, struct why *why);

void process_reap_orphans(void);
/* One that lives and became our child when its parent ended, whatever group it is in; 0: none. */
pid_t process_adopted(void);

/* "exited with status 3", "was killed by SIGSEGV". */
void process_status_text(int status, char *text, size_t size);

/* SIGKILL to every process of the group, until none is left or 5 s have passed (-ETIMEDOUT). The
 * leader must have been reaped, or is reaped by another. */
int process_group_end(pid_t group);
/* Is every process of the group, zombies aside, in this state of /proc/PID/stat? False when empty.
 */
bool process_group_is(pid_t group, char state);
/* The same for all children of ours, adopted ones included. Only where nobody else waits for one.
 */
int process_children_end(pid_t spared); /* 0: none is spared */

struct process_facts {
	pid_t pid, parent, group;
	char state;
	unsigned long long start_ticks, cpu_ticks; /* user and system */
	long rss_pages;
};
bool process_facts(pid_t pid, struct process_facts *facts); /* false: there is no such process */
void process_each(void (*each)(void *arg, const struct process_facts *facts), void *arg);
unsigned long long process_start_ticks(pid_t pid); /* 0 when no such process runs */

#endif
