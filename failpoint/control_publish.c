/*
 * control_publish.c - see plane.h for the protocol: entries, live bits, raising armed[].
 *
 * An entry is reused as late as possible, in a round, so that a thread that still holds a copy of
 * the rule that was there counts into an entry nobody looks at. A rule that replaces another takes
 * an entry under the same word of live bits: one store swaps them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "failpoint/control_impl.h"
#include "failpoint/control_publish.h"
#include "failpoint/pattern.h"

enum { WORD_BITS = 64 };

struct sites {
	uint64_t calls[CALL_MAX / 64], points[POINT_MAX / 64];
};

bool control_entry_is_live(struct control *control, unsigned entry)
{
	return atomic_load(&control->head->live[entry / WORD_BITS]) >> entry % WORD_BITS & 1;
}

/* Ids are given out from 1 and entries from the front, so a young plane need not be searched whole.
 * The search for a free entry starts at the id and passes over at most as many as there are. */
unsigned control_entries_used(struct control *control)
{
	uint64_t bound = control->head->next_id * 2 + WORD_BITS;

	return bound < RULE_MAX ? (unsigned)bound : RULE_MAX;
}

int control_find_name(struct control *control, const char *name)
{
	struct plane_rule *rules = plane_rules(control->head);
	int used = (int)control_entries_used(control);

	for (int i = 0; i < used; i++)
		if (atomic_load(&rules[i].id) &&
		    strncmp(rules[i].rule.name, name, RULE_NAME_MAX) == 0)
			return i;
	return -1;
}

/* 0 means "none yet" to a slot's armed[], so a version is never 0. */
uint32_t control_bump_version(struct control *control)
{
	uint32_t version = atomic_load(&control->head->version) + 1;

	if (version == 0)
		version = 1;
	atomic_store(&control->head->version, version);
	return version;
}

static void set_live(struct control *control, int on, int off)
{
	int word = (on >= 0 ? on : off) / WORD_BITS;
	uint64_t live = atomic_load(&control->head->live[word]);

	if (off >= 0)
		live &= ~(UINT64_C(1) << off % WORD_BITS);
	if (on >= 0)
		live |= UINT64_C(1) << on % WORD_BITS;
	atomic_store(&control->head->live[word], live);
}

void control_retire(struct control *control, unsigned entry)
{
	set_live(control, -1, (int)entry);
	control_bump_version(control);
}

void control_retire_all(struct control *control)
{
	atomic_store(&control->head->heal_upto, control->head->next_id - 1);
	for (unsigned w = 0; w < RULE_MAX / WORD_BITS; w++)
		atomic_store(&control->head->live[w], 0);
	control_bump_version(control);
}

/* Targets make scopes and never free them (sequence.c): a freed one has this key and counts 0,
 * and its time is over. */
static void free_scopes(struct control *control, uint64_t id)
{
	enum { SCOPE_FREED = 1 };
	struct plane_scope *scopes = plane_scopes(control->head);

	for (unsigned i = 0; i < SCOPE_MAX; i++) {
		uint64_t key = atomic_load_explicit(&scopes[i].key, memory_order_relaxed);

		if (key <= SCOPE_FREED || atomic_load(&scopes[i].extra) != id)
			continue;
		atomic_store(&scopes[i].extra, 0);
		atomic_store(&scopes[i].count, 0);
		atomic_store(&scopes[i].ns, 0);
		atomic_compare_exchange_strong(&scopes[i].key, &key, SCOPE_FREED);
	}
}

static bool has_scopes(const struct rule *rule)
{
	bool counts = rule->steps > 1 || rule->per != PER_RUN;

	for (unsigned i = 0; i < RULE_ACTION_MAX; i++)
		counts |= rule->action[i].kind == ACTION_QUOTA ||
			  rule->action[i].kind == ACTION_RATE || rule->action[i].kind == ACTION_CUT;
	return counts;
}

void control_forget(struct control *control, unsigned entry)
{
	struct plane_rule *rule = &plane_rules(control->head)[entry];
	uint64_t id = atomic_exchange(&rule->id, 0);

	if (id && has_scopes(&rule->rule))
		free_scopes(control, id);
}

