/* run.c - the order of a run; see run.h. */
#include "runner/run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runner/memory.h"
#include "runner/process.h"
#include "runner/report.h"
#include "runner/run_dir.h"
#include "runner/run_internal.h"

static const int64_t SWEEP_NS = 60 * 1000000000LL; /* a sweep that takes longer is given up */
static const int64_t HEAL_NS = 5 * 1000000000LL;

enum { RECOVERY_ATTEMPTS = 3 }; /* a node that ends again and again has not recovered */

static _Atomic int interrupts; /* lock-free: counted in a signal handler, on any thread */

static void on_signal(int signal_number)
{
	(void)signal_number;
	interrupts++;
}

static void catch_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

void run_phase(struct run *run, const char *name)
{
	ledger_phase(run->ledger, name);
	progress_phase(run->progress, name);
}

bool run_violated(struct run *run)
{
	struct workload_status status;

	workload_status(run->workload, &status);
	return status.violations > 0;
}

static bool stopped_by_violation(struct run *run)
{
	return run->plan->run.on_violation != ON_VIOLATION_CONTINUE && run_violated(run);
}

bool run_stopping(struct run *run)
{
	return interrupts > 0 || run->unrecovered || run_aborting(run) || stopped_by_violation(run);
}

bool run_aborting(struct run *run)
{
	return interrupts > 1 || run->environment.text[0] || ledger_error(run->ledger, NULL);
}

int run_interrupts(void)
{
	return interrupts;
}

struct finding {
	enum violation_code code;
	const char *key, *text;
};

static void report_finding(void *arg, struct oracle *oracle)
{
	const struct finding *f = arg;

	oracle_report(oracle, f->code, f->key, 0, f->text);
}

void run_report(struct run *run, enum violation_code code, const char *key, const char *text)
{
	struct finding finding = {code, key, text};

	ledger_finding(run->ledger, violation_name(code), key, text);
	if (code == UNRECOVERED)
		gate_note_nodes(run->cluster, run->ledger);
	workload_oracle(run->workload, report_finding, &finding);
	progress_news(run->progress, "%s: %.*s", violation_name(code), (int)strcspn(text, "\n"),
		      text);
}

/* A node that died of an injected error has reacted to it; any other crash is a finding. */
static bool is_reaction(const struct run *run, const struct node *node)
{
	for (int i = 0; i < run->actives; i++) {
		const struct fault_run *f = run->active[i];

		if (f->node == node ||
		    (!f->node && f->atom->kind->needs & NEEDS_INTERPOSER && !f->from))
			return true;
	}
	return false;
}

static void judge_crashes(struct run *run)
{
	for (int i = 0; i < cluster_nodes(run->cluster); i++) {
		const struct node *node = cluster_node(run->cluster, i);
		char text[480], end[64], tail[256];

		if (node->crashes == run->crashes[i])
			continue;
		run->crashes[i] = node->crashes;
		if (is_reaction(run, node)) {
			progress_news(run->progress, "%s ended, as a reaction to the fault",
				      node->name);
			continue;
		}
		process_status_text(node->end_status, end, sizeof(end));
		node_log_tail(node, tail, sizeof(tail));
		snprintf(text, sizeof(text),
			 "%s ended by itself: %s; its log, nodes/%s.log, ends: \"%s\"", node->name,
			 end, node->name, tail);
		run_report(run, SUT_CRASH, node->name, text);
	}
}

/* Once, and into the ledger: a run that was cut short is no proof of the faults it left out. */
static void note_interrupt(struct run *run)
{
	if (!interrupts || run->interrupted)
		return;
	run->interrupted = true;
	ledger_run(run->ledger, "interrupted", "yes");
	progress_news(run->progress, "interrupted: no more faults; heal, sweep and report follow "
				     "(once more to end at once)");
}

void run_tick(struct run *run)
{
	note_interrupt(run);
	run_check_space(run);
	cluster_reap(run->cluster);
	metrics_note(run->metrics, run->cluster);
	judge_crashes(run);
	run_freeze(run);
	poll(NULL, 0, 5);
}

/* A gate is given up when a node has ended meanwhile: it is started, and the gate begins anew. And
 * after a violation nobody waits: the probe of a gate may be what found it. */
static int cancelled(void *arg)
{
	struct run *run = arg;

	run_check_space(run);
	run_freeze(run);
	if (stopped_by_violation(run))
		return 1;
	for (int i = 0; i < cluster_nodes(run->cluster); i++)
		if (!node_alive(run->cluster, cluster_node(run->cluster, i)))
			return 1;
	return run_aborting(run);
}

/* What a plan without a gate of its own means by recovered. */
static const struct plan_gate *find_gate(const struct run *run, const char *name)
{
	static const struct plan_gate built_in = {.name = "default",
						  .step = {"process", "ready", "probe"},
						  .steps = 3,
						  .limit_ns = 30 * 1000000000LL};
	const struct plan_gate *gate = plan_gate(run->plan, name && name[0] ? name : "default");

	return gate ? gate : &built_in;
}

static int gate_cancelled(void *arg)
{
	run_check_space(arg);
	run_freeze(arg);
	return stopped_by_violation(arg) || run_aborting(arg);
}

/* What nodes had printed when a fault that is under way began; NULL for none. */
static const uint64_t *logs_since(const struct run *run, int fault)
{
	for (int i = 0; i < run->actives; i++)
		if (run->active[i]->atom->number == fault)
			return run->active[i]->log_from;
	return NULL;
}

