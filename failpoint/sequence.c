/*
 * sequence.c - how far a rule of several steps has come, and the table of scopes behind it.
 *
 *     %sync:ret=ok  =>  %send:same=tid:within=5s  =  1*kill
 *     step 0            step 1
 *
 * When step N matches, step N + 1 begins to wait under the key of its own same= (here the thread);
 * a hit that matches a step that waits takes that state away, so each sync is good for one send.
 * Steps are tried from the last to the first and one hit advances a rule by at most one step.
 * unless= takes a waiting state away and puts nothing in its place.
 *
 * The table is open addressing in the plane, shared by all processes. A key is claimed by
 * compare-and-swap and never freed by a target; but the entry of a sequence that waits for nothing
 * may be given to another key, and a controller frees those of a rule that is gone. So a state says
 * for which key it waits, and a number for which key it counts.
 *
 *     free, or another's idle  ->  tentative  ->  the key's
 *
 * Two threads that make the same key may come by different entries, since one was freed meanwhile.
 * So who has claimed one looks at all places where the other could be: a key that is there already
 * wins, and of two tentative ones the first.
 */
#include "failpoint/core.h"

enum { PROBES = 64, KIND_MASK = 3, TENTATIVE = 4, SCOPE_REUSED = 1 }; /* key 1: it was freed */

/* ---- The table ---- */

uint64_t scope_key(uint64_t rule_id, enum scope_kind kind, unsigned step, uint64_t of)
{
	uint64_t key = raw_mix(raw_mix(rule_id, step), of);

	return (key & ~(uint64_t)(KIND_MASK | TENTATIVE)) | (uint64_t)kind;
}

static struct plane_scope *place(uint64_t key, unsigned probe)
{
	return &core.scopes[(key / 8 + probe) & (SCOPE_MAX - 1)];
}

static uint64_t key_in(struct plane_scope *scope)
{
	return atomic_load_explicit(&scope->key, memory_order_acquire);
}

static bool swap_key(struct plane_scope *scope, uint64_t from, uint64_t to)
{
	return atomic_compare_exchange_strong(&scope->key, &from, to);
}

/* May the entry be given to key? */
static bool is_spare(struct plane_scope *scope, uint64_t found, uint64_t key)
{
	if (found == 0 || found == SCOPE_REUSED)
		return true;
	return (found & (KIND_MASK | TENTATIVE)) == SCOPE_SEQUENCE &&
	       (key & KIND_MASK) == SCOPE_SEQUENCE &&
	       atomic_load_explicit(&scope->count, memory_order_relaxed) == 0;
}

/* The place of key (*found is key, tentative or not), or where it would go; NULL when all near it
 * are taken. */
static struct plane_scope *probe(uint64_t key, uint64_t *found)
{
	struct plane_scope *spare = NULL;

	for (unsigned p = 0; p < PROBES; p++) {
		struct plane_scope *scope = place(key, p);
		uint64_t here = key_in(scope);
		bool own = (here & ~(uint64_t)TENTATIVE) == key;

		if (own || (!spare && is_spare(scope, here, key))) {
			spare = scope;
			*found = here;
		}
		if (own || here == 0)
			break;
	}
	return spare;
}

/* Claimed tentatively: the key's for good, unless it has another place. */
static bool confirm(struct plane_scope *mine, uint64_t key)
{
	bool before = true;

	for (unsigned p = 0; p < PROBES; p++) {
		struct plane_scope *other = place(key, p);
		uint64_t here = key_in(other);

		if (other == mine) {
			before = false;
			continue;
		}
		if (here == (key | TENTATIVE) && !before &&
		    !swap_key(other, key | TENTATIVE, SCOPE_REUSED))
			here = key_in(other);
		if (here == key || (here == (key | TENTATIVE) && before)) {
			swap_key(mine, key | TENTATIVE, SCOPE_REUSED);
			return false;
		}
	}
	return swap_key(mine, key | TENTATIVE, key);
}

/* Somebody is just making it; who was killed meanwhile is not waited for. */
static void wait_for(struct plane_scope *scope, uint64_t key)
{
	for (int i = 0; i < PROBES; i++) {
		if (key_in(scope) != (key | TENTATIVE))
			return;
		raw_yield();
	}
	swap_key(scope, key | TENTATIVE, SCOPE_REUSED);
}

struct plane_scope *scope_find(uint64_t key, uint64_t rule_id, bool make)
{
	for (int attempt = 0; attempt < PROBES; attempt++) {
		uint64_t found = 0;
		struct plane_scope *scope = probe(key, &found);

		if (!scope || found == key)
			return scope;
		if (!make)
			return NULL;
		if (found == (key | TENTATIVE)) {
			wait_for(scope, key);
		} else if (swap_key(scope, found, key | TENTATIVE) && confirm(scope, key)) {
			atomic_store_explicit(&scope->extra, rule_id, memory_order_relaxed);
			return scope;
		}
	}
	return NULL;
}

