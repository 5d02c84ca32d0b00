/* plan_external.c - do the parts of a plan fit a cluster that was started elsewhere? see external.h
 * and plan_impl.h. */
#include <errno.h>
#include <string.h>

#include "runner/external.h"
#include "runner/plan_impl.h"

static int refuse(const struct plan *plan, enum plan_section section, int index, const char *key,
		  const char *text, struct why *why)
{
	why_set(why, -EINVAL, "%s", text);
	return plan_at(plan, section, index, key, -EINVAL, why);
}

/* Keys that only mean something of a cluster that is, or is not, the run's own. */
static int check_own(const struct plan *plan, struct why *why)
{
	static const char text[] = "it wants external = yes in [run]";

	if (*plan->run.plane)
		return refuse(plan, SECTION_RUN, 0, "plane", text, why);
	for (int i = 0; i < plan->roles; i++)
		if (*plan->role[i].addresses)
			return refuse(plan, SECTION_ROLE, i, "addresses", text, why);
	return 0;
}

static int check_role_keys(const struct plan *plan, int i, struct why *why)
{
	static const char *const keys[] = {"spares",     "command",        "args",
					   "spare-args", "update-command", "update-args",
					   "setup",      "user",           "disk"};

	for (size_t n = 0; n < sizeof(keys) / sizeof(keys[0]); n++)
		if (!plan_is_default(plan_key_find(SECTION_ROLE, keys[n]), &plan->role[i]))
			return refuse(plan, SECTION_ROLE, i, keys[n],
				      "with external = yes nothing is started", why);
	return 0;
}

static int check_addresses(struct plan *plan, int i, struct why *why)
{
	struct plan_role *role = &plan->role[i];
	const struct plan_place *given = plan_place(plan, SECTION_ROLE, i, "count");
	const char *list = role->addresses;
	char host[EXTERNAL_HOST_MAX];
	uint16_t port;
	int64_t count = 0;
	int r;

	while ((r = external_address_next(&list, host, &port, why)) == 1)
		count++;
	if (r)
		return plan_at(plan, SECTION_ROLE, i, "addresses", r, why);
	if (count == 0)
		return refuse(plan, SECTION_ROLE, i, "addresses",
			      "it must be given, with external = yes", why);
	if (given && given->key[0] && role->count != count) {
		why_set(why, -EINVAL, "addresses names %lld nodes, not %lld", (long long)count,
			(long long)role->count);
		return plan_at(plan, SECTION_ROLE, i, "count", -EINVAL, why);
	}
	role->count = count;
	return 0;
}

static int check_gate(const struct plan *plan, int i, struct why *why)
{
	static const char *const ours[] = {"process", "log"};

	for (int step = 0; step < plan->gate[i].steps; step++) {
		const char *text = plan->gate[i].step[step];
		size_t length = strcspn(text, " \t");

		for (size_t n = 0; n < sizeof(ours) / sizeof(ours[0]); n++) {
			if (strlen(ours[n]) != length || strncmp(ours[n], text, length) != 0)
				continue;
			why_set(why, -EINVAL,
				"\"%s\" is not for external = yes: its processes and their logs "
				"are "
				"not the run's; ready, port and health ask the node",
				ours[n]);
			return plan_at(plan, SECTION_GATE, i, "step", -EINVAL, why);
		}
	}
	return 0;
}

int plan_check_external(struct plan *plan, struct why *why)
{
	int r = 0;

	if (!plan->run.external)
		return check_own(plan, why);
	if (plan->run.net == NET_PRIVATE)
		return refuse(plan, SECTION_RUN, 0, "net",
			      "from a private network an external cluster can't be reached", why);
	plan->run.net = NET_HOST;
	if (plan->run.on_violation == ON_VIOLATION_FREEZE)
		return refuse(plan, SECTION_RUN, 0, "on-violation",
			      "with external = yes no node can be stopped: stop or continue", why);
	for (int i = 0; i < plan->roles && r == 0; i++) {
		r = check_role_keys(plan, i, why);
		if (r == 0)
			r = check_addresses(plan, i, why);
	}
	for (int i = 0; i < plan->gates && r == 0; i++)
		r = check_gate(plan, i, why);
	return r;
}
