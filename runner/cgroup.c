/* cgroup.c - see cgroup.h for the model. */
#include "runner/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/process.h"
#include "runner/sandbox_sweep.h"

#define PREFIX "failkit-"

enum { TEXT_MAX = 8192, PERIOD_US = 100000, QUOTA_LEAST_US = 1000 };
static const int64_t remove_limit_ns = INT64_C(2000000000);

static int read_text(const char *path, char text[TEXT_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	text[0] = 0;
	if (fd < 0)
		return -errno;
	n = read(fd, text, TEXT_MAX - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	return n < 0 ? -EIO : 0;
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		error = -errno;
	close(fd);
	return error;
}

/* Is the word in a list divided by blanks or commas? */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += length)
		if ((at == list || strchr(" ,", at[-1])) &&
		    (!at[length] || strchr(" ,\n", at[length])))
			return true;
	return false;
}

/* Where we are in the hierarchy whose line in /proc/self/cgroup has this controller; "" for 2. */
static void own_place(const char *controller, char place[256])
{
	char text[TEXT_MAX], *line, *rest = text;

	strcpy(place, "");
	read_text("/proc/self/cgroup", text);
	while ((line = strtok_r(rest, "\n", &rest))) {
		char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = 0;
		if (*controller ? has_word(names + 1, controller) : !names[1])
			snprintf(place, 256, "%s", strcmp(path, "/") == 0 ? "" : path);
	}
}

/* Does this mount have the controller? Its version, 0 when it does not. */
static int version_of(const struct mntent *mount, const char *controller)
{
	char path[PATH_MAX], text[TEXT_MAX];

	if (strcmp(mount->mnt_type, "cgroup") == 0)
		return has_word(mount->mnt_opts, controller) ? 1 : 0;
	if (strcmp(mount->mnt_type, "cgroup2") != 0)
		return 0;
	snprintf(path, sizeof(path), "%s/cgroup.controllers", mount->mnt_dir);
	read_text(path, text);
	return has_word(text, controller) ? 2 : 0;
}

/* Fills version, home, and in path the parent of a group. */
static int find(struct cgroup *out, const char *controller, struct why *why)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *mount;
	char place[256];

	out->version = 0;
	while (mounts && !out->version && (mount = getmntent(mounts))) {
		out->version = version_of(mount, controller);
		if (!out->version)
			continue;
		own_place(out->version == 1 ? controller : "", place);
		snprintf(out->home, sizeof(out->home), "%.200s%s", mount->mnt_dir, place);
		if (access(out->home, F_OK)) /* of a namespace that sees another root */
			snprintf(out->home, sizeof(out->home), "%.200s", mount->mnt_dir);
		snprintf(out->path, sizeof(out->path), "%.500s",
			 out->version == 1 ? out->home : mount->mnt_dir);
	}
	if (mounts)
		endmntent(mounts);
	return out->version ? 0
			    : why_set(why, -ENOTSUP, "no cgroup hierarchy has \"%s\"", controller);
}

int cgroup_make(struct cgroup *out, const char *controller, struct why *why)
{
	static int number;
	struct cgroup g;
	char path[640], enable[32];
	int error = find(&g, controller, why);

	if (error)
		return error;
	if (g.version == 2) {
		snprintf(path, sizeof(path), "%s/cgroup.subtree_control", g.path);
		snprintf(enable, sizeof(enable), "+%s", controller);
		write_text(path, enable); /* seen below, when the group lacks its files */
	}
	snprintf(path, sizeof(path), "%s/" PREFIX "%s-%s%d", g.path, sandbox_guardian(), controller,
		 number++);
	if (strlen(path) >= sizeof(g.path))
		return why_set(why, -ENAMETOOLONG, "no cgroup: the path is too long");
	if (mkdir(path, 0755))
		return why_set(why, -ENOTSUP, "no cgroup of our own in %s: %s", g.path,
			       strerror(errno));
	strcpy(g.path, path);
	*out = g;
	return 0;
}

int cgroup_check(const char *controller, struct why *why)
{
	struct cgroup g;
	int error = cgroup_make(&g, controller, why);

	return error ? error : cgroup_remove(&g, why);
}

int cgroup_set(const struct cgroup *cgroup, const char *file, const char *value, struct why *why)
{
	char path[PATH_MAX];
	int error;

	snprintf(path, sizeof(path), "%s/%s", cgroup->path, file);
	error = write_text(path, value);
	return error ? why_set(why, error, "%s can't be \"%s\": %s", path, value, strerror(-error))
		     : 0;
}

