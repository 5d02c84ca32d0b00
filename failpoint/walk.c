/*
 * walk.c - a hit meets the rules that name its site, in order of id. See core.h and engine.h.
 *
 * The walk reads armed[site] first and the live rules after that. When none of them could ever
 * match here, in this process, it swaps the value it read for 0; a rule published meanwhile has
 * raised the word to a later version, so the swap fails and no rule is lost.
 *
 * "Inside" is the address of engine_enter()'s frame. A hit that finds one set is nested when it
 * lies deeper in the stack; a handler that jumped out of the engine left one behind that lies
 * deeper than whoever comes next, and that one is ignored.
 */
#include "failpoint/core.h"

enum { BATCH = 16 };

/* The next rules by id, of those that name the site. */
struct batch {
	uint64_t id[BATCH];
	uint16_t index[BATCH];
	unsigned count;
	bool ever; /* some live rule could match here, now or later */
};

static __thread struct {
	uintptr_t inside;        /* a frame, 0: outside */
	uintptr_t asleep;        /* a frame that sleeps, 0: none */
	struct plane_cell *cell; /* in this cell */
} thread;

/* Rules whose text was found to fit their hash: sequence and id, so that a rule is looked at once.
 */
static _Atomic uint64_t genuine[RULE_MAX];

/* ---- Is the rule in force? ---- */

enum state { ENDED, NOT_YET, LIVE };

static _Atomic uint32_t *lease_word(struct plane_lease *lease)
{
	return (_Atomic uint32_t *)(void *)&lease->owner;
}

_Atomic uint32_t *rule_lease(const struct plane_rule *entry)
{
	uint32_t number = entry->lease;

	return number && number <= LEASE_MAX ? lease_word(&core.leases[number - 1]) : NULL;
}

static bool lease_holds(const struct plane_rule *entry)
{
	uint32_t number = entry->lease, word;
	struct plane_lease *lease = &core.leases[number - 1];

	if (number == 0)
		return true;
	if (number > LEASE_MAX)
		return false;
	word = atomic_load_explicit(lease_word(lease), memory_order_acquire);
	return (word & FUTEX_TID_MASK) && !(word & FUTEX_OWNER_DIED) &&
	       atomic_load(&lease->generation) == entry->lease_generation;
}

/* after= counts from publishing, for= from there on. */
static enum state time_state(const struct plane_rule *entry)
{
	uint64_t after = entry->rule.after_ns, span = entry->rule.for_ns;
	uint64_t age;

	if (!after && !span)
		return LIVE;
	age = (uint64_t)(raw_now_ns() - entry->published_ns);
	if (age < after)
		return NOT_YET;
	return span && age - after >= span ? ENDED : LIVE;
}

static enum state state_of(uint32_t index, uint64_t id)
{
	const struct plane_rule *entry = &core.rules[index];
	uint64_t live = atomic_load(&core.head->live[index / 64]);

	if (!(live >> index % 64 & 1) || id == 0 || atomic_load(&entry->id) != id ||
	    id <= atomic_load(&core.head->heal_upto) || !lease_holds(entry))
		return ENDED;
	return time_state(entry);
}

