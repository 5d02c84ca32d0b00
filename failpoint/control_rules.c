/* control_rules.c - see control.h: set, find, list, remove, heal, release. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint/control_impl.h"
#include "failpoint/control_publish.h"
#include "failpoint/names.h"

struct batch {
	struct rule *rules;
	unsigned count, room;
};

static int batch_add(void *arg, const struct rule *rule)
{
	struct batch *batch = arg;

	if (batch->count == batch->room) {
		unsigned room = batch->room ? batch->room * 2 : 4;
		struct rule *grown = realloc(batch->rules, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		batch->rules = grown;
		batch->room = room;
	}
	batch->rules[batch->count++] = *rule;
	return 0;
}

static int check_twins(const struct batch *batch, struct why *why)
{
	for (unsigned i = 1; i < batch->count; i++)
		for (unsigned j = 0; j < i; j++)
			if (batch->rules[i].name[0] &&
			    strcmp(batch->rules[i].name, batch->rules[j].name) == 0)
				return why_set(why, -EINVAL, "two rules are named \"%s\"",
					       batch->rules[i].name);
	return 0;
}

/* What replaces a live rule needs no further room. */
static unsigned count_added(struct control *control, const struct batch *batch)
{
	unsigned n = 0;

	for (unsigned i = 0; i < batch->count; i++) {
		const char *name = batch->rules[i].name;
		int old = name[0] ? control_find_name(control, name) : -1;

		n += old < 0 || !control_entry_is_live(control, (unsigned)old);
	}
	return n;
}

static int check_batch(struct control *control, const struct batch *batch, struct why *why)
{
	int rc = check_twins(batch, why);
	unsigned adding;

	for (unsigned i = 0; i < batch->count && !rc; i++) {
		rc = control_check_rule(control, &batch->rules[i], why);
		if (rc && batch->count > 1)
			why_prefix(why, rc, "rule %u", i + 1);
	}
	adding = count_added(control, batch);
	if (!rc && adding > control_entries_free(control))
		rc = why_set(why, -ENOSPC,
			     "plane \"%s\" holds %d live rules at most, %u more don't fit",
			     control->name, RULE_LIVE_MAX, adding);
	return rc;
}

static int publish_batch(struct control *control, struct batch *batch, uint32_t lease,
			 struct control_published *made, struct why *why)
{
	int rc = control_lock(control, why);

	if (rc)
		return rc;
	rc = check_batch(control, batch, why);
	for (unsigned i = 0; i < batch->count && !rc; i++)
		rc = control_publish(control, &batch->rules[i], lease, &made[i], why);
	control_unlock(control);
	return rc;
}

static void wake_replaced(struct control *control, const struct control_published *made)
{
	if (made->replaced)
		control_wake(control, (struct control_range){made->replaced, made->replaced},
			     false);
}

static int set_batch(struct control *control, struct batch *batch, int flags,
		     int (*each)(void *arg, uint64_t id, const char *name), void *arg,
		     struct why *why)
{
	uint32_t lease = flags & CONTROL_HELD ? (uint32_t)atomic_load(&control->lease) : 0;
	struct control_published *made;
	int rc;

	if (flags & CONTROL_HELD && !lease)
		return why_set(why, -EPERM, "a held rule needs control_hold() first");
	made = calloc(batch->count + 1, sizeof(*made));
	if (!made)
		return why_set(why, -ENOMEM, "no memory for %u rules", batch->count);
	rc = publish_batch(control, batch, lease, made, why);
	for (unsigned i = 0; i < batch->count && !rc; i++) {
		wake_replaced(control, &made[i]);
		rc = each ? each(arg, made[i].id, made[i].name) : 0;
	}
	free(made);
	return rc;
}

int control_set_each(struct control *control, const char *text, int flags,
		     int (*each)(void *arg, uint64_t id, const char *name), void *arg,
		     struct why *why)
{
	struct batch batch = {0};
	int rc = rules_parse(text, batch_add, &batch, why);

	if (!rc)
		rc = set_batch(control, &batch, flags, each, arg, why);
	free(batch.rules);
	return rc;
}

struct made_one {
	uint64_t *id;
	char *name;
};

