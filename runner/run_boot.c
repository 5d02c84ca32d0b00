/* run_boot.c - from a plan to a cluster that has passed its first gate, and back to nothing. */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runner/external.h"
#include "runner/net.h"
#include "runner/net_queue.h"
#include "runner/past.h"
#include "runner/process.h"
#include "runner/run_internal.h"
#include "runner/sandbox.h"
#include "runner/seed.h"

enum { CLIENT_HOST = 250 }; /* clients have an address that is no node's */

static void record_plan(struct run *run, uint64_t run_id)
{
	static const char *const contract[] = {"sync", "bounded", "none"};
	char number[32], where[PATH_MAX];

	ledger_run(run->ledger, "where", getcwd(where, sizeof(where)) ? where : "");
	ledger_run(run->ledger, "dir", run->plan->run.dir);
	snprintf(number, sizeof(number), "%u", sandbox_network());
	ledger_run(run->ledger, "network", number);
	ledger_run(run->ledger, "replays", run->request->replays);
	ledger_run(run->ledger, "atoms", run->request->atoms);

	ledger_run(run->ledger, "plan", run->plan->path);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)run->plan->run.seed);
	ledger_run(run->ledger, "seed", number);
	snprintf(number, sizeof(number), "%lld", (long long)run_id);
	ledger_run(run->ledger, "run_id", number);
	ledger_run(run->ledger, "contract", contract[run->plan->run.contract.word]);
	snprintf(number, sizeof(number), "%lld", (long long)run->plan->run.contract.ns);
	ledger_run(run->ledger, "contract_ns", number);
	snprintf(number, sizeof(number), "%lld", (long long)run->plan->store.list.ns);
	ledger_run(run->ledger, "list_ns", number);
	ledger_run(run->ledger, "driver", run->plan->store.driver);
	snprintf(number, sizeof(number), "%lld", (long long)run->plan->store.settle_ns);
	ledger_run(run->ledger, "settle_ns", number);
	snprintf(number, sizeof(number), "%lld", (long long)run->plan->workload.retries);
	ledger_run(run->ledger, "retries", number);
	ledger_run(run->ledger, "version", FAILKIT_VERSION);
	ledger_run(run->ledger, "sandbox", sandbox_missing());
}

/* How many atoms of the schedule are in the ledger of a run that was cut. */
static int recorded(const struct run *run)
{
	const struct past *past = run->request->resumes;

	return past ? (int)past_number(past, "SELECT count(*) FROM fault", 0) : 0;
}

static int record_schedule(struct run *run, struct why *why)
{
	char path[4096];
	FILE *file;
	int error = 0;

	snprintf(path, sizeof(path), "%s/schedule.txt", run->dir);
	file = fopen(path, "we");
	if (!file)
		return why_set(why, -errno, "cannot write \"%s\": %s", path, strerror(errno));
	schedule_print(&run->schedule, file);
	if (fclose(file))
		return why_set(why, -errno, "cannot write \"%s\": %s", path, strerror(errno));
	for (int i = recorded(run); i < run->schedule.atoms && !error; i++) {
		const struct fault_atom *atom = &run->schedule.atom[i];
		char whom[2 * PLAN_NAME_MAX + 2];

		snprintf(whom, sizeof(whom), "%s%s%s", atom->from[0] ? atom->from : atom->node,
			 atom->from[0] ? ">" : "", atom->to);
		error = ledger_fault(run->ledger, atom->number, atom->fault->name, atom->kind->name,
				     whom, atom->text, atom->fault->gate);
	}
	return error ? why_set(why, error, "the ledger: %s", strerror(-error)) : 0;
}

static bool injects(const struct plan *plan)
{
	for (int i = 0; i < plan->roles; i++)
		if (plan->role[i].inject)
			return true;
	return false;
}

