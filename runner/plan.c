/* plan.c - a plan from its file and --set; see plan.h and plan_impl.h. */
#include "runner/plan.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failpoint/names.h"
#include "runner/gate.h"
#include "runner/plan_impl.h"
#include "runner/plan_lines.h"

enum { PLAN_BYTES_MAX = 1 << 20, NAME_LENGTH_MAX = 20 };

/* The name of a role, fault or gate: with its number a node's name must fit, too. */
_Static_assert(NAME_LENGTH_MAX + 11 <= PLAN_NAME_MAX, "node names");

/* Reading under way: the section we are in. */
struct reading {
	struct plan *plan;
	enum plan_section section;
	int index;
	bool inside;
};

/* Room for one more; false when there is no memory. */
static bool grow(void *array, size_t *room, size_t count, size_t stride)
{
	size_t more = *room ? *room * 2 : 64;
	void *bigger;

	if (count < *room)
		return true;
	bigger = realloc(*(void **)array, more * stride);
	if (!bigger)
		return false;
	*(void **)array = bigger;
	*room = more;
	return true;
}

const char *plan_keep_text(void *arg, const char *text)
{
	struct plan_texts *texts = arg;
	char *copy;

	if (!grow(&texts->text, &texts->room, texts->count, sizeof(*texts->text)))
		return NULL;
	copy = strdup(text);
	if (copy)
		texts->text[texts->count++] = copy;
	return copy;
}

void *plan_section_base(struct plan *plan, enum plan_section section, int index)
{
	const struct plan_section_kind *kind = &plan_section_kinds[section];

	return (char *)plan + kind->offset + (size_t)index * kind->stride;
}

static int *counter_of(struct plan *plan, enum plan_section section)
{
	return (int *)((char *)plan + plan_section_kinds[section].count_offset);
}

int plan_section_count(const struct plan *plan, enum plan_section section)
{
	const struct plan_section_kind *kind = &plan_section_kinds[section];

	return kind->stride ? *(const int *)((const char *)plan + kind->count_offset) : 1;
}

const char *plan_section_title(const struct plan *plan, enum plan_section section, int index,
			       char title[PLAN_TITLE_MAX])
{
	const struct plan_section_kind *kind = &plan_section_kinds[section];
	/* A name stands first in each of those that have one. */
	const char *name = (const char *)plan + kind->offset + (size_t)index * kind->stride;

	snprintf(title, PLAN_TITLE_MAX, "%s%s%.*s", kind->name, kind->stride ? " " : "",
		 kind->stride ? PLAN_NAME_MAX : 0, name);
	return title;
}

_Static_assert(offsetof(struct plan_role, name) == 0, "plan_section_title");
_Static_assert(offsetof(struct plan_fault, name) == 0, "plan_section_title");
_Static_assert(offsetof(struct plan_gate, name) == 0, "plan_section_title");
_Static_assert(offsetof(struct plan_phase, name) == 0, "plan_section_title");

static const struct plan_place *find_place(const struct plan *plan, enum plan_section section,
					   int index, const char *key)
{
	const struct plan_texts *texts = plan->strings;

	for (size_t i = 0; i < texts->places; i++) {
		const struct plan_place *place = &texts->place[i];

		if (place->section == section && place->index == index &&
		    strcmp(place->key, key) == 0)
			return place;
	}
	return NULL;
}

const struct plan_place *plan_place(const struct plan *plan, enum plan_section section, int index,
				    const char *key)
{
	const struct plan_place *place = find_place(plan, section, index, key);

	return place ? place : find_place(plan, section, index, "");
}

