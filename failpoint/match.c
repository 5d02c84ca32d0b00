/* match.c - does a selector match this hit? See core.h. Facts that cost nothing are asked first,
 * the subject last; what the plane says about sizes is clamped. */
#include "failpoint/match_impl.h"
#include "failpoint/pattern.h"

/* ---- Which sites a step names ---- */

static bool mask_names(const uint64_t calls[CALL_MAX / 64], uint32_t classes, uint32_t site)
{
	return (calls[site / 64] >> site % 64 & 1) != 0 ||
	       (site < CALL_COUNT && (call_table[site].classes & classes) != 0);
}

static bool point_is_named(const struct rule *rule, const struct rule_step *step, uint32_t point)
{
	for (unsigned g = 0; g < step->globs; g++) {
		unsigned i = step->first_glob + g;

		if (i < RULE_SITE_MAX &&
		    pattern_name(match_text(rule, rule->glob[i]), core.points[point].name))
			return true;
	}
	return false;
}

bool match_site(const struct rule *rule, const struct rule_step *step, uint32_t site)
{
	if (site < CALL_MAX)
		return mask_names(step->calls, step->classes, site);
	return site < SITE_POINT + POINT_MAX && point_is_named(rule, step, site - SITE_POINT);
}

bool match_unless_site(const struct rule_step *step, uint32_t site)
{
	return site < CALL_MAX && mask_names(step->unless_calls, step->unless_classes, site);
}

uint32_t match_classes(struct hit *hit)
{
	const uint32_t network = CLASS_SEND | CLASS_RECV;
	const uint32_t file = CLASS_WRITE | CLASS_READ;
	uint32_t classes = hit->classes ? hit->classes : call_table[hit->site].classes;
	const struct subject *subject;

	if (!(classes & network) || !(classes & file))
		return classes;
	subject = match_subject(hit);
	return classes & ~(subject && subject->sock != SOCK_NONE ? file : network);
}

/* The same as mask_names(), once the subject is known. */
static bool class_holds(const uint64_t calls[CALL_MAX / 64], uint32_t classes, struct hit *hit)
{
	uint32_t site = hit->site;

	if (site >= CALL_COUNT || (calls[site / 64] >> site % 64 & 1) != 0 ||
	    (call_table[site].classes & ~classes) == 0)
		return true;
	return (match_classes(hit) & classes) != 0;
}

bool match_unless(const struct rule_step *step, struct hit *hit)
{
	return match_unless_site(step, hit->site) &&
	       class_holds(step->unless_calls, step->unless_classes, hit);
}

/* ---- Clauses ---- */

/* Of the subject's clauses only those that ask for nothing else: peer= and link= ask the plane. */
bool match_is_lasting(uint8_t key)
{
	return key < KEY_COUNT &&
	       (match_keys[key].cost == COST_PROCESS || key == KEY_PATH || key == KEY_FROM ||
		key == KEY_TO || key == KEY_FILE || key == KEY_SOCK);
}

static bool is_negated(uint8_t op)
{
	return op == OP_NE || op == OP_NRE || op == OP_NAND;
}

static inline bool clause_holds(struct question *q)
{
	const struct rule_value *value = q->rule->value, *end;
	bool any = false;

	if (q->clause->first_value + q->clause->values > RULE_VALUE_MAX)
		return false;
	value += q->clause->first_value;
	end = value + q->clause->values;
	for (; value < end && !any; value++) {
		q->value = value;
		any = match_keys[q->clause->key].holds(q);
	}
	return any != is_negated(q->clause->op);
}

/* What only the end of the call will tell. */
static bool is_open(const struct question *q, uint8_t key)
{
	return (key == KEY_RET && q->phase == PHASE_ENTER) ||
	       (key == KEY_DATA && q->ahead && match_reads(q->hit));
}

/* Those clauses of the step that cost this much; *others gets a bit for each other cost there is.
 */
static inline bool clauses_hold(const struct rule_step *step, struct question *q, enum cost cost,
				unsigned *others)
{
	const struct rule_clause *clause = q->rule->clause, *end;

	if (step->first_clause + step->clauses > RULE_CLAUSE_MAX)
		return false;
	clause += step->first_clause;
	end = clause + step->clauses;
	for (; clause < end; clause++) {
		uint8_t key = clause->key;

		if (key >= KEY_COUNT)
			return false;
		q->clause = clause;
		if (match_keys[key].cost != cost)
			*others |= 1U << match_keys[key].cost;
		else if (match_keys[key].holds && !is_open(q, key) && !clause_holds(q))
			return false;
	}
	return true;
}

bool match_process(const struct rule *rule, const struct rule_step *step)
{
	struct question q = {.rule = rule};
	unsigned others = 0;

	return clauses_hold(step, &q, COST_PROCESS, &others);
}

static bool matches_once(const struct rule *rule, const struct rule_step *step, struct hit *hit,
			 int phase)
{
	struct question q = {.rule = rule, .hit = hit, .phase = phase};
	unsigned others = 0;

	q.ahead = step->at_exit && phase == PHASE_ENTER;
	if (!clauses_hold(step, &q, COST_HIT, &others))
		return false;
	if (others & 1U << COST_THREAD && !clauses_hold(step, &q, COST_THREAD, &others))
		return false;
	if (!class_holds(step->calls, step->classes, hit) ||
	    (others & 1U << COST_SUBJECT && !clauses_hold(step, &q, COST_SUBJECT, &others)))
		return false;
	return !(others & 1U << COST_STACK) || clauses_hold(step, &q, COST_STACK, &others);
}

/* What is known about an fd may be stale; that is looked into only once everything else fits. After
 * the call there is nothing to look at: it may have been close(). */
bool match_step(struct meeting *meeting, const struct rule_step *step)
{
	const struct rule *rule = &meeting->entry->rule;
	struct hit *hit = meeting->hit;

	for (int attempt = 0; attempt < 2; attempt++) {
		if (!matches_once(rule, step, hit, meeting->phase))
			return false;
		if (!hit->subject || meeting->phase == PHASE_EXIT || !core.ops->verify ||
		    core.ops->verify(hit))
			return true;
	}
	return false;
}
