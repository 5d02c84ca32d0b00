/*
 * core.h - what the files of the engine share; engine.h is the manual.
 *
 *     attach.c     map the plane; fork             slot.c       this process's slot; exec
 *     identity.c   who is this process?
 *     walk.c       engine_enter(), engine_leave(): a hit meets its rules, in order; lowering
 *     candidates.c which rules these could be, remembered for each site
 *     miss.c       what they are not about, remembered for a few descriptors
 *     match*.c     does a step's selector match this hit?
 *     sequence.c   how far a rule of several steps has come; the table of scopes
 *     trigger.c    ordinals, and which term of the chain fires
 *     act.c        what a term does
 *     account.c    actions that count bytes
 *     corrupt.c    which bits are wrong
 *     stack*.c     who called (stack.h)
 *     cell.c       sleeping so that a heal, a release or the end of the lease wakes at once
 *     event.c      the ring                    timepage.c   the node's clock (timepage.h)
 *     escape.c     what passed this process by
 *
 * The way of a hit through a rule:
 *
 *     named? -> this process? -> live? -> clauses -> subject -> verified -> ordinal -> term -> act
 *     \____________ a miss ends here, without a system call ____________/
 *
 * A rule is read in place, under its sequence number; once it matched, terms and actions are copied
 * out and the number is looked at again, so what fires is one whole rule. Every count and offset is
 * clamped where it is read: the plane may hold anything, and the target must live.
 *
 * Stack is scarce (a signal handler may have 2 KiB): nothing here keeps a big array in its frame.
 */
#ifndef FAILPOINT_CORE_H
#define FAILPOINT_CORE_H

#include "failkit/control.h" /* enum control_event_kind */
#include "failpoint/engine.h"
#include "failpoint/plane.h"
#include "failpoint/rawsys.h"
#include "failpoint/whose.h"

#define CORE_HIDDEN __attribute__((visibility("hidden")))

/* This process's view of its plane. Pointers are made from plane_layout() once, never from what the
 * plane says later. Written while attaching only. */
struct core_state {
	struct plane_head *head; /* NULL: not attached */
	struct plane_slot *slot, *slots;
	struct plane_rule *rules;
	struct plane_count *counts;
	struct plane_scope *scopes;
	struct plane_event *ring;
	struct plane_stack *stacks;
	struct plane_lease *leases;
	struct plane_node *nodes;
	struct plane_point *points;
	struct plane_clock *clocks;
	const struct subject_ops *ops;
	uint32_t pid;
	uint32_t node, node_address; /* node: index + 1 */
	uint64_t process_key;        /* of (pid, start time, pid namespace) */
	uint64_t node_key;           /* of the node's name: the same in every run */
	char node_name[NODE_NAME_MAX], node_role[NODE_NAME_MAX], comm[16];
	char plane_path[256];
};
#ifdef FAILPOINT_ON_BEHALF /* whose.h: of the process that is being served */
extern struct core_state core_base;
extern __thread struct core_state *core_now;
#define core (*core_now)
#else
extern struct core_state core CORE_HIDDEN;
#endif

/* ---- attach.c ---- */

/* Attached, and not a forked child that has no slot yet? Attaches when that is still to be done. */
CORE_HIDDEN bool attach_ready(void);
/* Uses a plane that is mapped already (libfailpoint's private one). */
CORE_HIDDEN void attach_private(struct plane_head *head);
/* For a supervisor: the plane that is mapped already, but no slot in it; node may be NULL. */
CORE_HIDDEN void attach_on_behalf(struct plane_head *head, const char *node);
/* Told after each change of slot: libfailpoint points its sites at the new one, or at quiet. */
extern CORE_HIDDEN void (*attach_changed)(void);
/* One line on standard error, "failkit: a b". */
CORE_HIDDEN void attach_say(const char *a, const char *b);

/* ---- slot.c ---- */

struct identity {
	uint32_t pid, pad;
	uint64_t start_ticks, pidns;
};
/* Finds this process's slot, or takes one; fills core's part about it. False: none is free. */
CORE_HIDDEN bool slot_attach(void);
/* The state of a slot that a process takes, from the one it had. */
CORE_HIDDEN uint64_t slot_attaching(uint64_t state, const struct identity *self);
/* The same for any process, whose name core.comm has. */
CORE_HIDDEN bool slot_attach_as(const struct identity *self, uint32_t parent);

/* ---- identity.c ---- */

