/* metrics_usage.c - memory, processor time and descriptors of process groups; metrics_impl.h. */
#include "runner/metrics_impl.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner/process.h"

static uint64_t count_fds(pid_t pid)
{
	char path[64];
	uint64_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n > 2 ? n - 2 : 0; /* . and .. */
}

static void add(struct metrics_usage *usage, const struct process_facts *facts)
{
	usage->rss_bytes += (uint64_t)facts->rss_pages * (uint64_t)sysconf(_SC_PAGESIZE);
	usage->ticks += facts->cpu_ticks;
	usage->fds += count_fds(facts->pid);
	usage->processes++;
}

struct groups {
	const pid_t *group;
	int count;
	struct metrics_usage *out;
};

static void add_member(void *arg, const struct process_facts *facts)
{
	struct groups *groups = arg;

	if (facts->state == 'Z')
		return;
	for (int i = 0; i < groups->count; i++)
		if (groups->group[i] == facts->group && facts->group > 0)
			add(&groups->out[i], facts);
}

void metrics_usage_groups(const pid_t *group, int count, struct metrics_usage *out)
{
	struct groups groups = {group, count, out};

	memset(out, 0, (size_t)count * sizeof(*out));
	process_each(add_member, &groups);
}

void metrics_usage_self(struct metrics_usage *out)
{
	struct process_facts facts;

	memset(out, 0, sizeof(*out));
	if (process_facts(getpid(), &facts))
		add(out, &facts);
}
