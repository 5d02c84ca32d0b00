/*
 * miss.c - a descriptor that the rules of a site are not about stays one. See core.h.
 *
 * A rule of one step, judged at the entrance, whose clauses all are about this process or about what
 * a descriptor is (path=, file=, sock=) answers the same for each hit of the same call, as long as the rules (their
 * version), the process and what is known of the descriptor (known() of its owner) are the same. So
 * a thread keeps its last few misses: the next such hit counts, and meets nobody. Every AGAIN-th one
 * walks all the same, for a site to be lowered when its rules have ended without another version.
 */
#include "failpoint/core.h"

enum { MISSES = 8, RULES = 2, AGAIN = 256 };

struct miss {
	uint64_t known;
	uint32_t version, pid;
	uint16_t site, left; /* uses until it is asked again */
	uint16_t rule[RULES], rules;
};

static __thread struct miss misses[MISSES];

static struct miss *place_of(const struct miss_question *q, uint32_t site)
{
	return &misses[(q->known >> 32 ^ site) % MISSES];
}

static void ask(struct miss_question *q, const struct hit *hit)
{
	q->known = hit->fd >= 0 && core.ops && core.ops->known ? core.ops->known(hit) : 0;
	q->version = atomic_load_explicit(&core.head->version, memory_order_acquire);
}

bool miss_again(struct miss_question *q, const struct hit *hit)
{
	struct miss *m;

	ask(q, hit);
	if (!q->known)
		return false;
	m = place_of(q, hit->site);
	if (m->known != q->known || m->version != q->version || m->site != hit->site ||
	    m->pid != core.pid || !m->left)
		return false;
	m->left--;
	for (unsigned i = 0; i < m->rules && i < RULES; i++)
		atomic_fetch_add_explicit(&core.slot->hits[m->rule[i]], 1, memory_order_relaxed);
	return true;
}

static bool is_about_subject(const struct rule *rule)
{
	const struct rule_step *step = &rule->step[0];

	if (rule->steps != 1 || step->at_exit ||
	    step->first_clause + step->clauses > RULE_CLAUSE_MAX)
		return false;
	for (unsigned i = 0; i < step->clauses; i++)
		if (!match_is_lasting(rule->clause[step->first_clause + i].key))
			return false;
	return true;
}

/* What was known before the walk must be known after it: else the walk may have been about another
 * subject. A rule that is written over meanwhile ends with another version. */
void miss_keep(const struct miss_question *before, const struct hit *hit,
	       const struct candidates *c)
{
	struct miss_question after;
	struct miss *m;

	if (!before->known || c->count > RULES || c->writing)
		return;
	for (unsigned i = 0; i < c->count; i++)
		if (!is_about_subject(&core.rules[c->index[i]].rule))
			return;
	ask(&after, hit);
	if (after.known != before->known || after.version != before->version)
		return;
	m = place_of(before, hit->site);
	/* A handler that jumps out of here leaves an entry that is used no more. */
	m->left = 0;
	atomic_signal_fence(memory_order_seq_cst);
	m->known = before->known;
	m->version = before->version;
	m->pid = core.pid;
	m->site = (uint16_t)hit->site;
	m->rules = (uint16_t)c->count;
	for (unsigned i = 0; i < c->count; i++)
		m->rule[i] = c->index[i];
	atomic_signal_fence(memory_order_seq_cst);
	m->left = AGAIN;
}