/* Remembers where an entry stands, and refuses a second one. */
static int note_place(struct plan *plan, enum plan_section section, int index, const char *key,
		      int line, struct why *why)
{
	struct plan_texts *texts = plan->strings;
	const struct plan_place *first = find_place(plan, section, index, key);
	struct plan_place *place;

	if (first)
		return why_set(why, -EINVAL, "\"%s\" was given before, in line %d",
			       *key ? key : plan_section_kinds[section].name, first->line);
	if (!grow(&texts->place, &texts->places_room, texts->places, sizeof(*texts->place)))
		return why_set(why, -ENOMEM, "no memory for the plan");
	place = &texts->place[texts->places++];
	*place = (struct plan_place){.section = section, .index = index, .line = line};
	snprintf(place->key, sizeof(place->key), "%s", key);
	return 0;
}

static int set_defaults(struct plan *plan, enum plan_section section, int index, struct why *why)
{
	const struct plan_key *key;
	int r = 0;

	for (size_t i = 0; r == 0 && (key = plan_key_at(i)); i++)
		if (key->section == section)
			r = plan_value_set(key, plan_section_base(plan, section, index),
					   key->value ? key->value : "", plan_keep_text,
					   plan->strings, why);
	return r;
}

static int find_section(const char *word, enum plan_section *section, struct why *why)
{
	for (int i = 0; i < SECTION_COUNT; i++) {
		if (strcmp(plan_section_kinds[i].name, word) != 0)
			continue;
		*section = (enum plan_section)i;
		return 0;
	}
	return names_refuse(why, -EINVAL, "section", word, plan_section_name_at, NULL);
}

static int check_name(enum plan_section section, const char *name, struct why *why)
{
	const char *kind = plan_section_kinds[section].name;
	size_t length = strlen(name);

	if (!plan_section_kinds[section].stride)
		return *name ? why_set(why, -EINVAL, "[%s] has no name", kind) : 0;
	if (!length || length > NAME_LENGTH_MAX)
		return why_set(why, -EINVAL, "[%s NAME] wants a name of 1 to %d characters", kind,
			       NAME_LENGTH_MAX);
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '_')
			return why_set(why, -EINVAL,
				       "\"%s\" is no name: letters, digits, - and _ are", name);
	/* ds2 is a node of ds. */
	if (section == SECTION_ROLE && isdigit((unsigned char)name[length - 1]))
		return why_set(why, -EINVAL, "the role name \"%s\" ends with a digit, as nodes do",
			       name);
	return 0;
}

static int find_named(struct plan *plan, enum plan_section section, const char *name)
{
	const struct plan_section_kind *kind = &plan_section_kinds[section];

	if (!kind->stride)
		return 0;
	for (int i = 0; i < plan_section_count(plan, section); i++)
		if (strcmp(plan_section_base(plan, section, i), name) == 0)
			return i;
	return -1;
}

static int add_named(struct plan *plan, enum plan_section section, const char *name, int *index,
		     struct why *why)
{
	const struct plan_section_kind *kind = &plan_section_kinds[section];
	int *count = counter_of(plan, section);

	if (*count == kind->max)
		return why_set(why, -E2BIG, "more than %d sections [%s NAME]", kind->max,
			       kind->name);
	*index = (*count)++;
	strcpy(plan_section_base(plan, section, *index), name);
	return set_defaults(plan, section, *index, why);
}

static int read_section(void *arg, const char *title, int line, struct why *why)
{
	struct reading *reading = arg;
	char word[PLAN_WORD_MAX + 1] = "", name[PLAN_WORD_MAX + 1] = "";
	int used = 0, r;

	if (sscanf(title, " %48s %n%48s %n", word, &used, name, &used) < 1 || title[used])
		return why_set(why, -EINVAL, "[%s] is no section: [KIND] or [KIND NAME]", title);
	r = find_section(word, &reading->section, why);
	if (r == 0)
		r = check_name(reading->section, name, why);
	if (r)
		return r;
	reading->inside = true;
	reading->index = find_named(reading->plan, reading->section, name);
	if (reading->index < 0)
		r = add_named(reading->plan, reading->section, name, &reading->index, why);
	return r ? r : note_place(reading->plan, reading->section, reading->index, "", line, why);
}

