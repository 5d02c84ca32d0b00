/* gate.c - see gate.h for the steps. */
#include "runner/gate.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "failpoint/names.h"
#include "failpoint/pattern.h"
#include "runner/cluster_impl.h"
#include "runner/gate_health.h"
#include "runner/gate_log.h"
#include "runner/process.h"
#include "runner/ready.h"

enum { POLL_MS = 50, CHECK_MAX = 4096, ANSWER_MAX = 65536 };
static const int64_t ask_limit_ns = INT64_C(2000000000);

/* A step under way. ask returns 0 when it is met, else an error with why. */
struct step {
	const char *rest; /* of its text, after the first word */
	const struct gate_context *context;
	int64_t deadline_ns;
	uint64_t log_at[NODE_COUNT_MAX]; /* how far each node's log was looked at */
};

struct step_kind {
	const char *word;
	bool has_rest;
	int (*check)(const char *rest, struct why *why);
	int (*fits)(const struct plan *plan, const char *rest, struct why *why);
	int (*ask)(struct step *step, struct why *why);
};

/* Whatever nobody stopped on purpose. */
static bool should_be_up(const struct node *node)
{
	return node->state != NODE_STOPPED;
}

/* The first node that does not pass, NULL when all do. */
static int each_node(const struct step *step,
		     int (*ask)(const struct step *, struct node *, struct why *), struct why *why)
{
	struct cluster *cluster = step->context->cluster;

	for (int i = 0; i < cluster_nodes(cluster); i++) {
		struct node *node = cluster_node(cluster, i);
		int r = should_be_up(node) ? ask(step, node, why) : 0;

		if (r)
			return why_prefix(why, r, "%s", node->name);
	}
	return 0;
}

static int node_process(const struct step *step, struct node *node, struct why *why)
{
	char tail[256];

	if (node_alive(step->context->cluster, node))
		return 0;
	node_log_tail(node, tail, sizeof(tail));
	return why_set(why, -EAGAIN, "it is not running; its log ends: \"%s\"", tail);
}

static int ready_text(const struct step *step, const struct node *node, char *text, size_t size,
		      struct why *why)
{
	return cluster_expand(step->context->cluster, node, node->role->ready, text, size, why);
}

static int node_port(const struct step *step, struct node *node, struct why *why)
{
	char check[CHECK_MAX];
	uint32_t address;
	uint16_t port;
	int r = ready_text(step, node, check, sizeof(check), why);

	if (r || ready_endpoint(check, &address, &port))
		return r;
	if (!ready_connects(address, port, ask_limit_ns))
		return why_set(why, -EAGAIN, "%s accepts no connection", check);
	return 0;
}

static int node_ready(const struct step *step, struct node *node, struct why *why)
{
	char check[CHECK_MAX];
	int r = ready_text(step, node, check, sizeof(check), why);

	return r ? r : ready_ask(check, ask_limit_ns, why);
}

static int ask_process(struct step *step, struct why *why)
{
	return each_node(step, node_process, why);
}

static int ask_port(struct step *step, struct why *why)
{
	return each_node(step, node_port, why);
}

static int ask_ready(struct step *step, struct why *why)
{
	return each_node(step, node_ready, why);
}

static int check_health(const char *rest, struct why *why)
{
	struct health health;

	return health_parse(&health, rest, why);
}

/* What is asked of this node's answer: the path without its role; NULL when nothing is. */
static const char *path_for(const struct health *health, const struct plan *plan,
			    const struct node *node)
{
	size_t length = strcspn(health->path, ".");
	char role[PLAN_NAME_MAX] = "";

	if (length < sizeof(role) && health->path[length])
		memcpy(role, health->path, length);
	if (!plan_role(plan, role))
		return health->path;
	return strcmp(node->role->name, role) == 0 ? health->path + length + 1 : NULL;
}

static int node_health(const struct step *step, struct node *node, const struct health *health,
		       const char *path, struct why *why)
{
	static char answer[ANSWER_MAX];
	char url[CHECK_MAX];
	int status = 0;
	int r = ready_text(step, node, url, sizeof(url), why);

	if (r == 0)
		r = ready_get(url, ask_limit_ns, &status, answer, sizeof(answer), why);
	if (r)
		return r;
	if (status != 200)
		return why_set(why, -EAGAIN, "%s answered %d", url, status);
	return health_judge(health, path, answer, why);
}

static int ask_health(struct step *step, struct why *why)
{
	struct cluster *cluster = step->context->cluster;
	struct health health;
	int asked = 0;
	int r = health_parse(&health, step->rest, why);

	for (int i = 0; r >= 0 && i < cluster_nodes(cluster); i++) {
		struct node *node = cluster_node(cluster, i);
		const char *path = path_for(&health, cluster->options.plan, node);

		if (!path || !should_be_up(node) || strncmp(node->role->ready, "http://", 7) != 0)
			continue;
		r = node_health(step, node, &health, path, why);
		asked += r == 1;
		if (r == 0)
			r = -EAGAIN;
		/* Without a role those that have no such member are not meant. */
		if (r == -ENOENT && path == health.path)
			r = 0;
		if (r < 0)
			return why_prefix(why, r, "%s", node->name);
	}
	if (r >= 0 && !asked)
		return why_set(why, -EAGAIN, "no node answers with \"%s\"", health.path);
	return r < 0 ? r : 0;
}

static int check_log(const char *rest, struct why *why)
{
	struct gate_log log;

	return gate_log_parse(&log, rest, why);
}

