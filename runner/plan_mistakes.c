/* plan_mistakes.c - what can be read but can't be meant: it would do nothing, or never what it says;
 * see plan_impl.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "failpoint/names.h"
#include "runner/fault.h"
#include "runner/plan_impl.h"

enum { VALUE_MAX = 256, KINDS_NAMED = 6 };

bool plan_is_default(const struct plan_key *key, const void *base)
{
	char value[PLAN_ENTRY_MAX * 2];

	plan_value_text(key, base, 0, value, sizeof(value));
	return strcmp(value, key->value ? key->value : "") == 0;
}

/* Is it one of the words of a list like "on, bytes"? */
static bool listed(const char *list, const char *word)
{
	size_t length;

	for (; *(list += strspn(list, ", ")); list += length) {
		length = strcspn(list, ", ");
		if (strlen(word) == length && strncmp(list, word, length) == 0)
			return true;
	}
	return false;
}

/* The first kinds that take a key: "short, torn". False when none does: then it is for all. */
static bool takers(const char *key, char *text, size_t size)
{
	const struct fault_kind *kind;
	size_t used = 0;
	int count = 0;

	for (int i = 0; (kind = fault_kind_at(i)); i++) {
		if (!listed(kind->takes, key) || count++ > KINDS_NAMED || used >= size)
			continue;
		used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
					 count > KINDS_NAMED ? "..." : kind->name);
	}
	return count > 0;
}

/* A plan that was written down has all keys: as they are by default, they ask for nothing. */
static int check_taken(const struct plan *plan, int i, struct why *why)
{
	const struct plan_fault *fault = &plan->fault[i];
	const struct fault_kind *kind = fault_kind(fault->kind, NULL);
	const struct plan_key *key;
	char value[VALUE_MAX], others[VALUE_MAX];

	for (size_t n = 0; (key = plan_key_at(n)); n++) {
		if (key->section != SECTION_FAULT || listed(kind->takes, key->name) ||
		    plan_is_default(key, fault) || !takers(key->name, others, sizeof(others)))
			continue;
		plan_value_text(key, fault, 0, value, sizeof(value));
		why_set(why, -EINVAL, "kind \"%s\" takes no \"%s = %.99s\" but: %s; %s is for %s",
			kind->name, key->name, value, kind->takes, key->name, others);
		return plan_at(plan, SECTION_FAULT, i, key->name, -EINVAL, why);
	}
	return 0;
}

static int check_disk(const struct plan *plan, int i, struct why *why)
{
	const struct plan_fault *fault = &plan->fault[i];
	const char *list = fault->on;
	size_t length;

	if (!(fault_kind(fault->kind, NULL)->needs & NEEDS_TMPFS))
		return 0;
	for (; *(list += strspn(list, ", \t")); list += length) {
		const struct plan_role *role;

		length = strcspn(list, ", \t");
		role = plan_role_of(plan, list, length);
		if (!role || role->disk_bytes)
			continue;
		why_set(why, -EINVAL,
			"kind \"%s\" fills a disk of the node's own, which \"%.*s\" has not: "
			"disk = 64M in [role %s] was wanted",
			fault->kind, (int)length, list, role->name);
		return plan_at(plan, SECTION_FAULT, i, "on", -EINVAL, why);
	}
	return 0;
}

static int check_survives(const struct plan *plan, int i, struct why *why)
{
	const struct plan_role *role = &plan->role[i];

	if (role->survives == 0 || role->survives < role->count)
		return 0;
	why_set(why, -EINVAL, "\"%lld\" leaves no node of count = %lld: at most %lld was wanted",
		(long long)role->survives, (long long)role->count,
		(long long)(role->count > 0 ? role->count - 1 : 0));
	return plan_at(plan, SECTION_ROLE, i, "survives", -EINVAL, why);
}

/* The gates that are passed: the default one, then what each fault names. */
static const char *passed_at(const void *arg, size_t i)
{
	const struct plan *plan = arg;

	if (i == 0)
		return "default";
	i--;
	if (i / 2 >= (size_t)plan->faults)
		return NULL;
	return i % 2 ? plan->fault[i / 2].until : plan->fault[i / 2].gate;
}

static int check_passed(const struct plan *plan, int i, struct why *why)
{
	const char *name = plan->gate[i].name, *passed, *nearest;
	char title[PLAN_TITLE_MAX];

	for (size_t n = 0; (passed = passed_at(plan, n)); n++)
		if (strcmp(passed, name) == 0)
			return 0;
	nearest = names_nearest(name, passed_at, plan);
	why_set(why, -EINVAL, "\"%s\" is neither \"default\" nor any fault's gate or until%s%s%s",
		name, nearest ? ", did you mean \"" : "", nearest ? nearest : "",
		nearest ? "\"?" : "");
	plan_section_title(plan, SECTION_GATE, i, title);
	return why_prefix(why, -EINVAL, "%s:%d: [%s]", plan->path,
			  plan_place(plan, SECTION_GATE, i, "")->line, title);
}

int plan_check_mistakes(const struct plan *plan, struct why *why)
{
	int r = 0;

	for (int i = 0; r == 0 && i < plan->roles; i++)
		r = check_survives(plan, i, why);
	for (int i = 0; r == 0 && i < plan->faults; i++) {
		r = check_taken(plan, i, why);
		if (r == 0)
			r = check_disk(plan, i, why);
	}
	for (int i = 0; r == 0 && i < plan->gates; i++)
		r = check_passed(plan, i, why);
	return r;
}
