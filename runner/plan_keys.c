/* plan_keys.c - the rows; see plan_keys.h for their meaning. */
#include "runner/plan_keys.h"

#include <string.h>

#define ONE_OF(...) ((const char *const[]){__VA_ARGS__, NULL})

#define SECOND UINT64_C(1000000000)
#define DAY    (86400 * SECOND)
#define KIB    UINT64_C(1024)
#define GIB    (KIB * KIB * KIB)
#define TIB    (KIB * GIB)

#define AT(field)      .offset = offsetof(struct OWNER, field)
#define TEXT           .type = TYPE_TEXT
#define NUMBER(lo, hi) .type = TYPE_NUMBER, .min = (lo), .max = (hi)
#define SIZE(lo, hi)   .type = TYPE_SIZE, .min = (lo), .max = (hi)
#define TIME(lo, hi)   .type = TYPE_DURATION, .min = (lo), .max = (hi)
#define TERM(...)      .type = TYPE_TERM, .words = ONE_OF(__VA_ARGS__)
#define WORD(...)      .type = TYPE_WORD, .words = ONE_OF(__VA_ARGS__)

static const struct plan_key keys[] = {
#define OWNER plan_run
	{SECTION_RUN, .name = "seed", AT(seed), NUMBER(0, UINT64_MAX), .value = "1",
	 .help = "what every draw follows from: schedule, keys, sizes, chances"},
	{SECTION_RUN, .name = "duration", AT(duration_ns), TIME(SECOND, 30 * DAY), .value = "60s",
	 .help = "how long the workload runs, warm-up and quiet phase included"},
	{SECTION_RUN, .name = "warmup", AT(warmup_ns), TIME(0, DAY), .value = "3s",
	 .help = "the workload alone before the first fault: the baseline"},
	{SECTION_RUN, .name = "quiet", AT(quiet_ns), TIME(0, DAY), .value = "5s",
	 .help = "the workload alone after the last fault was healed; with [phase NAME]s they say "
		 "this, warmup and duration"},
	{SECTION_RUN, .name = "contract", AT(contract), TERM("sync", "bounded(D)", "none"),
	 .value = "sync",
	 .help = "what an acknowledgement of the store promises after a power cut: nothing is "
		 "lost, no "
		 "more than the last D, whatever was not synced"},
	{SECTION_RUN, .name = "on-violation", AT(on_violation), WORD("stop", "freeze", "continue"),
	 .value = "stop",
	 .help = "after the first: end, stop all nodes for a look at them, or go on"},
	{SECTION_RUN, .name = "net", AT(net), WORD("auto", "private", "host"), .value = "auto",
	 .help = "a network namespace where possible, always, or never"},
	{SECTION_RUN, .name = "budget", AT(budget), NUMBER(1, 64), .value = "1",
	 .help = "faults at the same time, on nodes that the store bears to be disturbed together: "
		 "survives in their roles"},
	{SECTION_RUN, .name = "min-ops", AT(min_ops), NUMBER(0, INT64_MAX), .value = "100",
	 .help = "fewer verified operations make the run INVALID"},
	{SECTION_RUN, .name = "ledger-ops", AT(ledger_ops), NUMBER(0, 1000000000),
	 .value = "1000000",
	 .help = "with more operations in the ledger, those of closed histories are judged and "
		 "compacted; 0: never, and never with list = eventual"},
	{SECTION_RUN, .name = "metrics", AT(metrics_ns), TIME(0, DAY), .value = "1s",
	 .help = "how often workload, nodes and failrun itself are measured; 0: never"},
	{SECTION_RUN, .name = "log-size", AT(log_bytes), SIZE(0, TIB), .value = "64M",
	 .help = "a node's log that is longer is rotated, and the node does not notice; 0: never"},
	{SECTION_RUN, .name = "log-keep", AT(log_keep), NUMBER(1, 1000), .value = "3",
	 .help = "older parts of each log that are kept: NAME.log.1 is the newest"},
	{SECTION_RUN, .name = "external", AT(external), .type = TYPE_BOOL, .value = "no",
	 .help = "the cluster was started elsewhere: its roles have addresses, and nothing of it "
		 "is started, stopped or killed"},
	{SECTION_RUN, .name = "plane", AT(plane), TEXT, .value = "",
	 .help = "with external: the plane (a name, or a path) that its processes are in; empty: "
		 "none, and no rules"},
	{SECTION_RUN, .name = "dir", AT(dir), TEXT, .value = "",
	 .help = "the run directory; empty: run/NAME-SEED-N"},
#undef OWNER
#define OWNER plan_store
	{SECTION_STORE, .name = "driver", AT(driver), TEXT, .value = "kv",
	 .help = "the store's protocol: kv, webdav"},
	{SECTION_STORE, .name = "endpoints", AT(endpoints), TEXT,
	 .help = "the role whose nodes clients talk to"},
	{SECTION_STORE, .name = "port", AT(port), NUMBER(1, 65535), .value = "7000",
	 .help = "and on which port"},
	{SECTION_STORE, .name = "timeout", AT(timeout_ns), TIME(SECOND / 1000, DAY), .value = "5s",
	 .help = "of one request; then its outcome is ambiguous"},
	{SECTION_STORE, .name = "list", AT(list), TERM("strict", "eventual(D)"), .value = "strict",
	 .help = "what a listing shows: the present, or what was at most D ago; then a key is only "
		 "judged that nobody has written to for so long"},
	{SECTION_STORE, .name = "settle", AT(settle_ns), TIME(0, 30 * DAY), .value = "0",
	 .help = "a write without an answer takes effect within this time or never; 0: it always "
		 "may"},
	{SECTION_STORE, .name = "prefix", AT(prefix), TEXT, .value = "",
	 .help = "begins the name of every object; empty: nothing does, or with external one of "
		 "the run's own"},
#undef OWNER
#define OWNER plan_workload
	{SECTION_WORKLOAD, .name = "workers", AT(workers), NUMBER(1, 1024), .value = "24",
	 .help = "clients, each a thread with its own connections"},
	{SECTION_WORKLOAD, .name = "mix", AT(mix), .type = TYPE_MIX,
	 .value = "put 30, overwrite 15, get 30, head 8, range 8, delete 6, list 3",
	 .help = "what they do, by weight; also create (a put if nothing is there) and replace (a "
		 "put if it is still what the worker saw last)"},
	{SECTION_WORKLOAD, .name = "endpoint", AT(endpoint), WORD("rotate", "pin"),
	 .value = "rotate", .help = "each operation to another node, or each worker to its own"},
	{SECTION_WORKLOAD, .name = "writers-per-key", AT(writers_per_key), NUMBER(1, 1024),
	 .value = "1", .help = "workers that write the same key; workers is a multiple of it"},
	{SECTION_WORKLOAD, .name = "retries", AT(retries), NUMBER(0, RETRIES_MAX), .value = "0",
	 .help = "how often a mutation is sent again while its outcome is not known"},
	{SECTION_WORKLOAD, .name = "hot-keys", AT(hot_keys), NUMBER(0, 1000000), .value = "100",
	 .help = "size of the hot set"},
	{SECTION_WORKLOAD, .name = "hot-share", AT(hot_share), .type = TYPE_SHARE, .value = "50%",
	 .help = "of the operations that go to it"},
	{SECTION_WORKLOAD, .name = "objects-max", AT(objects_max), NUMBER(1, 10000000),
	 .value = "20000", .help = "live objects at most"},
	{SECTION_WORKLOAD, .name = "live-bytes-max", AT(live_bytes_max), SIZE(1, TIB),
	 .value = "256M", .help = "bytes in live objects at most"},
	{SECTION_WORKLOAD, .name = "deleted-max", AT(deleted_max), NUMBER(0, 10000000),
	 .value = "20000", .help = "deleted keys that are remembered and looked for"},
	{SECTION_WORKLOAD, .name = "low-mark", AT(low_mark), .type = TYPE_SHARE, .value = "90%",
	 .help = "of the bounds on objects and bytes: when one is reached, nothing new is put "
		 "until "
		 "both are below this"},
	{SECTION_WORKLOAD, .name = "size-min", AT(size_min), SIZE(0, GIB), .value = "0",
	 .help = "bytes of the smallest body"},
	{SECTION_WORKLOAD, .name = "size-max", AT(size_max), SIZE(0, GIB), .value = "64K",
	 .help = "bytes of the largest body"},
	{SECTION_WORKLOAD, .name = "think", AT(think_ns), TIME(0, DAY), .value = "0",
	 .help = "a worker's pause between operations"},
#undef OWNER
#define OWNER plan_role
	{SECTION_ROLE, .name = "count", AT(count), NUMBER(0, 64), .value = "1",
	 .help = "nodes: NAME1, NAME2 ..."},
	{SECTION_ROLE, .name = "spares", AT(spares), NUMBER(0, 64), .value = "0",
	 .help = "more of them, counted on; started as spares"},
	{SECTION_ROLE, .name = "survives", AT(survives), NUMBER(0, 64), .value = "0",
	 .help = "nodes of it that the store bears to be disturbed at once, each up to the loss of "
		 "its data; 0: one by one, none with a loss"},
	{SECTION_ROLE, .name = "addresses", AT(addresses), TEXT, .value = "",
	 .help = "with external, in place of count and command: HOST or HOST:PORT of each node, "
		 "commas between"},
	{SECTION_ROLE, .name = "command", AT(command), TEXT,
	 .help = "starts one, in the foreground; no shell; {addr} {port} {dir} {node} {index} "
		 "{plan} "
		 "{bin} "
		 "{addrs:ROLE} {addrs:ROLE:PORT} are filled in, {{ is a brace"},
	{SECTION_ROLE, .name = "args", AT(args), TEXT, .value = "",
	 .help = "appended to the command"},
	{SECTION_ROLE, .name = "spare-args", AT(spare_args), TEXT, .value = "",
	 .help = "appended for spares"},
	{SECTION_ROLE, .name = "update-command", AT(update_command), TEXT, .value = "",
	 .help = "starts its new version; empty: the command does"},
	{SECTION_ROLE, .name = "update-args", AT(update_args), TEXT, .value = "",
	 .help = "appended for the new version"},
	{SECTION_ROLE, .name = "offline-command", AT(offline_command), TEXT, .value = "",
	 .help = "a shell command: takes a node out of service, so that its data goes elsewhere"},
	{SECTION_ROLE, .name = "online-command", AT(online_command), TEXT, .value = "",
	 .help = "a shell command: takes it back"},
	{SECTION_ROLE, .name = "setup", AT(setup), TEXT, .value = "",
	 .help = "a shell command, run once in {dir} before the first start"},
	{SECTION_ROLE, .name = "ready", AT(ready), TEXT,
	 .help = "http://{addr}:PORT/PATH answers 200, tcp://{addr}:PORT accepts, or command ... "
		 "exits with 0"},
	{SECTION_ROLE, .name = "metrics", AT(metrics), TEXT, .value = "",
	 .help = "http://{addr}:PORT/PATH ... that answer numbers, as JSON or in lines; asked "
		 "every 10 s"},
	{SECTION_ROLE, .name = "ready-limit", AT(ready_ns), TIME(SECOND / 1000, DAY),
	 .value = "30s", .help = "of one start"},
	{SECTION_ROLE, .name = "user", AT(user), TEXT, .value = "",
	 .help = "whom it runs as; empty: who runs failrun"},
	{SECTION_ROLE, .name = "disk", AT(disk_bytes), SIZE(0, TIB), .value = "0",
	 .help = "its folder is a file system of this size; 0: a plain folder"},
	{SECTION_ROLE, .name = "stop-limit", AT(stop_ns), TIME(0, DAY), .value = "10s",
	 .help = "from SIGTERM to SIGKILL when it is stopped"},
	{SECTION_ROLE, .name = "inject", AT(inject), .type = TYPE_BOOL, .value = "yes",
	 .help = "under the interposer"},
	{SECTION_ROLE, .name = "tier", AT(tier), WORD("preload", "notify"), .value = "preload",
	 .help = "how: notify is a supervisor for static and Go programs"},
	{SECTION_ROLE, .name = "calls", AT(calls), TEXT, .value = "",
	 .help = "what the supervisor stops: calls and classes; empty: writes, syncs, sends, "
		 "connections, names"},
	{SECTION_ROLE, .name = "deep", AT(deep), .type = TYPE_BOOL, .value = "no",
	 .help = "also reach stdio's own calls and inlined system calls, at a cost"},
	{SECTION_ROLE, .name = "io-uring", AT(io_uring), WORD("warn", "deny", "allow"),
	 .value = "warn",
	 .help = "what is done by one no rule meets: name it in the report, refuse it (ENOSYS), or "
		 "let it be"},
#undef OWNER
#define OWNER plan_fault
	{SECTION_FAULT, .name = "kind", AT(kind), TEXT, .value = "",
	 .help = "a row of the fault table; point when only a rule is given"},
	{SECTION_FAULT, .name = "on", AT(on), TEXT, .value = "",
	 .help = "roles or nodes; one node is drawn each time"},
	{SECTION_FAULT, .name = "link", AT(link), TEXT, .value = "",
	 .help = "FROM>TO: roles or nodes"},
	{SECTION_FAULT, .name = "rule", AT(rule), TEXT, .value = "",
	 .help = "a rule; for disk faults its selector is enough"},
	{SECTION_FAULT, .name = "anchor", AT(anchor), TEXT, .value = "",
	 .help = "when: ack N, time D, hit N SELECTOR; ack +N, after D: since the last gate was "
		 "passed or the phase began; empty: drawn from the seed"},
	{SECTION_FAULT, .name = "gate", AT(gate), TEXT, .value = "default",
	 .help = "what must be met before the next fault"},
	{SECTION_FAULT, .name = "path", AT(path), TEXT, .value = "",
	 .help = "disk faults: which files"},
	{SECTION_FAULT, .name = "error", AT(error), TEXT, .value = "",
	 .help = "disk faults: with which error"},
	{SECTION_FAULT, .name = "weight", AT(weight), NUMBER(0, 1000), .value = "1",
	 .help = "how often it is drawn, beside the others"},
	{SECTION_FAULT, .name = "for", AT(for_ns), TIME(0, DAY), .value = "0",
	 .help = "how long it stays; 0: as its kind has it"},
	{SECTION_FAULT, .name = "delay", AT(delay_ns), TIME(0, DAY), .value = "0",
	 .help = "delay, jitter, link-delay, link-jitter: at least this much; reorder: how far"},
	{SECTION_FAULT, .name = "jitter", AT(jitter_ns), TIME(0, DAY), .value = "0",
	 .help = "and up to this much more"},
	{SECTION_FAULT, .name = "count", AT(count), NUMBER(0, INT64_MAX), .value = "0",
	 .help = "fires of its rule; 0: one for point, no limit for others; crash-loop: how "
		 "often, 0: 5"},
	{SECTION_FAULT, .name = "limit", AT(limit_ns), TIME(SECOND / 1000, DAY), .value = "10s",
	 .help = "applied but not fired by then: healed, and told as such"},
	{SECTION_FAULT, .name = "bytes", AT(bytes), SIZE(0, TIB), .value = "0",
	 .help = "full: what is left free; short: what is transferred; torn: what gets there; "
		 "cut: what each connection carries"},
	{SECTION_FAULT, .name = "share", AT(share), .type = TYPE_SHARE, .value = "10%",
	 .help = "loss, duplicate, reorder: of the packets; cpu: of one; alloc: of the "
		 "allocations"},
	{SECTION_FAULT, .name = "rate", AT(rate), SIZE(KIB, TIB), .value = "256K",
	 .help = "rate, throttle: bytes a second"},
	{SECTION_FAULT, .name = "both", AT(both), .type = TYPE_BOOL, .value = "no",
	 .help = "the link's way back as well"},
	{SECTION_FAULT, .name = "until", AT(until), TEXT, .value = "",
	 .help = "a gate to be met first: before an empty node takes its place (dead, "
		 "corrupt-write, torn, lie), it stops (offline, scale-in), or it leaves again "
		 "(scale-out)"},
	{SECTION_FAULT, .name = "shift", AT(shift_ns), TIME(1, 3650 * DAY), .value = "1h",
	 .help = "clock-jump: how far"},
	{SECTION_FAULT, .name = "drift", AT(drift), .type = TYPE_SHARE, .value = "10%",
	 .help = "clock-drift: of the time that passes"},
	{SECTION_FAULT, .name = "back", AT(back), .type = TYPE_BOOL, .value = "no",
	 .help = "clock-jump, clock-drift: behind the time, not ahead of it"},
	{SECTION_FAULT, .name = "bits", AT(bits), NUMBER(1, 64), .value = "1",
	 .help = "corrupt-read, corrupt-write: how many are wrong"},
#undef OWNER
#define OWNER plan_gate
	{SECTION_GATE, .name = "step", AT(step), .type = TYPE_STEPS, .value = "",
	 .help = "process, port, ready, health PATH OP VALUE, log NODES REGEX, command ..., "
		 "probe; met in order"},
	{SECTION_GATE, .name = "limit", AT(limit_ns), TIME(SECOND / 1000, DAY), .value = "30s",
	 .help = "for all steps together; then the run is UNRECOVERED"},
#undef OWNER
#define OWNER plan_phase
	{SECTION_PHASE, .name = "for", AT(for_ns), TIME(SECOND / 1000, 30 * DAY), .value = "10s",
	 .help = "how long it is; the phases together are the run's duration"},
	{SECTION_PHASE, .name = "faults", AT(faults), TEXT, .value = "none",
	 .help = "what may be drawn in it: all, none, or names and classes of faults (process, "
		 "disk, "
		 "network, resource, clock, point)"},
	{SECTION_PHASE, .name = "budget", AT(budget), NUMBER(0, 64), .value = "0",
	 .help = "faults at the same time in it; 0: the run's"},
	{SECTION_PHASE, .name = "think", AT(think_ns), TIME(0, DAY), .value = "0",
	 .help = "a worker's pause between operations in it, beside that of [workload]"},
#undef OWNER
};