static int ask_log(struct step *step, struct why *why)
{
	struct cluster *cluster = step->context->cluster;
	int parts = (int)cluster->options.plan->run.log_keep;
	struct gate_log log;
	int r = gate_log_parse(&log, step->rest, why);

	for (int i = 0; r == 0 && i < cluster_nodes(cluster); i++) {
		const struct node *node = cluster_node(cluster, i);

		if (pattern_name(log.nodes, node->name) &&
		    gate_log_met(&log, node, parts, &step->log_at[i]))
			return 0;
	}
	return r ? r : why_set(why, -EAGAIN, "no node has printed such a line");
}

static int check_command(const char *rest, struct why *why)
{
	return *rest ? 0 : why_set(why, -EINVAL, "command wants a shell command");
}

static int fits_command(const struct plan *plan, const char *rest, struct why *why)
{
	return expand_check(plan, false, rest, why);
}

static int ask_command(struct step *step, struct why *why)
{
	char check[CHECK_MAX] = "command ";
	size_t used = strlen(check);
	int64_t limit_ns = step->deadline_ns - process_now_ns();
	int r = cluster_expand(step->context->cluster, NULL, step->rest, check + used,
			       sizeof(check) - used, why);

	/* The last one gets its time, too: what it says is what is told. */
	return r ? r : ready_ask(check, limit_ns > ask_limit_ns ? limit_ns : ask_limit_ns, why);
}

static int ask_probe(struct step *step, struct why *why)
{
	return step->context->workload ? workload_probe(step->context->workload, why) : 0;
}

static const struct step_kind kinds[] = {
	{"process", false, NULL, NULL, ask_process},
	{"port", false, NULL, NULL, ask_port},
	{"ready", false, NULL, NULL, ask_ready},
	{"health", true, check_health, NULL, ask_health},
	{"log", true, check_log, gate_log_fits, ask_log},
	{"command", true, check_command, fits_command, ask_command},
	{"probe", false, NULL, NULL, ask_probe},
};

static const char *kind_at(const void *arg, size_t i)
{
	(void)arg;
	return i < sizeof(kinds) / sizeof(kinds[0]) ? kinds[i].word : NULL;
}

static const struct step_kind *find_kind(const char *text, const char **rest)
{
	size_t length = strcspn(text, " \t");

	*rest = text + length + strspn(text + length, " \t");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].word) == length && strncmp(kinds[i].word, text, length) == 0)
			return &kinds[i];
	return NULL;
}

int gate_step_check(const char *text, struct why *why)
{
	const char *rest;
	const struct step_kind *kind = find_kind(text, &rest);
	char word[64];

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(text, " \t"), text);
	if (!kind)
		return names_refuse(why, -EINVAL, "step", word, kind_at, NULL);
	if (!kind->has_rest && *rest)
		return why_set(why, -EINVAL, "step \"%s\" takes nothing, not \"%s\"", word, rest);
	return kind->check ? kind->check(rest, why) : 0;
}

int gate_step_fits(const struct plan *plan, const char *text, struct why *why)
{
	const char *rest;
	const struct step_kind *kind = find_kind(text, &rest);

	return kind && kind->fits ? kind->fits(plan, rest, why) : 0;
}

static void logs_since(const struct gate_context *context, uint64_t at[])
{
	for (int i = 0; i < cluster_nodes(context->cluster); i++)
		at[i] = context->log_from ? context->log_from[i]
					  : cluster_node(context->cluster, i)->log_first;
}

/* Asks until the step is met. */
static int pass_step(const char *text, const struct gate_context *context, int64_t deadline_ns,
		     struct why *why)
{
	struct step step = {.context = context, .deadline_ns = deadline_ns};
	const struct step_kind *kind = find_kind(text, &step.rest);
	struct why last = {"it was not asked"};
	int r;

	if (!kind)
		return gate_step_check(text, why);
	logs_since(context, step.log_at);
	for (;;) {
		if (context->cancelled && context->cancelled(context->arg))
			return why_set(why, -ECANCELED, "step \"%s\" was not waited for", text);
		cluster_reap(context->cluster);
		r = kind->ask(&step, &last);
		if (r == 0)
			return 0;
		if (process_now_ns() >= deadline_ns)
			return why_set(why, -ETIMEDOUT, "step \"%s\": %s", text, last.text);
		poll(NULL, 0, POLL_MS);
	}
}

int gate_pass(const struct plan_gate *gate, const struct gate_context *context, struct why *why)
{
	int64_t deadline_ns = process_now_ns() + gate->limit_ns;
	struct why state = {""};
	int r = 0;

	for (int i = 0; r == 0 && i < gate->steps; i++) {
		int64_t started_ns = process_now_ns();

		r = pass_step(gate->step[i], context, deadline_ns, &state);
		if (context->ledger)
			ledger_gate(context->ledger, context->fault, gate->name, gate->step[i],
				    started_ns, r ? 0 : process_now_ns(), r ? state.text : "met");
	}
	return r ? why_set(why, r, "%s", state.text) : 0;
}

void gate_note_nodes(struct cluster *cluster, struct ledger *ledger)
{
	static const char *const states[] = {
		[NODE_DOWN] = "down",     [NODE_STARTING] = "starting", [NODE_UP] = "up",
		[NODE_PAUSED] = "paused", [NODE_STOPPED] = "stopped",   [NODE_CRASHED] = "crashed",
	};

	for (int i = 0; i < cluster_nodes(cluster); i++) {
		const struct node *node = cluster_node(cluster, i);
		char tail[512];

		node_log_tail(node, tail, sizeof(tail));
		ledger_state(ledger, node->name, states[node->state], node->pid, tail);
	}
}
