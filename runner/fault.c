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

#define LIFE_ROW(name_, needs_, whom_, hold, cost, takes_, help_, check_, apply_, applied_, heal_, \
		 healed_)                                                                          \
	{                                                                                          \
		.name = name_, .class_ = FAULT_PROCESS, .needs = needs_, .whom = whom_,            \
		.alone = (whom_) == WHOM_EACH, .disruptive = true, .hold_ns = hold,                \
		.cost_ns = cost, .help = help_, .takes = takes_, .check = check_, .apply = apply_, \
		.applied = applied_, .heal = heal_, .healed = healed_,                             \
	}
#define PROCESS_ROW(name_, hold, help_, apply_, applied_, heal_, healed_)                     \
	LIFE_ROW(name_, 0, WHOM_NODE, hold, 1000LL * MS, "on", help_, fault_wants_on, apply_, \
		 applied_, heal_, healed_)
#define DISK_ROW(name_, hold, disruptive_, takes_, help_, compose_)                               \
	{                                                                                         \
		.name = name_, .class_ = FAULT_DISK, .needs = NEEDS_INTERPOSER, .takes = takes_,  \
		.disruptive = disruptive_, .hold_ns = hold, .cost_ns = 500LL * MS, .help = help_, \
		.compose = compose_, .check = rule_check, .apply = rule_apply,                    \
		.applied = rule_applied, .heal = rule_heal, .healed = rule_healed,                \
	}
/* Promises that a disk makes are broken: what was written is not there. */
#define LIE_ROW(name_, takes_, help_, compose_)                                                   \
	{                                                                                         \
		.name = name_, .class_ = FAULT_DISK, .needs = NEEDS_INTERPOSER, .takes = takes_,  \
		.disruptive = true, .lies = true, .hold_ns = 1000LL * MS, .cost_ns = 8000LL * MS, \
		.help = help_, .compose = compose_, .check = disk_lie_check, .apply = rule_apply, \
		.applied = rule_applied, .heal = disk_replace, .healed = disk_replaced,           \
	}
#define CUT_ROW(name_, whom_, takes_, help_, check_, apply_)                                     \
	{                                                                                        \
		.name = name_, .class_ = FAULT_NETWORK, .needs = NEEDS_NETFILTER, .whom = whom_, \
		.alone = (whom_) != WHOM_LINK && (whom_) != WHOM_NODE, .disruptive = true,       \
		.hold_ns = 2000LL * MS, .cost_ns = 1000LL * MS, .takes = takes_, .help = help_,  \
		.check = check_, .apply = apply_, .applied = net_applied, .heal = net_restore,   \
		.healed = net_restored,                                                          \
	}
#define SHAPE_ROW(name_, disruptive_, takes_, help_, apply_)                                    \
	{                                                                                       \
		.name = name_, .class_ = FAULT_NETWORK, .needs = NEEDS_NETFILTER | NEEDS_QUEUE, \
		.whom = WHOM_LINK, .disruptive = disruptive_, .hold_ns = 2000LL * MS,           \
		.cost_ns = 1000LL * MS, .takes = takes_, .help = help_, .check = net_check,     \
		.apply = apply_, .applied = link_applied, .heal = link_restore,                 \
		.healed = net_restored,                                                         \
	}

#define LOAD_ROW(name_, needs_, takes_, help_, apply_, applied_, heal_)                            \
	{                                                                                          \
		.name = name_, .class_ = FAULT_RESOURCE, .needs = needs_, .takes = takes_,         \
		.disruptive = true, .hold_ns = 2000LL * MS, .cost_ns = 1000LL * MS, .help = help_, \
		.check = load_check, .apply = apply_, .applied = applied_, .heal = heal_,          \
		.healed = load_healed,                                                             \
	}
#define REFUSE_ROW(name_, takes_, help_, compose_, apply_)                                      \
	{                                                                                       \
		.name = name_, .class_ = FAULT_RESOURCE, .needs = NEEDS_INTERPOSER,             \
		.takes = takes_, .disruptive = true, .hold_ns = 1000LL * MS,                    \
		.cost_ns = 500LL * MS, .help = help_, .compose = compose_, .check = rule_check, \
		.apply = apply_, .applied = rule_applied, .heal = rule_heal,                    \
		.healed = rule_healed,                                                          \
	}

