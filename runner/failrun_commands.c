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

#include "failpoint/names.h"
#include "runner/check.h"
#include "runner/history_check.h"
#include "runner/past.h"
#include "runner/plan.h"
#include "runner/replay.h"
#include "runner/report.h"
#include "runner/run.h"
#include "runner/run_dir.h"
#include "runner/sandbox.h"
#include "runner/schedule.h"

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

/* Everything but the outcome happens in the worker: the guardian does not return from here. */
static int run_in_sandbox(const struct run_request *request, struct why *why)
{
	struct sandbox_options sandbox = {.net = request->plan->run.net,
					  .none = request->plan->run.external,
					  .run_dir = request->dir};

	for (int i = 0; i < request->plan->roles; i++)
		sandbox.disks |= request->plan->role[i].disk_bytes > 0;
	if (request->resumes)
		sandbox.network = request->resumes->network;

	run_dir_unmark(request->dir);
	if (sandbox_enter(&sandbox, why)) {
		run_dir_mark_failed(request->dir, why);
		return EXIT_ENVIRONMENT;
	}
	return run_execute(request, why);
}

static int command_run(const struct arguments *a, struct why *why)
{
	struct run_request request = {.replays = "", .atoms = ""};
	struct schedule schedule;
	struct run_dir dir;
	struct plan *plan;
	int status = EXIT_ENVIRONMENT;

	if (read_plan(&plan, &schedule, a, why))
		return EXIT_USAGE;
	if (sandbox_sweep(why) == 0 && run_dir_make(&dir, plan, NULL, why) == 0) {
		request.plan = plan;
		request.schedule = &schedule;
		request.dir = dir.path;
		status = run_in_sandbox(&request, why);
	}
	schedule_fini(&schedule);
	plan_free(plan);
	return status;
}

/* A replay lies beside its run, unless --set run.dir says where. */
static int make_replay_dir(struct run_dir *dir, const struct past *past, struct why *why)
{
	char base[PATH_MAX + 16];

	snprintf(base, sizeof(base), "%s-replay", past->dir);
	if (strcmp(past->plan->run.dir, past->run_dir) == 0)
		past->plan->run.dir = "";
	return run_dir_make(dir, past->plan, base, why);
}

static int command_replay(const struct arguments *a, struct why *why)
{
	struct replay replay = {.atoms = NULL};
	struct run_dir dir;
	struct past *past;
	int status = EXIT_ENVIRONMENT;

	if (past_open(&past, a->word[0], a->override, why))
		return EXIT_USAGE;
	if (replay_make(&replay, past, why) == 0 && sandbox_sweep(why) == 0 &&
	    make_replay_dir(&dir, past, why) == 0 && past_enter(past, why) == 0) {
		const struct run_request request = {.plan = past->plan,
						    .dir = dir.path,
						    .schedule = &replay.schedule,
						    .replays = past->dir,
						    .atoms = replay.atoms};

		past_close_ledger(past);
		status = run_in_sandbox(&request, why);
		if (status != EXIT_ENVIRONMENT && past_open_ledger(past, why) == 0)
			replay_compare(past, dir.path);
	}
	replay_fini(&replay);
	past_close(past);
	return status;
}

static int refuse_judged(const struct past *past, struct why *why)
{
	if (past_number(past, "SELECT count(*) FROM judgement WHERE oracle = 'run'", 0) == 0)
		return 0;
	return why_set(why, -EALREADY, "the run in \"%s\" came to its end: it has its verdict",
		       past->dir);
}

/* Of a run that was just killed, what is on its disks may still be on its way to the directory. */
static const int64_t KEPT_NS = INT64_C(5000000000);

