/* metrics.c - the thread that measures; see metrics.h. */
#include "runner/metrics.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/metrics_impl.h"
#include "runner/process.h"
#include "runner/ready.h"

enum { ANSWER_MAX = 1 << 18, ADDRESS_MAX = 1024, NUMBERS_MAX = 256 };
/* The store is asked less often: it has other things to do. */
static const int64_t ask_every_ns = INT64_C(10000000000), ask_limit_ns = INT64_C(1000000000),
		     thin_every_ns = INT64_C(60000000000), step_ns = INT64_C(50000000);

struct metrics {
	struct metrics_options options;
	pthread_t thread;
	_Atomic bool ending;
	pthread_mutex_t lock; /* of the pids */
	pid_t pid[NODE_COUNT_MAX];
	int nodes;
	struct metrics_usage before[NODE_COUNT_MAX + 1]; /* the last one: failrun */
	int64_t before_ns, now_ns;
	char *answer;
};

static void put(struct metrics *m, const char *node, const char *name, double value)
{
	ledger_metric(m->options.ledger, m->now_ns, node, name, value);
}

static double seconds_since(const struct metrics *m)
{
	return (double)(m->now_ns - m->before_ns) / 1e9;
}

static void measure_workload(struct metrics *m)
{
	static const char *const names[OUTCOME_COUNT] = {
		[OUTCOME_ABSENT] = "absent",           [OUTCOME_REFUSED] = "refused",
		[OUTCOME_NOT_APPLIED] = "not_applied", [OUTCOME_AMBIGUOUS] = "ambiguous",
		[OUTCOME_GARBAGE] = "garbage",
	};
	struct workload_interval i;
	uint64_t ops = 0;

	workload_interval(m->options.workload, &i);
	for (int k = 0; k < OUTCOME_COUNT; k++) {
		ops += i.outcome[k];
		if (names[k])
			put(m, "workload", names[k], (double)i.outcome[k]);
	}
	if (m->before_ns)
		put(m, "workload", "ops", (double)ops / seconds_since(m));
	if (!ops)
		return;
	put(m, "workload", "p50_ms", (double)i.p50_ns / 1e6);
	put(m, "workload", "p99_ms", (double)i.p99_ns / 1e6);
	put(m, "workload", "max_ms", (double)i.max_ns / 1e6);
}

/* Of a process that is not the one before, as after a restart, the time so far is all new. */
static double cpu_percent(const struct metrics *m, const struct metrics_usage *now,
			  const struct metrics_usage *before)
{
	uint64_t ticks = now->ticks >= before->ticks ? now->ticks - before->ticks : now->ticks;

	return 100.0 * (double)ticks / (double)sysconf(_SC_CLK_TCK) / seconds_since(m);
}

static double file_mb(const struct metrics *m, const char *name)
{
	char path[4096];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", m->options.dir, name);
	return stat(path, &st) ? 0 : (double)st.st_size / 1048576;
}

static void measure_self(struct metrics *m, struct metrics_usage *now)
{
	static const char *const files[] = {"model.sqlite", "model.sqlite-wal",
					    "model.sqlite-spool0", "model.sqlite-spool1"};
	double ledger_mb = 0;

	metrics_usage_self(now);
	put(m, "failrun", "rss_mb", (double)now->rss_bytes / 1048576);
	if (m->before_ns)
		put(m, "failrun", "cpu", cpu_percent(m, now, &m->before[m->nodes]));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		ledger_mb += file_mb(m, files[i]);
	put(m, "failrun", "ledger_mb", ledger_mb);
	put(m, "failrun", "ledger_ops", (double)ledger_held(m->options.ledger));
}

static void measure_nodes(struct metrics *m, struct metrics_usage *now)
{
	pid_t pid[NODE_COUNT_MAX];

	pthread_mutex_lock(&m->lock);
	memcpy(pid, m->pid, sizeof(pid));
	pthread_mutex_unlock(&m->lock);
	metrics_usage_groups(pid, m->nodes, now);
	for (int i = 0; i < m->nodes; i++) {
		const char *name = cluster_node(m->options.cluster, i)->name;

		if (!now[i].processes)
			continue;
		put(m, name, "rss_mb", (double)now[i].rss_bytes / 1048576);
		put(m, name, "fds", (double)now[i].fds);
		put(m, name, "processes", (double)now[i].processes);
		if (m->before_ns)
			put(m, name, "cpu", cpu_percent(m, &now[i], &m->before[i]));
	}
}