#define CLOCK_ROW(name_, takes_, help_, apply_)                                                   \
	{                                                                                         \
		.name = name_, .class_ = FAULT_CLOCK, .needs = NEEDS_INTERPOSER, .takes = takes_, \
		.disruptive = true, .hold_ns = 2000LL * MS, .cost_ns = 500LL * MS, .help = help_, \
		.check = fault_wants_on, .apply = apply_, .applied = clock_applied,               \
		.heal = clock_heal, .healed = clock_healed,                                       \
	}

const char *const fault_class_name[FAULT_CLASSES] = {
	[FAULT_PROCESS] = "process",   [FAULT_DISK] = "disk",   [FAULT_NETWORK] = "network",
	[FAULT_RESOURCE] = "resource", [FAULT_CLOCK] = "clock", [FAULT_POINT] = "point",
};

static const struct fault_kind kinds[] = {
	PROCESS_ROW("kill-start", 0, "SIGKILL, and a new start after `for`", fault_kill, fault_down,
		    fault_start, fault_up),
	PROCESS_ROW("restart", 0, "SIGTERM, and a new start at once", fault_stop, fault_down,
		    fault_start, fault_up),
	PROCESS_ROW("stop-start", 5000LL * MS, "SIGTERM, and a new start after `for`", fault_stop,
		    fault_down, fault_start, fault_up),
	PROCESS_ROW("pause", 2000LL * MS, "SIGSTOP, and SIGCONT after `for`", fault_pause,
		    fault_paused, fault_continue, fault_up),
	LIFE_ROW("crash-loop", 0, WHOM_NODE, 0, 3000LL * MS, "on, count",
		 "SIGKILL and a new start, `count` times, each soon after the other",
		 fault_wants_on, life_loop, life_looped, fault_start, fault_up),
	LIFE_ROW("update", NEEDS_UPDATE, WHOM_NODE, 0, 1000LL * MS, "on",
		 "SIGTERM, and a start as the role's new version; the next time back to the old",
		 fault_wants_on, life_update, fault_down, fault_start, fault_up),
	LIFE_ROW("rolling-update", NEEDS_UPDATE, WHOM_EACH, 0, 6000LL * MS, "on",
		 "the same to every node of `on`, one after the other, each through `gate`",
		 fault_wants_on, life_roll, life_rolled, life_leave_rolled, life_all_up),
	LIFE_ROW("dead", 0, WHOM_NODE, 6000LL * MS, 3000LL * MS, "on, until",
		 "SIGKILL; after `for`, and once the gate `until` is passed without it, an empty "
		 "one takes its place",
		 life_dead_check, fault_kill, fault_down, life_replace, fault_up),
	LIFE_ROW("offline", NEEDS_OFFLINE, WHOM_NODE, 5000LL * MS, 4000LL * MS, "on, until",
		 "taken out by the role's `offline-command`, stopped once the gate `until` is "
		 "passed; after `for` started, and taken back by `online-command`",
		 life_dead_check, move_offline, move_gone, move_online, fault_up),
	LIFE_ROW("scale-out", 0, WHOM_SPARE, 5000LL * MS, 4000LL * MS, "on, until",
		 "a spare of `on` joins, and after `for`, and the gate `until`, is a spare again",
		 fault_wants_on, move_in, move_done, move_out_again, fault_up),
	LIFE_ROW("scale-in", 0, WHOM_NODE, 5000LL * MS, 4000LL * MS, "on, until",
		 "a node of `on` leaves and is a spare, and after `for` joins again; where the "
		 "role has an `offline-command`, it is taken out first, and `until` passed",
		 fault_wants_on, move_out, move_done, move_in_again, fault_up),
	DISK_ROW("enospc", 2000LL * MS, true, "on, path, rule, error, count",
		 "writes fail with ENOSPC", disk_enospc),
	DISK_ROW("eio", 1000LL * MS, true, "on, path, rule, error, count",
		 "writes and syncs fail with `error`", disk_eio),
	DISK_ROW("delay", 2000LL * MS, false, "on, path, rule, delay, jitter, count",
		 "writes and syncs take `delay` longer", disk_delay),
	DISK_ROW("jitter", 2000LL * MS, false, "on, path, rule, delay, jitter, count",
		 "syncs take from `delay` to `delay` + `jitter` longer", disk_jitter),
	DISK_ROW("short", 1000LL * MS, false, "on, path, rule, bytes, count",
		 "writes transfer `bytes`, or half of what was asked", disk_short),
	DISK_ROW("throttle", 2000LL * MS, false, "on, path, rule, rate, count",
		 "reads and writes pass at `rate` bytes a second", disk_throttle),
	DISK_ROW("read-only", 1000LL * MS, true, "on, path, rule, error, count",
		 "whatever changes a file or a name fails with EROFS", disk_read_only),
	DISK_ROW("corrupt-read", 1000LL * MS, true, "on, path, rule, bits, count",
		 "reads come with `bits` wrong bits; what is on the disk is right",
		 disk_corrupt_read),
	LIE_ROW("corrupt-write", "on, path, rule, bits, count, until",
		"what is written has `bits` wrong bits", disk_corrupt_write),
	LIE_ROW("torn", "on, path, rule, bytes, count, until",
		"only the first `bytes` of a write get there, 512 where it is 0; all are reported",
		disk_torn),
	LIE_ROW("lie", "on, path, rule, count, until",
		"writes report success and do nothing; with `rule = %sync`, syncs", disk_lie),
	{
		.name = "full",
		.class_ = FAULT_DISK,
		.needs = NEEDS_TMPFS,
		.disruptive = true,
		.hold_ns = 2000LL * MS,
		.cost_ns = 1000LL * MS,
		.help = "the node's `disk` is really filled, but for `bytes`",
		.takes = "on, bytes",
		.check = full_check,
		.apply = full_apply,
		.applied = full_applied,
		.heal = full_heal,
		.healed = full_healed,
	},
	{
		.name = "refuse",
		.class_ = FAULT_NETWORK,
		.needs = NEEDS_INTERPOSER,
		.whom = WHOM_LINK,
		.disruptive = true,
		.hold_ns = 2000LL * MS,
		.cost_ns = 500LL * MS,
		.help = "connections on `link` are reset and refused",
		.takes = "link, count",
		.compose = net_refuse,
		.check = net_check,
		.apply = rule_apply,
		.applied = rule_applied,
		.heal = rule_heal,
		.healed = rule_healed,
	},
	{
		.name = "reset",
		.class_ = FAULT_NETWORK,
		.needs = NEEDS_INTERPOSER,
		.whom = WHOM_LINK,
		.disruptive = true,
		.hold_ns = 1000LL * MS,
		.cost_ns = 500LL * MS,
		.help = "connections on `link` are reset when they are used; idle ones at once, "
			"where "
			"the run has a network of its own",
		.takes = "link, count",
		.compose = net_reset,
		.check = net_check,
		.apply = reset_apply,
		.applied = reset_applied,
		.heal = reset_heal,
		.healed = rule_healed,
	},
	CUT_ROW("one-way", WHOM_LINK, "link", "packets on `link` are dropped, those back are not",
		net_check, net_one_way),
	CUT_ROW("partition", WHOM_LINK, "link", "packets on `link` are dropped both ways",
		net_check, net_partition),
	CUT_ROW("isolate", WHOM_NODE, "on", "the node and all the others can't reach each other",
		fault_wants_on, group_isolate),
	CUT_ROW("split", WHOM_SPLIT, "on",
		"the nodes of `on`, or a half that is drawn, and all the others can't reach each "
		"other",
		group_check, group_split),
	CUT_ROW("ring", WHOM_RING, "on",
		"each node of `on`, or of all, reaches but two of them: a circle that is drawn",
		group_check, group_ring),
	SHAPE_ROW("half-open", true, "link, both",
		  "connections of `link` that are there go dead without an end; new ones work",
		  link_half_open),
	SHAPE_ROW("link-delay", false, "link, both, delay",
		  "packets on `link` take `delay` longer, 50ms where it is 0", link_delay),
	SHAPE_ROW("link-jitter", false, "link, both, delay, jitter",
		  "they take from `delay` to `delay` + `jitter` longer, in their order; 50ms where "
		  "it is 0",
		  link_jitter),
	SHAPE_ROW("loss", true, "link, both, share", "`share` of the packets on `link` are lost",
		  link_loss),
	SHAPE_ROW("duplicate", false, "link, both, share", "`share` of them come twice",
		  link_duplicate),
	SHAPE_ROW("reorder", false, "link, both, share, delay",
		  "`share` of them are overtaken by those of the `delay` after them, 20ms where it "
		  "is 0",
		  link_reorder),
	SHAPE_ROW("rate", false, "link, both, rate", "`link` carries `rate` bytes a second",
		  link_rate),
	SHAPE_ROW("cut", true, "link, both, bytes",
		  "a connection on `link` carries `bytes` more, then both ends get a reset",
		  link_cut),
	LOAD_ROW("cpu", NEEDS_CGROUP | NEEDS_STRESS, "on, share",
		 "the node and two that calculate have `share` of one CPU together", load_cpu,
		 load_cpu_applied, load_heal),
	LOAD_ROW(
		"memory", NEEDS_CGROUP | NEEDS_STRESS, "on, bytes",
		"the node and one that fills them have `bytes` for what they take from now on, 64M "
		"where it is 0; the kernel ends who takes more",
		load_memory, load_memory_applied, load_heal),
	LOAD_ROW("io", NEEDS_STRESS, "on, bytes",
		 "another writes `bytes` again and again, 16M where it is 0, and syncs, on the "
		 "node's "
		 "disk",
		 load_io, load_io_applied, load_io_heal),
	REFUSE_ROW("fds", "on, rule, error, count",
		   "no descriptor is left: EMFILE; where the run has a network of its own, the "
		   "node's connections "
		   "are reset, so that it wants new ones",
		   resource_fds, resource_apply),
	REFUSE_ROW("threads", "on, rule, error, count",
		   "no thread can be made: EAGAIN; connections as with fds", resource_threads,
		   resource_apply),
	REFUSE_ROW("alloc", "on, rule, error, share, count",
		   "`share` of the allocations fail with ENOMEM; many programs end at the first",
		   resource_alloc, rule_apply),
	CLOCK_ROW("clock-jump", "on, shift, back",
		  "the clock is `shift` ahead, or with `back` behind", clock_jump),
	CLOCK_ROW("clock-drift", "on, drift, back",
		  "the clock gains `drift` of the time, or with `back` loses it", clock_drift),
	CLOCK_ROW("clock-freeze", "on", "the clock stands still", clock_freeze),
	{
		.name = "point",
		.class_ = FAULT_POINT,
		.needs = NEEDS_INTERPOSER,
		.disruptive = true,
		.cost_ns = 500LL * MS,
		.help = "any `rule`, one-shot unless it counts itself",
		.takes = "on, rule, count",
		.compose = point_rule,
		.check = point_check,
		.apply = rule_apply,
		.applied = rule_applied,
		.heal = rule_heal,
		.healed = rule_healed,
	},
	{
		.name = "catalogue",
		.class_ = FAULT_POINT,
		.needs = NEEDS_INTERPOSER,
		.alone = true,
		.disruptive = true,
		.cost_ns = 40000LL * MS,
		.help = "each failpoint that the cluster has, one after the other, meets the "
			"action "
			"`rule`, `kill` where there is none, once; `gate` between them; one that "
			"nobody passes within `limit` is told",
		.takes = "rule",
		.check = catalogue_check,
		.apply = catalogue_apply,
		.applied = catalogue_applied,
		.heal = catalogue_heal,
		.healed = life_all_up,
	},
};

const struct fault_kind *fault_kind_at(int i)
{
	return i >= 0 && i < (int)(sizeof(kinds) / sizeof(kinds[0])) ? &kinds[i] : NULL;
}

bool fault_group_next(const char **list, char name[PLAN_NAME_MAX])
{
	size_t length;

	*list += strspn(*list, " ");
	length = strcspn(*list, " ");
	if (length == 0)
		return false;
	snprintf(name, PLAN_NAME_MAX, "%.*s", (int)length, *list);
	*list += length;
	return true;
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
