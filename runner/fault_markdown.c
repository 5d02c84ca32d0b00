/* fault_markdown.c - the fault table as docs/faults.md: `failrun faults` prints it. */
#include <stdio.h>

#include "runner/fault.h"

/* What a need is met by, what that wants, and what happens without. */
static const struct backend {
	unsigned need;
	const char *name, *wants, *without;
} backends[] = {
	{0, "signals", "nothing; scale-out a role with spares", "-"},
	{NEEDS_INTERPOSER, "interposer",
	 "`inject = yes` in a role; programs that link libc dynamically",
	 "refused before anything starts; a node in which no call was seen makes the run INVALID"},
	{NEEDS_NETFILTER, "netfilter",
	 "a network of the run's own (`net = auto` or `private`; root, or user namespaces for "
	 "everybody), and nft or iptables",
	 "refused before anything starts; with `net = host` always"},
	{NEEDS_QUEUE, "packet queue",
	 "netfilter, and of the kernel NFQUEUE with its iptables target; netem is not used: its "
	 "draws can't be replayed",
	 "refused before anything starts"},
	{NEEDS_CGROUP, "cgroup",
	 "a hierarchy, 2 or 1, with the controller cpu or memory, in which groups may be made: "
	 "root, "
	 "as a rule",
	 "refused before anything starts"},
	{NEEDS_STRESS, "stress-ng", "the program stress-ng", "refused before anything starts"},
	{NEEDS_UPDATE, "signals", "`update-command` or `update-args` in the role",
	 "refused before anything starts"},
	{NEEDS_OFFLINE, "signals", "`offline-command` and `online-command` in the role",
	 "refused before anything starts"},
	{NEEDS_TMPFS, "tmpfs", "`disk = SIZE` in the role; a mount namespace of the run's own",
	 "the fault counts as failed, which makes the run INVALID"},
};

static const char *const classes[] = {
	[FAULT_PROCESS] = "Processes",  [FAULT_DISK] = "Disks",   [FAULT_NETWORK] = "Network",
	[FAULT_RESOURCE] = "Resources", [FAULT_CLOCK] = "Clocks", [FAULT_POINT] = "Points",
};

static void backends_of(const struct fault_kind *kind, FILE *to)
{
	const char *comma = "";

	for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
		bool used =
			backends[i].need ? (kind->needs & backends[i].need) != 0 : kind->needs == 0;

		if (!used)
			continue;
		fprintf(to, "%s%s", comma, backends[i].name);
		comma = ", ";
	}
}

static void class_table(enum fault_class class_, FILE *to)
{
	const struct fault_kind *kind;

	fprintf(to,
		"\n## %s\n\n| kind | what it does | keys | stays for | disruptive | by |\n"
		"| --- | --- | --- | --- | --- | --- |\n",
		classes[class_]);
	for (int i = 0; (kind = fault_kind_at(i)); i++) {
		if (kind->class_ != class_)
			continue;
		fprintf(to, "| %s | %s | %s | %lld ms | %s | ", kind->name, kind->help, kind->takes,
			(long long)(kind->hold_ns / 1000000), kind->disruptive ? "yes" : "no");
		backends_of(kind, to);
		fputs(" |\n", to);
	}
}

static void lies(FILE *to)
{
	const struct fault_kind *kind;
	const char *comma = "\n";

	for (int i = 0; (kind = fault_kind_at(i)); i++) {
		if (!kind->lies)
			continue;
		fprintf(to, "%s%s", comma, kind->name);
		comma = ", ";
	}
	fputs(": the disk breaks its promise, and no store can keep one that rests on it alone. So "
	      "these are refused but for roles whose `survives` says that the store bears the loss "
	      "of a node's data, and healing them ends the node, waits for the gate `until`, which "
	      "must tell that the node is missed and its data is elsewhere, and puts an empty one "
	      "in its place, as one does with such a disk. To see what a store without checksums "
	      "or "
	      "replicas makes of it, set the rule with kind `point`.\n",
	      to);
}

void fault_markdown(FILE *to)
{
	fputs("# Faults\n\n"
	      "Made from the fault table by `failrun faults`. All kinds take `weight`, `anchor`, "
	      "`gate`, `for` and `limit` besides; what a key means, its default and its range: "
	      "failrun-plan(5). \"Stays for\" is where the plan gives no `for`. A fault is healed "
	      "when it is shown to be: a link carries a packet both ways, no thread is inside an "
	      "action, a process is ready.\n",
	      to);
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		class_table((enum fault_class)i, to);
	lies(to);
	fputs("\n## What they need\n\n| by | wants | without |\n| --- | --- | --- |\n", to);
	for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
		fprintf(to, "| %s | %s | %s |\n", backends[i].name, backends[i].wants,
			backends[i].without);
	fputs("\nNone needs a queueing discipline. Links are named by addresses: every "
	      "node has its own, and the interposer makes connections leave from it; a program "
	      "without the interposer that binds no address of its own is on no link.\n",
	      to);
}