int run_pass_gate(void *arg, const char *gate, int fault, struct why *why)
{
	struct run *run = arg;
	struct gate_context context = {.cluster = run->cluster,
				       .workload = run->workload,
				       .ledger = run->ledger,
				       .fault = fault,
				       .log_from = logs_since(run, fault),
				       .cancelled = gate_cancelled,
				       .arg = run};

	return gate_pass(find_gate(run, gate), &context, why);
}

bool run_ends(void *arg)
{
	return run_stopping(arg);
}

static int start_down(struct run *run, struct why *why)
{
	for (int i = 0; i < cluster_nodes(run->cluster); i++) {
		struct node *node = cluster_node(run->cluster, i);
		int error = 0;

		if (node->state == NODE_PAUSED)
			error = node_continue(run->cluster, node, why);
		else if (!node_alive(run->cluster, node))
			error = node_start(run->cluster, node, why);
		if (!error && node->state == NODE_STARTING)
			error = node_wait_ready(run->cluster, node,
						process_now_ns() + node->role->ready_ns, why);
		if (error)
			return why_prefix(why, error, "node %s", node->name);
	}
	return 0;
}

int run_recover(struct run *run, const char *gate, int fault)
{
	struct gate_context context = {.cluster = run->cluster,
				       .workload = run->workload,
				       .ledger = run->ledger,
				       .fault = fault,
				       .log_from = logs_since(run, fault),
				       .cancelled = cancelled,
				       .arg = run};
	struct why why = {""};
	int error = 0;

	for (int attempt = 0; attempt < RECOVERY_ATTEMPTS; attempt++) {
		cluster_reap(run->cluster);
		judge_crashes(run);
		error = start_down(run, &why);
		if (!error)
			error = gate_pass(find_gate(run, gate), &context, &why);
		judge_crashes(run);
		if (!error || run_aborting(run) || stopped_by_violation(run))
			return error;
		if (run_environment(run, error, &why))
			return error;
		if (error != -ECANCELED)
			break;
	}
	run->unrecovered = true;
	run_report(run, UNRECOVERED, gate && gate[0] ? gate : "default", why.text);
	return error;
}

int run_recover_from(void *arg, const char *gate, int fault)
{
	return run_recover(arg, gate, fault);
}

/* All rules of a plane of the run's own; of another's what this run has set, which its faults have
 * healed but for the rules that only watch. */
static int heal_plane(struct run *run, struct why *why)
{
	int64_t deadline_ns = process_now_ns() + HEAL_NS;
	int error = 0;

	if (!run->plan->run.external)
		return control_heal(run->control, deadline_ns, why);
	for (int i = 0; i < run->schedule.atoms && !error; i++)
		if (run->atom[i].watch[0])
			error = control_remove(run->control, run->atom[i].watch, deadline_ns, why);
	return error == -ENOENT ? 0 : error;
}

static void heal(struct run *run)
{
	struct why why = {""};

	run_phase(run, "heal");
	progress_fault(run->progress, "%s", "");
	if (run->control && heal_plane(run, &why))
		run_report(run, UNRECOVERED, "heal", why.text);
	if (!run->unrecovered)
		run_recover(run, "", -1);
}

static void finish_oracle(void *arg, struct oracle *oracle)
{
	(void)arg;
	oracle_finish(oracle);
}

static void quiet_and_sweep(struct run *run)
{
	struct why why = {""};

	if (run->frozen)
		run_phase(run, "quiet");
	else
		run_quiet(run);
	workload_stop(run->workload);
	progress_stop(run->progress);
	if (run_aborting(run))
		return;
	run_phase(run, "sweep");
	run->sweep_missed = workload_sweep(run->workload, process_now_ns() + SWEEP_NS, &why);
	run->swept = !run_aborting(run);
	if (run->sweep_missed)
		progress_news(run->progress, "sweep: %s", why.text);
	run_tick(run);
}

static int perform(struct run *run, struct verdict_result *verdict, struct why *why)
{
	struct why late = {""};
	struct run_blind blind = {.count = 0};
	int error = run_boot(run, why);

	if (!error)
		error = run_faults(run, why);
	if (error)
		return error;
	note_interrupt(run);
	if (!run_aborting(run))
		heal(run);
	if (!run_aborting(run))
		quiet_and_sweep(run);
	workload_stop(run->workload);
	progress_stop(run->progress);
	if (compactor_close(run->compactor, &late))
		progress_news(run->progress, "the ledger was not compacted to the end: %s",
			      late.text);
	run->compactor = NULL;
	metrics_close(run->metrics);
	run->metrics = NULL;
	workload_oracle(run->workload, finish_oracle, NULL);
	run_phase(run, "end");
	run_blind(run, &blind);
	run_escapes(run, &blind);
	cluster_close(run->cluster);
	run->cluster = NULL;
	return run_judge(run, &blind, verdict, why);
}

int run_execute(const struct run_request *request, struct why *why)
{
	struct run run = {.request = request,
			  .plan = request->plan,
			  .dir = request->dir,
			  .schedule = *request->schedule};
	struct verdict_result verdict;
	int error;

	catch_signals();
	memory_settle();
	error = progress_open(&run.progress, why);
	if (error)
		return 3;
	error = perform(&run, &verdict, why);
	run_close(&run);
	if (!error && verdict.environment)
		error = why_set(why, -EIO, "%s", verdict.reason[0]);
	if (!error)
		error = report_write(run.dir, why);
	if (error) {
		run_dir_mark_failed(run.dir, why);
		return 3;
	}
	report_summary(run.dir, why);
	return verdict_exit_code(verdict.verdict);
}
