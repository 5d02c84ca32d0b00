/* expand.c - see cluster.h (cluster_expand) and cluster_impl.h (expand_split). */
#include "runner/cluster_impl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failpoint/names.h"

struct output {
	char *text;
	size_t size, used;
	bool full;
};

static void put(struct output *out, const char *text, size_t length)
{
	if (out->used + length >= out->size) {
		out->full = out->size > 0; /* 0: only looked at */
		return;
	}
	memcpy(out->text + out->used, text, length);
	out->used += length;
	out->text[out->used] = 0;
}

static void put_text(struct output *out, const char *text)
{
	put(out, text, strlen(text));
}

/* What a placeholder stands for; node is NULL outside of any node. */
struct placeholder {
	const char *name;
	bool of_node; /* means nothing without a node */
	void (*put)(struct output *out, const struct cluster *cluster, const struct node *node);
};

static void put_addr(struct output *out, const struct cluster *cluster, const struct node *node)
{
	(void)cluster;
	put_text(out, node->address_text);
}

static void put_port(struct output *out, const struct cluster *cluster, const struct node *node)
{
	char text[16];

	(void)cluster;
	snprintf(text, sizeof(text), "%d", node->port);
	put_text(out, text);
}

static void put_dir(struct output *out, const struct cluster *cluster, const struct node *node)
{
	(void)cluster;
	put_text(out, node->dir);
}

static void put_node(struct output *out, const struct cluster *cluster, const struct node *node)
{
	(void)cluster;
	put_text(out, node->name);
}

static void put_index(struct output *out, const struct cluster *cluster, const struct node *node)
{
	char text[16];

	(void)cluster;
	snprintf(text, sizeof(text), "%d", node->index);
	put_text(out, text);
}

static void put_plan(struct output *out, const struct cluster *cluster, const struct node *node)
{
	(void)node;
	put_text(out, cluster->plan_dir);
}

/* The folder of failrun's own program: where what was built with it lies. */
static void put_bin(struct output *out, const struct cluster *cluster, const struct node *node)
{
	char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	(void)cluster;
	(void)node;
	path[length > 0 ? length : 0] = 0;
	char *slash = strrchr(path, '/');
	put(out, path, slash ? (size_t)(slash - path) : 0);
}

static const struct placeholder placeholders[] = {
	{"addr", true, put_addr}, {"port", true, put_port},   {"dir", true, put_dir},
	{"node", true, put_node}, {"index", true, put_index}, {"plan", false, put_plan},
	{"bin", false, put_bin},
};

enum { PLACEHOLDERS = sizeof(placeholders) / sizeof(placeholders[0]) };

static const char *placeholder_at(const void *arg, size_t i)
{
	(void)arg;
	if (i < PLACEHOLDERS)
		return placeholders[i].name;
	return i == PLACEHOLDERS ? "addrs:ROLE" : NULL;
}

static const char *role_at(const void *arg, size_t i)
{
	const struct plan *plan = arg;

	return i < (size_t)plan->roles ? plan->role[i].name : NULL;
}

/* {addrs:ROLE} and {addrs:ROLE:PORT}: all but the spares, commas between. */
static int put_addresses(struct output *out, const struct cluster *cluster, const char *role,
			 struct why *why)
{
	char name[PLAN_NAME_MAX];
	const char *port = strchr(role, ':');
	bool first = true;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(role, ":"), role);
	if (!plan_role(cluster->options.plan, name))
		return names_refuse(why, -EINVAL, "role", name, role_at, cluster->options.plan);
	for (int i = 0; i < cluster->count; i++) {
		const struct node *node = &cluster->own[i].node;

		if (node->spare || strcmp(node->role->name, name) != 0)
			continue;
		put_text(out, first ? "" : ",");
		put_text(out, node->address_text);
		put_text(out, port ? port : "");
		first = false;
	}
	return 0;
}

static int no_node(const char *name, struct why *why)
{
	return why_set(why, -EINVAL, "{%s} means nothing outside of a node", name);
}

