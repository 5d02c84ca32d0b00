/*
 * walk.c - a hit meets the rules that name its site, in order of id. See core.h and engine.h.
 *
 * The walk reads armed[site] first and the live rules after that. When none of them could ever
 * match here, in this process, it swaps the value it read for 0; a rule published meanwhile has
 * raised the word to a later version, so the swap fails and no rule is lost.
 *
 * "Inside" is the address of engine_enter()'s frame. A hit that finds one set is nested when that
 * frame is on its stack: a handler that jumped out of the engine left one behind that is on nobody's.
 */
#include "failpoint/stack.h"
#include "failpoint/timepage.h"

enum { SLEEPS_MAX = 4 };

/* A handler that interrupts a sleep may sleep itself: the last in the list is the innermost. */
static __thread struct {
	uintptr_t inside; /* a frame, 0: outside */
	unsigned sleeps;
	uintptr_t asleep[SLEEPS_MAX]; /* frames that sleep */
	struct plane_cell *cell[SLEEPS_MAX];
} thread;

/* Rules whose text was found to fit their hash: sequence and id, so that a rule is looked at once.
 */
static _Atomic uint64_t genuine[RULE_MAX];

/* ---- Is the rule in force? ---- */

static _Atomic uint32_t *lease_word(struct plane_lease *lease)
{
	return (_Atomic uint32_t *)(void *)&lease->owner;
}

_Atomic uint32_t *rule_lease(const struct plane_rule *entry)
{
	uint32_t number = entry->lease;

	return number && number <= LEASE_MAX ? lease_word(&core.leases[number - 1]) : NULL;
}

bool lease_is_held(uint32_t number, uint64_t generation)
{
	struct plane_lease *lease = &core.leases[number - 1];
	uint32_t word;

	if (number == 0)
		return true;
	if (number > LEASE_MAX)
		return false;
	word = atomic_load_explicit(lease_word(lease), memory_order_acquire);
	return (word & FUTEX_TID_MASK) && !(word & FUTEX_OWNER_DIED) &&
	       atomic_load(&lease->generation) == generation;
}

/* after= counts from publishing, for= from there on. */
static enum rule_state time_state(const struct plane_rule *entry)
{
	uint64_t after = entry->rule.after_ns, span = entry->rule.for_ns;
	uint64_t age;

	if (!after && !span)
		return RULE_LIVE;
	age = (uint64_t)(raw_now_ns() - entry->published_ns);
	if (age < after)
		return RULE_NOT_YET;
	return span && age - after >= span ? RULE_ENDED : RULE_LIVE;
}

enum rule_state rule_state(uint32_t index, uint64_t id)
{
	const struct plane_rule *entry = &core.rules[index];
	uint64_t live = atomic_load(&core.head->live[index / 64]);

	if (!(live >> index % 64 & 1) || id == 0 || atomic_load(&entry->id) != id)
		return RULE_GONE;
	if (id <= atomic_load(&core.head->heal_upto) ||
	    !lease_is_held(entry->lease, entry->lease_generation))
		return RULE_ENDED;
	return time_state(entry);
}

bool rule_is_live(uint32_t index, uint64_t id)
{
	return rule_state(index, id) == RULE_LIVE;
}

bool meeting_is_whole(const struct meeting *meeting)
{
	raw_load_barrier();
	return atomic_load_explicit(&meeting->entry->sequence, memory_order_relaxed) ==
	       meeting->sequence;
}

/* A rule's hash is that of its text: what is not a rule doesn't pass. */
static bool is_genuine(const struct meeting *meeting)
{
	const struct rule *rule = &meeting->entry->rule;
	uint64_t key = (uint64_t)meeting->sequence << 32 ^ meeting->id;
	size_t length = 0;

	if (atomic_load_explicit(&genuine[meeting->index], memory_order_relaxed) == key)
		return true;
	while (length < RULE_TEXT_MAX && rule->text[length])
		length++;
	if (raw_hash(rule->text, length) != rule->hash || !meeting_is_whole(meeting))
		return false;
	atomic_store_explicit(&genuine[meeting->index], key, memory_order_relaxed);
	return true;
}

/* ---- Meeting one rule ---- */

