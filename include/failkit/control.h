/*
 * control.h - a plane seen from outside: what failctl, failrun and tests do with it.
 *
 *     struct control *c;
 *     control_create(&c, NULL, &(struct control_options){.seed = 42}, &why);
 *     control_hold(c, &why);                                 rules set with CONTROL_HELD die with us
 *     control_set(c, "wal := %sync = 1*error(EIO)", CONTROL_HELD, NULL, NULL, &why);
 *     ... start targets with control_environment() ...
 *     control_wait_fired(c, "wal", 1, deadline_ns, &why);
 *     control_close(c);                                      and control_unlink() when it was ours
 *
 * Functions return 0 or -errno with a sentence in why. A struct control may be shared by threads;
 * the lease of control_hold() belongs to the thread that took it and ends when that thread ends.
 * Link with libfailcontrol (internal to failkit's own programs and tests).
 */
#ifndef FAILKIT_CONTROL_H
#define FAILKIT_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "failkit/why.h"

struct control;

struct control_options {
	uint64_t seed;    /* of every chance */
	uid_t owner;      /* who may map it; (uid_t)-1 or 0 as root: the caller */
	const char *note; /* shown by `failctl planes`: the command or the run; may be NULL */
};

/* Where planes live: FAILKIT_DIR, else /dev/shm. Each is a file "failkit.NAME", mode 0600. */
const char *control_directory(void);

/* Creates a plane; name NULL makes one up. -EEXIST when it is there. control_name() tells it. */
int control_create(struct control **out, const char *name, const struct control_options *options,
		   struct why *why);
/* Opens by name or path; name NULL: the only plane there is, else -EINVAL and why lists them all. */
int control_open(struct control **out, const char *name, struct why *why);
void control_close(struct control *control);
int control_unlink(struct control *control);
const char *control_name(const struct control *control);
const char *control_path(const struct control *control);

/* Nodes. A node must be declared before a process names it in FAILKIT_NODE. address in host order,
 * 0 for none. Declaring the same name again changes role and address. */
int control_node(struct control *control, const char *name, const char *role, uint32_t address,
		 struct why *why);

/* Takes a lease for the calling thread: its death, even by SIGKILL, ends every held rule. */
int control_hold(struct control *control, struct why *why);

enum { CONTROL_HELD = 1 };

/* Adds one rule. Once this returned, every call that begins sees it. A rule of the same name is
 * replaced in one step. name and id tell what was made (name: "r7" when it had none; may be NULL). */
int control_set(struct control *control, const char *text, int flags, uint64_t *id, char name[64],
		struct why *why);
/* The same for a text of several rules: all or none. each, unless NULL, is told what was made, in
 * order. */
int control_set_each(struct control *control, const char *text, int flags,
		     int (*each)(void *arg, uint64_t id, const char *name), void *arg,
		     struct why *why);

/* By name or decimal id. -ENOENT with the nearest name. Wakes who sleeps or pauses in it, and waits
 * until they are out or deadline_ns of CLOCK_MONOTONIC has passed (-ETIMEDOUT, why names them). */
int control_remove(struct control *control, const char *rule, int64_t deadline_ns, struct why *why);
/* Every rule; the same waiting. */
int control_heal(struct control *control, int64_t deadline_ns, struct why *why);
/* Lets the threads that pause in a rule go on (NULL: in any); the rule stays. Tells how many. */
int control_release(struct control *control, const char *rule, unsigned *released, struct why *why);

struct control_rule {
	uint64_t id;
	char name[64];
	char text[1024];
	bool held;        /* lives as long as its controller */
	bool pending;     /* names a failpoint that no process has yet */
	char nearest[96]; /* and then one that may be meant, "" for none */
	bool live;        /* false: healed, expired or its controller died */
	uint64_t hits, matches, fires, suppressed;
	uint64_t
		uncounted; /* matches lost since there was no room to count them by per= or same= */
	unsigned inside;   /* threads inside one of its actions now */
};
/* Calls each for every rule in order of id; stops when it returns non-zero and returns that.
 * Never consumes or disturbs anything. */
int control_rules(struct control *control, int (*each)(void *, const struct control_rule *),
		  void *arg);
int control_rule(struct control *control, const char *rule, struct control_rule *out,
		 struct why *why);

/* Wait with a deadline of CLOCK_MONOTONIC, -1 for none. -ETIMEDOUT tells what was reached. */
int control_wait_fired(struct control *control, const char *rule, uint64_t fired,
		       int64_t deadline_ns, struct why *why);
int control_wait_paused(struct control *control, const char *rule, unsigned threads,
			int64_t deadline_ns, struct why *why);

/*
 * The clock of a node: how its CLOCK_REALTIME differs from the machine's. CLOCK_MONOTONIC never
 * does. Waits until a time of that clock are converted; what can't follow stands in failctl(1).
 */
struct control_clock {
	int64_t shift_ns;  /* ahead of the machine's clock (behind, when negative) at this moment */
	int64_t drift_ppb; /* and gaining so many parts in 1e9 (losing, when negative) from now on */
	bool frozen;       /* or it stands still */
	bool from_here;    /* for setting: shift_ns is not looked at, the clock makes no jump */
	bool held;         /* lives as long as its controller */
	uint64_t reads;    /* how often processes of the node asked for the time, or awaited one */
	char node[32];     /* "": processes without a node */
};
/* Bends the clock of a node at once, as the first four say; what it was before is forgotten but for
 * from_here, and reads starts at 0. node NULL: that of every node there is and of processes without
 * one; "": only of those without one. Healed like rules; flags as for them (CONTROL_HELD). */
