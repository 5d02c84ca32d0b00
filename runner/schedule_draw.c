/* schedule_draw.c - whom a fault hits and when, each from the atom's own stream. */
#include "runner/schedule_draw.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint/names.h"
#include "failpoint/rule.h"
#include "runner/seed.h"

enum { CANDIDATE_MAX = 256 };

struct candidates {
	char name[CANDIDATE_MAX][PLAN_NAME_MAX];
	int count;
};

static int candidate(struct candidates *c, const char *role, int64_t number)
{
	if (c->count == CANDIDATE_MAX)
		return -ENOSPC;
	snprintf(c->name[c->count++], PLAN_NAME_MAX, "%.20s%d", role, (int)(number % 100000));
	return 0;
}

/* A word of `on` or `link`: a role stands for all its nodes that are no spares. */
static int resolve(struct candidates *c, const struct plan *plan, const char *word, struct why *why)
{
	size_t length = strcspn(word, "0123456789");

	for (int i = 0; i < plan->roles; i++) {
		const struct plan_role *role = &plan->role[i];
		int64_t number;
		char *end;

		if (strcmp(role->name, word) == 0) {
			for (int64_t n = 1; n <= role->count; n++)
				if (candidate(c, role->name, n))
					return why_set(why, -ENOSPC, "\"%s\" is more than %d nodes",
						       word, CANDIDATE_MAX);
			return 0;
		}
		if (strlen(role->name) != length || strncmp(role->name, word, length) != 0)
			continue;
		number = strtoll(word + length, &end, 10);
		if (*end == '\0' && number >= 1 && number <= role->count + role->spares)
			return candidate(c, role->name, number);
	}
	return why_set(why, -EINVAL, "\"%s\" is neither a role nor a node of the plan", word);
}

static int resolve_list(struct candidates *c, const struct plan *plan, const char *list,
			struct why *why)
{
	char copy[512], *rest = copy, *word;
	int error = 0;

	if (strlen(list) >= sizeof(copy))
		return why_set(why, -ENOSPC, "\"%.40s...\" is too long", list);
	strcpy(copy, list);
	while (!error && (word = strtok_r(rest, ", \t", &rest)))
		error = resolve(c, plan, word, why);
	if (!error && c->count == 0)
		return why_set(why, -EINVAL, "\"%s\" names no node", list);
	return error;
}

/* Of each role in a list its spares. */
static int resolve_spares(struct candidates *c, const struct plan *plan, const char *list,
			  struct why *why)
{
	char copy[512], *rest = copy, *word;

	if (strlen(list) >= sizeof(copy))
		return why_set(why, -ENOSPC, "\"%.40s...\" is too long", list);
	strcpy(copy, list);
	while ((word = strtok_r(rest, ", \t", &rest))) {
		const struct plan_role *role = plan_role(plan, word);

		if (!role)
			return why_set(why, -EINVAL, "\"%s\" is no role of the plan", word);
		for (int64_t n = 1; n <= role->spares; n++)
			if (candidate(c, role->name, role->count + n))
				return why_set(why, -ENOSPC, "\"%s\" has more than %d spares", word,
					       CANDIDATE_MAX);
	}
	return c->count ? 0 : why_set(why, -EINVAL, "\"%s\" has no spare", list);
}

static int draw_spare(struct fault_atom *atom, uint64_t *stream, const struct plan *plan,
		      struct why *why)
{
	struct candidates c = {.count = 0};
	int error = resolve_spares(&c, plan, atom->fault->on, why);

	if (error)
		return error;
	strcpy(atom->node, c.name[seed_below(stream, (uint64_t)c.count)]);
	return 0;
}

static int draw_end(char *name, uint64_t *stream, const struct plan *plan, const char *list,
		    const char * not, struct why *why)
{
	struct candidates c = {.count = 0};
	int error = resolve_list(&c, plan, list, why);
	uint64_t first;

	if (error)
		return error;
	first = seed_below(stream, (uint64_t)c.count);
	for (int i = 0; i < c.count; i++) {
		const char *drawn = c.name[(first + (uint64_t)i) % (uint64_t)c.count];

		if (strcmp(drawn, not ) == 0)
			continue;
		snprintf(name, PLAN_NAME_MAX, "%s", drawn);
		return 0;
	}
	return why_set(why, -EINVAL, "a link from \"%s\" to itself", not );
}