static int put_placeholder(struct output *out, const struct cluster *cluster,
			   const struct node *node, const char *name, struct why *why)
{
	if (strncmp(name, "addrs:", 6) == 0)
		return put_addresses(out, cluster, name + 6, why);
	for (size_t i = 0; i < PLACEHOLDERS; i++) {
		if (strcmp(name, placeholders[i].name) != 0)
			continue;
		if (placeholders[i].of_node && !node)
			return no_node(name, why);
		placeholders[i].put(out, cluster, node);
		return 0;
	}
	return names_refuse(why, -EINVAL, "placeholder", name, placeholder_at, NULL);
}

static int check_placeholder(const struct plan *plan, bool of_node, const char *name,
			     struct why *why)
{
	char role[PLAN_NAME_MAX];

	for (size_t i = 0; i < PLACEHOLDERS; i++) {
		if (strcmp(name, placeholders[i].name) != 0)
			continue;
		return of_node || !placeholders[i].of_node ? 0 : no_node(name, why);
	}
	if (strncmp(name, "addrs:", 6) != 0)
		return names_refuse(why, -EINVAL, "placeholder", name, placeholder_at, NULL);
	snprintf(role, sizeof(role), "%.*s", (int)strcspn(name + 6, ":"), name + 6);
	return plan_role(plan, role) ? 0 : names_refuse(why, -EINVAL, "role", role, role_at, plan);
}

/* What is filled in: of a cluster's node, or only looked at. */
struct filling {
	const struct cluster *cluster;
	const struct node *node;
	const struct plan *plan; /* NULL: fill in */
	bool of_node;
};

static int expand(struct output *out, const char *text, const struct filling *f, struct why *why)
{
	char name[64];

	for (const char *at = text; *at; at++) {
		const char *end = strchr(at, '}');
		int r;

		if (*at != '{' || at[1] == '{') {
			put(out, at, 1);
			at += *at == '{';
			continue;
		}
		if (end == at + 1)
			return why_set(
				why, -EINVAL,
				"\"{}\" names no placeholder: wanted one such as {addr}; braces of "
				"its own are written {{}");
		if (!end || end - at > (long)sizeof(name))
			return why_set(why, -EINVAL,
				       "\"%.40s\" has no \"}\"; a brace of its own is written {{",
				       at);
		snprintf(name, sizeof(name), "%.*s", (int)(end - at - 1), at + 1);
		r = f->plan ? check_placeholder(f->plan, f->of_node, name, why)
			    : put_placeholder(out, f->cluster, f->node, name, why);
		if (r)
			return r;
		at = end;
	}
	return 0;
}

int expand_check(const struct plan *plan, bool of_node, const char *text, struct why *why)
{
	struct output nowhere = {.size = 0};

	return expand(&nowhere, text, &(struct filling){.plan = plan, .of_node = of_node}, why);
}

int cluster_expand(const struct cluster *cluster, const struct node *node, const char *text,
		   char *out, size_t size, struct why *why)
{
	struct output output = {.text = out, .size = size};
	int r;

	put_text(&output, "");
	r = expand(&output, text, &(struct filling){.cluster = cluster, .node = node}, why);
	if (r)
		return r;
	if (output.full)
		return why_set(why, -ENOSPC, "\"%.60s...\" is longer than %zu bytes when filled in",
			       text, size - 1);
	return 0;
}

/* Copies one word to `to` without its quotes; returns where it ended, NULL when a quote is open. */
static char *take_word(char *from, char **to)
{
	char quote = 0;

	for (; *from && (quote || !strchr(" \t", *from)); from++) {
		if (quote ? *from == quote : *from == '"' || *from == '\'') {
			quote = quote ? 0 : *from;
			continue;
		}
		if (*from == '\\' && quote != '\'' && from[1])
			from++;
		*(*to)++ = *from;
	}
	return quote ? NULL : from;
}

int expand_split(char *text, const char **argv, int max, struct why *why)
{
	char *from = text, *to = text;
	int count = 0;

	for (;;) {
		from += strspn(from, " \t");
		if (!*from)
			break;
		if (count + 1 >= max)
			return why_set(why, -E2BIG, "more than %d words", max - 1);
		argv[count++] = to;
		from = take_word(from, &to);
		if (!from)
			return why_set(why, -EINVAL, "a quote is not closed");
		/* to may stand on the blank that ended the word: step over it before it is a NUL.
		 */
		from += *from != 0;
		*to++ = 0;
	}
	argv[count] = NULL;
	return count ? 0 : why_set(why, -EINVAL, "the command is empty");
}
