/*
 * gate_health.h - one condition on the JSON that nodes answer at their ready address.
 *
 *     under_replicated == 0         every node whose answer has this member, and at least one has
 *     ms.registered >= 3            the nodes of role ms
 *     ms.disk.state != "bad"        members of members
 *
 * Numbers are compared as numbers; words (true, false, null, or text, in quotes or not) as equal or
 * not.
 */
#ifndef RUNNER_GATE_HEALTH_H
#define RUNNER_GATE_HEALTH_H

#include <stdbool.h>

#include "failkit/why.h"

enum health_op { HEALTH_EQ, HEALTH_NE, HEALTH_LT, HEALTH_LE, HEALTH_GT, HEALTH_GE };

struct health {
	char path[128];
	enum health_op op;
	bool is_number;
	double number;
	char word[128];
};

int health_parse(struct health *out, const char *text, struct why *why);

/* Judges one answer at path, which is health.path or what follows its role. 1 holds, 0 does not
 * (why tells what was answered), -ENOENT when the answer has no such member, -EINVAL when it is no
 * JSON. */
int health_judge(const struct health *health, const char *path, const char *answer,
		 struct why *why);

#endif
