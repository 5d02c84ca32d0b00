/* cluster.c - see cluster.h for the model. */
#include "runner/cluster_impl.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runner/external.h"

int cluster_nodes(const struct cluster *cluster)
{
	return cluster->count;
}

struct node *cluster_node(struct cluster *cluster, int i)
{
	return &cluster->own[i].node;
}

bool node_born_spare(const struct node *node)
{
	return node->index >= node->role->count;
}

struct node *cluster_find(struct cluster *cluster, const char *name)
{
	for (int i = 0; i < cluster->count; i++)
		if (strcmp(cluster->own[i].node.name, name) == 0)
			return &cluster->own[i].node;
	return NULL;
}

/* Where the plan says that it is. */
static int locate(struct node *node, struct why *why)
{
	const char *list = node->role->addresses;
	char host[EXTERNAL_HOST_MAX];
	uint16_t port;
	int r = 1;

	for (int i = 0; i <= node->index && r == 1; i++)
		r = external_address_next(&list, host, &port, why);
	if (r == 1)
		r = external_resolve(host, &node->address, why);
	if (r)
		return why_prefix(why, r, "%s", node->name);
	node->external = true;
	if (port)
		node->port = port;
	return 0;
}

static int add_node(struct cluster *cluster, const struct plan_role *role, int index,
		    struct why *why)
{
	const struct cluster_options *options = &cluster->options;
	char path[sizeof(((struct node *)0)->log) - 4];
	struct in_addr in;
	struct node *node;

	if (cluster->count == NODE_COUNT_MAX)
		return why_set(why, -E2BIG, "more than %d nodes", NODE_COUNT_MAX);
	node = &cluster->own[cluster->count++].node;
	snprintf(node->name, sizeof(node->name), "%.20s%d", role->name, index + 1);
	node->role = role;
	node->index = index;
	node->spare = node_born_spare(node);
	node->address = options->network + (uint32_t)cluster->count;
	node->port = (uint16_t)options->plan->store.port;
	if (options->plan->run.external) {
		int r = locate(node, why);

		if (r)
			return r;
	}
	in.s_addr = htonl(node->address);
	inet_ntop(AF_INET, &in, node->address_text, sizeof(node->address_text));
	if (snprintf(path, sizeof(path), "%s/nodes/%s%d", options->run_dir, role->name,
		     index + 1) >= (int)sizeof(path))
		return why_set(why, -ENAMETOOLONG, "run directory \"%s\" is too long",
			       options->run_dir);
	strcpy(node->dir, path);
	strcat(strcpy(node->log, path), ".log");
	node->log_first = node_log_end(node);
	if (!options->control || node->external)
		return 0;
	return control_node(options->control, node->name, role->name, node->address, why);
}

static int add_nodes(struct cluster *cluster, struct why *why)
{
	const struct plan *plan = cluster->options.plan;
	int r = 0;

	for (int i = 0; i < plan->roles; i++)
		for (int n = 0; r == 0 && n < plan->role[i].count + plan->role[i].spares; n++)
			r = add_node(cluster, &plan->role[i], n, why);
	return r;
}

/* Everything that is to be filled in is tried now, before anything is started. */
static int check_texts(const struct cluster *cluster, struct why *why)
{
	char text[8192];

	for (int i = 0; i < cluster->count; i++) {
		const struct node *node = &cluster->own[i].node;
		const struct plan_role *role = node->role;
		const char *const texts[] = {
			role->command,       role->args,  role->spare_args, role->update_command,
			role->update_args,   role->setup, role->ready,      role->offline_command,
			role->online_command};

		for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
			int r = cluster_expand(cluster, node, texts[t], text, sizeof(text), why);
			if (r)
				return why_prefix(why, r, "role \"%s\"", role->name);
		}
	}
	return 0;
}

static void find_plan_dir(struct cluster *cluster)
{
	char *path = realpath(cluster->options.plan->path, NULL);
	char *slash = path ? strrchr(path, '/') : NULL;

	if (slash)
		snprintf(cluster->plan_dir, sizeof(cluster->plan_dir), "%.*s", (int)(slash - path),
			 path);
	free(path);
}

static int make_nodes_folder(const char *run_dir, struct why *why)
{
	char path[512];

	if (snprintf(path, sizeof(path), "%s/nodes", run_dir) >= (int)sizeof(path))
		return why_set(why, -ENAMETOOLONG, "run directory \"%s\" is too long", run_dir);
	if (mkdir(path, 0755) && errno != EEXIST)
		return why_set(why, -errno, "no folder %s: %s", path, strerror(errno));
	return 0;
}

int cluster_open(struct cluster **out, const struct cluster_options *options, struct why *why)
{
	struct cluster *cluster = calloc(1, sizeof(*cluster));
	int r;

	if (!cluster)
		return why_set(why, -ENOMEM, "no memory for a cluster");
	/* Before there are threads: libcurl asks for it. */
	curl_global_init(CURL_GLOBAL_DEFAULT);
	cluster->options = *options;
	find_plan_dir(cluster);
	r = make_nodes_folder(options->run_dir, why);
	if (r == 0)
		r = add_nodes(cluster, why);
	if (r == 0)
		r = check_texts(cluster, why);
	if (r) {
		cluster_close(cluster);
		return r;
	}
	*out = cluster;
	return 0;
}

void cluster_close(struct cluster *cluster)
{
	for (int i = 0; i < cluster->count; i++)
		if (!cluster->own[i].node.external)
			node_kill(cluster, &cluster->own[i].node, NULL);
	for (int i = 0; i < cluster->count; i++)
		node_keep_disk(&cluster->own[i], NULL);
	process_reap_orphans();
	curl_global_cleanup();
	free(cluster);
}

static int start_role(struct cluster *cluster, const struct plan_role *role, struct why *why)
{
	int64_t deadline_ns;
	int r = 0;

	for (int i = 0; r == 0 && i < cluster->count; i++)
		if (cluster->own[i].node.role == role && cluster->own[i].node.state != NODE_STOPPED)
			r = node_start(cluster, &cluster->own[i].node, why);
	deadline_ns = process_now_ns() + role->ready_ns;
	for (int i = 0; r == 0 && i < cluster->count; i++)
		if (cluster->own[i].node.role == role && cluster->own[i].node.state != NODE_STOPPED)
			r = node_wait_ready(cluster, &cluster->own[i].node, deadline_ns, why);
	return r;
}

int cluster_start(struct cluster *cluster, struct why *why)
{
	const struct plan *plan = cluster->options.plan;
	int r = 0;

	for (int i = 0; r == 0 && i < plan->roles; i++)
		r = start_role(cluster, &plan->role[i], why);
	return r;
}

void node_note_events(struct cluster *cluster)
{
	static const char *const ends[] = {"kill", "abort", "exit"};
	struct control_event event;
	uint64_t lost;

	if (!cluster->options.control)
		return;
	while (control_event_next(cluster->options.control, &cluster->event, &lost, &event) == 1) {
		struct node *node = cluster_find(cluster, event.node);

		for (size_t i = 0; node && i < sizeof(ends) / sizeof(ends[0]); i++) {
			if (strcmp(event.action, ends[i]) != 0)
				continue;
			((struct node_own *)node)->doomed = event.pid;
			((struct node_own *)node)->doomed_ns = event.ns;
		}
	}
}

void cluster_reap(struct cluster *cluster)
{
	node_note_events(cluster);
	for (int i = 0; i < cluster->count; i++)
		node_alive(cluster, &cluster->own[i].node);
	process_reap_orphans();
	cluster_rotate_logs(cluster);
}
