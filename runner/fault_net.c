/* fault_net.c - links that are cut, one way or both; connections that are refused or reset. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runner/fault_kinds.h"
#include "runner/net.h"
#include "runner/net_connections.h"

enum { PROBE_MS = 500 }; /* a packet on a link that carries takes far less */

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

int net_reset(const struct fault_atom *atom, char *text, size_t size, struct why *why)
{
	char plain[160];

	snprintf(plain, sizeof(plain), "%%send:link=%s>%s = reset", atom->from, atom->to);
	return rule_bind(plain, "", atom->fault->count, text, size, why);
}

/* An idle connection passes through no call that a rule could act in. */
int reset_apply(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	int error = rule_apply(run, c, why), found;

	if (error || !net_can_cut() || run->atom->fault->count > 0)
		return error;
	found = net_connections_reset(run->from->address, run->to->address, why);
	if (found < 0)
		return found;
	run->resets = (uint64_t)found;
	return 0;
}

bool reset_applied(struct fault_run *run, const struct fault_context *c)
{
	rule_applied(run, c);
	run->fires += run->resets;
	return run->fires > 0;
}

int reset_heal(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	int error = rule_heal(run, c, why);

	run->fires += run->resets;
	return error;
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

/* Both ways, whatever was cut: a packet gets through. */
static bool carries(const struct node *a, const struct node *b)
{
	return net_probe(a->address, b->address, PROBE_MS) &&
	       net_probe(b->address, a->address, PROBE_MS);
}

static bool all_carry(struct cluster *cluster)
{
	for (int i = 0; i < cluster_nodes(cluster); i++)
		for (int j = 0; j < i; j++)
			if (!carries(cluster_node(cluster, i), cluster_node(cluster, j)))
				return false;
	return true;
}

bool net_restored(struct fault_run *run, const struct fault_context *c)
{
	if (run->cuts > 0 || run->shapes > 0)
		return false;
	return run->from ? carries(run->from, run->to) : all_carry(c->cluster);
}
