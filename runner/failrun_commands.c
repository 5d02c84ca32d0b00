/* failrun_commands.c - the table of commands and what each does. */
#include "runner/failrun.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/check.h"
#include "runner/history_check.h"
#include "runner/plan.h"
#include "runner/report.h"
#include "runner/run.h"
#include "runner/sandbox.h"
#include "runner/schedule.h"

enum { RUNS_MAX = 10000 }; /* of one plan and seed, in one folder */

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

/* "configs/demo.ini" -> "demo" */
static void plan_name(const char *path, char *name, size_t size)
{
	const char *slash = strrchr(path, '/');
	size_t length;

	path = slash ? slash + 1 : path;
	length = strlen(path);
	if (length > 4 && strcmp(path + length - 4, ".ini") == 0)
		length -= 4;
	snprintf(name, size, "%.*s", (int)length, path);
}

/* The run directory: as the plan says, and then it must hold no run; else the next free one. */
static int make_run_dir(const struct plan *plan, char dir[PATH_MAX], struct why *why)
{
	char wanted[PATH_MAX], name[128], ledger[PATH_MAX + 16];
	int error;

	if (plan->run.dir && plan->run.dir[0]) {
		error = make_folders(plan->run.dir, why);
		snprintf(ledger, sizeof(ledger), "%s/model.sqlite", plan->run.dir);
		if (error == -EEXIST && access(ledger, F_OK) == 0)
			return why_set(why, error, "\"%s\" holds a run already", plan->run.dir);
		snprintf(wanted, sizeof(wanted), "%s", plan->run.dir);
	} else {
		plan_name(plan->path, name, sizeof(name));
		error = -EEXIST;
		for (int n = 1; error == -EEXIST && n < RUNS_MAX; n++) {
			snprintf(wanted, sizeof(wanted), "run/%s-%llu-%d", name,
				 (unsigned long long)plan->run.seed, n);
			error = make_folders(wanted, why);
		}
	}
	if (error && error != -EEXIST)
		return error;
	if (!realpath(wanted, dir))
		return why_set(why, -errno, "cannot enter \"%s\": %s", wanted, strerror(errno));
	return 0;
}

static int prepare(const struct plan *plan, char dir[PATH_MAX], struct why *why)
{
	char path[PATH_MAX + 16];
	int error = make_run_dir(plan, dir, why);

	if (error)
		return error;
	snprintf(path, sizeof(path), "%s/plan.ini", dir);
	error = plan_write(plan, path, why);
	if (!error)
		error = sandbox_sweep(why);
	return error;
}

/* Reads the plan and tries its schedule, so that whatever is wrong with it is said before anything
 * starts. */
static int read_plan(struct plan **plan, struct schedule *schedule, const struct arguments *a,
		     struct why *why)
{
	int error = plan_read(plan, a->word[0], a->override, why);

	if (error)
		return error;
	error = schedule_make(schedule, *plan, why);
	if (error)
		plan_free(*plan);
	return error;
}

static int command_run(const struct arguments *a, struct why *why)
{
	struct schedule schedule;
	struct sandbox_options sandbox;
	struct plan *plan;
	char dir[PATH_MAX];
	int status = EXIT_ENVIRONMENT;

	if (read_plan(&plan, &schedule, a, why))
		return EXIT_USAGE;
	schedule_fini(&schedule);
	if (prepare(plan, dir, why) == 0) {
		sandbox = (struct sandbox_options){.net = plan->run.net, .run_dir = dir};
		/* The guardian does not return from here; its worker does. */
		if (sandbox_enter(&sandbox, why) == 0)
			status = run_execute(plan, dir, why);
	}
	plan_free(plan);
	return status;
}

static int command_schedule(const struct arguments *a, struct why *why)
{
	struct schedule schedule;
	struct plan *plan;

	if (read_plan(&plan, &schedule, a, why))
		return EXIT_USAGE;
	schedule_print(&schedule, stdout);
	schedule_fini(&schedule);
	plan_free(plan);
	return EXIT_PASS;
}