CORE_HIDDEN void identity_self(struct identity *out);
/* Is this the process that attached, and no child of it that shares or had its memory? */
CORE_HIDDEN bool identity_is_own(void);
/* False when it certainly is gone; true also when that can't be told. */
CORE_HIDDEN bool identity_may_live(const struct identity *id);
CORE_HIDDEN void identity_boot(uint64_t boot_id[2]);
CORE_HIDDEN void identity_comm(char comm[16]);

/* ---- walk.c ---- */

enum { PHASE_ENTER, PHASE_EXIT };

/* A rule that a hit meets. */
struct meeting {
	const struct plane_rule *entry;
	uint32_t index, sequence; /* the sequence lock's value when it was met */
	uint64_t id;
	int phase; /* PHASE_ENTER or PHASE_EXIT */
	struct hit *hit;
};

/* While a thread sleeps in an action its signal handlers are to be served: between the two it
 * counts as outside. cell: what would be left behind if a handler jumped away. Waking ends the sleep
 * that this was, and those that handlers jumped out of. */
CORE_HIDDEN unsigned walk_sleeps(struct plane_cell *cell);
CORE_HIDDEN void walk_wakes(unsigned sleep);

/* Looks at live bit, heal, lease, after= and for=. Gone: removed, or replaced by another. */
enum rule_state { RULE_GONE, RULE_ENDED, RULE_NOT_YET, RULE_LIVE };
CORE_HIDDEN enum rule_state rule_state(uint32_t index, uint64_t id);
CORE_HIDDEN bool rule_is_live(uint32_t index, uint64_t id);
/* Has the lease (index + 1, 0: none is needed) a living owner, and is it still that one? */
CORE_HIDDEN bool lease_is_held(uint32_t number, uint64_t generation);
/* The lease a rule lives by, its owner's futex word; NULL when it is not held. */
CORE_HIDDEN _Atomic uint32_t *rule_lease(const struct plane_rule *entry);
/* The rule has not been rewritten since the meeting began. */
CORE_HIDDEN bool meeting_is_whole(const struct meeting *meeting);

/* ---- candidates.c ---- */

enum { CANDIDATES_MAX = 16 };

struct candidates {
	uint64_t id[CANDIDATES_MAX];
	uint16_t index[CANDIDATES_MAX];
	unsigned count;
	bool writing; /* some entry is being written: it might become another */
};

/* The first of the rules with an id above that one which could match at the site in this process,
 * now or later, by id. The site has been checked. */
CORE_HIDDEN void candidates_find(struct candidates *out, uint32_t site, uint64_t above);

/* ---- miss.c ---- */

struct miss_question {
	uint64_t known; /* 0: nothing is, so nothing can be kept */
	uint32_t version;
};
/* Has this thread had the same hit before, and no rule was about it? Then it is counted. Fills q for
 * miss_keep(), after a walk in which all candidates were live and none matched. */
CORE_HIDDEN bool miss_again(struct miss_question *q, const struct hit *hit);
CORE_HIDDEN void miss_keep(const struct miss_question *q, const struct hit *hit,
			   const struct candidates *c);

/* ---- match.c ---- */

/* Does the step name the site: by its number, its class (before the subject is known) or a glob? */
CORE_HIDDEN bool match_site(const struct rule *rule, const struct rule_step *step, uint32_t site);
CORE_HIDDEN bool match_unless_site(const struct rule_step *step, uint32_t site);
CORE_HIDDEN bool match_unless(const struct rule_step *step, struct hit *hit);
/* Clauses about this process, which can't change: false means never here. */
CORE_HIDDEN bool match_process(const struct rule *rule, const struct rule_step *step);
/* Is the clause one whose answer stays the same while the process and the subject do? */
CORE_HIDDEN bool match_is_lasting(uint8_t key);
/* The whole selector of one step, subject last. */
CORE_HIDDEN bool match_step(struct meeting *meeting, const struct rule_step *step);
CORE_HIDDEN const struct subject *match_subject(struct hit *hit);
/* A string in the rule's pool; "" when the offset or the string is broken. */
CORE_HIDDEN const char *match_text(const struct rule *rule, uint32_t offset);

/* ---- sequence.c ---- */

/* For each phase of a hit. True when the last step matched and those before it had. */
CORE_HIDDEN bool sequence_advance(struct meeting *meeting);

enum scope_kind { SCOPE_SEQUENCE = 1, SCOPE_ORDINAL = 2, SCOPE_BYTES = 3 };