bool rule_is_live(uint32_t index, uint64_t id)
{
	return state_of(index, id) == LIVE;
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

/* ---- Which rules name the site ---- */

static bool step_is_about(const struct rule *rule, const struct rule_step *step, uint32_t site)
{
	return match_site(rule, step, site) && match_process(rule, step);
}

static bool rule_is_about(const struct rule *rule, uint32_t site)
{
	for (unsigned s = 0; s < rule->steps && s < RULE_STEP_MAX; s++)
		if (step_is_about(rule, &rule->step[s], site) ||
		    (s > 0 && match_unless_site(&rule->step[s], site)))
			return true;
	return false;
}

static void insert(struct batch *batch, uint64_t id, uint32_t index)
{
	unsigned at = batch->count;

	if (at == BATCH && id >= batch->id[BATCH - 1])
		return;
	if (at == BATCH)
		at--;
	else
		batch->count++;
	for (; at > 0 && batch->id[at - 1] > id; at--) {
		batch->id[at] = batch->id[at - 1];
		batch->index[at] = batch->index[at - 1];
	}
	batch->id[at] = id;
	batch->index[at] = (uint16_t)index;
}

/* An entry that is being written will raise the site when it is done: it keeps it armed till then.
 */
static void consider(struct batch *batch, uint32_t index, uint32_t site, uint64_t above)
{
	const struct plane_rule *entry = &core.rules[index];
	uint32_t sequence = atomic_load_explicit(&entry->sequence, memory_order_acquire);
	uint64_t id = atomic_load(&entry->id);
	enum state state;

	if (sequence & 1) {
		batch->ever = true;
		return;
	}
	if (id <= above || !rule_is_about(&entry->rule, site))
		return;
	state = state_of(index, id);
	batch->ever |= state != ENDED;
	if (state == LIVE)
		insert(batch, id, index);
}

static void gather(struct batch *batch, uint32_t site, uint64_t above)
{
	batch->count = 0;
	for (unsigned w = 0; w < RULE_MAX / 64; w++)
		for (uint64_t live = atomic_load(&core.head->live[w]); live; live &= live - 1)
			consider(batch, w * 64 + (unsigned)__builtin_ctzll(live), site, above);
}

/* ---- Meeting one rule ---- */

/* At the entrance: does some step wait for the result of a call like this one? The subject is
 * resolved and looked at here, since after a close() or a rename() it could not be any more. */
static void look_ahead(struct meeting *meeting)
{
	const struct rule *rule = &meeting->entry->rule;

	for (unsigned s = 0; s < rule->steps && s < RULE_STEP_MAX; s++)
		if (rule->step[s].at_exit &&
		    step_is_about(rule, &rule->step[s], meeting->hit->site) &&
		    match_step(meeting, &rule->step[s]))
			meeting->hit->after[0] |= AFTER_WALK;
}

/* Kept out of the frame of a miss: a firing is big. */
static __attribute__((noinline)) void fire(struct meeting *meeting)
{
	struct firing firing;

	if (trigger_pull(meeting, &firing))
		act_fire(meeting, &firing);
}

/* fresh: the rule was found in force just now; another one may have slept since. Even then its
 * entry may have been given to another rule meanwhile, which the site was not asked about. */
static void meet(struct hit *hit, int phase, uint32_t index, uint64_t id, bool fresh)
{
	struct meeting meeting = {.entry = &core.rules[index], .index = index, .id = id};

	meeting.phase = phase;
	meeting.hit = hit;
	meeting.sequence = atomic_load_explicit(&meeting.entry->sequence, memory_order_acquire);
	if (meeting.sequence & 1 || atomic_load(&meeting.entry->id) != id ||
	    (!fresh && !rule_is_live(index, id)))
		return;
	if (phase == PHASE_ENTER) {
		atomic_fetch_add_explicit(&core.slot->hits[index], 1, memory_order_relaxed);
		look_ahead(&meeting);
	}
	if (is_genuine(&meeting) && sequence_advance(&meeting))
		fire(&meeting);
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

static bool walk(struct hit *hit, int phase)
{
	struct batch batch;
	uint64_t above = 0;

	batch.ever = false;
	do {
		gather(&batch, hit->site, above);
		for (unsigned i = 0; i < batch.count; i++) {
			above = batch.id[i];
			meet(hit, phase, batch.index[i], above, i == 0);
		}
	} while (batch.count == BATCH);
	return batch.ever;
}

static void walk_enter(struct hit *hit, _Atomic uint32_t *armed)
{
	uint32_t version = atomic_load_explicit(armed, memory_order_acquire);

	mark_seen(hit->site);
	if (!walk(hit, PHASE_ENTER) && version)
		atomic_compare_exchange_strong(armed, &version, 0);
}

static void walk_exit(struct hit *hit)
{
	if (hit->after[0] & AFTER_ERROR && hit->err == 0)
		act_fail(hit, (int)hit->after[1]);
	if (hit->after[0] & AFTER_WALK)
		walk(hit, PHASE_EXIT);
	hit->after[0] = 0;
}

/* ---- Inside and outside ---- */

static bool frame_is_inside(uintptr_t frame)
{
	return thread.inside != 0 && frame < thread.inside;
}

static void enter_frame(uintptr_t frame)
{
	if (thread.asleep != 0 && frame >= thread.asleep) {
		struct plane_cell *cell = thread.cell;

		thread.asleep = 0;
		if (cell)
			cell_abandon(cell);
	}
	thread.inside = frame;
}

bool engine_inside(void)
{
	return frame_is_inside((uintptr_t)__builtin_frame_address(0));
}

void walk_sleeps(struct plane_cell *cell)
{
	thread.cell = cell;
	thread.asleep = thread.inside;
	thread.inside = 0;
}

void walk_wakes(void)
{
	thread.inside = thread.asleep;
	thread.asleep = 0;
}

__attribute__((noinline)) int engine_enter(struct hit *hit)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
	_Atomic uint32_t *armed;
	int answer;

	hit->after[0] = 0;
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

__attribute__((noinline)) void engine_leave(struct hit *hit)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);

	if (!hit->after[0] || frame_is_inside(frame))
		return;
	enter_frame(frame);
	walk_exit(hit);
	thread.inside = 0;
}