/* The nodes of `on`, or all, in an order that the stream draws. */
static int draw_pool(struct candidates *pool, uint64_t *stream, const struct plan *plan,
		     const char *list, struct why *why)
{
	char swapped[PLAN_NAME_MAX];
	int error = 0;

	if (list && list[0])
		error = resolve_list(pool, plan, list, why);
	for (int i = 0; i < plan->roles && !error && !(list && list[0]); i++)
		if (plan->role[i].count > 0)
			error = resolve(pool, plan, plan->role[i].name, why);
	for (int i = pool->count - 1; i > 0; i--) {
		int j = (int)seed_below(stream, (uint64_t)i + 1);

		memcpy(swapped, pool->name[i], PLAN_NAME_MAX);
		memcpy(pool->name[i], pool->name[j], PLAN_NAME_MAX);
		memcpy(pool->name[j], swapped, PLAN_NAME_MAX);
	}
	return error;
}

static int count_nodes(const struct plan *plan)
{
	int64_t nodes = 0;

	for (int i = 0; i < plan->roles; i++)
		nodes += plan->role[i].count + plan->role[i].spares;
	return (int)nodes;
}

/* One side of a split, a ring, or each. */
static int draw_group(struct fault_atom *atom, uint64_t *stream, const struct plan *plan,
		      struct why *why)
{
	struct candidates pool = {.count = 0};
	bool split = atom->kind->whom == WHOM_SPLIT;
	int error = draw_pool(&pool, stream, plan, atom->fault->on, why);
	size_t used = 0;

	if (error)
		return error;
	if (split && !(atom->fault->on && atom->fault->on[0]))
		pool.count /= 2;
	if (split && (pool.count == 0 || pool.count >= count_nodes(plan)))
		return why_set(why, -EINVAL, "%d of %d nodes on one side is no split", pool.count,
			       count_nodes(plan));
	if (atom->kind->whom == WHOM_RING && pool.count < 4)
		return why_set(why, -EINVAL, "a ring of %d nodes cuts nothing: 4 are wanted",
			       pool.count);
	for (int i = 0; i < pool.count; i++) {
		size_t length = strlen(pool.name[i]) + 1;

		if (used + length > sizeof(atom->group))
			return why_set(why, -ENOSPC, "%d nodes are too many for a group",
				       pool.count);
		snprintf(atom->group + used, sizeof(atom->group) - used, "%s%s", i ? " " : "",
			 pool.name[i]);
		used += strlen(atom->group + used);
	}
	return 0;
}

int draw_whom(struct fault_atom *atom, const struct plan *plan, struct why *why)
{
	const struct plan_fault *fault = atom->fault;
	uint64_t stream = seed_named(atom->seed, "whom");
	char from[128];
	const char *arrow;
	int error = 0;

	if (atom->kind->whom == WHOM_SPARE) {
		error = draw_spare(atom, &stream, plan, why);
		return error ? why_prefix(why, error, "fault \"%s\": on", fault->name) : 0;
	}
	if (atom->kind->whom != WHOM_NODE && atom->kind->whom != WHOM_LINK) {
		error = draw_group(atom, &stream, plan, why);
		return error ? why_prefix(why, error, "fault \"%s\": on", fault->name) : 0;
	}
	if (atom->kind->whom == WHOM_NODE) {
		if (fault->on && fault->on[0])
			error = draw_end(atom->node, &stream, plan, fault->on, "", why);
		return error ? why_prefix(why, error, "fault \"%s\": on", fault->name) : 0;
	}
	arrow = fault->link ? strchr(fault->link, '>') : NULL;
	if (!arrow || (size_t)(arrow - fault->link) >= sizeof(from))
		return why_set(why, -EINVAL, "fault \"%s\": link wants FROM>TO", fault->name);
	memcpy(from, fault->link, (size_t)(arrow - fault->link));
	from[arrow - fault->link] = '\0';
	error = draw_end(atom->from, &stream, plan, from, "", why);
	if (!error)
		error = draw_end(atom->to, &stream, plan, arrow + 1, atom->from, why);
	return error ? why_prefix(why, error, "fault \"%s\": link", fault->name) : 0;
}

static int duration(int64_t *ns, const char *text)
{
	return names_duration(text, strlen(text), ns);
}

static int count(uint64_t *n, const char *text, const char **rest)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*n = strtoull(text, &end, 10);
	*rest = end;
	return errno ? -EINVAL : 0;
}

