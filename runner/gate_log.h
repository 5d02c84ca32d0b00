/*
 * gate_log.h - what a node has printed since a moment, for the gate's step "log".
 *
 *     ds* "recovered in [0-9]+"     of the nodes ds1, ds2 ... one has printed such a line
 *
 * NODES is a glob over names; REGEX, in quotes or not, is searched for in each line, once its end is
 * printed (regex.h). A line that was rotated away meanwhile is looked at in the part where it now is.
 */
#ifndef RUNNER_GATE_LOG_H
#define RUNNER_GATE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "failkit/why.h"
#include "failpoint/regex.h"
#include "runner/cluster.h"
#include "runner/plan.h"

struct gate_log {
	char nodes[PLAN_NAME_MAX], text[256];
	uint8_t program[4 + 4 * REGEX_STATE_MAX + REGEX_SET_BYTES * REGEX_SET_MAX];
};

int gate_log_parse(struct gate_log *out, const char *text, struct why *why);

/* Has the plan such a node? -ENOENT with why when it has none. */
int gate_log_fits(const struct plan *plan, const char *text, struct why *why);

/* Looks on from *at (node_log_read()) and moves it behind the lines that were looked at. */
bool gate_log_met(const struct gate_log *log, const struct node *node, int parts, uint64_t *at);

#endif