/* A key that is none of ours may be the driver's: plan_check() tells when the driver is known. */
static int set_driver_key(struct plan *plan, const char *key, const char *value, struct why *why)
{
	struct plan_store *store = &plan->store;
	int i = 0;

	while (i < store->settings && strcmp(store->setting[i].key, key) != 0)
		i++;
	if (i == STORE_SETTING_MAX)
		return why_set(why, -E2BIG, "[store] has more than %d keys", STORE_SETTING_MAX);
	store->setting[i].key = plan_keep_text(plan->strings, key);
	store->setting[i].value = plan_keep_text(plan->strings, value);
	if (!store->setting[i].key || !store->setting[i].value)
		return why_set(why, -ENOMEM, "no memory for \"%s\"", key);
	store->settings += i == store->settings;
	return 0;
}

static int set_entry(struct plan *plan, enum plan_section section, int index, const char *name,
		     const char *value, struct why *why)
{
	const struct plan_key *key = plan_key_find(section, name);

	if (!key && section == SECTION_STORE)
		return set_driver_key(plan, name, value, why);
	if (!key)
		return names_refuse(why, -EINVAL, "key", name, plan_key_name_at, &section);
	if (key->type == TYPE_STEPS && gate_step_check(value, why))
		return -EINVAL;
	return plan_value_set(key, plan_section_base(plan, section, index), value, plan_keep_text,
			      plan->strings, why);
}

static int read_entry(void *arg, const char *name, const char *value, int line, struct why *why)
{
	struct reading *reading = arg;
	const struct plan_key *key;
	int r;

	if (!reading->inside)
		return why_set(why, -EINVAL, "\"%s\" stands before the first section", name);
	r = set_entry(reading->plan, reading->section, reading->index, name, value, why);
	key = plan_key_find(reading->section, name);
	if (r || (key && key->type == TYPE_STEPS))
		return r;
	return note_place(reading->plan, reading->section, reading->index, name, line, why);
}

/* SECTION.KEY=VALUE or SECTION.NAME.KEY=VALUE, taken apart in text. */
static int split_override(char *text, char **section, char **name, char **key, char **value)
{
	char *equals = strchr(text, '=');
	char *first = strchr(text, '.'), *last;

	if (!equals || !first || first > equals)
		return -EINVAL;
	*equals = 0;
	last = strrchr(text, '.');
	*first = *last = 0;
	*section = text;
	*name = first == last ? last : first + 1; /* "" without a name */
	*key = last + 1;
	*value = equals + 1;
	return 0;
}

static int set_override(struct plan *plan, char *text, struct why *why)
{
	char *word, *name, *key, *value;
	enum plan_section section;
	const struct plan_key *row;
	int index;

	if (split_override(text, &word, &name, &key, &value))
		return why_set(why, -EINVAL,
			       "SECTION.KEY=VALUE or SECTION.NAME.KEY=VALUE was wanted");
	if (find_section(word, &section, why) || check_name(section, name, why))
		return -EINVAL;
	index = find_named(plan, section, name);
	if (index < 0)
		return why_set(why, -EINVAL, "the plan has no [%s %s]", word, name);
	row = plan_key_find(section, key);
	if (row && row->type == TYPE_STEPS)
		plan->gate[index].steps = 0;
	if (set_entry(plan, section, index, key, value, why))
		return -EINVAL;
	return find_place(plan, section, index, key)
		       ? 0
		       : note_place(plan, section, index, key, 0, why);
}

static int set_overrides(struct plan *plan, const char *const *overrides, struct why *why)
{
	for (; overrides && *overrides; overrides++) {
		char *text = strdup(*overrides);
		int r = text ? set_override(plan, text, why)
			     : why_set(why, -ENOMEM, "no memory for it");

		free(text);
		if (r)
			return why_prefix(why, r, "--set %s", *overrides);
	}
	return 0;
}

