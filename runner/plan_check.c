/* plan_check.c - do the parts of a plan fit together? see plan_impl.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint/names.h"
#include "runner/cluster.h"
#include "runner/driver.h"
#include "runner/fault.h"
#include "runner/gate.h"
#include "runner/plan_impl.h"
#include "runner/ready.h"
#include "runner/schedule.h"

int plan_at(const struct plan *plan, enum plan_section section, int index, const char *key,
	    int code, struct why *why)
{
	const struct plan_place *place = plan_place(plan, section, index, key);
	char title[PLAN_TITLE_MAX];

	plan_section_title(plan, section, index, title);
	if (!place || !place->line)
		return why_prefix(why, code, "%s: [%s] %s", plan->path, title, key);
	return why_prefix(why, code, "%s:%d: [%s] %s", plan->path, place->line, title, key);
}

static const char *role_at(const void *arg, size_t i)
{
	const struct plan *plan = arg;

	return i < (size_t)plan->roles ? plan->role[i].name : NULL;
}

static const char *gate_at(const void *arg, size_t i)
{
	const struct plan *plan = arg;

	return i < (size_t)plan->gates ? plan->gate[i].name : NULL;
}

/* What must be given and was not: its text is empty. */
static int check_given(const struct plan *plan, struct why *why)
{
	const struct plan_key *key;

	for (size_t i = 0; (key = plan_key_at(i)); i++) {
		for (int n = 0; n < plan_section_count(plan, key->section); n++) {
			const char *base = plan_section_base((struct plan *)plan, key->section, n);

			if (key->value || **(const char *const *)(base + key->offset))
				continue;
			if (plan->run.external && strcmp(key->name, "command") == 0)
				continue;
			why_set(why, -EINVAL, "it must be given");
			return plan_at(plan, key->section, n, key->name, -EINVAL, why);
		}
	}
	return 0;
}

/* A role, or a node of one. */
static int check_word(const struct plan *plan, const char *word, size_t length, struct why *why)
{
	char name[PLAN_NAME_MAX];

	if (length == 0 || length >= sizeof(name))
		return why_set(why, -EINVAL, "\"%.*s\" is neither a role nor a node", (int)length,
			       word);
	memcpy(name, word, length);
	name[length] = 0;
	if (plan_role(plan, name))
		return 0;
	for (int i = 0; i < plan->roles; i++) {
		const struct plan_role *role = &plan->role[i];
		size_t stem = strlen(role->name);
		char *end;
		long number;

		if (strncmp(role->name, name, stem) != 0 || name[stem] < '1' || name[stem] > '9')
			continue;
		number = strtol(name + stem, &end, 10);
		if (*end)
			continue;
		if (number <= role->count + role->spares)
			return 0;
		return why_set(why, -EINVAL, "there is no node \"%s\": role \"%s\" has %d", name,
			       role->name, (int)(role->count + role->spares));
	}
	return names_refuse(why, -EINVAL, "role or node", name, role_at, plan);
}

static int check_words(const struct plan *plan, const char *list, struct why *why)
{
	int r = 0;

	while (r == 0 && *(list += strspn(list, ", \t"))) {
		size_t length = strcspn(list, ", \t");

		r = check_word(plan, list, length, why);
		list += length;
	}
	return r;
}

static int check_link(const struct plan *plan, const char *link, struct why *why)
{
	const char *arrow = strchr(link, '>');
	int r;

	if (!*link)
		return 0;
	if (!arrow)
		return why_set(why, -EINVAL, "\"%s\" is no link: FROM>TO was wanted", link);
	r = check_word(plan, link, (size_t)(arrow - link), why);
	return r ? r : check_word(plan, arrow + 1, strlen(arrow + 1), why);
}

static int check_anchor(const char *text, struct why *why)
{
	struct anchor anchor;
	int r = *text ? anchor_parse(&anchor, text, why) : 0;

	if (!r && *text && anchor.kind == ANCHOR_WITH)
		r = why_set(
			why, -EINVAL,
			"\"%s\" is the schedule's own, of faults that share their time: \"after "
			"D\" was wanted, or a budget",
			text);
	return r;
}