/* The entry for a key (see scope_key()), made when make is true; NULL: none, or the table is full.
 */
CORE_HIDDEN struct plane_scope *scope_find(uint64_t key, uint64_t rule_id, bool make);
/* Adds one to the number of a key that scope_find() made: the new one, 0 when the entry was freed. */
CORE_HIDDEN uint64_t scope_count(struct plane_scope *scope, uint64_t key);
CORE_HIDDEN uint64_t scope_key(uint64_t rule_id, enum scope_kind kind, unsigned step, uint64_t of);

/* ---- trigger.c ---- */

/* What a matched rule decided: a copy, that nobody changes any more. */
struct firing {
	uint64_t rule, ordinal, hash;
	uint64_t scope; /* what the scope is called in rolls: the same in every run where it can be
			 */
	uint32_t index;
	uint8_t actions, term, suppressed, pad;
	char name[24];
	struct rule_action action[RULE_ACTION_MAX];
};

/* Counts the match and picks the term that fires. False: none does, or the rule changed. */
CORE_HIDDEN bool trigger_pull(struct meeting *meeting, struct firing *out);
/* Fires a term of the rule outside a walk: counts it, and fills what an event says. False: its
 * count is spent. */
CORE_HIDDEN bool trigger_spend(const struct meeting *meeting, unsigned term, struct firing *out);
/* The key of the hit's scope (per=); *roll: what it is called in rolls. */
CORE_HIDDEN uint64_t trigger_scope(const struct meeting *meeting, uint64_t *roll);
/* A number that belongs to (seed, rule, scope, ordinal, salt) and to nothing else. */
CORE_HIDDEN uint64_t trigger_roll(const struct firing *firing, uint64_t salt);

/* ---- act.c ---- */

/* Could this action do anything to this hit now? *suppressed: it could, but a result is set. */
CORE_HIDDEN bool act_applies(const struct meeting *meeting, const struct rule_action *action,
			     bool *suppressed);
CORE_HIDDEN void act_fail(struct hit *hit, int error);
CORE_HIDDEN void act_fire(struct meeting *meeting, struct firing *firing);

/* Bits of hit.after[0]; after[1] is the errno of AFTER_ERROR. */
enum {
	AFTER_WALK = 1,     /* some rule waits for the result */
	AFTER_ERROR = 2,    /* the call is made, then fails with after[1] */
	AFTER_RESULT = 4,   /* a rule has set the result */
	AFTER_DONE = 8,     /* and the call is not to be made */
	AFTER_ACCOUNT = 16, /* bytes were reserved */
	AFTER_TORN = 32,    /* all of what was done counts as after_number bytes */
};

/* ---- account.c ---- */

/* Does the action act on this hit? Each counts it, whatever the answer is; ask once. */
CORE_HIDDEN bool account_fills(const struct meeting *meeting, const struct rule_action *action);
CORE_HIDDEN bool account_owes(const struct meeting *meeting, const struct rule_action *action);
CORE_HIDDEN bool account_cuts(const struct meeting *meeting, const struct rule_action *action);
/* What the quota that was asked last lets pass; how long the rate has to wait. */
CORE_HIDDEN uint64_t account_reserved(const struct hit *hit);
CORE_HIDDEN int64_t account_debt(const struct hit *hit);
/* When the call has returned. */
CORE_HIDDEN void account_settle(struct hit *hit);

/* ---- cell.c ---- */

/* Sleeps until then, or less: false when the rule ended meanwhile. pause: release ends it, too. */
CORE_HIDDEN bool cell_sleep(const struct meeting *meeting, int64_t duration_ns, bool pause);
/* Frees a cell of this thread that it jumped out of. */
CORE_HIDDEN void cell_abandon(struct plane_cell *cell);

/* ---- escape.c ---- */

/* Keeps a path, what is too long by its tail. */
CORE_HIDDEN void escape_path(char out[ESCAPE_PATH_MAX], const char *path);
CORE_HIDDEN void escape_clear(struct plane_slot *slot);

/* ---- event.c ---- */

/* kind is an enum control_event_kind; text replaces the subject unless NULL. */
CORE_HIDDEN void event_write(struct hit *hit, const struct firing *firing, int kind,
			     const struct rule_action *action, const char *text);
/* The table of scopes has no room for what this match would count by: it counts as uncounted; once a
 * process there is an event. */
CORE_HIDDEN void event_uncounted(const struct meeting *meeting);

#endif
