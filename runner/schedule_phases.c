/* schedule_phases.c - see schedule_phases.h for phases and waves. */
#include "runner/schedule_phases.h"

#include <errno.h>
#include <string.h>

#include "failpoint/names.h"

static const char *const words[] = {"all", "none", NULL};

static int built_in(struct schedule_phase *out, const struct plan *plan)
{
	const struct plan_run *run = &plan->run;

	int64_t chaos_ns = run->warmup_ns, quiet_ns = run->duration_ns - run->quiet_ns;

	out[0] = (struct schedule_phase){
		.name = "warmup", .faults = "none", .end_ns = chaos_ns, .budget = 1};
	out[1] = (struct schedule_phase){.name = "chaos",
					 .faults = "all",
					 .start_ns = chaos_ns,
					 .end_ns = quiet_ns,
					 .budget = run->budget};
	out[2] = (struct schedule_phase){.name = "quiet",
					 .faults = "none",
					 .start_ns = quiet_ns,
					 .end_ns = run->duration_ns,
					 .budget = 1};
	return 3;
}

int phases_of(struct schedule_phase out[PHASE_MAX], const struct plan *plan)
{
	int64_t at_ns = 0;

	if (plan->phases == 0)
		return built_in(out, plan);
	for (int i = 0; i < plan->phases; i++) {
		const struct plan_phase *phase = &plan->phase[i];

		out[i] = (struct schedule_phase){.name = phase->name,
						 .faults = phase->faults,
						 .start_ns = at_ns,
						 .end_ns = at_ns + phase->for_ns,
						 .budget = phase->budget ? phase->budget
									 : plan->run.budget,
						 .think_ns = phase->think_ns};
		at_ns += phase->for_ns;
	}
	return plan->phases;
}

static bool next_word(const char **list, char word[PLAN_NAME_MAX])
{
	size_t length;

	*list += strspn(*list, ", \t");
	length = strcspn(*list, ", \t");
	if (length == 0)
		return false;
	snprintf(word, PLAN_NAME_MAX, "%.*s", (int)length, *list);
	*list += length;
	return true;
}

bool phase_allows(const struct schedule_phase *phase, const struct plan_fault *fault,
		  const struct fault_kind *kind)
{
	const char *list = phase->faults;
	char word[PLAN_NAME_MAX];

	while (next_word(&list, word))
		if (strcmp(word, "all") == 0 || strcmp(word, fault->name) == 0 ||
		    strcmp(word, fault_class_name[kind->class_]) == 0)
			return true;
	return false;
}

/* Whatever a phase may name: its own words, classes, faults. */
static const char *meant_at(const void *arg, size_t i)
{
	const struct plan *plan = arg;

	if (i < 2)
		return words[i];
	if (i - 2 < FAULT_CLASSES)
		return fault_class_name[i - 2];
	i -= 2 + FAULT_CLASSES;
	return i < (size_t)plan->faults ? plan->fault[i].name : NULL;
}

static int check_words(const struct plan *plan, const char *list, struct why *why)
{
	char word[PLAN_NAME_MAX];
	const char *meant;

	while (next_word(&list, word)) {
		size_t i = 0;

		while ((meant = meant_at(plan, i)) && strcmp(meant, word) != 0)
			i++;
		if (!meant)
			return names_refuse(why, -EINVAL, "fault or class of faults", word,
					    meant_at, plan);
	}
	return 0;
}

int phases_check(const struct plan *plan, struct why *why)
{
	struct schedule_phase phase[PHASE_MAX];
	int phases = phases_of(phase, plan), r = 0;
	int64_t bears = 0;

	for (int i = 0; i < plan->roles; i++)
		bears += plan->role[i].survives;
	for (int i = 0; i < phases && r == 0; i++) {
		r = check_words(plan, phase[i].faults, why);
		if (r == 0 && phase[i].budget > 1 && phase[i].budget > bears)
			r = why_set(
				why, -EINVAL,
				"a budget of %lld: all roles together bear %lld disturbed nodes "
				"at once (survives in their sections)",
				(long long)phase[i].budget, (long long)bears);
		if (r)
			return why_prefix(why, r, "phase \"%s\"", phase[i].name);
	}
	return 0;
}

static bool stands_alone(const struct fault_atom *atom)
{
	const struct fault_kind *kind = atom->kind;

	return kind->alone || strstr(kind->takes, "until") || (!atom->node[0] && !atom->from[0]);
}

static bool touches(const struct fault_atom *atom, const char *node)
{
	return node[0] && (strcmp(atom->node, node) == 0 || strcmp(atom->from, node) == 0 ||
			   strcmp(atom->to, node) == 0);
}

/* How many nodes of the role the wave disturbs. */
static int64_t disturbed(const struct plan *plan, const struct plan_role *role,
			 const struct fault_atom *const *wave, int count)
{
	int64_t nodes = 0;

	for (int i = 0; i < count; i++) {
		const char *names[] = {wave[i]->node, wave[i]->from, wave[i]->to};

		for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
			nodes += names[n][0] &&
				 plan_role_of(plan, names[n], strlen(names[n])) == role;
	}
	return nodes;
}

bool wave_takes(const struct plan *plan, const struct fault_atom *const *wave, int count,
		int64_t budget, const struct fault_atom *atom)
{
	const struct fault_atom *all[WAVE_MAX];

	if (count >= budget || count + 1 > WAVE_MAX || stands_alone(atom))
		return false;
	for (int i = 0; i < count; i++) {
		if (stands_alone(wave[i]) || touches(wave[i], atom->node) ||
		    touches(wave[i], atom->from) || touches(wave[i], atom->to))
			return false;
		all[i] = wave[i];
	}
	all[count] = atom;
	for (int i = 0; i < plan->roles; i++)
		if (disturbed(plan, &plan->role[i], all, count + 1) > plan->role[i].survives)
			return false;
	return true;
}
