/*
 * net.c - see net.h for the model.
 *
 * Packets are dropped as they come in, not as they leave: at the way out the sender would be told.
 * Two ways to the same netfilter, tried in this order: nft (one rule with a counter, removed by its
 * handle) and iptables (the same rule is deleted by its own words). Either program is run for each
 * cut: a cut is rare, and a run that can't have them learns why from the program's own words.
 */
#include "runner/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/net_command.h"
#include "runner/sandbox.h"

enum { ETHERNET_MTU = 1500, CUT_MAX = 128, SIDE_TEXT = NET_SIDE_MAX * INET_ADDRSTRLEN };

/* Addresses of each end, divided by commas. */
struct ends {
	char from[SIDE_TEXT], to[SIDE_TEXT];
};

/* How packets are cut here. */
struct tool {
	const char *name;
	int (*open)(struct why *why);
	int (*cut)(const struct ends *ends, uint64_t *handle, struct why *why);
	int (*heal)(const struct ends *ends, uint64_t handle, struct why *why);
	int (*dropped)(const struct ends *ends, uint64_t handle, uint64_t *packets,
		       struct why *why);
};

static struct {
	const struct tool *tool;
	struct {
		bool used;
		struct ends ends;
		uint64_t handle;
	} cut[CUT_MAX];
} net;

static int nft_open(struct why *why)
{
	int r = net_command(NULL, why, "nft add table ip failkit");

	return r ? r
		 : net_command(
			   NULL, why,
			   "nft add chain ip failkit cuts { type filter hook input priority 0 ; }");
}

/* The first object called name in an answer of nft -j; NULL when there is none. */
static json_t *nft_find(json_t *answer, const char *name)
{
	json_t *all = json_object_get(answer, "nftables"), *entry, *found;
	size_t i;

	json_array_foreach(all, i, entry)
	{
		found = json_object_get(entry, name);
		if (!found)
			found = json_object_get(json_object_get(entry, "add"), name);
		if (found)
			return found;
	}
	return NULL;
}

static int nft_cut(const struct ends *ends, uint64_t *handle, struct why *why)
{
	char *output = malloc(NET_OUTPUT_MAX);
	int r = output ? 0 : why_set(why, -ENOMEM, "no memory");
	json_t *answer = NULL;

	if (r == 0)
		r = net_command(output, why,
				"nft -j -e -a add rule ip failkit cuts ip saddr {%s} ip daddr "
				"{%s} counter drop",
				ends->from, ends->to);
	if (r == 0) {
		answer = json_loads(output, 0, NULL);
		json_t *number = json_object_get(nft_find(answer, "rule"), "handle");

		if (json_is_integer(number))
			*handle = (uint64_t)json_integer_value(number);
		else
			r = why_set(why, -EIO, "nft told no handle: %.100s", output);
	}
	json_decref(answer);
	free(output);
	return r;
}

static int nft_heal(const struct ends *ends, uint64_t handle, struct why *why)
{
	(void)ends;
	return net_command(NULL, why, "nft delete rule ip failkit cuts handle %llu",
			   (unsigned long long)handle);
}

static bool nft_is_rule(json_t *rule, uint64_t handle)
{
	return rule && (uint64_t)json_integer_value(json_object_get(rule, "handle")) == handle;
}

static int nft_packets(json_t *answer, uint64_t handle, uint64_t *packets)
{
	json_t *all = json_object_get(answer, "nftables"), *entry, *part;
	size_t i, n;

	json_array_foreach(all, i, entry)
	{
		json_t *rule = json_object_get(entry, "rule");

		if (!nft_is_rule(rule, handle))
			continue;
		json_array_foreach(json_object_get(rule, "expr"), n, part)
		{
			json_t *counter = json_object_get(part, "counter");

			if (!counter)
				continue;
			*packets =
				(uint64_t)json_integer_value(json_object_get(counter, "packets"));
			return 0;
		}
	}
	return -ENOENT;
}

static int nft_dropped(const struct ends *ends, uint64_t handle, uint64_t *packets, struct why *why)
{
	char *output = malloc(NET_OUTPUT_MAX);
	int r = output ? net_command(output, why, "nft -j -a list chain ip failkit cuts")
		       : why_set(why, -ENOMEM, "no memory");

	if (r == 0) {
		json_t *answer = json_loads(output, 0, NULL);

		r = nft_packets(answer, handle, packets);
		json_decref(answer);
		if (r)
			why_set(why, r, "nft has no cut from %s to %s", ends->from, ends->to);
	}
	free(output);
	return r;
}

static int iptables_open(struct why *why)
{
	return net_command(NULL, why, "iptables -N failkit")
		       ?: net_command(NULL, why, "iptables -A INPUT -j failkit");
}

static int iptables_cut(const struct ends *ends, uint64_t *handle, struct why *why)
{
	*handle = 0;
	return net_command(NULL, why, "iptables -A failkit -s %s -d %s -j DROP", ends->from,
			   ends->to);
}

static int iptables_heal(const struct ends *ends, uint64_t handle, struct why *why)
{
	(void)handle;
	return net_command(NULL, why, "iptables -D failkit -s %s -d %s -j DROP", ends->from,
			   ends->to);
}