/* At the entrance: does some step wait for the result of a call like this one? The subject is
 * resolved and looked at here, since after a close() or a rename() it could not be any more. */
static void look_ahead(struct meeting *meeting)
{
	const struct rule *rule = &meeting->entry->rule;

	for (unsigned s = 0; s < rule->steps && s < RULE_STEP_MAX; s++)
		if (rule->step[s].at_exit && match_site(rule, &rule->step[s], meeting->hit->site) &&
		    match_process(rule, &rule->step[s]) && match_step(meeting, &rule->step[s]))
			meeting->hit->after[0] |= AFTER_WALK;
}

/* Kept out of the frame of a miss: a firing is big. */
static __attribute__((noinline)) bool fire(struct meeting *meeting)
{
	struct firing firing;

	if (!trigger_pull(meeting, &firing))
		return false;
	act_fire(meeting, &firing);
	return true;
}

enum met { MET_NOBODY, MET_MISSED, MET_MATCHED };

/* MET_NOBODY when the rule was written over meanwhile: this hit has not met it, and the entry may
 * have been given to another rule, which the site was not asked about. */
static enum met meet(struct hit *hit, int phase, uint32_t index, uint64_t id)
{
	struct meeting meeting = {.entry = &core.rules[index], .index = index, .id = id};

	meeting.phase = phase;
	meeting.hit = hit;
	meeting.sequence = atomic_load_explicit(&meeting.entry->sequence, memory_order_acquire);
	if (meeting.sequence & 1 || atomic_load(&meeting.entry->id) != id)
		return MET_NOBODY;
	if (phase == PHASE_ENTER) {
		atomic_fetch_add_explicit(&core.slot->hits[index], 1, memory_order_relaxed);
		look_ahead(&meeting);
	}
	bool matched = is_genuine(&meeting) && sequence_advance(&meeting);
	if ((matched && fire(&meeting)) || meeting_is_whole(&meeting))
		return matched ? MET_MATCHED : MET_MISSED;
	return MET_NOBODY;
}

/* ---- The walk ---- */

static _Atomic uint32_t *armed_word(uint32_t site)
{
	if (site < CALL_COUNT)
		return &core.slot->armed[site];
	if (site >= SITE_POINT && site < SITE_POINT + POINT_MAX)
		return &core.slot->point[site - SITE_POINT];
	return NULL;
}

static void mark_seen(uint32_t site)
{
	uint64_t bit = UINT64_C(1) << site % 64;
	_Atomic uint64_t *seen;

	if (site >= CALL_COUNT)
		return;
	seen = &core.slot->calls_seen[site / 64];
	if (!(atomic_load_explicit(seen, memory_order_relaxed) & bit))
		atomic_fetch_or_explicit(seen, bit, memory_order_relaxed);
}

struct walked {
	struct candidates c;
	bool ever;   /* some rule could match here, now or later */
	bool missed; /* c are all, each was live and none matched */
};

/* Meets those of one list. Returns whether it is to be made again beyond *above. */
static bool meet_all(struct hit *hit, int phase, struct walked *walked, uint64_t *above)
{
	const struct candidates *c = &walked->c;
	bool again = c->count == CANDIDATES_MAX;

	walked->ever |= c->writing;
	for (unsigned i = 0; i < c->count; i++) {
		enum rule_state state = rule_state(c->index[i], c->id[i]);
		enum met met = MET_NOBODY;

		*above = c->id[i];
		if (state == RULE_LIVE)
			met = meet(hit, phase, c->index[i], *above);
		walked->ever |= state >= RULE_NOT_YET;
		walked->missed &= met == MET_MISSED;
		again |= state == RULE_GONE || (state == RULE_LIVE && met == MET_NOBODY);
	}
	return again;
}

/* A rule may be replaced by another between finding and meeting it. Ids only grow, so whoever took
 * its place is found by looking again beyond it: a hit meets the one or the other. */
static void walk(struct hit *hit, int phase, struct walked *walked)
{
	uint64_t above = 0;

	walked->ever = false;
	walked->missed = true;
	candidates_find(&walked->c, hit->site, above);
	while (meet_all(hit, phase, walked, &above)) {
		walked->missed = false;
		candidates_find(&walked->c, hit->site, above);
	}
}

