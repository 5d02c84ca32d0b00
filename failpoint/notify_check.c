/* notify_check.c - what a rule asks for that this tier can't do, by name; see notify_impl.h. */
#include <errno.h>

#include "failpoint/names.h"
#include "failpoint/notify_impl.h"

enum { SKIPS = 1, MAKES = 2 }; /* the call is not made; is made by us */

/* What an action does with the call; those without a row can't be done. */
static const struct {
	bool known;
	uint8_t does;
} abilities[ACTION_COUNT] = {
	[ACTION_ERROR] = {true, SKIPS}, [ACTION_ERROR_AFTER] = {true, MAKES},
	[ACTION_LIE] = {true, SKIPS},   [ACTION_RETURN] = {true, SKIPS},
	[ACTION_SHORT] = {true, MAKES}, [ACTION_DELAY] = {true, 0},
	[ACTION_PAUSE] = {true, 0},     [ACTION_REFUSE] = {true, SKIPS},
	[ACTION_RESET] = {true, SKIPS}, [ACTION_KILL] = {true, 0},
	[ACTION_ABORT] = {true, 0},     [ACTION_PRINT] = {true, 0},
	[ACTION_OFF] = {true, 0},
};

bool notify_action_is_known(unsigned action)
{
	return action < ACTION_COUNT && abilities[action].known;
}

/* A system call that fails before it is made leaves close's descriptor open. */
static bool can_skip(const struct passage *p)
{
	return p->hit.site != CALL_close;
}

bool notify_able(const struct passage *p, unsigned action)
{
	if (!notify_action_is_known(action))
		return false;
	return (!(abilities[action].does & SKIPS) || can_skip(p)) &&
	       (!(abilities[action].does & MAKES) || notify_can_perform(p));
}

static bool names(const struct rule *rule, unsigned step, unsigned call)
{
	return rule->step[step].calls[call / 64] >> call % 64 & 1;
}

static bool can_make(unsigned call)
{
	struct seccomp_notif notification = {.data = {.nr = (int)call_table[call].number}};
	struct passage p = {.hit = {.site = call}, .notification = &notification};

	p.row = &notify_rows[call];
	return call_table[call].number < 0 || notify_can_perform(&p);
}

/* The calls that are named one by one: a class is meant for those of its calls that can. */
static int check_site(const struct rule *rule, unsigned step, unsigned call, struct why *why)
{
	if (!names(rule, step, call))
		return 0;
	if (!notify_call_is_seen(call))
		return why_set(why, -ENOTSUP,
			       "\"%s\" is no system call, so it can't be seen in a static program; "
			       "name what it calls",
			       call_table[call].name);
	if (rule->step[step].at_exit && !can_make(call))
		return why_set(
			why, -ENOTSUP,
			"the result of \"%s\" can't be seen in a static program: it can't be "
			"made in its stead",
			call_table[call].name);
	return 0;
}

static int check_sites(const struct rule *rule, struct why *why)
{
	int rc = 0;

	for (unsigned s = 0; s < rule->steps && !rc; s++)
		for (unsigned i = 0; i < CALL_COUNT && !rc; i++)
			rc = check_site(rule, s, i, why);
	return rc;
}

static int check_clauses(const struct rule *rule, struct why *why)
{
	for (unsigned s = 0; s < rule->steps; s++)
		for (unsigned c = 0; c < rule->step[s].clauses; c++) {
			uint8_t key = rule->clause[rule->step[s].first_clause + c].key;

			if (key == KEY_STACK || key == KEY_CALLER || key == KEY_DATA)
				return why_set(why, -ENOTSUP,
					       "%s can't be asked of a static program",
					       key == KEY_STACK    ? "stack="
					       : key == KEY_CALLER ? "caller="
								   : "data~");
		}
	return 0;
}

static int check_call(const struct rule *rule, unsigned call, const struct rule_action *action,
		      struct why *why)
{
	uint8_t does = abilities[action->kind].does;

	if (!names(rule, rule->steps - 1u, call))
		return 0;
	if (call == CALL_close && does)
		return why_set(why, -ENOTSUP,
			       "%s of \"close\" can't be done to a static program: nobody else can "
			       "close its descriptor",
			       names_action(action->kind));
	if (does & MAKES && !can_make(call))
		return why_set(
			why, -ENOTSUP,
			"%s of \"%s\" can't be done to a static program: it can't be made in "
			"its stead",
			names_action(action->kind), call_table[call].name);
	return 0;
}

static int check_action(const struct rule *rule, const struct rule_action *action, struct why *why)
{
	int rc = 0;

	if (!notify_action_is_known(action->kind))
		return why_set(why, -ENOTSUP, "\"%s\" can't be done to a static program",
			       names_action(action->kind));
	if (action->kind == ACTION_KILL && action->flags & ACTION_NODE)
		return why_set(why, -ENOTSUP, "\"kill(node)\" can't be done to a static program");
	for (unsigned i = 0; i < CALL_COUNT && !rc; i++)
		rc = check_call(rule, i, action, why);
	return rc;
}

int notify_check_rule(const struct rule *rule, struct why *why)
{
	int rc = check_sites(rule, why);

	if (!rc)
		rc = check_clauses(rule, why);
	for (unsigned t = 0; t < rule->terms && !rc; t++)
		for (unsigned a = 0; a < rule->term[t].actions && !rc; a++)
			rc = check_action(rule, &rule->action[rule->term[t].first_action + a], why);
	return rc;
}