/* A plane whose owner is the user that the nodes run as, so that they can map it. */
static int open_plane(struct run *run, struct why *why)
{
	struct control_options options = {.seed = run->plan->run.seed, .note = run->plan->path};
	struct process_user user;
	int error;

	if (run->plan->run.external)
		return *run->plan->run.plane ? external_plane(&run->control, run->plan, why) : 0;
	if (!injects(run->plan))
		return 0;
	for (int i = 0; i < run->plan->roles; i++) {
		const struct plan_role *role = &run->plan->role[i];

		if (!role->inject || !role->user || !role->user[0])
			continue;
		error = process_user_find(&user, role->user, why);
		if (error)
			return error;
		if (options.owner && options.owner != user.uid)
			return why_set(
				why, -ENOTSUP,
				"role \"%s\": one plane can't be mapped by two users but root",
				role->name);
		options.owner = user.uid;
	}
	error = control_create(&run->control, NULL, &options, why);
	if (!error)
		error = control_hold(run->control, why);
	return error;
}

static bool has_update(const struct plan_role *role)
{
	return *role->update_command || *role->update_args;
}

static bool has_offline(const struct plan_role *role)
{
	return *role->offline_command && *role->online_command;
}

/* Has every role that it may hit what the fault wants of it? */
static bool roles_have(const struct plan *plan, const struct fault_atom *atom,
		       bool (*has)(const struct plan_role *role))
{
	const char *list = atom->node[0] ? atom->node : atom->group;
	char name[PLAN_NAME_MAX];

	while (fault_group_next(&list, name)) {
		const struct plan_role *role;

		name[strcspn(name, "0123456789")] = '\0';
		role = plan_role(plan, name);
		if (!role || !has(role))
			return false;
	}
	return true;
}

static bool has_program(const char *name)
{
	const char *list = getenv("PATH");
	char path[PATH_MAX];

	while (list && *list) {
		size_t length = strcspn(list, ":");

		snprintf(path, sizeof(path), "%.*s/%s", (int)length, list, name);
		if (access(path, X_OK) == 0)
			return true;
		list += length + (list[length] == ':');
	}
	return false;
}

/* What the schedule needs and this machine can't give is refused before anything starts. */
static int check_needs(const struct run *run, struct why *why)
{
	for (int i = 0; i < run->schedule.atoms; i++) {
		const struct fault_atom *atom = &run->schedule.atom[i];

		if ((atom->kind->needs & NEEDS_NETFILTER) && !net_can_cut())
			return why_set(why, -ENOTSUP,
				       "fault \"%s\" (%s) wants a network of the run's own: %s",
				       atom->fault->name, atom->kind->name, sandbox_missing());
		if ((atom->kind->needs & NEEDS_QUEUE) && net_queue_open(why))
			return why_prefix(why, -ENOTSUP, "fault \"%s\" (%s)", atom->fault->name,
					  atom->kind->name);
		if ((atom->kind->needs & NEEDS_CGROUP) && cgroup_check(atom->kind->name, why))
			return why_prefix(why, -ENOTSUP, "fault \"%s\" (%s)", atom->fault->name,
					  atom->kind->name);
		if ((atom->kind->needs & NEEDS_STRESS) && !has_program("stress-ng"))
			return why_set(why, -ENOTSUP, "fault \"%s\" (%s) wants stress-ng",
				       atom->fault->name, atom->kind->name);
		if ((atom->kind->needs & NEEDS_UPDATE) && !roles_have(run->plan, atom, has_update))
			return why_set(why, -ENOTSUP,
				       "fault \"%s\" (%s) wants update-command or update-args in "
				       "the role of \"%s\"",
				       atom->fault->name, atom->kind->name, atom->fault->on);
		if ((atom->kind->needs & NEEDS_OFFLINE) &&
		    !roles_have(run->plan, atom, has_offline))
			return why_set(why, -ENOTSUP,
				       "fault \"%s\" (%s) wants offline-command and "
				       "online-command in the role of \"%s\"",
				       atom->fault->name, atom->kind->name, atom->fault->on);
		if ((atom->kind->needs & NEEDS_INTERPOSER) && !run->control)
			return why_set(why, -ENOTSUP,
				       "fault \"%s\" (%s) wants a role with inject = yes",
				       atom->fault->name, atom->kind->name);
	}
	return 0;
}

static void text_address(uint32_t address, char text[16])
{
	struct in_addr in = {.s_addr = htonl(address)};

	inet_ntop(AF_INET, &in, text, 16);
}

