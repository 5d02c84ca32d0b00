/* fault_point.c - any rule of the rule language, bound to the node that was drawn. */
#include <errno.h>

#include "runner/fault_kinds.h"

int point_rule(const struct fault_atom *atom, char *text, size_t size, struct why *why)
{
	int64_t count = atom->fault->count;

	return rule_bind(atom->fault->rule, atom->node, count > 0 ? count : 1, text, size, why);
}

int point_check(const struct plan_fault *fault, struct why *why)
{
	if (!fault->rule || !fault->rule[0])
		return why_set(why, -EINVAL, "kind \"point\" wants `rule`");
	return rule_check(fault, why);
}