struct answering {
	struct metrics *m;
	const char *node;
	int numbers;
};

static void answered(void *arg, const char *name, double value)
{
	struct answering *a = arg;

	if (a->numbers++ < NUMBERS_MAX)
		put(a->m, a->node, name, value);
}

/* A node that does not answer has no such numbers at that moment: that is told by others. */
static void ask_node(struct metrics *m, const struct node *node)
{
	struct answering answering = {.m = m, .node = node->name};
	char all[ADDRESS_MAX], *rest = all, *url;
	int status;

	if (!*node->role->metrics ||
	    cluster_expand(m->options.cluster, node, node->role->metrics, all, sizeof(all), NULL))
		return;
	while ((url = strtok_r(rest, " \t", &rest)) && !atomic_load(&m->ending))
		if (ready_get(url, ask_limit_ns, &status, m->answer, ANSWER_MAX, NULL) == 0 &&
		    status == 200)
			metrics_parse(m->answer, answered, &answering);
}

static void ask_store(struct metrics *m)
{
	for (int i = 0; i < m->nodes && !atomic_load(&m->ending); i++)
		if (m->before[i].processes || cluster_node(m->options.cluster, i)->external)
			ask_node(m, cluster_node(m->options.cluster, i));
}

static void measure(struct metrics *m)
{
	struct metrics_usage now[NODE_COUNT_MAX + 1];

	m->now_ns = process_now_ns();
	memset(now, 0, sizeof(now));
	measure_workload(m);
	measure_nodes(m, now);
	measure_self(m, &now[m->nodes]);
	memcpy(m->before, now, sizeof(now));
	m->before_ns = m->now_ns;
}

static void *loop(void *arg)
{
	struct metrics *m = arg;
	int64_t next_ns = process_now_ns(), ask_ns = next_ns, thin_ns = next_ns + thin_every_ns;
	const struct timespec step = {0, step_ns};

	while (!atomic_load(&m->ending)) {
		int64_t now_ns = process_now_ns();

		if (now_ns < next_ns) {
			nanosleep(&step, NULL);
			continue;
		}
		next_ns = now_ns + m->options.every_ns;
		measure(m);
		if (now_ns >= ask_ns) {
			ask_store(m);
			ask_ns = now_ns + ask_every_ns;
		}
		if (now_ns >= thin_ns) {
			ledger_thin_metrics(m->options.ledger, now_ns);
			thin_ns = now_ns + thin_every_ns;
		}
	}
	return NULL;
}

int metrics_open(struct metrics **out, const struct metrics_options *options, struct why *why)
{
	struct metrics *m = calloc(1, sizeof(*m));
	int rc;

	if (m)
		m->answer = malloc(ANSWER_MAX);
	if (!m || !m->answer) {
		free(m);
		return why_set(why, -ENOMEM, "no memory for metrics");
	}
	m->options = *options;
	m->nodes = cluster_nodes(options->cluster);
	pthread_mutex_init(&m->lock, NULL);
	metrics_note(m, options->cluster);
	rc = -pthread_create(&m->thread, NULL, loop, m);
	if (rc) {
		pthread_mutex_destroy(&m->lock);
		free(m->answer);
		free(m);
		return why_set(why, rc, "no thread for metrics: %s", strerror(-rc));
	}
	*out = m;
	return 0;
}

void metrics_note(struct metrics *m, struct cluster *cluster)
{
	if (!m)
		return;
	pthread_mutex_lock(&m->lock);
	for (int i = 0; i < m->nodes; i++)
		m->pid[i] = cluster_node(cluster, i)->pid;
	pthread_mutex_unlock(&m->lock);
}

void metrics_close(struct metrics *m)
{
	if (!m)
		return;
	atomic_store(&m->ending, true);
	pthread_join(m->thread, NULL);
	pthread_mutex_destroy(&m->lock);
	free(m->answer);
	free(m);
}
