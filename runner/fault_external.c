/*
 * fault_external.c - which faults remain for a cluster that was started elsewhere.
 *
 * Its processes are another's: none is signalled, started or ended. Its machines are, too: no link,
 * disk or group of theirs is at hand. What remains is what can be asked of it - rules in the plane
 * that its processes are in, as long as none ends a process and all are undone by being removed -
 * and what the store does on its own command.
 */
#include <errno.h>
#include <string.h>

#include "failpoint/rule.h"
#include "runner/fault_kinds.h"
#include "runner/schedule.h"

/* A link is known by the addresses of nodes, and the plane's are not ours to set. */
static bool is_plain_rule(const struct fault_kind *kind)
{
	return kind->compose && kind->heal == rule_heal && kind->whom == WHOM_NODE;
}

static bool is_on_command(const struct fault_kind *kind)
{
	return kind->needs == NEEDS_OFFLINE && kind->whom == WHOM_NODE;
}

static const char *ending_action(const struct rule *rule)
{
	static const struct {
		int kind;
		const char *name;
	} endings[] = {{ACTION_KILL, "kill"},
		       {ACTION_ABORT, "abort"},
		       {ACTION_EXIT, "exit"},
		       {ACTION_POWERCUT, "powercut"}};

	for (int t = 0; t < rule->terms && t < RULE_TERM_MAX; t++)
		for (int i = 0; i < rule->term[t].actions; i++)
			for (size_t e = 0; e < sizeof(endings) / sizeof(endings[0]); e++)
				if (rule->action[rule->term[t].first_action + i].kind ==
				    endings[e].kind)
					return endings[e].name;
	return NULL;
}

static int check_rule(const struct plan_fault *fault, const struct fault_kind *kind,
		      struct why *why)
{
	const struct fault_atom atom = {.fault = fault, .kind = kind};
	char text[RULE_TEXT_MAX];
	struct rule rule;
	int error = kind->compose(&atom, text, sizeof(text), why);

	if (!error)
		error = rule_parse(&rule, text, strlen(text), why);
	if (error)
		return error;
	if (ending_action(&rule))
		return why_set(why, -EINVAL,
			       "\"%s\" would end a process, and external = yes has nobody to start "
			       "it again",
			       ending_action(&rule));
	if (kind->class_ == FAULT_DISK && !*fault->path && !*fault->rule)
		return why_set(why, -EINVAL,
			       "kind \"%s\" wants path or rule: with external = yes nobody knows "
			       "the folders of its nodes",
			       kind->name);
	return 0;
}

int fault_external_check(const struct plan *plan, const struct plan_fault *fault,
			 const struct fault_kind *kind, struct why *why)
{
	struct anchor anchor = {.kind = ANCHOR_TIME};

	if (!is_plain_rule(kind) && !is_on_command(kind))
		return why_set(why, -EINVAL,
			       "kind \"%s\" is not for external = yes: its processes, disks and "
			       "links are not the run's; rules of the interposer and offline are "
			       "possible",
			       kind->name);
	if (is_plain_rule(kind) && !*plan->run.plane)
		return why_set(why, -EINVAL,
			       "kind \"%s\" is a rule: external = yes wants the plane that its "
			       "processes are in, plane = NAME in [run]",
			       kind->name);
	if (*fault->anchor && anchor_parse(&anchor, fault->anchor, why))
		return -EINVAL;
	if (anchor.kind == ANCHOR_HIT && !*plan->run.plane)
		return why_set(why, -EINVAL,
			       "anchor \"%s\" counts hits: external = yes wants the plane that its "
			       "processes are in, plane = NAME in [run]",
			       fault->anchor);
	return is_plain_rule(kind) ? check_rule(fault, kind, why) : 0;
}