/* A run's directory, or a history in a file. */
static int command_check(const struct arguments *a, struct why *why)
{
	struct stat st;
	bool file = stat(a->word[0], &st) == 0 && !S_ISDIR(st.st_mode);
	int status = file ? history_check(a->word[0], stdout, why) : check_run(a->word[0], why);

	if (file && status == -EINVAL)
		return EXIT_USAGE;
	return status < 0 ? EXIT_ENVIRONMENT : status;
}

static int command_history(const struct arguments *a, struct why *why)
{
	const char *format = a->format ? a->format : "jsonl";

	if (history_format_check(format, why))
		return EXIT_USAGE;
	return history_write(a->word[0], format, stdout, why) ? EXIT_ENVIRONMENT : EXIT_PASS;
}

static int command_why(const struct arguments *a, struct why *why)
{
	int status = check_why(a->word[0], a->word[1], why);

	return status < 0 ? EXIT_ENVIRONMENT : status ? EXIT_USAGE : EXIT_PASS;
}

/* The report again, to its files and to stdout. */
static int command_report(const struct arguments *a, struct why *why)
{
	struct report report;
	char dir[PATH_MAX];

	if (!realpath(a->word[0], dir)) {
		why_set(why, -errno, "cannot enter \"%s\": %s", a->word[0], strerror(errno));
		return EXIT_ENVIRONMENT;
	}
	if (report_write(dir, why) || report_read(&report, dir, why))
		return EXIT_ENVIRONMENT;
	report_markdown(&report, stdout);
	report_fini(&report);
	return EXIT_PASS;
}

static int print_key(void *arg, const char *section, const char *key, const char *value,
		     const char *range, const char *help)
{
	const char **last = arg;

	if (!*last || strcmp(*last, section) != 0)
		printf("%s[%s]\n", *last ? "\n" : "", section);
	*last = section;
	printf("  %-18s %s\n  %-18s   default: %s; %s\n", key, help, "", value[0] ? value : "none",
	       range);
	return 0;
}

static int command_plan(const struct arguments *a, struct why *why)
{
	struct schedule schedule;
	struct plan *plan;
	const char *last = NULL;

	if (a->help || a->words == 0) {
		plan_help(print_key, &last);
		printf("\nkinds of faults\n");
		for (int i = 0; fault_kind_at(i); i++)
			printf("  %-18s %s\n", fault_kind_at(i)->name, fault_kind_at(i)->help);
		return EXIT_PASS;
	}
	if (read_plan(&plan, &schedule, a, why))
		return EXIT_USAGE;
	printf("%s: %d roles, %d faults, %d of them drawn into the schedule\n", a->word[0],
	       plan->roles, plan->faults, schedule.atoms);
	schedule_fini(&schedule);
	plan_free(plan);
	return EXIT_PASS;
}

static int command_faults(const struct arguments *a, struct why *why)
{
	(void)a;
	(void)why;
	fault_markdown(stdout);
	return EXIT_PASS;
}

const struct command commands[] = {
	{"run", "PLAN [--seed N] [--duration D] [--set SECTION.KEY=VALUE]...",
	 "boot the cluster, drive it, break it, judge it", 1, 1, TAKES_PLAN_OPTIONS, command_run},
	{"schedule", "PLAN [--seed N] [--duration D] [--set SECTION.KEY=VALUE]...",
	 "print the faults that a run would inject", 1, 1, TAKES_PLAN_OPTIONS, command_schedule},
	{"check", "DIR | FILE", "judge a run again from its ledger, or a history from a file", 1, 1,
	 0, command_check},
	{"history", "DIR [--format jsonl|edn|porcupine]", "write a run's operations as a history",
	 1, 1, TAKES_FORMAT, command_history},
	{"why", "DIR KEY", "tell a key's whole story", 2, 2, 0, command_why},
	{"report", "DIR", "write a run's report again, and print it", 1, 1, 0, command_report},
	{"plan", "PLAN | --help", "check a plan; or every key and kind of fault that one can have",
	 0, 1, TAKES_PLAN_OPTIONS | TAKES_HELP, command_plan},
	{"faults", "",
	 "print every kind of fault with its keys and needs, as docs/faults.md has them", 0, 0, 0,
	 command_faults},
	{.name = NULL},
};
