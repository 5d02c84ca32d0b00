/* process_table.c - what /proc tells about processes, and ending groups of them; see process.h. */
#include "runner/process.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const int64_t end_limit_ns = INT64_C(5000000000);

bool process_facts(pid_t pid, struct process_facts *facts)
{
	char path[64], text[1024], *end = NULL;
	FILE *file;
	unsigned long long user, system;
	bool done;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	/* The name stands in parentheses and may contain anything, so look from the end. */
	if (fgets(text, sizeof(text), file))
		end = strrchr(text, ')');
	facts->pid = pid;
	done = end &&
	       sscanf(end + 1,
		      " %c %d %d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d "
		      "%*d %llu %*u %ld",
		      &facts->state, &facts->parent, &facts->group, &user, &system,
		      &facts->start_ticks, &facts->rss_pages) == 7;
	if (done)
		facts->cpu_ticks = user + system;
	fclose(file);
	return done;
}

unsigned long long process_start_ticks(pid_t pid)
{
	struct process_facts facts;

	return process_facts(pid, &facts) && facts.state != 'Z' ? facts.start_ticks : 0;
}

void process_each(void (*each)(void *arg, const struct process_facts *facts), void *arg)
{
	DIR *dir = opendir("/proc");
	struct process_facts facts;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		int pid = atoi(entry->d_name);

		if (pid > 0 && process_facts(pid, &facts))
			each(arg, &facts);
	}
	if (dir)
		closedir(dir);
}

struct group_count {
	pid_t group;
	char state;
	int is, other;
};

static void count_group(void *arg, const struct process_facts *facts)
{
	struct group_count *count = arg;

	if (facts->group != count->group || facts->state == 'Z')
		return;
	if (facts->state == count->state)
		count->is++;
	else
		count->other++;
}

bool process_group_is(pid_t group, char state)
{
	struct group_count count = {.group = group, .state = state};

	process_each(count_group, &count);
	return count.is && !count.other;
}

int process_group_end(pid_t group)
{
	int64_t deadline_ns = process_now_ns() + end_limit_ns;

	while (kill(-group, SIGKILL) == 0 || errno == EPERM) {
		process_reap_orphans();
		if (process_now_ns() > deadline_ns)
			return -ETIMEDOUT;
		poll(NULL, 0, 1);
	}
	return 0;
}

struct children {
	pid_t spared;
	int found;
};

static void kill_child(void *arg, const struct process_facts *facts)
{
	struct children *children = arg;

	if (facts->parent != getpid() || facts->pid == children->spared)
		return;
	kill(facts->pid, SIGKILL);
	children->found++;
}

int process_children_end(pid_t spared)
{
	struct children children = {.spared = spared};
	int64_t deadline_ns = process_now_ns() + end_limit_ns;

	/* Children of what is killed become ours and are met in the next round. */
	do {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		children.found = 0;
		process_each(kill_child, &children);
		if (process_now_ns() > deadline_ns)
			return -ETIMEDOUT;
		if (children.found)
			poll(NULL, 0, 1);
	} while (children.found);
	return 0;
}