static int keep_made(void *arg, uint64_t id, const char *name)
{
	struct made_one *one = arg;

	if (one->id)
		*one->id = id;
	if (one->name)
		memcpy(one->name, name, RULE_NAME_MAX);
	return 0;
}

int control_set(struct control *control, const char *text, int flags, uint64_t *id, char name[64],
		struct why *why)
{
	struct made_one one = {id, name};
	struct rule rule;
	struct batch batch = {.rules = &rule, .count = 1};
	int rc = rule_parse(&rule, text, strlen(text), why);

	return rc ? rc : set_batch(control, &batch, flags, keep_made, &one, why);
}

/* ---- Finding and listing ---- */

int control_find_rule(struct control *control, const char *rule)
{
	struct plane_rule *rules = plane_rules(control->head);
	int entry = control_find_name(control, rule);
	unsigned long long id;
	char *end;

	if (entry >= 0 || !isdigit((unsigned char)rule[0]))
		return entry;
	id = strtoull(rule, &end, 10);
	for (unsigned i = 0; !*end && id && i < control_entries_used(control); i++)
		if (atomic_load(&rules[i].id) == id)
			return (int)i;
	return -1;
}

void control_rule_name(struct control *control, uint64_t id, char *name, size_t size)
{
	struct plane_rule *rules = plane_rules(control->head);

	name[0] = 0;
	for (unsigned i = 0; id && i < control_entries_used(control); i++)
		if (atomic_load(&rules[i].id) == id)
			snprintf(name, size, "%.*s", RULE_NAME_MAX - 1, rules[i].rule.name);
}

static const char *rule_name_at(const void *arg, size_t i)
{
	struct control *control = (struct control *)(uintptr_t)arg;
	struct plane_rule *rules = plane_rules(control->head);

	/* Free entries give the empty name, which is near to nothing. */
	if (i >= control_entries_used(control))
		return NULL;
	return atomic_load(&rules[i].id) ? rules[i].rule.name : "";
}

int control_find_or_why(struct control *control, const char *rule, struct why *why)
{
	int entry = control_find_rule(control, rule);

	return entry >= 0 ? entry : names_refuse(why, -ENOENT, "rule", rule, rule_name_at, control);
}

static uint64_t sum_hits(struct control *control, unsigned entry)
{
	uint64_t hits = 0;

	for (unsigned i = 0, used = control_slots_used(control); i < used; i++)
		hits += atomic_load_explicit(&control_slot(control, i)->hits[entry],
					     memory_order_relaxed);
	return hits;
}

static bool acts(struct control *control, unsigned entry)
{
	struct plane_rule *rule = &plane_rules(control->head)[entry];

	return control_entry_is_live(control, entry) &&
	       atomic_load(&rule->id) > atomic_load(&control->head->heal_upto) &&
	       (!rule->lease ||
		control_lease_is_alive(control, rule->lease, rule->lease_generation));
}

static void describe(struct control *control, unsigned entry, struct control_rule *out)
{
	struct plane_rule *rule = &plane_rules(control->head)[entry];
	struct plane_count *count = &plane_counts(control->head)[entry];
	const char *missing, *nearest;

	memset(out, 0, sizeof(*out));
	out->id = atomic_load(&rule->id);
	snprintf(out->name, sizeof(out->name), "%.*s", RULE_NAME_MAX - 1, rule->rule.name);
	snprintf(out->text, sizeof(out->text), "%.*s", RULE_TEXT_MAX - 1, rule->rule.text);
	out->held = rule->lease != 0;
	out->live = acts(control, entry);
	missing = out->live ? control_missing_point(control, &rule->rule) : NULL;
	nearest = missing ? control_nearest_point(control, missing) : NULL;
	out->pending = missing != NULL;
	snprintf(out->nearest, sizeof(out->nearest), "%s", nearest ? nearest : "");
	/* What fired has matched, and what matched was hit: in this order the figures agree. */
	out->fires = count_number(atomic_load(&count->fires));
	out->suppressed = count_number(atomic_load(&count->suppressed));
	out->matches = count_number(atomic_load(&count->matches));
	out->uncounted = count_number(atomic_load(&count->uncounted));
	out->hits = sum_hits(control, entry);
	out->inside =
		control_count_inside(control, (struct control_range){out->id, out->id}, false);
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = ((const struct control_rule *)a)->id, y = ((const struct control_rule *)b)->id;

	return x < y ? -1 : x > y;
}

