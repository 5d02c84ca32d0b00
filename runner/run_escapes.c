/* run_escapes.c - what ran and could not be intercepted, for the report (docs/escapes.md). */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "failkit/control.h"
#include "runner/run_internal.h"

static const struct plan_role *role_of(const struct run *run, const char *node)
{
	for (int i = 0; i < cluster_nodes(run->cluster); i++)
		if (strcmp(cluster_node(run->cluster, i)->name, node) == 0)
			return cluster_node(run->cluster, i)->role;
	return NULL;
}

static int record(void *arg, const struct control_escape *escape)
{
	const struct run *run = arg;
	const struct plan_role *role = role_of(run, escape->node);

	if (role && role->io_uring == URING_ALLOW && strcmp(escape->kind, "io_uring") == 0)
		return 0;
	return ledger_escape(run->ledger, escape);
}

/* A node of which nothing was seen: its program may say why. */
static void record_blind(struct run *run, const char *node)
{
	struct control_escape e = {.kind = "child", .count = 1};
	const struct plan_role *role = role_of(run, node);
	const char *reason;

	if (!role)
		return;
	snprintf(e.node, sizeof(e.node), "%s", node);
	snprintf(e.subject, sizeof(e.subject), "%.*s", (int)strcspn(role->command, " \t"),
		 role->command);
	reason = control_refuses(e.subject, geteuid());
	snprintf(e.reason, sizeof(e.reason), "%s",
		 reason ? reason : "made no call that the interposer saw");
	record(run, &e);
}

void run_escapes(struct run *run, const struct run_blind *blind)
{
	if (!run->control)
		return;
	control_escapes(run->control, NULL, record, run);
	for (int i = 0; i < blind->count; i++)
		record_blind(run, blind->node[i]);
}
