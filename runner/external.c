/* external.c - see external.h for what this is about. */
#include "runner/external.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/fault.h"

static int no_address(const char *word, size_t length, struct why *why)
{
	return why_set(why, -EINVAL, "\"%.*s\" is no address: HOST or HOST:PORT (IPv4) was wanted",
		       (int)length, word);
}

int external_address_next(const char **list, char host[EXTERNAL_HOST_MAX], uint16_t *port,
			  struct why *why)
{
	const char *word = *list + strspn(*list, ", \t");
	size_t length = strcspn(word, ", \t"), name = strcspn(word, ":, \t");
	char *end;
	long number;

	*list = word + length;
	*port = 0;
	if (length == 0)
		return 0;
	if (name == 0 || name >= EXTERNAL_HOST_MAX)
		return no_address(word, length, why);
	snprintf(host, EXTERNAL_HOST_MAX, "%.*s", (int)name, word);
	if (name == length)
		return 1;
	number = strtol(word + name + 1, &end, 10);
	if (end != word + length || end == word + name + 1 || number < 1 || number > 65535)
		return no_address(word, length, why);
	*port = (uint16_t)number;
	return 1;
}

int external_resolve(const char *host, uint32_t *address, struct why *why)
{
	const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	struct sockaddr_in in;
	int r = getaddrinfo(host, NULL, &hints, &found);

	if (r)
		return why_set(why, -EHOSTUNREACH, "no address of \"%s\": %s", host,
			       gai_strerror(r));
	memcpy(&in, found->ai_addr, sizeof(in));
	freeaddrinfo(found);
	*address = ntohl(in.sin_addr.s_addr);
	return 0;
}

static int is_another_runs(void *arg, const struct control_rule *rule)
{
	if (!rule->live || !rule->held || fault_of_rule(rule->name) < 0)
		return 0;
	*(struct control_rule *)arg = *rule;
	return 1;
}

/* Rules of the same name would replace each other. */
int external_plane(struct control **out, const struct plan *plan, struct why *why)
{
	struct control_rule other;
	int error = control_open(out, plan->run.plane, why);

	if (error)
		return why_prefix(why, error, "[run] plane");
	if (control_rules(*out, is_another_runs, &other))
		return why_set(why, -EBUSY, "plane \"%s\" has rule \"%s\" of another run",
			       plan->run.plane, other.name);
	return control_hold(*out, why);
}

static int is_of_node(void *arg, const struct control_process *process)
{
	return strcmp(process->state, "dead") != 0 && strcmp(process->node, arg) == 0;
}

int external_attached(struct control *control, struct cluster *cluster, struct why *why)
{
	for (int i = 0; i < cluster_nodes(cluster); i++) {
		struct node *node = cluster_node(cluster, i);

		if (!node->role->inject || control_processes(control, is_of_node, node->name))
			continue;
		return why_set(why, -ESRCH,
			       "plane \"%s\" has no process of node \"%s\": failctl run --node %s "
			       "starts one; inject = no in [role %s] says that there is none",
			       control_name(control), node->name, node->name, node->role->name);
	}
	return 0;
}