static unsigned describe_all(struct control *control, struct control_rule *out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < control_entries_used(control); i++)
		if (atomic_load(&plane_rules(control->head)[i].id))
			describe(control, i, &out[n++]);
	return n;
}

int control_rules(struct control *control, int (*each)(void *, const struct control_rule *),
		  void *arg)
{
	struct control_rule *list = malloc(RULE_MAX * sizeof(*list));
	unsigned n;
	int rc;

	if (!list)
		return -ENOMEM;
	rc = control_lock(control, NULL);
	if (rc) {
		free(list);
		return rc;
	}
	n = describe_all(control, list);
	control_unlock(control);
	qsort(list, n, sizeof(*list), compare_ids);
	for (unsigned i = 0; i < n && !rc; i++)
		rc = each(arg, &list[i]);
	free(list);
	return rc;
}

int control_rule(struct control *control, const char *rule, struct control_rule *out,
		 struct why *why)
{
	int rc = control_lock(control, why);
	int entry;

	if (rc)
		return rc;
	entry = control_find_or_why(control, rule, why);
	if (entry >= 0)
		describe(control, (unsigned)entry, out);
	control_unlock(control);
	return entry < 0 ? entry : 0;
}

/* ---- Ending ---- */

/* Frees the entry of a rule that nobody is inside any more, unless it was taken meanwhile. */
static int forget_rule(struct control *control, unsigned entry, uint64_t id, struct why *why)
{
	int rc = control_lock(control, why);

	if (rc)
		return rc;
	if (atomic_load(&plane_rules(control->head)[entry].id) == id)
		control_forget(control, entry);
	control_unlock(control);
	return 0;
}

int control_remove(struct control *control, const char *rule, int64_t deadline_ns, struct why *why)
{
	struct control_range range;
	int entry, rc = control_lock(control, why);

	if (rc)
		return rc;
	entry = control_find_or_why(control, rule, why);
	if (entry >= 0) {
		range.first = range.last = atomic_load(&plane_rules(control->head)[entry].id);
		control_retire(control, (unsigned)entry);
	}
	control_unlock(control);
	if (entry < 0)
		return entry;
	control_wake(control, range, false);
	rc = control_wait_out(control, range, deadline_ns, why);
	return rc ? rc : forget_rule(control, (unsigned)entry, range.first, why);
}

int control_heal(struct control *control, int64_t deadline_ns, struct why *why)
{
	struct control_range range = {.first = 1};
	int rc = control_lock(control, why);

	if (rc)
		return rc;
	control_retire_all(control);
	range.last = atomic_load(&control->head->heal_upto);
	control_unlock(control);
	control_wake(control, range, false);
	return control_wait_out(control, range, deadline_ns, why);
}

/* Those asleep in a cell are woken and counted; then the word changes, for the few that are about
 * to sleep or found no cell. */
static unsigned let_go(struct control *control, unsigned entry, uint64_t id)
{
	struct plane_count *count = &plane_counts(control->head)[entry];
	unsigned woken = control_wake(control, (struct control_range){id, id}, true);

	atomic_fetch_add(&count->release, 1);
	control_futex_wake(&count->release);
	return woken;
}

int control_release(struct control *control, const char *rule, unsigned *released, struct why *why)
{
	struct plane_rule *rules = plane_rules(control->head);
	int entry = -1, rc = control_lock(control, why);
	unsigned woken = 0;

	if (rc)
		return rc;
	if (rule)
		entry = control_find_or_why(control, rule, why);
	for (unsigned i = 0; i < control_entries_used(control); i++) {
		uint64_t id = atomic_load(&rules[i].id);

		if (id && (!rule || (int)i == entry))
			woken += let_go(control, i, id);
	}
	control_unlock(control);
	if (rule && entry < 0)
		return entry;
	if (released)
		*released = woken;
	return 0;
}
