/* fault_catalogue.c - each failpoint that the cluster has, one after the other: the first thread that
 * passes it meets the plan's action, and the cluster recovers before the next. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint/rule.h"
#include "runner/fault_kinds.h"
#include "runner/process.h"

static const int64_t LEAVE_NS = INT64_C(5000000000), LIMIT_NS = INT64_C(10000000000);

static const char *action_of(const struct plan_fault *fault)
{
	return fault->rule && fault->rule[0] ? fault->rule : "kill";
}

int catalogue_check(const struct plan_fault *fault, struct why *why)
{
	char text[RULE_TEXT_MAX], bound[RULE_TEXT_MAX];

	if (fault->on && fault->on[0])
		return why_set(
			why, -EINVAL,
			"kind \"catalogue\" takes no `on`: whoever passes a failpoint first");
	snprintf(text, sizeof(text), "any/point = %.1000s", action_of(fault));
	return rule_bind(text, "", 1, bound, sizeof(bound), why);
}

/* The next name behind `after`, in their order; "" behind the last. Nodes that come back have theirs
 * anew, so the list is asked for each time. */
struct next {
	const char *after;
	char name[sizeof(((struct control_point *)0)->name)];
};

static int look(void *arg, const struct control_point *point)
{
	struct next *next = arg;

	if (point->processes > 0 && strcmp(point->name, next->after) > 0 &&
	    (!next->name[0] || strcmp(point->name, next->name) < 0))
		strcpy(next->name, point->name);
	return 0;
}

static int set_rule(struct fault_run *run, const struct fault_context *c, const char *point,
		    struct why *why)
{
	char plain[RULE_TEXT_MAX], bound[RULE_TEXT_MAX], text[RULE_TEXT_MAX + RULE_NAME_MAX];
	int error;

	snprintf(plain, sizeof(plain), "%s = %.1000s", point, action_of(run->atom->fault));
	error = rule_bind(plain, "", 1, bound, sizeof(bound), why);
	if (error)
		return error;
	snprintf(text, sizeof(text), "f%d-%s := %s", run->atom->number, run->atom->fault->name,
		 bound);
	return control_set(c->control, text, CONTROL_HELD, NULL, run->rule, why);
}

/* Did anybody pass it, before the limit or the run's end? */
static bool wait_fired(struct fault_run *run, const struct fault_context *c)
{
	int64_t limit_ns = run->atom->fault->limit_ns;
	int64_t deadline_ns = process_now_ns() + (limit_ns > 0 ? limit_ns : LIMIT_NS);
	struct control_rule rule;

	while (control_rule(c->control, run->rule, &rule, NULL) == 0) {
		if (rule.fires > 0)
			return true;
		if (process_now_ns() >= deadline_ns || c->ends(c->arg))
			break;
		cluster_reap(c->cluster);
		poll(NULL, 0, 2);
	}
	return false;
}

static int try_point(struct fault_run *run, const struct fault_context *c, const char *point,
		     bool *fired, struct why *why)
{
	int error = set_rule(run, c, point, why);

	if (error)
		return error;
	*fired = wait_fired(run, c);
	error = control_remove(c->control, run->rule, process_now_ns() + LEAVE_NS, why);
	if (error && error != -ENOENT)
		return error;
	run->fires += *fired;
	ledger_fault_event(c->ledger, run->atom->number, *fired ? "fired" : "not-passed",
			   run->fires, point);
	if (!*fired)
		return 0;
	/* Who is about to end may still be there: recovery sees to that. */
	error = c->recover(c->arg, run->atom->fault->gate, run->atom->number);
	return error ? why_set(why, error, "not recovered from \"%s\"", point) : 0;
}

int catalogue_apply(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	char last[sizeof(((struct next *)0)->name)] = "", all[160];
	struct next next = {.after = last};
	int points = 0, error = 0;
	bool fired;

	while (!error && !c->ends(c->arg)) {
		next.name[0] = 0;
		control_points(c->control, look, &next);
		if (!next.name[0])
			break;
		error = try_point(run, c, next.name, &fired, why);
		strcpy(last, next.name);
		points++;
	}
	snprintf(all, sizeof(all), "%llu of %d failpoints were passed",
		 (unsigned long long)run->fires, points);
	ledger_fault_event(c->ledger, run->atom->number, "catalogued", run->fires, all);
	return error == -ECANCELED ? 0 : error;
}

bool catalogue_applied(struct fault_run *run, const struct fault_context *c)
{
	(void)c;
	return run->fires > 0;
}

int catalogue_heal(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	if (run->rule[0])
		control_remove(c->control, run->rule, process_now_ns() + LEAVE_NS, NULL);
	return life_leave_rolled(run, c, why);
}
