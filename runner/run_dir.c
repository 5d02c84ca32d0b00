/* run_dir.c - see run_dir.h. */
#include "runner/run_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/process.h"

enum { RUNS_MAX = 10000 }; /* of one name, in one folder */

/* mkdir -p. -EEXIST when the last one was there already. */
static int make_folders(const char *path, struct why *why)
{
	char part[PATH_MAX];

	if (strlen(path) >= sizeof(part))
		return why_set(why, -ENAMETOOLONG, "run directory \"%.40s...\" is too long", path);
	strcpy(part, path);
	for (char *slash = part + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(part, 0755) && errno != EEXIST)
			return why_set(why, -errno, "cannot make \"%s\": %s", part,
				       strerror(errno));
		*slash = '/';
	}
	if (mkdir(part, 0755))
		return why_set(why, -errno, "cannot make \"%s\": %s", part, strerror(errno));
	return 0;
}

/* "configs/demo.ini", 42 -> "run/demo-42" */
static void default_base(const struct plan *plan, char *base, size_t size)
{
	const char *slash = strrchr(plan->path, '/');
	const char *name = slash ? slash + 1 : plan->path;
	size_t length = strlen(name);

	if (length > 4 && strcmp(name + length - 4, ".ini") == 0)
		length -= 4;
	snprintf(base, size, "run/%.*s-%llu", (int)length, name,
		 (unsigned long long)plan->run.seed);
}

static int make_wanted(struct run_dir *dir, const char *wanted, struct why *why)
{
	char ledger[PATH_MAX + 16];
	int error = make_folders(wanted, why);

	dir->made = error == 0;
	if (error && error != -EEXIST)
		return error;
	snprintf(ledger, sizeof(ledger), "%s/model.sqlite", wanted);
	if (access(ledger, F_OK) == 0)
		return why_set(why, -EEXIST, "\"%s\" holds a run already", wanted);
	return 0;
}

static int make_next(struct run_dir *dir, const char *base, char *wanted, size_t size,
		     struct why *why)
{
	int error = -EEXIST;

	for (int n = 1; error == -EEXIST && n < RUNS_MAX; n++) {
		snprintf(wanted, size, "%s-%d", base, n);
		error = make_folders(wanted, why);
	}
	dir->made = error == 0;
	return error;
}

int run_dir_lock(const char *path, int64_t wait_ns, struct why *why)
{
	int64_t deadline_ns = process_now_ns() + wait_ns;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return why_set(why, -errno, "cannot enter \"%s\": %s", path, strerror(errno));
	/* The descriptor stays open: its end is the lock's. */
	do {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		poll(NULL, 0, 20);
	} while (process_now_ns() < deadline_ns);
	close(fd);
	return why_set(why, -EBUSY, "a run goes on in \"%s\"", path);
}

bool run_dir_is_busy(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool busy = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	return busy;
}

static int write_repro(const char *dir, struct why *why)
{
	char path[PATH_MAX + 16], program[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	FILE *file;

	program[n > 0 ? n : 0] = '\0';
	snprintf(path, sizeof(path), "%s/repro.sh", dir);
	file = fopen(path, "we");
	if (!file)
		return why_set(why, -errno, "cannot write \"%s\": %s", path, strerror(errno));
	fputs("#!/bin/sh\n# The same faults again, where they struck, in a new directory; takes "
	      "--set like failrun run.\nfailrun=${FAILRUN:-'",
	      file);
	for (const char *c = program; *c; c++)
		fputs(*c == '\'' ? "'\\''" : (const char[]){*c, '\0'}, file);
	fputs("'}\nexec \"$failrun\" replay \"$(cd \"$(dirname \"$0\")\" && pwd)\" \"$@\"\n", file);
	fchmod(fileno(file), 0755);
	n = ferror(file);
	if (fclose(file) || n)
		return why_set(why, -EIO, "\"%s\" could not be written", path);
	return 0;
}

int run_dir_make(struct run_dir *out, const struct plan *plan, const char *base, struct why *why)
{
	struct run_dir dir = {.made = false};
	char wanted[PATH_MAX], plain[256], path[PATH_MAX + 16];
	int error;

	if (plan->run.dir && plan->run.dir[0]) {
		snprintf(wanted, sizeof(wanted), "%s", plan->run.dir);
		error = make_wanted(&dir, wanted, why);
	} else {
		default_base(plan, plain, sizeof(plain));
		error = make_next(&dir, base ? base : plain, wanted, sizeof(wanted), why);
	}
	if (error)
		return error;
	if (!realpath(wanted, dir.path))
		return why_set(why, -errno, "cannot enter \"%s\": %s", wanted, strerror(errno));
	error = run_dir_lock(dir.path, 0, why);
	snprintf(path, sizeof(path), "%s/plan.ini", dir.path);
	if (!error)
		error = plan_write(plan, path, why);
	if (!error)
		error = write_repro(dir.path, why);
	if (error)
		run_dir_undo(&dir);
	else
		*out = dir;
	return error;
}

void run_dir_undo(const struct run_dir *dir)
{
	static const char *const made[] = {"plan.ini", "repro.sh", "run.json", "run.json.new"};
	char path[PATH_MAX + 16];

	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir->path, made[i]);
		unlink(path);
	}
	if (dir->made)
		rmdir(dir->path);
}

void run_dir_mark_failed(const char *path, const struct why *why)
{
	char name[PATH_MAX + 16];
	FILE *file;

	snprintf(name, sizeof(name), "%s/FAILED", path);
	file = fopen(name, "we");
	if (!file)
		return;
	fprintf(file, "%s\n", why->text);
	fclose(file);
}

int run_dir_thaw(const char *path, struct why *why)
{
	char name[PATH_MAX + 16];

	snprintf(name, sizeof(name), "%s/" RUN_DIR_FROZEN, path);
	if (!run_dir_is_busy(path) || unlink(name))
		return why_set(why, -ENOENT, "no run is frozen in \"%s\"", path);
	return 0;
}

void run_dir_unmark(const char *path)
{
	static const char *const marks[] = {RUN_DIR_FROZEN, "FAILED"};
	char name[PATH_MAX + 16];

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		snprintf(name, sizeof(name), "%s/%s", path, marks[i]);
		unlink(name);
	}
}
