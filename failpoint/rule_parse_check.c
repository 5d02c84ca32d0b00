/*
 * rule_parse_check.c - what could never act is refused, with the reason; see rule_parse.h.
 *
 * A call that is named must be able to do what is asked; of a class at least one member must, for
 * such a rule is meant for those that can.
 */
#include "failpoint/rule_parse.h"

#include <errno.h>

#include "failpoint/calls.h"

typedef bool (*fits_function)(unsigned call, const struct rule_action *action);

static bool is_named(const uint64_t *calls, unsigned call)
{
	return calls[call / 64] >> (call % 64) & 1;
}

/* The first site of the step where the action can't be, or NULL. */
static const char *misfit(const struct rule_step *step, const struct rule_action *action,
			  fits_function fits)
{
	bool some = !step->classes;

	for (unsigned i = 0; i < CALL_COUNT; i++) {
		bool fit = fits(i, action);
		if (is_named(step->calls, i) && !fit)
			return call_table[i].name;
		some |= fit && (call_table[i].classes & step->classes);
	}
	return some ? NULL : "a call of this class";
}

static bool moves_bytes(unsigned call, const struct rule_action *action)
{
	(void)action;
	return call_table[call].amount;
}

static bool is_network(unsigned call, const struct rule_action *action)
{
	(void)action;
	return call_table[call].network;
}

static bool may_fail_so(unsigned call, const struct rule_action *action)
{
	return calls_errno_is_legal(call, (int)action->number);
}

static bool can_fail(unsigned call, const struct rule_action *action)
{
	(void)action;
	return call_table[call].fails != FAILS_NEVER;
}

static bool returns_number(unsigned call, const struct rule_action *action)
{
	(void)action;
	return call_table[call].fails != FAILS_NULL;
}

static bool can_be_full(unsigned call, const struct rule_action *action)
{
	(void)action;
	return calls_errno_is_legal(call, ENOSPC);
}

static bool gives_bytes(unsigned call, const struct rule_action *action)
{
	(void)action;
	return call_table[call].classes & (CLASS_WRITE | CLASS_SEND);
}

static int check_errno(struct parser *p, const struct rule_step *step,
		       const struct rule_action *action, size_t offset)
{
	const char *name = calls_errno_name((int)action->number), *site;

	if (action->flags & ACTION_FORCED) {
		site = misfit(step, action, can_fail);
		return site ? PARSE_FAIL(p, offset, "%s has no way to fail", site) : 0;
	}
	site = misfit(step, action, may_fail_so);
	if (!site)
		return 0;
	return PARSE_FAIL(p, offset, "%s can't fail with %s; to have it all the same: %s!(%s)",
			  site, name ? name : "this errno", names_action(action->kind),
			  name ? name : "N");
}

static int check_return(struct parser *p, const struct rule_step *step,
			const struct rule_action *action, size_t offset)
{
	bool calls = step->classes;
	const char *site = misfit(step, action, returns_number);

	for (unsigned i = 0; i < CALL_MAX / 64; i++)
		calls |= step->calls[i] != 0;
	if (calls && action->number < 0)
		return PARSE_FAIL(p, offset, "a call reports failure by its errno: use error(E)");
	return site ? PARSE_FAIL(p, offset, "%s returns no number", site) : 0;
}

int parse_check_action(struct parser *p, const struct rule_action *action, size_t offset)
{
	const struct rule_step *step = &p->rule->step[p->rule->steps - 1];
	const struct action_name *name = &names_actions[action->kind];
	const char *site = NULL;

	if (p->missing) /* what is not built yet fits nothing, and is refused by its name */
		return 0;
	if (step->at_exit && name->before)
		return PARSE_FAIL(
			p, offset,
			"\"%s\" acts before the call, but the selector waits for its result%s",
			name->name, action->kind == ACTION_ERROR ? "; use error_after" : "");
	if (step->globs && !name->point)
		return PARSE_FAIL(p, offset, "\"%s\" is for calls, and \"%s\" is a failpoint",
				  name->name, p->rule->pool + p->rule->glob[step->first_glob]);
	if (name->amount && (site = misfit(step, action, moves_bytes)))
		return PARSE_FAIL(p, offset,
				  "\"%s\" wants calls that move bytes, and %s moves none",
				  name->name, site);
	if (name->network && (site = misfit(step, action, is_network)))
		return PARSE_FAIL(p, offset, "\"%s\" wants calls of the network, and %s is none",
				  name->name, site);
	if (action->kind == ACTION_QUOTA && (site = misfit(step, action, can_be_full)))
		return PARSE_FAIL(p, offset, "%s never finds the disk full", site);
	if (action->kind == ACTION_TORN && (site = misfit(step, action, gives_bytes)))
		return PARSE_FAIL(p, offset, "\"torn\" wants calls that write, and %s reads", site);
	if (name->argument == ARGUMENT_ERRNO)
		return check_errno(p, step, action, offset);
	return action->kind == ACTION_RETURN ? check_return(p, step, action, offset) : 0;
}

int parse_check_clause(struct parser *p, const struct rule_step *step,
		       const struct clause_name *name, size_t offset)
{
	bool calls = step->classes;

	for (unsigned i = 0; i < CALL_MAX / 64; i++)
		calls |= step->calls[i] != 0;
	if (!calls && !name->point)
		return PARSE_FAIL(p, offset, "\"%s\" is about calls, and a failpoint has none",
				  name->name);
	return 0;
}