/* From the sweep's threads. */
static bool sweep_cancelled(void *arg)
{
	(void)arg;
	return run_interrupts() > 1;
}

/* Of an external cluster's store others may have a part: ours is new for each run. */
static int choose_prefix(struct run *run, struct why *why)
{
	struct timespec now;

	snprintf(run->prefix, sizeof(run->prefix), "%s", run->plan->store.prefix);
	if (strlen(run->plan->store.prefix) >= sizeof(run->prefix))
		return why_set(why, -ENAMETOOLONG, "[store] prefix is longer than %d bytes",
			       PREFIX_MAX - 1);
	if (run->request->resumes) {
		past_text(run->request->resumes, "prefix", run->prefix, sizeof(run->prefix));
		return 0;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	if (!run->prefix[0] && run->plan->run.external)
		snprintf(run->prefix, sizeof(run->prefix), "failkit-%llx-%x/",
			 (unsigned long long)now.tv_sec * 1000000000 +
				 (unsigned long long)now.tv_nsec,
			 (unsigned)getpid());
	ledger_run(run->ledger, "prefix", run->prefix);
	return 0;
}

static int open_workload(struct run *run, uint64_t run_id, struct why *why)
{
	const struct plan_store *store = &run->plan->store;
	struct workload_options options = {.plan = run->plan,
					   .ledger = run->ledger,
					   .run_id = run_id,
					   .cancelled = sweep_cancelled,
					   .arg = run,
					   .epoch = run->left.epoch,
					   .client_address = run->client};
	char can[16], key[32];

	options.driver = driver_find(store->driver, why);
	if (!options.driver)
		return -EINVAL;
	for (int i = 0; i < cluster_nodes(run->cluster); i++) {
		const struct node *node = cluster_node(run->cluster, i);

		if (strcmp(node->role->name, store->endpoints) != 0 || node->spare)
			continue;
		snprintf(run->endpoint_text[run->endpoints], sizeof(run->endpoint_text[0]), "%s:%d",
			 node->address_text, node->port);
		run->endpoint[run->endpoints] = run->endpoint_text[run->endpoints];
		snprintf(key, sizeof(key), "endpoint%d", run->endpoints);
		ledger_run(run->ledger, key, node->name);
		run->endpoints++;
	}
	options.endpoint = run->endpoint;
	options.endpoints = run->endpoints;
	options.prefix = run->prefix;
	if (run->plan->run.external)
		options.client_address = NULL;
	text_address(sandbox_network() + CLIENT_HOST, run->client);
	snprintf(can, sizeof(can), "%u", options.driver->can);
	ledger_run(run->ledger, "can", can);
	return workload_open(&run->workload, &options, why);
}

/* A listing that may be late is judged by the writes before it, which compaction takes away. */
static int open_compactor(struct run *run, struct why *why)
{
	struct compact_options options = {.dir = run->dir,
					  .ledger = run->ledger,
					  .workload = run->workload,
					  .operations_max = (uint64_t)run->plan->run.ledger_ops};

	if (!options.operations_max || run->plan->store.list.word == LIST_EVENTUAL)
		return 0;
	return compactor_open(&run->compactor, &options, why);
}

static int open_metrics(struct run *run, struct why *why)
{
	const struct metrics_options options = {.dir = run->dir,
						.every_ns = run->plan->run.metrics_ns,
						.ledger = run->ledger,
						.workload = run->workload,
						.cluster = run->cluster};

	return metrics_open(&run->metrics, &options, why);
}

static int open_cluster(struct run *run, struct why *why)
{
	struct cluster_options options = {.plan = run->plan,
					  .run_dir = run->dir,
					  .network = sandbox_network(),
					  .control = run->control,
					  .ledger = run->ledger};
	int error = cluster_open(&run->cluster, &options, why);

	if (error)
		return error;
	run->context = (struct fault_context){.plan = run->plan,
					      .cluster = run->cluster,
					      .control = run->control,
					      .ledger = run->ledger,
					      .pass_gate = run_pass_gate,
					      .recover = run_recover_from,
					      .ends = run_ends,
					      .arg = run};
	return run->request->resumes ? run_resume_nodes(run, why) : 0;
}

static int open_records(struct run *run, uint64_t run_id, struct why *why)
{
	char path[4096];
	int error;

	snprintf(path, sizeof(path), "%s/model.sqlite", run->dir);
	if (run->request->resumes) {
		error = past_open_ledger(run->request->resumes, why);
		if (!error)
			error = ledger_resume(&run->ledger, path, &run->left, why);
	} else {
		error = ledger_create(&run->ledger, path, why);
	}
	if (error)
		return error;
	if (!run->request->resumes)
		record_plan(run, run_id);
	run_phase(run, "boot");
	run->atom = calloc((size_t)run->schedule.atoms + 1, sizeof(*run->atom));
	if (!run->atom)
		return why_set(why, -ENOMEM, "no memory for the schedule");
	return record_schedule(run, why);
}

static int first_cancelled(void *arg)
{
	run_check_space(arg);
	run_freeze(arg);
	return run_violated(arg) || run_aborting(arg);
}

/* The gate before the first fault: not met, it is the environment's failure, not the store's;
 * unless its probe got a wrong answer, which is the store's and for the verdict. */
static int first_gate(struct run *run, struct why *why)
{
	struct plan_gate boot = {.name = "boot",
				 .step = {"process", "ready", "probe"},
				 .steps = 3,
				 .limit_ns = 60 * 1000000000LL};
	struct gate_context context = {.cluster = run->cluster,
				       .workload = run->workload,
				       .ledger = run->ledger,
				       .fault = -1,
				       .cancelled = first_cancelled,
				       .arg = run};
	const struct plan_gate *gate = plan_gate(run->plan, "default");
	int error = gate_pass(gate ? gate : &boot, &context, why);

	if (run_violated(run))
		return run_check_answers(run, why);
	if (!error)
		return 0;
	return why_prefix(why, error, "the cluster did not come up");
}

static int start_cluster(struct run *run, struct why *why)
{
	int error = cluster_start(run->cluster, why);

	if (!error && run->plan->run.external)
		error = workload_empty(run->workload, why);
	if (!error)
		error = first_gate(run, why);
	if (!error)
		progress_news(run->progress, "%d nodes are up, %d faults are scheduled",
			      cluster_nodes(run->cluster), run->schedule.atoms);
	return error;
}

int run_boot(struct run *run, struct why *why)
{
	uint64_t run_id = seed_named(run->plan->run.seed, "run-id") >> 1;
	int error = open_records(run, run_id, why);
	struct why net_why = {""};

	if (!error)
		error = open_plane(run, why);
	if (!error && net_open(&net_why) && (sandbox_has() & SANDBOX_NET))
		progress_news(run->progress, "no links can be cut: %s", net_why.text);
	if (!error)
		error = check_needs(run, why);
	if (!error)
		error = open_cluster(run, why);
	if (!error && run->plan->run.external && run->control)
		error = external_attached(run->control, run->cluster, why);
	if (!error)
		error = choose_prefix(run, why);
	if (!error)
		error = open_workload(run, run_id, why);
	if (!error && run->request->resumes)
		error = run_resume_state(run, why);
	/* From here on threads look at the oracle: what it is to know of the past is in it. */
	if (!error)
		error = open_compactor(run, why);
	if (!error && run->plan->run.metrics_ns)
		error = open_metrics(run, why);
	if (!error && run->control)
		error = events_open(&run->events, run->control, run->ledger, why);
	if (!error)
		error = run->elapsed_ns ? run_resume_start(run, why) : start_cluster(run, why);
	return error;
}

void run_close(struct run *run)
{
	compactor_close(run->compactor, NULL);
	metrics_close(run->metrics);
	if (run->workload)
		workload_stop(run->workload);
	progress_close(run->progress);
	if (run->cluster)
		cluster_close(run->cluster);
	net_queue_close();
	events_close(run->events);
	if (run->workload)
		workload_close(run->workload);
	if (run->ledger)
		ledger_close(run->ledger, NULL);
	if (run->control) {
		if (!run->plan->run.external)
			control_unlink(run->control);
		control_close(run->control);
	}
	free(run->atom);
}