#define ONE(title, field)                                                         \
	{                                                                         \
		.name = (title), .offset = offsetof(struct plan, field), .max = 1 \
	}
#define MANY(title, field, counter, most)                                     \
	{                                                                     \
		.name = (title), .offset = offsetof(struct plan, field),      \
		.stride = sizeof(((struct plan *)0)->field[0]),               \
		.count_offset = offsetof(struct plan, counter), .max = (most) \
	}

const struct plan_section_kind plan_section_kinds[SECTION_COUNT] = {
	[SECTION_RUN] = ONE("run", run),
	[SECTION_STORE] = ONE("store", store),
	[SECTION_WORKLOAD] = ONE("workload", workload),
	[SECTION_ROLE] = MANY("role", role, roles, ROLE_MAX),
	[SECTION_FAULT] = MANY("fault", fault, faults, FAULT_MAX),
	[SECTION_GATE] = MANY("gate", gate, gates, GATE_MAX),
	[SECTION_PHASE] = MANY("phase", phase, phases, PHASE_MAX),
};

const struct plan_key *plan_key_at(size_t i)
{
	return i < sizeof(keys) / sizeof(keys[0]) ? &keys[i] : NULL;
}

const struct plan_key *plan_key_find(enum plan_section section, const char *name)
{
	const struct plan_key *key;

	for (size_t i = 0; (key = plan_key_at(i)); i++)
		if (key->section == section && strcmp(key->name, name) == 0)
			return key;
	return NULL;
}

const char *plan_key_name_at(const void *arg, size_t i)
{
	const enum plan_section *section = arg;
	const struct plan_key *key;

	for (size_t n = 0; (key = plan_key_at(n)); n++)
		if (key->section == *section && i-- == 0)
			return key->name;
	return NULL;
}

const char *plan_section_name_at(const void *arg, size_t i)
{
	(void)arg;
	return i < SECTION_COUNT ? plan_section_kinds[i].name : NULL;
}