static bool is_listed(const char *list, const char *word)
{
	size_t length = strlen(word);

	while (*list) {
		size_t n = strcspn(list, ",");

		if (n == length && strncmp(list, word, n) == 0)
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

/* A rule for each pair of addresses. Lines: packets bytes target protocol options in out source destination. */
static int iptables_dropped(const struct ends *ends, uint64_t handle, uint64_t *packets,
			    struct why *why)
{
	char *output = malloc(NET_OUTPUT_MAX), *rest = output, *line;
	uint64_t total = 0;
	int r = output ? net_command(output, why, "iptables -nvxL failkit")
		       : why_set(why, -ENOMEM, "no memory");

	(void)handle;
	if (r == 0)
		r = -ENOENT;
	while ((r == 0 || r == -ENOENT) && (line = strtok_r(rest, "\n", &rest))) {
		char from[64], to[64];
		unsigned long long n;

		if (sscanf(line, " %llu %*u DROP %*s %*s %*s %*s %63s %63s", &n, from, to) != 3 ||
		    !is_listed(ends->from, from) || !is_listed(ends->to, to))
			continue;
		total += n;
		r = 0;
	}
	if (r == -ENOENT)
		why_set(why, r, "iptables has no cut from %s to %s", ends->from, ends->to);
	if (r == 0)
		*packets = total;
	free(output);
	return r;
}

static const struct tool tools[] = {
	{"nft", nft_open, nft_cut, nft_heal, nft_dropped},
	{"iptables", iptables_open, iptables_cut, iptables_heal, iptables_dropped},
};

/* Up, and with packets as small as those between machines: what hits some of them then hits parts of
 * a body, and each fits into a message of the packet queue. */
static int raise_loopback(struct why *why)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request))
		error = errno;
	request.ifr_flags |= IFF_UP | IFF_RUNNING;
	if (!error && ioctl(fd, SIOCSIFFLAGS, &request))
		error = errno;
	request.ifr_mtu = ETHERNET_MTU;
	if (!error && ioctl(fd, SIOCSIFMTU, &request))
		error = errno;
	if (fd >= 0)
		close(fd);
	return error ? why_set(why, -error, "the loopback does not come up: %s", strerror(error))
		     : 0;
}

int net_open(struct why *why)
{
	struct why first = {""}, second = {""};
	int r;

	/* Never on the host's own network. */
	if (!(sandbox_has() & SANDBOX_NET))
		return why_set(why, -ENOTSUP,
			       "links can't be cut without a network namespace of the run: %s",
			       sandbox_missing());
	r = raise_loopback(why);
	if (r)
		return r;
	if (tools[0].open(&first) == 0)
		net.tool = &tools[0];
	else if (tools[1].open(&second) == 0)
		net.tool = &tools[1];
	else
		return why_set(why, -ENOTSUP, "links can't be cut: %.200s; %.200s", first.text,
			       second.text);
	return 0;
}

bool net_can_cut(void)
{
	return net.tool;
}

static void side_text(const uint32_t *address, int addresses, char text[SIDE_TEXT])
{
	size_t used = 0;

	for (int i = 0; i < addresses; i++) {
		struct in_addr in = {htonl(address[i])};

		if (i > 0)
			text[used++] = ',';
		inet_ntop(AF_INET, &in, text + used, INET_ADDRSTRLEN);
		used += strlen(text + used);
	}
}

int net_cut_sides(const uint32_t *from, int froms, const uint32_t *to, int tos, uint64_t *cut,
		  struct why *why)
{
	struct ends *ends;
	uint64_t handle;
	int i = 0, r;

	if (!net.tool)
		return why_set(why, -ENOTSUP, "links can't be cut here");
	if (froms < 1 || tos < 1 || froms > NET_SIDE_MAX || tos > NET_SIDE_MAX)
		return why_set(why, -EINVAL, "a cut wants 1 to %d nodes on each side",
			       NET_SIDE_MAX);
	while (i < CUT_MAX && net.cut[i].used)
		i++;
	if (i == CUT_MAX)
		return why_set(why, -ENOSPC, "more than %d cuts", CUT_MAX);
	ends = &net.cut[i].ends;
	side_text(from, froms, ends->from);
	side_text(to, tos, ends->to);
	r = net.tool->cut(ends, &handle, why);
	if (r)
		return r;
	net.cut[i].used = true;
	net.cut[i].handle = handle;
	*cut = (uint64_t)i + 1;
	return 0;
}

int net_cut(uint32_t from, uint32_t to, uint64_t *cut, struct why *why)
{
	return net_cut_sides(&from, 1, &to, 1, cut, why);
}

static int known(uint64_t cut, struct why *why)
{
	if (cut == 0 || cut > CUT_MAX || !net.cut[cut - 1].used)
		return why_set(why, -ENOENT, "there is no cut %llu", (unsigned long long)cut);
	return 0;
}

int net_heal(uint64_t cut, struct why *why)
{
	int r = known(cut, why);

	if (r == 0)
		r = net.tool->heal(&net.cut[cut - 1].ends, net.cut[cut - 1].handle, why);
	if (r == 0)
		net.cut[cut - 1].used = false;
	return r;
}

int net_dropped(uint64_t cut, uint64_t *packets, struct why *why)
{
	int r = known(cut, why);

	if (r)
		return r;
	return net.tool->dropped(&net.cut[cut - 1].ends, net.cut[cut - 1].handle, packets, why);
}
