/*
 * trigger.c - which term of the chain fires on this match?
 *
 *     2..4@50%3*error(EIO) -> delay(1s)        match  1 2 3 4 5 ...
 *                                              error  . F . F .      delay  F . F . F
 *
 * The ordinal is the number of the match in the rule's scope (per=). A term fires when its "when"
 * holds the ordinal, the dice say so, its count is not used up and some action of it applies; only
 * then is the count spent, so what can't happen spends nothing. Counts go up by compare-and-swap: a
 * reader never sees more than the limit, not for a moment.
 */
#include "failpoint/core.h"

/* The count's key and, in *roll, a name of the scope that is the same in the next run. */
uint64_t trigger_scope(const struct meeting *meeting, uint64_t *roll)
{
	const struct subject *subject;
	uint64_t tid;

	*roll = raw_mix(core.node_key, meeting->entry->rule.per);
	switch (meeting->entry->rule.per) {
	case PER_NODE:
		return raw_mix(core.node_key, core.node);
	case PER_THREAD:
		tid = whose_tid();
		*roll = raw_mix(*roll, tid - core.pid);
		return raw_mix(core.process_key, tid);
	case PER_PATH:
		subject = match_subject(meeting->hit);
		*roll = subject && subject->path
				? raw_hash(subject->path, raw_length(subject->path))
				: 0;
		return *roll;
	case PER_FD:
		*roll = raw_mix(*roll, (uint64_t)meeting->hit->fd);
		return raw_mix(core.process_key, (uint64_t)meeting->hit->fd);
	default: /* PER_PROCESS */
		return core.process_key;
	}
}

/* The number of this match in its scope; 0 when there is no room to count it. */
static uint64_t count_match(const struct meeting *meeting, uint64_t *roll)
{
	struct plane_count *count = &core.counts[meeting->index];
	struct plane_scope *scope;
	uint64_t ordinal;

	*roll = 0;
	if (meeting->entry->rule.per != PER_RUN) {
		uint64_t key =
			scope_key(meeting->id, SCOPE_ORDINAL, 0, trigger_scope(meeting, roll));

		scope = scope_find(key, meeting->id, true);
		if (!scope) {
			event_uncounted(meeting);
			return 0;
		}
		ordinal = scope_count(scope, key);
		count_up(&count->matches, meeting->id, 0);
	} else {
		ordinal = count_up(&count->matches, meeting->id, 0);
	}
	return ordinal;
}

static bool when_holds(const struct rule_term *term, uint64_t ordinal)
{
	if (term->first && ordinal < term->first)
		return false;
	if (term->last && ordinal > term->last)
		return false;
	return term->step <= 1 || (ordinal - term->first) % term->step == 0;
}

uint64_t trigger_roll(const struct firing *firing, uint64_t salt)
{
	uint64_t hash = raw_mix(core.head->seed, firing->hash);

	return raw_mix(raw_mix(raw_mix(hash, firing->scope), firing->ordinal), salt);
}

static bool chance_holds(const struct rule_term *term, const struct firing *firing)
{
	return term->chance_ppb >= CHANCE_ALWAYS ||
	       trigger_roll(firing, firing->term) % CHANCE_ALWAYS < term->chance_ppb;
}

/* Copies the actions of the term that apply to this hit; false when none does. A term that only
 * watches the others pass ("off") applies and has no action. */
static bool copy_actions(const struct meeting *meeting, const struct rule_term *term,
			 struct firing *out)
{
	const struct rule *rule = &meeting->entry->rule;
	bool any = false;

	out->actions = 0;
	for (unsigned a = 0; a < term->actions && out->actions < RULE_ACTION_MAX; a++) {
		unsigned i = term->first_action + a;
		bool suppressed = false;

		if (i >= RULE_ACTION_MAX)
			break;
		if (rule->action[i].kind == ACTION_OFF) {
			any = true;
		} else if (act_applies(meeting, &rule->action[i], &suppressed)) {
			any = true;
			out->action[out->actions++] = rule->action[i];
		}
		out->suppressed |= suppressed;
	}
	return any;
}

/* Everything but the count's own step, so that a term that can't act is not half spent. */
static bool term_may_fire(const struct meeting *meeting, const struct rule_term *term,
			  struct firing *out)
{
	_Atomic uint64_t *fires = &core.counts[meeting->index].term_fires[out->term];

	return when_holds(term, out->ordinal) && chance_holds(term, out) &&
	       (!term->count || count_number(atomic_load(fires)) < term->count) &&
	       copy_actions(meeting, term, out);
}

static bool term_fires(const struct meeting *meeting, unsigned number, struct firing *out)
{
	struct rule_term term = meeting->entry->rule.term[number];
	_Atomic uint64_t *fires = &core.counts[meeting->index].term_fires[number];

	out->term = (uint8_t)number;
	return term_may_fire(meeting, &term, out) && meeting_is_whole(meeting) &&
	       count_up(fires, meeting->id, term.count);
}

static void describe(const struct meeting *meeting, struct firing *out)
{
	const struct rule *rule = &meeting->entry->rule;

	for (unsigned i = 0; i < sizeof(out->name); i++)
		out->name[i] = 0;
	raw_copy(out->name, sizeof(out->name), rule->name, RULE_NAME_MAX);
	out->rule = meeting->id;
	out->index = meeting->index;
	out->hash = rule->hash;
	out->suppressed = false;
	out->actions = 0;
}

bool trigger_pull(struct meeting *meeting, struct firing *out)
{
	struct plane_count *count = &core.counts[meeting->index];
	unsigned terms = meeting->entry->rule.terms;
	bool fired = false;

	describe(meeting, out);
	if (!meeting_is_whole(meeting))
		return false;
	out->ordinal = count_match(meeting, &out->scope);
	for (unsigned t = 0; t < terms && t < RULE_TERM_MAX && out->ordinal && !fired; t++)
		fired = term_fires(meeting, t, out);
	if (out->suppressed)
		count_up(&count->suppressed, meeting->id, 0);
	if (!fired || !out->actions)
		return false;
	count_up(&count->fires, meeting->id, 0);
	return true;
}

bool trigger_spend(const struct meeting *meeting, unsigned term, struct firing *out)
{
	struct plane_count *count = &core.counts[meeting->index];

	describe(meeting, out);
	out->term = (uint8_t)term;
	out->ordinal = count_number(atomic_load(&count->matches));
	if (!count_up(&count->term_fires[term], meeting->id, meeting->entry->rule.term[term].count))
		return false;
	count_up(&count->fires, meeting->id, 0);
	return true;
}
