/* fault_net.c - links that are cut, one way or both, and connections that are refused. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runner/fault_kinds.h"
#include "runner/net.h"

int net_check(const struct plan_fault *fault, struct why *why)
{
	const char *arrow = fault->link ? strchr(fault->link, '>') : NULL;

	if (!arrow || arrow == fault->link || !arrow[1])
		return why_set(why, -EINVAL, "kind \"%s\" wants `link = FROM>TO`, roles or nodes",
			       fault->kind);
	return 0;
}

/* Clients keep connections for long: what is sent on one that is open fails as well (with
 * ECONNRESET), so that they connect anew and are refused. */
int net_refuse(const struct fault_atom *atom, char *text, size_t size, struct why *why)
{
	char plain[160];

	snprintf(plain, sizeof(plain), "connect,%%send:link=%s>%s = refuse", atom->from, atom->to);
	return rule_bind(plain, "", atom->fault->count, text, size, why);
}

static int cut(struct fault_run *run, const struct node *from, const struct node *to,
	       struct why *why)
{
	int error = net_cut(from->address, to->address, &run->cut[run->cuts], why);

	if (!error)
		run->cuts++;
	return error;
}

int net_one_way(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	(void)c;
	return cut(run, run->from, run->to, why);
}

int net_partition(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	int error = net_one_way(run, c, why);

	return error ? error : cut(run, run->to, run->from, why);
}

bool net_applied(struct fault_run *run, const struct fault_context *c)
{
	uint64_t dropped;

	(void)c;
	run->fires = 0;
	for (int i = 0; i < run->cuts; i++)
		if (net_dropped(run->cut[i], &dropped, NULL) == 0)
			run->fires += dropped;
	return run->fires > 0;
}

int net_restore(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	net_applied(run, c); /* the last count */
	while (run->cuts > 0) {
		int error = net_heal(run->cut[run->cuts - 1], why);

		if (error)
			return error;
		run->cuts--;
	}
	return 0;
}

bool net_restored(struct fault_run *run, const struct fault_context *c)
{
	(void)c;
	return run->cuts == 0;
}