int64_t cgroup_number(const struct cgroup *cgroup, const char *file, const char *key)
{
	char path[PATH_MAX], text[TEXT_MAX], *line, *rest = text;
	size_t length = strlen(key);
	int error;

	snprintf(path, sizeof(path), "%s/%s", cgroup->path, file);
	error = read_text(path, text);
	while (!error && (line = strtok_r(rest, "\n", &rest))) {
		if (!length)
			return atoll(line);
		if (strncmp(line, key, length) == 0 && line[length] == ' ')
			return atoll(line + length);
	}
	return error ? error : -ENOENT;
}

int cgroup_limit_cpu(const struct cgroup *cgroup, double share, struct why *why)
{
	long quota_us = (long)(share * PERIOD_US);
	char value[64];

	quota_us = quota_us < QUOTA_LEAST_US ? QUOTA_LEAST_US : quota_us;
	snprintf(value, sizeof(value), cgroup->version == 2 ? "%ld %d" : "%ld", quota_us,
		 PERIOD_US);
	return cgroup_set(cgroup, cgroup->version == 2 ? "cpu.max" : "cpu.cfs_quota_us", value,
			  why);
}

int cgroup_limit_memory(const struct cgroup *cgroup, int64_t bytes, struct why *why)
{
	char value[32];

	snprintf(value, sizeof(value), "%lld", (long long)bytes);
	return cgroup_set(cgroup, cgroup->version == 2 ? "memory.max" : "memory.limit_in_bytes",
			  value, why);
}

int64_t cgroup_cpu_periods(const struct cgroup *cgroup)
{
	return cgroup_number(cgroup, "cpu.stat", "nr_periods");
}

int64_t cgroup_memory_full(const struct cgroup *cgroup)
{
	return cgroup->version == 2 ? cgroup_number(cgroup, "memory.events", "max")
				    : cgroup_number(cgroup, "memory.failcnt", "");
}

struct taking {
	const char *to;
	pid_t group;
	int error;
};

static void take_one(void *arg, const struct process_facts *facts)
{
	struct taking *t = arg;
	char pid[16];
	int error;

	if (facts->group != t->group || facts->state == 'Z')
		return;
	snprintf(pid, sizeof(pid), "%d", (int)facts->pid);
	error = write_text(t->to, pid);
	if (error && error != -ESRCH)
		t->error = error;
}

int cgroup_take(const struct cgroup *cgroup, pid_t group, struct why *why)
{
	char path[PATH_MAX];
	struct taking taking = {path, group, 0};

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup->path);
	/* Twice: a process may fork while it is moved. */
	process_each(take_one, &taking);
	process_each(take_one, &taking);
	return taking.error ? why_set(why, taking.error, "%s takes no process: %s", path,
				      strerror(-taking.error))
			    : 0;
}

/* Whoever is in there goes home. */
static void send_home(const struct cgroup *cgroup)
{
	char from[PATH_MAX], to[PATH_MAX], text[TEXT_MAX], *pid, *rest = text;

	snprintf(from, sizeof(from), "%s/cgroup.procs", cgroup->path);
	snprintf(to, sizeof(to), "%s/cgroup.procs", cgroup->home);
	read_text(from, text);
	while ((pid = strtok_r(rest, "\n", &rest)))
		write_text(to, pid);
}

int cgroup_remove(struct cgroup *cgroup, struct why *why)
{
	int64_t deadline_ns = process_now_ns() + remove_limit_ns;

	if (!cgroup->path[0])
		return 0;
	/* A process that ends is in its group until it has ended. */
	while (rmdir(cgroup->path) && errno != ENOENT) {
		if (process_now_ns() >= deadline_ns)
			return why_set(why, -errno, "%s can't be removed: %s", cgroup->path,
				       strerror(errno));
		send_home(cgroup);
		poll(NULL, 0, 2);
	}
	cgroup->path[0] = 0;
	return 0;
}

static void sweep_folder(const struct cgroup *parent, int mine)
{
	DIR *folder = opendir(parent->path);
	struct dirent *entry;
	char mark[NAME_MAX + 1];

	while (folder && (entry = readdir(folder))) {
		struct cgroup g = *parent;
		char *end;

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0)
			continue;
		snprintf(mark, sizeof(mark), "%s", entry->d_name + strlen(PREFIX));
		end = strrchr(mark, '-');
		if (!end)
			continue;
		*end = 0;
		if (!(mine && strcmp(mark, sandbox_guardian()) == 0) && !sandbox_is_stray(mark))
			continue;
		snprintf(g.path, sizeof(g.path), "%.255s/%.255s", parent->path, entry->d_name);
		cgroup_remove(&g, NULL);
	}
	if (folder)
		closedir(folder);
}

void cgroup_sweep(int mine)
{
	static const char *const controllers[] = {"cpu", "memory"};
	struct cgroup parent;

	for (size_t i = 0; i < sizeof(controllers) / sizeof(controllers[0]); i++)
		if (find(&parent, controllers[i], NULL) == 0)
			sweep_folder(&parent, mine);
}