int control_clock_set(struct control *control, const char *node, const struct control_clock *clock,
		      int flags, struct why *why);
/* The machine's clock again; nodes as above. */
int control_clock_clear(struct control *control, const char *node, struct why *why);
/* What the clock of a node ("": of processes without one) is; all zeroes: the machine's. */
int control_clock(struct control *control, const char *node, struct control_clock *out,
		  struct why *why);
/* Every clock that is not the machine's. */
int control_clocks(struct control *control, int (*each)(void *, const struct control_clock *),
		   void *arg);

struct control_inside {
	uint64_t rule;
	char rule_name[64];
	char action[16]; /* "pause", "delay" ... */
	char site[64];
	pid_t tid;
	int64_t since_ns, until_ns; /* CLOCK_MONOTONIC */
	uint32_t stack;             /* for control_stack(); 0: none was kept */
	uint64_t stack_owner;
};
struct control_process {
	pid_t pid; /* in the pid namespace of the target */
	char comm[16];
	char node[32], role[32];
	const char *state;   /* "live", "executing", "dead" */
	bool is_static;      /* under a supervisor, not the interposer */
	uint64_t calls_seen; /* how many different calls passed through the interposer */
	uint32_t unlisted; /* sleeps inside an action that there was no room to list: see inside */
	unsigned insides;
	struct control_inside inside[64];
};
int control_processes(struct control *control, int (*each)(void *, const struct control_process *),
		      void *arg);

/* Where a paused thread was called from: a function a line, the innermost first. The thread wrote it
 * before it slept. Returns its length; 0 when none was kept, or the thread has gone on. */
size_t control_stack(struct control *control, const struct control_inside *inside, char *text,
		     size_t size);

/* Did any process of this node (NULL: of the plane) ever pass through an interposed call? */
bool control_seen_calls(struct control *control, const char *node);

/* What ran but could not be intercepted, and why (docs/escapes.md). Added up by node, command, kind
 * and call or file; of processes that ended, too. */
struct control_escape {
	char node[32], comm[16];
	char kind[16]; /* libc, inlined, loader; mapping, completion, io_uring; child, process */
	char call[32]; /* the system call's row; "" when it is not about one */
	char subject[192]; /* the file or program; "" */
	uint64_t count;    /* 0: was not counted, only the deep tier can */
	bool reached;      /* rules met it all the same, by the deep tier */
	char reason[256];
};
/* node NULL: of every node. Stops when each returns non-zero and returns that. */
int control_escapes(struct control *control, const char *node,
		    int (*each)(void *, const struct control_escape *), void *arg);
/* Why a program, by its path or name, can't load the interposer when that user runs it: "is static
 * ..."; NULL when it can. */
const char *control_refuses(const char *program, uid_t user);

struct control_point {
	char name[96];
	unsigned processes; /* live ones that have it */
	bool takes_value;   /* some site of this name can return one */
};
int control_points(struct control *control, int (*each)(void *, const struct control_point *),
		   void *arg);

enum control_event_kind { EVENT_FIRE, EVENT_BEGIN, EVENT_END, EVENT_PRINT, EVENT_WARN };
struct control_event {
	uint64_t sequence; /* from 1, in order; a gap is what was overwritten before it was read */
	int64_t ns;        /* CLOCK_MONOTONIC */
	uint8_t kind;      /* enum control_event_kind */
	uint64_t rule;
	char rule_name[64];
	uint64_t ordinal; /* of the match in its scope */
	pid_t pid, tid;
	char node[32];
	char site[64], action[16];
	char subject[192]; /* path, or "peer 127.0.0.3:7000"; for print the text */
	int fd, error;
	int64_t result;
};
/* The next event after *sequence, which it advances; *lost counts what was overwritten. Returns 1,
 * or 0 when there is none yet. control_event_wait() sleeps until there may be one. */
int control_event_next(struct control *control, uint64_t *sequence, uint64_t *lost,
		       struct control_event *out);
int control_event_wait(struct control *control, uint64_t sequence, int64_t deadline_ns);

/* The environment that makes a program a target of this plane: LD_PRELOAD (what is there already
 * comes after ours; a gcc-ASan program needs its runtime first, see failctl(1)), FAILKIT_PLANE,
 * FAILKIT_NODE. NULL-terminated, to be freed with control_environment_free(). library NULL: the
 * libfailpreload.so beside this program, then in ../lib/failkit, then FAILKIT_PRELOAD. */
char **control_environment(struct control *control, const char *node, const char *library,
			   char *const environment[], struct why *why);
/* In a child that is about to become a target: from here on io_uring_setup() is ENOSYS, by a seccomp
 * filter that its children inherit. Makes system calls only. */
int control_deny_io_uring(struct why *why);
/* Asks for the deep tier (docs/deep.md) in an environment that was made so, once. */
int control_environment_deep(char **environment, struct why *why);
void control_environment_free(char **environment);
#define CONTROL_NO_LIBRARY "" /* as the library: the interposer is not loaded */
int control_preload_library(char *path, size_t size, struct why *why);

/* Planes on this machine. A dead one: its creator is gone and no live process has it. */
struct control_plane {
	char name[64];
	char note[128];
	pid_t creator;
	int64_t created_s; /* wall clock */
	unsigned rules, processes;
	bool dead;
	char problem[128]; /* why it can't be read, "" when it can */
};
int control_planes(int (*each)(void *, const struct control_plane *), void *arg);
/* Removes the dead ones; tells how many. */
int control_sweep(unsigned *removed, struct why *why);

#endif
