/* disk.c - see disk.h. */
#include "runner/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/process.h"

enum { PATH_SIZE = PATH_MAX + 16, OUTPUT_MAX = 512 };
static const int64_t copy_limit_ns = INT64_C(60000000000);

static int run(const char *const *argv, struct why *why)
{
	struct process_options options = {.argv = argv, .output = -1};
	char output[OUTPUT_MAX];
	int status;
	int r = process_run(&options, process_now_ns() + copy_limit_ns, output, sizeof(output),
			    &status, why);

	if (r == 0 && (!WIFEXITED(status) || WEXITSTATUS(status)))
		r = why_set(why, -EIO, "%s: %.200s", argv[0], output);
	return r;
}

static int copy(const char *from, const char *to, struct why *why)
{
	const char *const argv[] = {"cp", "-a", "--sparse=always", from, to, NULL};

	return run(argv, why);
}

static int discard(const char *path, struct why *why)
{
	const char *const argv[] = {"rm", "-rf", "--one-file-system", path, NULL};

	return run(argv, why);
}

static void mark_path(const char *dir, char path[PATH_SIZE])
{
	snprintf(path, PATH_SIZE, "%s/.not-kept", dir);
}

static int leave_mark(const char *dir, struct why *why)
{
	char path[PATH_SIZE];
	int fd;

	mark_path(dir, path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return why_set(why, -errno, "%s: %s", path, strerror(errno));
	close(fd);
	return 0;
}

static bool is_empty(const char *dir)
{
	DIR *entries = opendir(dir);
	int count = 0;

	while (entries && count < 3 && readdir(entries))
		count++;
	if (entries)
		closedir(entries);
	return count < 3; /* "." and ".." */
}

/* Moves what a former run kept aside; what was aside already is whole, and the rest is not. */
static int set_aside(const char *dir, const char *load, struct why *why)
{
	char mark[PATH_SIZE];
	int r = 0;

	mark_path(dir, mark);
	if (access(load, F_OK) == 0)
		r = discard(dir, why);
	else if (access(mark, F_OK) == 0)
		return why_set(why, -ENODATA, "%s: what was on this disk was not kept", dir);
	else if (is_empty(dir))
		return 0;
	else if (rename(dir, load))
		return why_set(why, -errno, "%s: %s", dir, strerror(errno));
	if (r == 0 && mkdir(dir, 0755))
		r = why_set(why, -errno, "no folder %s: %s", dir, strerror(errno));
	return r;
}

int disk_mount(const char *dir, int64_t bytes, struct why *why)
{
	char options[64], load[PATH_SIZE], all[PATH_SIZE + 4];
	int r;

	snprintf(load, sizeof(load), "%s.load", dir);
	snprintf(all, sizeof(all), "%s/.", load);
	snprintf(options, sizeof(options), "mode=0755,size=%lld", (long long)bytes);
	r = set_aside(dir, load, why);
	if (r == 0)
		r = leave_mark(dir, why);
	if (r == 0 && mount("failkit", dir, "tmpfs", MS_NOSUID | MS_NODEV, options))
		r = why_set(why, -errno, "no disk of %lld bytes on %s: %s", (long long)bytes, dir,
			    strerror(errno));
	if (r || access(load, F_OK))
		return r;
	r = copy(all, dir, why);
	return r ? r : discard(load, why);
}

int disk_keep(const char *dir, struct why *why)
{
	char kept[PATH_SIZE], mark[PATH_SIZE];
	int r;

	snprintf(kept, sizeof(kept), "%s.kept", dir);
	r = access(kept, F_OK) ? 0 : discard(kept, why);
	if (r == 0)
		r = copy(dir, kept, why);
	if (r == 0 && umount2(dir, MNT_DETACH))
		r = why_set(why, -errno, "%s", strerror(errno));
	if (r) {
		discard(kept, NULL);
		return why_prefix(why, r, "%s could not be kept", dir);
	}
	mark_path(dir, mark);
	unlink(mark);
	if (rename(kept, dir))
		return why_set(why, -errno, "%s could not be kept: %s", dir, strerror(errno));
	return 0;
}

bool disk_is_mounted(const char *dir)
{
	char above[PATH_SIZE];
	struct stat here, there;

	snprintf(above, sizeof(above), "%s/..", dir);
	return stat(dir, &here) == 0 && S_ISDIR(here.st_mode) && stat(above, &there) == 0 &&
	       here.st_dev != there.st_dev;
}

void disk_keep_all(const char *run_dir)
{
	char path[PATH_SIZE];
	struct dirent *entry;
	DIR *nodes;

	snprintf(path, sizeof(path), "%s/nodes", run_dir);
	nodes = opendir(path);
	while (nodes && (entry = readdir(nodes))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/nodes/%.200s", run_dir, entry->d_name);
		if (disk_is_mounted(path))
			disk_keep(path, NULL);
	}
	if (nodes)
		closedir(nodes);
}
