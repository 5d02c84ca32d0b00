/* lib_private.c - see lib_private.h. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failpoint/core.h"
#include "failpoint/lib_private.h"

static struct plane_head *make_plane(void)
{
	struct plane_part part[PART_MAX];
	uint64_t bytes = plane_layout(part);
	struct plane_head *head = raw_mmap(bytes, MAP_SHARED | MAP_ANONYMOUS, -1);

	if (!head)
		return NULL;
	plane_layout(head->part);
	head->abi = PLANE_ABI;
	head->head_bytes = sizeof(*head);
	head->plane_bytes = bytes;
	head->calls_hash = calls_hash();
	head->build_hash = plane_build_hash();
	head->created_ns = raw_now_ns();
	head->next_id = 1;
	atomic_store(&head->version, 1);
	return head;
}

struct adding {
	struct plane_head *head;
	struct why *why;
};

/* Each rule is given once all of them were found right; nobody looks at the plane yet. */
static int add_rule(void *arg, const struct rule *rule)
{
	const struct adding *adding = arg;
	struct plane_head *head = adding->head;
	unsigned i = (unsigned)head->next_id - 1;
	struct plane_rule *entry = &plane_rules(head)[i];

	if (i >= RULE_MAX)
		return why_set(adding->why, -ENOSPC, "more than %d rules", RULE_MAX);
	for (unsigned n = 0; n < rule->steps; n++)
		if (rule->step[n].globs == 0)
			return why_set(adding->why, -EINVAL,
				       "\"%.200s\" is about calls, which only the interposer sees: "
				       "use failctl run",
				       rule->text);
	entry->rule = *rule;
	entry->published_ns = raw_now_ns();
	if (!entry->rule.name[0]) {
		entry->rule.name[0] = 'r';
		raw_number(entry->rule.name + 1, head->next_id);
	}
	count_begin(&plane_counts(head)[i], head->next_id);
	atomic_store(&entry->id, head->next_id++);
	head->live[i / 64] |= UINT64_C(1) << i % 64;
	return 0;
}

static uint64_t seed_of_environment(void)
{
	const char *seed = getenv("FAILKIT_SEED");

	return seed ? strtoull(seed, NULL, 0) : 0;
}

struct plane_head *private_plane(const char *rules)
{
	struct plane_head *head = make_plane();
	const char *strict = getenv("FAILKIT_STRICT");
	struct why why = {"no memory"};
	struct adding adding = {head, &why};

	if (head && rules_parse(rules, add_rule, &adding, &why) == 0) {
		head->seed = seed_of_environment();
		atomic_store(&head->magic, PLANE_MAGIC);
		return head;
	}
	attach_say("FAILPOINTS", why.text);
	if (strict && strcmp(strict, "1") == 0)
		abort();
	return NULL;
}