/* ---- Raising ---- */

static void add_call_sites(struct sites *sites, const uint64_t *calls, uint32_t classes)
{
	for (unsigned w = 0; w < CALL_MAX / 64; w++)
		sites->calls[w] |= calls[w];
	for (unsigned i = 0; classes && i < CALL_COUNT; i++)
		if (call_table[i].classes & classes)
			sites->calls[i / 64] |= UINT64_C(1) << i % 64;
}

/* A name that is being written now belongs to a process whose points start raised. */
static void add_points(struct control *control, struct sites *sites, const char *glob)
{
	struct plane_point *points = plane_points(control->head);

	for (unsigned i = 0; i < POINT_MAX; i++)
		if (atomic_load(&points[i].used) == 2 && pattern_name(glob, points[i].name))
			sites->points[i / 64] |= UINT64_C(1) << i % 64;
}

static void find_sites(struct control *control, const struct rule *rule, struct sites *sites)
{
	memset(sites, 0, sizeof(*sites));
	for (unsigned s = 0; s < rule->steps; s++) {
		const struct rule_step *step = &rule->step[s];

		add_call_sites(sites, step->calls, step->classes);
		add_call_sites(sites, step->unless_calls, step->unless_classes);
		for (unsigned g = 0; g < step->globs; g++)
			add_points(control, sites, rule->pool + rule->glob[step->first_glob + g]);
	}
}

static void raise_bits(_Atomic uint32_t *armed, const uint64_t *bits, unsigned words,
		       uint32_t version)
{
	for (unsigned w = 0; w < words; w++)
		for (uint64_t left = bits[w]; left; left &= left - 1)
			atomic_store_explicit(&armed[w * 64 + (unsigned)__builtin_ctzll(left)],
					      version, memory_order_release);
}

static void raise_sites(struct control *control, const struct sites *sites, uint32_t version)
{
	for (unsigned i = 0, used = control_slots_used(control); i < used; i++) {
		struct plane_slot *slot = control_slot(control, i);

		if (!control_slot_is_running(slot))
			continue;
		raise_bits(slot->armed, sites->calls, CALL_MAX / 64, version);
		raise_bits(slot->point, sites->points, POINT_MAX / 64, version);
	}
	/* A full barrier, that ThreadSanitizer understands too. */
	atomic_fetch_add(&control->head->version, 0);
}

void control_raise_all(struct control *control)
{
	struct sites sites;

	memset(&sites, 0xff, sizeof(sites));
	raise_sites(control, &sites, control_bump_version(control));
}

void control_raise_calls(struct control *control, const uint64_t calls[CALL_MAX / 64])
{
	struct sites sites = {0};

	memcpy(sites.calls, calls, sizeof(sites.calls));
	raise_sites(control, &sites, control_bump_version(control));
}

/* ---- Entries ---- */

static bool entry_is_inside(struct control *control, unsigned entry)
{
	uint64_t id = atomic_load(&plane_rules(control->head)[entry].id);

	return control_count_inside(control, (struct control_range){id, id}, false) > 0;
}

static unsigned live_in_word(struct control *control, unsigned word)
{
	return (unsigned)__builtin_popcountll(atomic_load(&control->head->live[word]));
}

/* The first free one from the cursor on, else the oldest that acts no more; -1: all are live. */
static int choose_in_word(struct control *control, unsigned word, unsigned cursor)
{
	struct plane_rule *rules = plane_rules(control->head);
	uint64_t oldest = UINT64_MAX;
	int best = -1;

	for (unsigned n = 0; n < WORD_BITS; n++) {
		unsigned i = word * WORD_BITS + (cursor + n) % WORD_BITS;
		uint64_t id = atomic_load(&rules[i].id);

		if (control_entry_is_live(control, i) || id >= oldest)
			continue;
		oldest = id;
		best = (int)i;
	}
	return best;
}

/* The same for a rule that takes nobody's place: it leaves a spare one in the word, for a rule that
 * will replace one of its. Who is inside an action goes on being counted there. */
