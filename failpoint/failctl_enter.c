/*
 * failctl_enter.c - `failctl enter RUN`: a shell inside a run of failrun.
 *
 * failrun writes RUN/run.json: {"worker_pid": N, "guardian_pid": N, "plane": DIRECTORY, "state":
 * WORD}. The namespaces of the worker are joined, where they are not ours already; the directory that
 * its plane is in is one inside them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failpoint/failctl.h"

static const struct namespace
{
	const char *name;
	int flag;
}
namespaces[] = {
	{"user", CLONE_NEWUSER},
	{"mnt", CLONE_NEWNS},
	{"net", CLONE_NEWNET},
	{"pid", CLONE_NEWPID},
};

static json_t *read_run(const char *run, struct why *why)
{
	char path[4096];
	json_error_t error;
	json_t *facts;

	snprintf(path, sizeof(path), "%s/run.json", run);
	facts = json_load_file(path, 0, &error);
	if (!facts)
		why_set(why, -ENOENT, "\"%s\" is no run: %s", run, error.text);
	return facts;
}

static int is_running(const char *run, const json_t *facts, struct why *why)
{
	const char *state = json_string_value(json_object_get(facts, "state"));
	json_int_t pid = json_integer_value(json_object_get(facts, "worker_pid"));
	char path[64];

	snprintf(path, sizeof(path), "/proc/%lld", (long long)pid);
	if (!state || strcmp(state, "running") != 0 || pid <= 0 || access(path, F_OK) < 0)
		return why_set(why, -ESRCH, "the run in \"%s\" is over", run);
	return 0;
}

static bool is_shared(pid_t pid, const char *name)
{
	struct stat ours, theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	if (stat(path, &ours) < 0)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
	return stat(path, &theirs) < 0 || ours.st_ino == theirs.st_ino;
}

static int join_namespaces(pid_t pid, struct why *why)
{
	int flags = 0, fd, rc = 0;

	for (unsigned i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++)
		if (!is_shared(pid, namespaces[i].name))
			flags |= namespaces[i].flag;
	if (!flags)
		return 0;
	fd = pidfd_open(pid, 0);
	if (fd < 0 || setns(fd, flags) < 0)
		rc = why_set(why, -errno, "cannot enter the namespaces of process %d: %s", (int)pid,
			     strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

static void name_directory(const json_t *facts)
{
	const char *directory = json_string_value(json_object_get(facts, "plane"));

	if (directory)
		setenv("FAILKIT_DIR", directory, 1);
}

static _Noreturn void run_inside(struct args *args)
{
	static char plain_shell[] = "/bin/sh";
	char *shell[] = {getenv("SHELL"), NULL};
	struct child child = {.words = args->words + 1, .environment = environ};
	bool ran;
	int rc;

	if (args->word_count < 2) {
		if (!shell[0] || access(shell[0], X_OK) < 0)
			shell[0] = plain_shell;
		child.words = shell;
	}
	rc = child_run(&child, &ran);
	/* Who joined another pid namespace can start no thread any more, and what runs at exit may
	 * want one: LeakSanitizer waits for its own for ever. */
	fflush(NULL);
	_exit(rc);
}

int command_enter(struct args *args)
{
	struct why why = {""};
	json_t *facts = read_run(args->words[0], &why);
	int rc = facts ? is_running(args->words[0], facts, &why) : -ENOENT;

	child_block();
	if (!rc)
		rc = join_namespaces(
			(pid_t)json_integer_value(json_object_get(facts, "worker_pid")), &why);
	if (!rc)
		name_directory(facts);
	json_decref(facts);
	if (rc) {
		say("%s", why.text);
		return EXIT_RUN_FAILED;
	}
	run_inside(args);
}