int anchor_parse(struct anchor *out, const char *text, struct why *why)
{
	static const char wanted[] = "\"ack N\", \"time D\" or \"hit N SELECTOR\"";
	struct anchor a = {0};
	const char *rest = "";
	int error = -EINVAL;

	if (strncmp(text, "after ", 6) == 0) {
		a.kind = ANCHOR_AFTER;
		error = duration(&a.ns, text + 6);
	} else if (strncmp(text, "with ", 5) == 0) {
		a.kind = ANCHOR_WITH;
		error = duration(&a.ns, text + 5);
	} else if (strncmp(text, "time ", 5) == 0) {
		a.kind = ANCHOR_TIME;
		error = duration(&a.ns, text + 5);
	} else if (strncmp(text, "ack +", 5) == 0) {
		a.kind = ANCHOR_ACK_MORE;
		error = count(&a.count, text + 5, &rest);
	} else if (strncmp(text, "ack ", 4) == 0) {
		a.kind = ANCHOR_ACK;
		error = count(&a.count, text + 4, &rest);
	} else if (strncmp(text, "hit ", 4) == 0) {
		a.kind = ANCHOR_HIT;
		error = count(&a.count, text + 4, &rest);
		if (!error && (a.count == 0 || rest[0] != ' ' || !rest[1]))
			error = -EINVAL;
		a.selector = error ? NULL : rest + 1;
		rest = "";
	}
	if (error || *rest)
		return why_set(why, -EINVAL, "anchor \"%s\": wanted %s", text, wanted);
	*out = a;
	return 0;
}

int anchor_watch(const struct fault_atom *atom, char *text, size_t size, struct why *why)
{
	struct anchor anchor;
	struct rule rule;
	int n, error = anchor_parse(&anchor, atom->anchor, why);

	text[0] = '\0';
	if (error || anchor.kind != ANCHOR_HIT)
		return error;
	n = snprintf(text, size, "h%d-%s := %s = %llu@print(reached)", atom->number,
		     atom->fault->name, anchor.selector, (unsigned long long)anchor.count);
	if (n < 0 || (size_t)n >= size)
		return why_set(why, -ENOSPC, "anchor \"%s\" is too long", atom->anchor);
	return rule_parse(&rule, text, (size_t)n, why);
}

int draw_fixed_anchor(struct fault_atom *atom, struct why *why)
{
	struct anchor anchor;
	char watch[RULE_TEXT_MAX];
	int error = anchor_parse(&anchor, atom->fault->anchor, why);

	if (error)
		return why_prefix(why, error, "fault \"%s\"", atom->fault->name);
	if (strlen(atom->fault->anchor) >= sizeof(atom->anchor))
		return why_set(why, -ENOSPC,
			       "fault \"%s\": its anchor is longer than %zu characters",
			       atom->fault->name, sizeof(atom->anchor) - 1);
	strcpy(atom->anchor, atom->fault->anchor);
	error = anchor_watch(atom, watch, sizeof(watch), why);
	return error ? why_prefix(why, error, "fault \"%s\": anchor", atom->fault->name) : 0;
}

int64_t draw_anchor(struct fault_atom *atom, const struct plan *plan)
{
	/* A fifteenth of the run, from 0.3 to 3 s, and at least a third of that; in a run of many
	 * hours a thousandth of it, so that neither schedule nor report grow with its length. */
	int64_t spread_ms = plan->run.duration_ns / 15 / 1000000;
	int64_t most_ms = plan->run.duration_ns / 1000 / 1000000;
	uint64_t stream = seed_named(atom->seed, "when");

	if (most_ms < 3000)
		most_ms = 3000;
	spread_ms = spread_ms < 300 ? 300 : spread_ms > most_ms ? most_ms : spread_ms;
	if (seed_below(&stream, 2)) {
		uint64_t acks = (20 + seed_below(&stream, 130)) * (uint64_t)(most_ms / 3000);

		snprintf(atom->anchor, sizeof(atom->anchor), "ack +%llu", (unsigned long long)acks);
		return spread_ms / 6 *
		       1000000; /* a store that is alive acknowledges hundreds a second */
	}
	spread_ms = spread_ms / 3 + (int64_t)seed_below(&stream, (uint64_t)spread_ms * 2 / 3);
	snprintf(atom->anchor, sizeof(atom->anchor), "after %lldms", (long long)spread_ms);
	return spread_ms * 1000000;
}

void draw_with(struct fault_atom *atom, const struct fault_atom *first)
{
	uint64_t stream = seed_named(atom->seed, "when");
	int64_t spread_ms = first->for_ns / 2 / 1000000;

	snprintf(atom->anchor, sizeof(atom->anchor), "with %llums",
		 (unsigned long long)seed_below(&stream,
						(uint64_t)(spread_ms < 100 ? 100 : spread_ms)));
}