static int command_resume(const struct arguments *a, struct why *why)
{
	struct past *past = NULL;
	int status = EXIT_ENVIRONMENT;

	if (run_dir_lock(a->word[0], KEPT_NS, why))
		return EXIT_ENVIRONMENT;
	if (past_open(&past, a->word[0], NULL, why))
		return EXIT_USAGE;
	if (refuse_judged(past, why)) {
		status = EXIT_USAGE;
	} else if (sandbox_sweep(why) == 0 && past_enter(past, why) == 0) {
		const struct run_request request = {.plan = past->plan,
						    .dir = past->dir,
						    .schedule = &past->schedule,
						    .resumes = past};

		past_close_ledger(past);
		status = run_in_sandbox(&request, why);
	}
	past_close(past);
	return status;
}

static int command_thaw(const struct arguments *a, struct why *why)
{
	return run_dir_thaw(a->word[0], why) ? EXIT_ENVIRONMENT : EXIT_PASS;
}

static int command_version(const struct arguments *a, struct why *why)
{
	(void)a;
	(void)why;
	printf("failrun %s\n", FAILKIT_VERSION);
	return EXIT_PASS;
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

static int command_metrics(const struct arguments *a, struct why *why)
{
	return report_metrics_csv(a->word[0], stdout, why) ? EXIT_ENVIRONMENT : EXIT_PASS;
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
	printf("%s: %d roles, %d faults; the schedule injects %d times\n", a->word[0], plan->roles,
	       plan->faults, schedule.atoms);
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

static const char *command_name(const void *arg, size_t i)
{
	(void)arg;
	return commands[i].name;
}

void command_usage(const struct command *command, FILE *to)
{
	fprintf(to, "usage: failrun %s%s%s\n\n%s\n", command->name, *command->usage ? " " : "",
		command->usage, command->help);
}

static int command_help(const struct arguments *a, struct why *why)
{
	if (a->words == 0) {
		commands_usage(stdout);
		return EXIT_PASS;
	}
	for (const struct command *c = commands; c->name; c++) {
		if (strcmp(c->name, a->word[0]) != 0)
			continue;
		command_usage(c, stdout);
		return EXIT_PASS;
	}
	names_refuse(why, -EINVAL, "command", a->word[0], command_name, NULL);
	return EXIT_USAGE;
}

const struct command commands[] = {
	{"run",
	 "PLAN [--seed N] [--duration D] [--on-violation stop|freeze|continue] "
	 "[--set SECTION.KEY=VALUE]...",
	 "boot the cluster, drive it, break it, judge it", 1, 1, TAKES_PLAN_OPTIONS, command_run},
	{"resume", "DIR", "go on with a run whose failrun was killed", 1, 1, 0, command_resume},
	{"thaw", "DIR", "let a run go on that on-violation = freeze has stopped", 1, 1, 0,
	 command_thaw},
	{"replay", "DIR [--set SECTION.KEY=VALUE]...",
	 "run the same faults again, where they struck, in a new directory", 1, 1,
	 TAKES_PLAN_OPTIONS, command_replay},
	{"schedule", "PLAN [--seed N] [--duration D] [--set SECTION.KEY=VALUE]...",
	 "print the faults that a run would inject", 1, 1, TAKES_PLAN_OPTIONS, command_schedule},
	{"check", "DIR | FILE", "judge a run again from its ledger, or a history from a file", 1, 1,
	 0, command_check},
	{"history", "DIR [--format jsonl|edn|porcupine]", "write a run's operations as a history",
	 1, 1, TAKES_FORMAT, command_history},
	{"why", "DIR KEY", "tell a key's whole story", 2, 2, 0, command_why},
	{"report", "DIR", "write a run's report again, and print it", 1, 1, 0, command_report},
	{"metrics", "DIR", "print all that was measured, as comma-separated lines", 1, 1, 0,
	 command_metrics},
	{"plan", "PLAN | --help", "check a plan; or every key and kind of fault that one can have",
	 0, 1, TAKES_PLAN_OPTIONS | TAKES_HELP, command_plan},
	{"faults", "",
	 "print every kind of fault with its keys and needs, as docs/faults.md has them", 0, 0, 0,
	 command_faults},
	{"version", "", "print the version", 0, 0, 0, command_version},
	{"help", "[COMMAND]", "print all commands, or how one is used", 0, 1, 0, command_help},
	{.name = NULL},
};
