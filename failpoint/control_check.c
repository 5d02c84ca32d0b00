/*
 * control_check.c - does a rule make sense on this plane?
 *
 * The parser knows the language; the plane knows which nodes there are and which failpoints can
 * take a value. A rule about a node that does not exist would never match, in silence; so once any
 * node is declared, names that fit none are refused. Failpoints that nobody has yet are only
 * pending: a process that has them may still come.
 */
#include <errno.h>
#include <string.h>

#include "failpoint/control_impl.h"
#include "failpoint/names.h"
#include "failpoint/pattern.h"

static const struct plane_node *used_node(struct control *control, unsigned i)
{
	struct plane_node *node = &plane_nodes(control->head)[i];

	return atomic_load(&node->used) ? node : NULL;
}

static bool has_nodes(struct control *control)
{
	return used_node(control, 0) != NULL;
}

static const char *node_word(const struct plane_node *node, bool role)
{
	return role ? node->role : node->name;
}

struct node_names {
	struct control *control;
	bool role;
};

static const char *node_name_at(const void *arg, size_t i)
{
	const struct node_names *names = arg;
	const struct plane_node *node =
		i < NODE_MAX ? used_node(names->control, (unsigned)i) : NULL;

	return node ? node_word(node, names->role) : NULL;
}

static int check_node_name(struct control *control, const char *glob, bool role, struct why *why)
{
	struct node_names names = {control, role};
	const char *name;

	for (size_t i = 0; (name = node_name_at(&names, i)); i++)
		if (pattern_name(glob, name))
			return 0;
	return names_refuse(why, -EINVAL, role ? "role" : "node", glob, node_name_at, &names);
}

static const char *pool_text(const struct rule *rule, uint32_t offset)
{
	return rule->pool + (offset < RULE_POOL_BYTES ? offset : 0);
}

static int check_link(struct control *control, const struct rule *rule,
		      const struct rule_value *value, struct why *why)
{
	int rc = check_node_name(control, pool_text(rule, value->text), false, why);

	return rc ? rc : check_node_name(control, pool_text(rule, value->other), false, why);
}

static int check_value(struct control *control, const struct rule *rule, uint8_t key,
		       const struct rule_value *value, struct why *why)
{
	if (value->kind == VALUE_LINK)
		return check_link(control, rule, value, why);
	if (value->kind != VALUE_TEXT)
		return 0;
	if (key == KEY_NODE || key == KEY_PEER)
		return check_node_name(control, pool_text(rule, value->text), false, why);
	if (key == KEY_ROLE)
		return check_node_name(control, pool_text(rule, value->text), true, why);
	return 0;
}

static int check_step_nodes(struct control *control, const struct rule *rule,
			    const struct rule_step *step, struct why *why)
{
	for (unsigned c = 0; c < step->clauses; c++) {
		const struct rule_clause *clause = &rule->clause[step->first_clause + c];

		for (unsigned v = 0; v < clause->values; v++) {
			int rc = check_value(control, rule, clause->key,
					     &rule->value[clause->first_value + v], why);
			if (rc)
				return rc;
		}
	}
	return 0;
}

static const struct rule_action *value_action(const struct rule *rule)
{
	for (unsigned t = 0; t < rule->terms; t++)
		for (unsigned a = 0; a < rule->term[t].actions; a++) {
			const struct rule_action *action =
				&rule->action[rule->term[t].first_action + a];

			if (action->kind == ACTION_RETURN || action->kind == ACTION_ERROR)
				return action;
		}
	return NULL;
}

/* Known failpoints that a glob names, and how many of them can take a value. */
static unsigned count_points(struct control *control, const char *glob, unsigned *with_value)
{
	struct plane_point *points = plane_points(control->head);
	unsigned n = 0;

	*with_value = 0;
	for (unsigned i = 0; i < POINT_MAX; i++)
		if (atomic_load(&points[i].used) == 2 && pattern_name(glob, points[i].name)) {
			n++;
			*with_value += points[i].kinds & 1;
		}
	return n;
}

static int check_points(struct control *control, const struct rule *rule, struct why *why)
{
	const struct rule_step *last = &rule->step[rule->steps - 1];
	const struct rule_action *action = value_action(rule);
	unsigned with_value;

	for (unsigned g = 0; action && g < last->globs; g++) {
		const char *glob = pool_text(rule, rule->glob[last->first_glob + g]);

		if (count_points(control, glob, &with_value) && !with_value)
			return why_set(
				why, -EINVAL,
				"failpoint \"%s\" only acts and takes no value, so %s can't work",
				glob, action->kind == ACTION_ERROR ? "error" : "return");
	}
	return 0;
}

int control_check_rule(struct control *control, const struct rule *rule, struct why *why)
{
	int rc = 0;

	for (unsigned s = 0; s < rule->steps && !rc && has_nodes(control); s++)
		rc = check_step_nodes(control, rule, &rule->step[s], why);
	return rc ? rc : check_points(control, rule, why);
}

static const char *point_name_at(const void *arg, size_t i)
{
	const struct plane_point *points = plane_points((struct plane_head *)(uintptr_t)arg);

	for (unsigned p = 0; p < POINT_MAX; p++)
		if (atomic_load(&points[p].used) == 2 && i-- == 0)
			return points[p].name;
	return NULL;
}

const char *control_missing_point(struct control *control, const struct rule *rule)
{
	unsigned with_value;

	for (unsigned s = 0; s < rule->steps && s < RULE_STEP_MAX; s++)
		for (unsigned g = 0; g < rule->step[s].globs; g++) {
			unsigned i = rule->step[s].first_glob + g;

			if (i < RULE_SITE_MAX &&
			    !count_points(control, pool_text(rule, rule->glob[i]), &with_value))
				return pool_text(rule, rule->glob[i]);
		}
	return NULL;
}

const char *control_nearest_point(struct control *control, const char *glob)
{
	return strpbrk(glob, "*?[") ? NULL : names_nearest(glob, point_name_at, control->head);
}