static int choose_entry(struct control *control, unsigned cursor)
{
	struct plane_rule *rules = plane_rules(control->head);
	uint64_t oldest = UINT64_MAX;
	int best = -1;

	for (unsigned n = 0; n < RULE_MAX; n++) {
		unsigned i = (cursor + n) % RULE_MAX;
		uint64_t id = atomic_load(&rules[i].id);

		if (live_in_word(control, i / WORD_BITS) >= WORD_BITS - 1)
			continue;
		if (id == 0)
			return (int)i;
		if (id < oldest && !control_entry_is_live(control, i) &&
		    !entry_is_inside(control, i)) {
			oldest = id;
			best = (int)i;
		}
	}
	return best;
}

unsigned control_entries_free(struct control *control)
{
	unsigned n = RULE_LIVE_MAX;

	for (unsigned w = 0; w < RULE_MAX / WORD_BITS; w++)
		n -= (unsigned)__builtin_popcountll(atomic_load(&control->head->live[w]));
	return n;
}

static void begin_counts(struct control *control, unsigned entry, uint64_t id)
{
	count_begin(&plane_counts(control->head)[entry], id);
	for (unsigned i = 0, used = control_slots_used(control); i < used; i++)
		atomic_store_explicit(&control_slot(control, i)->hits[entry], 0,
				      memory_order_relaxed);
}

/* The sequence lock's writer: a target that copies the body meanwhile sees it odd or changed. */
static void write_entry(struct control *control, unsigned entry, const struct rule *rule,
			uint64_t id, uint32_t lease)
{
	struct plane_rule *to = &plane_rules(control->head)[entry];

	atomic_fetch_add(&to->sequence, 1);
	to->lease = lease;
	to->lease_generation =
		lease ? atomic_load(&plane_leases(control->head)[lease - 1].generation) : 0;
	to->published_ns = control_now_ns();
	to->rule = *rule;
	atomic_store(&to->id, id);
	atomic_fetch_add(&to->sequence, 1);
}

/* A rule without a name is called by its id; an id whose name somebody took is passed over. */
static uint64_t choose_id(struct control *control, struct rule *rule)
{
	uint64_t id;

	do {
		id = control->head->next_id++;
		if (rule->name[0])
			return id;
		snprintf(rule->name, sizeof(rule->name), "r%llu", (unsigned long long)id);
		if (control_find_name(control, rule->name) < 0)
			return id;
		rule->name[0] = 0;
	} while (1);
}

static int find_entry(struct control *control, int replaced)
{
	unsigned cursor = (unsigned)(control->head->next_id % RULE_MAX);

	if (replaced >= 0 && control_entry_is_live(control, (unsigned)replaced))
		return choose_in_word(control, (unsigned)replaced / WORD_BITS, cursor % WORD_BITS);
	return choose_entry(control, cursor);
}

int control_publish(struct control *control, struct rule *rule, uint32_t lease,
		    struct control_published *out, struct why *why)
{
	int old = rule->name[0] ? control_find_name(control, rule->name) : -1;
	int entry = find_entry(control, old);
	int swapped = old >= 0 && control_entry_is_live(control, (unsigned)old) ? old : -1;
	struct sites sites;
	uint32_t version;

	if (entry < 0)
		return why_set(why, -ENOSPC, "plane \"%s\" holds %d live rules, no more fit",
			       control->name, RULE_LIVE_MAX);
	out->replaced = old >= 0 ? atomic_load(&plane_rules(control->head)[old].id) : 0;
	out->id = choose_id(control, rule);
	memcpy(out->name, rule->name, sizeof(out->name));
	control_forget(control, (unsigned)entry);
	begin_counts(control, (unsigned)entry, out->id);
	write_entry(control, (unsigned)entry, rule, out->id, lease);
	set_live(control, entry, swapped);
	version = control_bump_version(control);
	find_sites(control, rule, &sites);
	raise_sites(control, &sites, version);
	if (old >= 0 && old != entry)
		control_forget(control, (unsigned)old);
	return 0;
}