static void walk_enter(struct hit *hit, _Atomic uint32_t *armed)
{
	uint32_t version = atomic_load_explicit(armed, memory_order_acquire);
	struct miss_question miss;
	struct walked walked;

	if (miss_again(&miss, hit))
		return;
	mark_seen(hit->site);
	walk(hit, PHASE_ENTER, &walked);
	if (walked.missed && walked.ever)
		miss_keep(&miss, hit, &walked.c);
	if (!walked.ever && version && !timepage_keeps(hit->site))
		atomic_compare_exchange_strong(armed, &version, 0);
}

static void walk_exit(struct hit *hit)
{
	if (hit->after[0] & AFTER_ACCOUNT)
		account_settle(hit);
	if (hit->after[0] & AFTER_TORN && hit->err == 0 && hit->ret == (int64_t)hit->len)
		hit->ret = hit->after_number;
	if (hit->after[0] & AFTER_ERROR && hit->err == 0)
		act_fail(hit, (int)hit->after[1]);
	if (hit->after[0] & AFTER_WALK) {
		struct walked walked;

		walk(hit, PHASE_EXIT, &walked);
	}
	hit->after[0] = 0;
}

/* ---- Inside and outside ---- */

/* A handler on a stack of its own: where that lies says nothing. Asked rarely. */
static bool on_signal_stack(void)
{
	stack_t stack = {0};

	raw_syscall(SYS_sigaltstack, 0, (long)&stack, 0, 0, 0, 0);
	return stack.ss_flags & SS_ONSTACK;
}

static bool frame_is_inside(uintptr_t frame)
{
	return thread.inside != 0 && (frame < thread.inside || on_signal_stack()) &&
	       stack_passes(thread.inside);
}

/* A handler may have jumped out of sleeps: those whose frames lie no further up are over. */
static void end_sleeps(uintptr_t frame)
{
	while (thread.sleeps && frame >= thread.asleep[thread.sleeps - 1] && !on_signal_stack()) {
		struct plane_cell *cell = thread.cell[--thread.sleeps];

		if (cell)
			cell_abandon(cell);
	}
}

static void enter_frame(uintptr_t frame)
{
	end_sleeps(frame);
	thread.inside = frame;
}

bool engine_inside(void)
{
	return frame_is_inside((uintptr_t)__builtin_frame_address(0));
}

/* A sleep in handlers within handlers, beyond those that are remembered, lets no handler be served. */
unsigned walk_sleeps(struct plane_cell *cell)
{
	unsigned mine = thread.sleeps;

	if (mine == SLEEPS_MAX)
		return 0;
	thread.cell[mine] = cell;
	thread.asleep[mine] = thread.inside;
	atomic_signal_fence(memory_order_seq_cst);
	thread.sleeps = mine + 1;
	thread.inside = 0;
	return mine + 1;
}

void walk_wakes(unsigned sleep)
{
	if (!sleep)
		return;
	for (unsigned i = sleep; i < thread.sleeps; i++)
		if (thread.cell[i])
			cell_abandon(thread.cell[i]);
	thread.inside = thread.asleep[sleep - 1];
	atomic_signal_fence(memory_order_seq_cst);
	thread.sleeps = sleep - 1;
}

STACK_DOOR int engine_enter(struct hit *hit)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
	_Atomic uint32_t *armed;
	int answer;

	hit->after[0] = 0;
	hit->accounts = 0;
	hit->corrupt_bits = 0;
	hit->drop = false;
	if (frame_is_inside(frame))
		return HIT_CALL;
	enter_frame(frame);
	armed = attach_ready() ? armed_word(hit->site) : NULL;
	if (armed)
		walk_enter(hit, armed);
	answer = hit->after[0] & AFTER_DONE ? HIT_DONE : HIT_CALL;
	if (answer == HIT_DONE)
		walk_exit(hit);
	thread.inside = 0;
	return answer;
}

STACK_DOOR void engine_leave(struct hit *hit)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);

	if (!hit->after[0] || frame_is_inside(frame))
		return;
	enter_frame(frame);
	walk_exit(hit);
	thread.inside = 0;
}