static int check_kind(const struct plan *plan, struct plan_fault *fault, struct why *why)
{
	const struct fault_kind *kind;
	int r;

	if (!*fault->kind && *fault->rule)
		fault->kind = "point";
	if (!*fault->kind)
		return why_set(why, -EINVAL, "a fault wants a kind or a rule");
	kind = fault_kind(fault->kind, why);
	if (!kind)
		return -EINVAL;
	if ((kind->needs & NEEDS_NETFILTER) && plan->run.net == NET_HOST && !plan->run.external)
		return why_set(why, -EINVAL,
			       "kind \"%s\" wants a network of the run's own: net = host has none",
			       kind->name);
	r = kind->check ? kind->check(fault, why) : 0;
	return r || !plan->run.external ? r : fault_external_check(plan, fault, kind, why);
}

/* A PASS must be a true verdict: nobody is lied to but where the plan says that it is survived. */
static int check_lies(const struct plan *plan, const struct plan_fault *fault, struct why *why)
{
	const char *list = fault->on;

	if (!fault_kind(fault->kind, NULL)->lies)
		return 0;
	while (*(list += strspn(list, ", \t"))) {
		size_t length = strcspn(list, ", \t");
		const struct plan_role *role = plan_role_of(plan, list, length);

		if (role && role->survives == 0)
			return why_set(
				why, -EINVAL,
				"kind \"%s\" may cost a node its data, which role \"%s\" does "
				"not survive: survives = 1 in [role %s] says that it does",
				fault->kind, role->name, role->name);
		list += length;
	}
	return 0;
}

static int check_fault(struct plan *plan, int i, struct why *why)
{
	struct plan_fault *fault = &plan->fault[i];
	int r = check_words(plan, fault->on, why);

	if (r)
		return plan_at(plan, SECTION_FAULT, i, "on", r, why);
	r = check_link(plan, fault->link, why);
	if (r)
		return plan_at(plan, SECTION_FAULT, i, "link", r, why);
	r = check_anchor(fault->anchor, why);
	if (r)
		return plan_at(plan, SECTION_FAULT, i, "anchor", r, why);
	if (!plan_gate(plan, fault->gate)) {
		names_refuse(why, -EINVAL, "gate", fault->gate, gate_at, plan);
		return plan_at(plan, SECTION_FAULT, i, "gate", -EINVAL, why);
	}
	if (*fault->until && !plan_gate(plan, fault->until)) {
		names_refuse(why, -EINVAL, "gate", fault->until, gate_at, plan);
		return plan_at(plan, SECTION_FAULT, i, "until", -EINVAL, why);
	}
	r = check_kind(plan, fault, why);
	if (r)
		return plan_at(plan, SECTION_FAULT, i,
			       *fault->rule && fault_kind(fault->kind, NULL) ? "rule" : "kind", r,
			       why);
	r = check_lies(plan, fault, why);
	return r ? plan_at(plan, SECTION_FAULT, i, "on", r, why) : 0;
}

/* Our keys of [store], then the driver's. */
static const char *store_key_at(const void *arg, size_t i)
{
	const struct driver *driver = arg;
	enum plan_section section = SECTION_STORE;
	size_t ours = 0;

	while (plan_key_name_at(&section, ours))
		ours++;
	if (i < ours)
		return plan_key_name_at(&section, i);
	return driver->settings ? driver->settings[i - ours].key : NULL;
}

static int check_store(const struct plan *plan, struct why *why)
{
	const struct plan_store *store = &plan->store;
	const struct driver *driver = driver_find(store->driver, why);

	if (!driver)
		return plan_at(plan, SECTION_STORE, 0, "driver", -EINVAL, why);
	for (int i = 0; i < store->settings; i++) {
		const struct driver_setting *row = driver->settings;
		const char *key = store->setting[i].key;

		while (row && row->key && strcmp(row->key, key) != 0)
			row++;
		if (row && row->key)
			continue;
		names_refuse(why, -EINVAL, "key", key, store_key_at, driver);
		return plan_at(plan, SECTION_STORE, 0, key, -EINVAL, why);
	}
	if (plan_role(plan, store->endpoints))
		return 0;
	names_refuse(why, -EINVAL, "role", store->endpoints, role_at, plan);
	return plan_at(plan, SECTION_STORE, 0, "endpoints", -EINVAL, why);
}

