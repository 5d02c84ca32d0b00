/* plan_write.c - a plan back to text, and the table of keys for people; see plan.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runner/driver.h"
#include "runner/plan_impl.h"

enum { VALUE_MAX = 4096 };

static void write_key(FILE *file, const struct plan_key *key, const void *base, int step)
{
	char value[VALUE_MAX];

	plan_value_text(key, base, step, value, sizeof(value));
	fprintf(file, "%s = %s\n", key->name, value);
}

static void write_keys(FILE *file, const struct plan *plan, enum plan_section section, int index)
{
	const void *base = plan_section_base((struct plan *)plan, section, index);
	const struct plan_key *key;

	for (size_t i = 0; (key = plan_key_at(i)); i++) {
		int times = key->type == TYPE_STEPS ? plan->gate[index].steps : 1;

		for (int step = 0; key->section == section && step < times; step++)
			write_key(file, key, base, step);
	}
	for (int i = 0; section == SECTION_STORE && i < plan->store.settings; i++)
		fprintf(file, "%s = %s\n", plan->store.setting[i].key,
			plan->store.setting[i].value);
}

int plan_write(const struct plan *plan, const char *path, struct why *why)
{
	FILE *file = fopen(path, "we");
	char title[PLAN_TITLE_MAX];
	bool failed;

	if (!file)
		return why_set(why, -errno, "%s: %s", path, strerror(errno));
	fprintf(file, "# As it was run; from %s.\n", plan->path);
	for (int section = 0; section < SECTION_COUNT; section++) {
		for (int i = 0; i < plan_section_count(plan, (enum plan_section)section); i++) {
			plan_section_title(plan, (enum plan_section)section, i, title);
			fprintf(file, "\n[%s]\n", title);
			write_keys(file, plan, (enum plan_section)section, i);
		}
	}
	failed = ferror(file);
	if (fclose(file) || failed)
		return why_set(why, -EIO, "%s could not be written", path);
	return 0;
}

int plan_help(int (*each)(void *arg, const char *section, const char *key, const char *value,
			  const char *range, const char *help),
	      void *arg)
{
	static const struct driver *const drivers[] = {&driver_kv, &driver_webdav};
	const struct plan_key *key;
	char range[256];
	int r = 0;

	for (size_t i = 0; r == 0 && (key = plan_key_at(i)); i++) {
		plan_value_range(key, range, sizeof(range));
		r = each(arg, plan_section_kinds[key->section].name, key->name,
			 key->value ? key->value : "must be given", range, key->help);
	}
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		const struct driver_setting *row = drivers[i]->settings;

		snprintf(range, sizeof(range), "driver %s", drivers[i]->name);
		for (; r == 0 && row && row->key; row++)
			r = each(arg, "store", row->key, row->value, range, row->help);
	}
	return r;
}
