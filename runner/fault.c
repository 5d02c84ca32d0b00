/* fault.c - the fault table and what all kinds share; see fault.h for the four questions. */
#include "runner/fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint/names.h"
#include "failpoint/rule.h"
#include "runner/fault_kinds.h"

enum { MS = 1000000 };

#define PROCESS_ROW(name_, hold, help_, apply_, applied_, heal_, healed_)                        \
	{                                                                                        \
		.name = name_, .class_ = FAULT_PROCESS, .disruptive = true, .hold_ns = hold,     \
		.cost_ns = 1000LL * MS, .help = help_, .check = fault_wants_on, .apply = apply_, \
		.applied = applied_, .heal = heal_, .healed = healed_,                           \
	}
#define RULE_ROW(name_, class__, hold, disruptive_, help_, compose_, check_)                      \
	{                                                                                         \
		.name = name_, .class_ = class__, .needs = NEEDS_INTERPOSER,                      \
		.disruptive = disruptive_, .hold_ns = hold, .cost_ns = 500LL * MS, .help = help_, \
		.compose = compose_, .check = check_, .apply = rule_apply,                        \
		.applied = rule_applied, .heal = rule_heal, .healed = rule_healed,                \
	}
#define CUT_ROW(name_, help_, apply_)                                                              \
	{                                                                                          \
		.name = name_, .class_ = FAULT_NETWORK, .needs = NEEDS_NETFILTER,                  \
		.disruptive = true, .hold_ns = 2000LL * MS, .cost_ns = 1000LL * MS, .help = help_, \
		.check = net_check, .apply = apply_, .applied = net_applied, .heal = net_restore,  \
		.healed = net_restored,                                                            \
	}

static const struct fault_kind kinds[] = {
	PROCESS_ROW("kill-start", 0, "SIGKILL, and a new start after `for`", fault_kill, fault_down,
		    fault_start, fault_up),
	PROCESS_ROW("restart", 0, "SIGTERM, and a new start at once", fault_stop, fault_down,
		    fault_start, fault_up),
	PROCESS_ROW("stop-start", 5000LL * MS, "SIGTERM, and a new start after `for`", fault_stop,
		    fault_down, fault_start, fault_up),
	PROCESS_ROW("pause", 2000LL * MS, "SIGSTOP, and SIGCONT after `for`", fault_pause,
		    fault_paused, fault_continue, fault_up),
	RULE_ROW("enospc", FAULT_DISK, 2000LL * MS, true, "writes fail with ENOSPC", disk_enospc,
		 rule_check),
	RULE_ROW("eio", FAULT_DISK, 1000LL * MS, true, "writes and syncs fail with `error`",
		 disk_eio, rule_check),
	RULE_ROW("delay", FAULT_DISK, 2000LL * MS, false, "writes and syncs take `delay` longer",
		 disk_delay, rule_check),
	RULE_ROW("jitter", FAULT_DISK, 2000LL * MS, false,
		 "syncs take from `delay` to `delay` + `jitter` longer", disk_jitter, rule_check),
	RULE_ROW("short", FAULT_DISK, 1000LL * MS, false,
		 "writes transfer `bytes`, or half of what was asked", disk_short, rule_check),
	{
		.name = "full",
		.class_ = FAULT_DISK,
		.needs = NEEDS_TMPFS,
		.disruptive = true,
		.hold_ns = 2000LL * MS,
		.cost_ns = 1000LL * MS,
		.help = "the node's `disk` is really filled, but for `bytes`",
		.check = full_check,
		.apply = full_apply,
		.applied = full_applied,
		.heal = full_heal,
		.healed = full_healed,
	},
	RULE_ROW("refuse", FAULT_NETWORK, 2000LL * MS, true,
		 "connections on `link` are reset and refused", net_refuse, net_check),
	CUT_ROW("one-way", "packets on `link` are dropped, those back are not", net_one_way),
	CUT_ROW("partition", "packets on `link` are dropped both ways", net_partition),
	RULE_ROW("point", FAULT_POINT, 0, true, "any `rule`, one-shot unless it counts itself",
		 point_rule, point_check),
};

const struct fault_kind *fault_kind_at(int i)
{
	return i >= 0 && i < (int)(sizeof(kinds) / sizeof(kinds[0])) ? &kinds[i] : NULL;
}

static const char *kind_name(const void *arg, size_t i)
{
	const struct fault_kind *kind = fault_kind_at((int)i);

	(void)arg;
	return kind ? kind->name : NULL;
}

const struct fault_kind *fault_kind(const char *name, struct why *why)
{
	const struct fault_kind *kind;

	for (int i = 0; (kind = fault_kind_at(i)); i++)
		if (strcmp(kind->name, name) == 0)
			return kind;
	names_refuse(why, -EINVAL, "kind of fault", name, kind_name, NULL);
	return NULL;
}

int fault_rule(const struct fault_atom *atom, char *text, size_t size, struct why *why)
{
	char bare[RULE_TEXT_MAX];
	int n, error;

	text[0] = '\0';
	if (!atom->kind->compose)
		return 0;
	error = atom->kind->compose(atom, bare, sizeof(bare), why);
	if (error)
		return error;
	n = snprintf(text, size, "f%d-%s := %s", atom->number, atom->fault->name, bare);
	if (n < 0 || (size_t)n >= size)
		return why_set(why, -ENOSPC, "the rule of fault \"%s\" is too long",
			       atom->fault->name);
	return 0;
}

int fault_of_rule(const char *rule_name)
{
	char *end;
	long number;

	if (rule_name[0] != 'f' || rule_name[1] < '0' || rule_name[1] > '9')
		return -1;
	number = strtol(rule_name + 1, &end, 10);
	return *end == '-' ? (int)number : -1;
}