/* A number that is still another key's was left by a thread that came late to an entry that had been
 * freed: it counts nothing of ours. */
uint64_t scope_count(struct plane_scope *scope, uint64_t key)
{
	uint64_t word = atomic_load_explicit(&scope->count, memory_order_relaxed), next;

	do {
		next = word + 1;
		if (word - count_number(word) != count_word(key, 0)) {
			if (key_in(scope) != key)
				return 0;
			next = count_word(key, 1);
		}
	} while (!atomic_compare_exchange_weak(&scope->count, &word, next));
	return count_number(next);
}

/* ---- Sequences ---- */

static uint64_t key_of(const struct meeting *meeting, unsigned step)
{
	struct hit *hit = meeting->hit;
	const struct subject *subject;
	uint64_t of = 0;

	switch (meeting->entry->rule.step[step].same) {
	case SAME_TID:
		of = raw_mix(core.process_key, whose_tid());
		break;
	case SAME_PID:
		of = core.process_key;
		break;
	case SAME_NODE:
		of = raw_mix(core.node_key, core.node);
		break;
	case SAME_FD:
		of = raw_mix(core.process_key, (uint64_t)hit->fd);
		break;
	case SAME_FILE:
		subject = match_subject(hit);
		if (subject && subject->inode)
			of = raw_mix(subject->device, subject->inode);
		else if (subject && subject->path)
			of = raw_hash(subject->path, raw_length(subject->path));
		break;
	default:
		break;
	}
	return scope_key(meeting->id, SCOPE_SEQUENCE, step, of);
}

/* The entry was idle, so it may be given away, or freed, just before it waits: then what another key
 * has there is left alone, and nothing of ours is left. False: it was. */
static bool wait_in(struct plane_scope *scope, uint64_t key)
{
	uint64_t was = atomic_load(&scope->count);

	do {
		if (key_in(scope) != key)
			return false;
		atomic_store_explicit(&scope->ns, raw_now_ns(), memory_order_relaxed);
	} while (!atomic_compare_exchange_strong(&scope->count, &was, key));
	if (key_in(scope) == key)
		return true;
	was = key;
	atomic_compare_exchange_strong(&scope->count, &was, 0);
	return false;
}

static void begin_waiting(const struct meeting *meeting, unsigned step)
{
	uint64_t key = key_of(meeting, step);
	struct plane_scope *scope;

	for (int attempt = 0; attempt < PROBES; attempt++) {
		scope = scope_find(key, meeting->id, true);
		if (!scope)
			break;
		if (wait_in(scope, key))
			return;
	}
	event_uncounted(meeting);
}

/* Takes the waiting state of a step away; false when there was none, or it was too old. */
static bool end_waiting(const struct meeting *meeting, unsigned step)
{
	uint64_t within_ns = meeting->entry->rule.step[step].within_ns;
	uint64_t key = key_of(meeting, step);
	struct plane_scope *scope = scope_find(key, meeting->id, false);
	uint64_t waiting = key;
	int64_t since;

	if (!scope || atomic_load_explicit(&scope->count, memory_order_acquire) != key)
		return false;
	since = atomic_load_explicit(&scope->ns, memory_order_relaxed);
	if (!atomic_compare_exchange_strong(&scope->count, &waiting, 0))
		return false;
	return !within_ns || (uint64_t)(raw_now_ns() - since) <= within_ns;
}

static bool is_named(const struct meeting *meeting, const struct rule_step *step)
{
	const struct rule *rule = &meeting->entry->rule;

	return step->at_exit == (meeting->phase == PHASE_EXIT) &&
	       match_site(rule, step, meeting->hit->site) && match_process(rule, step);
}

bool sequence_advance(struct meeting *meeting)
{
	const struct rule *rule = &meeting->entry->rule;
	unsigned steps = rule->steps < RULE_STEP_MAX ? rule->steps : RULE_STEP_MAX;

	if (steps == 1) /* the walk has seen already that it is named */
		return rule->step[0].at_exit == (meeting->phase == PHASE_EXIT) &&
		       match_step(meeting, &rule->step[0]);
	for (unsigned s = 1; s < steps && meeting->phase == PHASE_ENTER; s++)
		if (match_unless(&rule->step[s], meeting->hit))
			end_waiting(meeting, s);
	for (unsigned s = steps; s-- > 0;) {
		if (!is_named(meeting, &rule->step[s]) || !match_step(meeting, &rule->step[s]))
			continue;
		if (s > 0 && !end_waiting(meeting, s))
			continue;
		if (s + 1 == steps)
			return true;
		begin_waiting(meeting, s + 1);
		return false;
	}
	return false;
}