/* Faults that name no gate have this one. */
static int add_default_gate(struct plan *plan, struct why *why)
{
	static const char *const all[] = {"process", "ready", "probe", NULL};
	const char *const *steps = &all[plan->run.external];
	int index = find_named(plan, SECTION_GATE, "default");
	int r = 0;

	if (index < 0)
		r = add_named(plan, SECTION_GATE, "default", &index, why);
	if (r || plan->gate[index].steps)
		return r;
	for (; r == 0 && *steps; steps++)
		r = set_entry(plan, SECTION_GATE, index, "step", *steps, why);
	return r;
}

static int read_file(struct plan *plan, size_t *length, struct why *why)
{
	int fd = open(plan->path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n = 0;

	if (fd < 0)
		return why_set(why, -errno, "%s: %s", plan->path, strerror(errno));
	plan->text = malloc(PLAN_BYTES_MAX + 1);
	while (plan->text && (n = read(fd, plan->text + used, PLAN_BYTES_MAX + 1 - used)) > 0)
		used += (size_t)n;
	close(fd);
	if (!plan->text)
		return why_set(why, -ENOMEM, "no memory for %s", plan->path);
	if (n < 0)
		return why_set(why, -errno, "%s: %s", plan->path, strerror(errno));
	if (used > PLAN_BYTES_MAX)
		return why_set(why, -E2BIG, "%s: a plan has at most %d bytes", plan->path,
			       PLAN_BYTES_MAX);
	plan->text[used] = 0;
	*length = used;
	return 0;
}

static int read_all(struct plan *plan, const char *path, const char *const *overrides,
		    struct why *why)
{
	struct reading reading = {.plan = plan};
	struct plan_lines lines = {read_section, read_entry, &reading};
	size_t length = 0;
	int r = 0;

	plan->path = plan_keep_text(plan->strings, path);
	if (!plan->path)
		return why_set(why, -ENOMEM, "no memory for %s", path);
	for (int i = 0; r == 0 && i < SECTION_COUNT; i++)
		if (!plan_section_kinds[i].stride)
			r = set_defaults(plan, (enum plan_section)i, 0, why);
	if (r == 0)
		r = read_file(plan, &length, why);
	if (r == 0)
		r = plan_lines_read(plan->text, length, path, &lines, why);
	if (r == 0)
		r = set_overrides(plan, overrides, why);
	if (r == 0)
		r = add_default_gate(plan, why);
	return r ? r : plan_check(plan, why);
}

int plan_read(struct plan **out, const char *path, const char *const *overrides, struct why *why)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	int r = -ENOMEM;

	if (plan)
		plan->strings = calloc(1, sizeof(struct plan_texts));
	if (plan && plan->strings)
		r = read_all(plan, path, overrides, why);
	else
		why_set(why, r, "no memory for a plan");
	if (r)
		plan_free(plan);
	else
		*out = plan;
	return r;
}

void plan_free(struct plan *plan)
{
	struct plan_texts *texts = plan ? plan->strings : NULL;

	for (size_t i = 0; texts && i < texts->count; i++)
		free(texts->text[i]);
	if (texts) {
		free(texts->text);
		free(texts->place);
	}
	free(texts);
	if (plan)
		free(plan->text);
	free(plan);
}

const struct plan_role *plan_role_of(const struct plan *plan, const char *word, size_t length)
{
	char name[PLAN_NAME_MAX];
	const struct plan_role *role;

	snprintf(name, sizeof(name), "%.*s", (int)length, word);
	role = plan_role(plan, name);
	name[strcspn(name, "0123456789")] = '\0';
	return role ? role : plan_role(plan, name);
}

const struct plan_role *plan_role(const struct plan *plan, const char *name)
{
	for (int i = 0; i < plan->roles; i++)
		if (strcmp(plan->role[i].name, name) == 0)
			return &plan->role[i];
	return NULL;
}

const struct plan_gate *plan_gate(const struct plan *plan, const char *name)
{
	for (int i = 0; i < plan->gates; i++)
		if (strcmp(plan->gate[i].name, name) == 0)
			return &plan->gate[i];
	return NULL;
}