/* The phases are as long as the run: a duration that was given stretches them. */
static void fit_phases(struct plan *plan)
{
	const struct plan_place *given = plan_place(plan, SECTION_RUN, 0, "duration");
	int64_t sum_ns = 0, duration_ns = plan->run.duration_ns;

	for (int i = 0; i < plan->phases; i++)
		sum_ns += plan->phase[i].for_ns;
	if (plan->phases == 0)
		return;
	plan->run.warmup_ns = plan->run.quiet_ns = 0;
	plan->run.duration_ns = sum_ns;
	if (!given || !given->key[0] || duration_ns == sum_ns)
		return;
	plan->run.duration_ns = 0;
	for (int i = 0; i < plan->phases; i++) {
		int64_t *for_ns = &plan->phase[i].for_ns;

		*for_ns = (int64_t)((double)*for_ns / (double)sum_ns * (double)duration_ns);
		plan->run.duration_ns += *for_ns;
	}
}

static int check_run(struct plan *plan, struct why *why)
{
	const struct plan_run *run = &plan->run;

	fit_phases(plan);

	if (run->warmup_ns + run->quiet_ns > run->duration_ns) {
		why_set(why, -EINVAL, "warmup and quiet together are longer than the duration");
		return plan_at(plan, SECTION_RUN, 0, "duration", -EINVAL, why);
	}
	if (plan->workload.size_min > plan->workload.size_max) {
		why_set(why, -EINVAL, "it is larger than size-max");
		return plan_at(plan, SECTION_WORKLOAD, 0, "size-min", -EINVAL, why);
	}
	return 0;
}

static int check_workload(const struct plan *plan, struct why *why)
{
	const struct plan_workload *w = &plan->workload;
	const struct driver *driver = driver_find(plan->store.driver, NULL);

	if (w->workers % w->writers_per_key) {
		why_set(why, -EINVAL, "%lld workers can't write each key in groups of %lld",
			(long long)w->workers, (long long)w->writers_per_key);
		return plan_at(plan, SECTION_WORKLOAD, 0, "writers-per-key", -EINVAL, why);
	}
	if (w->mix.create + w->mix.replace > 0 && !(driver->can & CAN_IF_MATCH)) {
		why_set(why, -EINVAL,
			"the driver \"%s\" knows no conditional put: create or "
			"replace",
			driver->name);
		return plan_at(plan, SECTION_WORKLOAD, 0, "mix", -EINVAL, why);
	}
	return 0;
}

/* {bim} is found before anything starts. */
static int check_texts(const struct plan *plan, int i, struct why *why)
{
	const struct plan_role *role = &plan->role[i];
	const struct {
		const char *key, *text;
	} texts[] = {{"command", role->command},
		     {"args", role->args},
		     {"spare-args", role->spare_args},
		     {"update-command", role->update_command},
		     {"update-args", role->update_args},
		     {"setup", role->setup},
		     {"ready", role->ready}};

	for (size_t n = 0; n < sizeof(texts) / sizeof(texts[0]); n++) {
		int r = expand_check(plan, true, texts[n].text, why);

		if (r)
			return plan_at(plan, SECTION_ROLE, i, texts[n].key, r, why);
	}
	return 0;
}

static int check_steps(const struct plan *plan, int i, struct why *why)
{
	const struct plan_gate *gate = &plan->gate[i];
	int r = 0;

	for (int step = 0; r == 0 && step < gate->steps; step++)
		r = gate_step_fits(plan, gate->step[step], why);
	return r ? plan_at(plan, SECTION_GATE, i, "step", r, why) : 0;
}

int plan_check(struct plan *plan, struct why *why)
{
	int r = check_given(plan, why);

	if (r == 0)
		r = plan_check_external(plan, why);
	for (int i = 0; r == 0 && i < plan->gates; i++)
		r = check_steps(plan, i, why);
	for (int i = 0; r == 0 && i < plan->roles; i++) {
		r = check_texts(plan, i, why);
		if (r)
			return r;
		r = ready_check(plan->role[i].ready, why);
		if (r)
			return plan_at(plan, SECTION_ROLE, i, "ready", r, why);
		if (plan->role[i].deep && plan->role[i].tier == TIER_NOTIFY)
			return plan_at(plan, SECTION_ROLE, i, "deep",
				       why_set(why, -EINVAL, "deep is not for tier = notify"), why);
	}
	if (r == 0)
		r = check_run(plan, why);
	if (r == 0)
		r = check_store(plan, why);
	if (r == 0)
		r = check_workload(plan, why);
	for (int i = 0; r == 0 && i < plan->faults; i++)
		r = check_fault(plan, i, why);
	return r ? r : plan_check_mistakes(plan, why);
}
