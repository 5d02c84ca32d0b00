/* failctl.c - controls planes: see failctl.h, and failctl(1) for people. */
#include "failpoint/failctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint/names.h"

static int command_help(struct args *args);

/* clang-format off */
#define ROW_ENDING(name, arguments, options, min, max, help, passes_on, usage_status) \
	{#name, arguments, help, (options) | TAKES(HELP), min, max, passes_on, usage_status, command_##name}
#define ROW(name, arguments, options, min, max, help) \
	ROW_ENDING(name, arguments, options, min, max, help, false, EXIT_USAGE)
#define ROW_RUNS(name, arguments, options, min, help) \
	ROW_ENDING(name, arguments, options, min, -1, help, true, EXIT_RUN_FAILED)
/* clang-format on */

const struct command failctl_commands[] = {
	ROW_RUNS(run, "[--] COMMAND [ARGUMENT]...",
		 TAKES(RULE) | TAKES(NODE) | TAKES(ROLE) | TAKES(USER) | TAKES(MUST_FIRE) |
			 TAKES(SEED) | TAKES(PLANE) | TAKES(STATIC) | TAKES(CALLS) | TAKES(JOIN) |
			 TAKES(DEEP) | TAKES(CLOCK) | TAKES(IO_URING),
		 1, "run a command under the interposer, on a plane of its own"),
	ROW(set, "RULE...", TAKES(HOLD) | TAKES(PLANE), 1, -1,
	    "add rules, or replace those of the same name"),
	ROW(ls, "", TAKES(JSON) | TAKES(PLANE), 0, 0, "list rules and what they did"),
	ROW(rm, "RULE", TAKES(TIMEOUT) | TAKES(PLANE), 1, 1, "remove a rule, by name or id"),
	ROW(heal, "", TAKES(TIMEOUT) | TAKES(PLANE), 0, 0,
	    "end every rule and wake who sleeps in one"),
	ROW(clock, "[NODE] [CHANGE]...", TAKES(HOLD) | TAKES(JSON) | TAKES(PLANE), 0, -1,
	    "bend a node's clock (+5m, -30s, drift 200ppm, freeze, reset), or list those bent"),
	ROW(wait, "RULE", TAKES(FIRED) | TAKES(PAUSED) | TAKES(TIMEOUT) | TAKES(PLANE), 1, 1,
	    "wait until a rule has fired or holds threads"),
	ROW(release, "[RULE]", TAKES(PLANE), 0, 1, "let the threads that pause go on"),
	ROW(watch, "", TAKES(JSON) | TAKES(COUNT) | TAKES(PAST) | TAKES(PLANE), 0, 0,
	    "print events as they happen"),
	ROW(ps, "", TAKES(ALL) | TAKES(STACKS) | TAKES(JSON) | TAKES(PLANE), 0, 0,
	    "list processes and the threads inside actions"),
	ROW(points, "[PROGRAM]", TAKES(JSON) | TAKES(PLANE), 0, 1,
	    "list failpoints of running processes or of a program"),
	ROW(planes, "", TAKES(SWEEP) | TAKES(JSON), 0, 0,
	    "list planes, or remove those of the dead"),
	ROW(import, "DIALECT TEXT", TAKES(JSON), 2, 2,
	    "translate rules of strace, failrs, gofail, fail9 or fiu"),
	ROW_RUNS(enter, "RUN [COMMAND [ARGUMENT]...]", 0, 1,
		 "open a shell inside a run of failrun"),
	ROW_ENDING(escapes, "[-- COMMAND [ARGUMENT]...]",
		   TAKES(JSON) | TAKES(NODE) | TAKES(USER) | TAKES(OUTPUT) | TAKES(IO_URING) |
			   TAKES(PLANE),
		   0, -1, "list what rules can't reach, or run a command and measure it", true,
		   EXIT_USAGE),
	ROW(calls, "[CALL]", TAKES(JSON), 0, 1,
	    "list the calls that can fail, and how, or tell of one"),
	ROW(version, "", 0, 0, 0, "print the version"),
	ROW(help, "[COMMAND]", 0, 0, 1, "print this list, or the help of a command"),
	{0},
};

static const char *command_name_at(const void *arg, size_t i)
{
	(void)arg;
	return failctl_commands[i].name;
}

static const struct command *find_command(const char *name)
{
	for (const struct command *c = failctl_commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

static void print_commands(FILE *to)
{
	fputs("usage: failctl [-p NAME] COMMAND ...\n\n", to);
	for (const struct command *c = failctl_commands; c->name; c++)
		fprintf(to, "  %-8s  %s\n", c->name, c->help);
	fputs("\n`failctl COMMAND --help` tells more; rules are described in failkit-rules(7).\n",
	      to);
}

static int unknown_command(const char *name)
{
	struct why why;

	names_refuse(&why, -EINVAL, "command", name, command_name_at, NULL);
	say("%s", why.text);
	say("try: failctl --help");
	return EXIT_USAGE;
}

static int command_help(struct args *args)
{
	const struct command *command;

	if (args->word_count == 0) {
		print_commands(stdout);
		return 0;
	}
	command = find_command(args->words[0]);
	if (!command)
		return unknown_command(args->words[0]);
	args_print_help(command);
	return 0;
}

static int dispatch(struct args *args, const char *name, int argc, char **argv)
{
	const struct command *command = find_command(name);
	int rc;

	if (!command)
		return unknown_command(name);
	rc = args_parse(args, command, argc, argv);
	if (rc)
		return rc;
	if (args->help) {
		args_print_help(command);
		return 0;
	}
	return command->run(args);
}

/* What was printed has to be out: a listing cut by a full disk is no listing. */
static int finish(int rc)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return rc;
	say("cannot write: %s", strerror(errno));
	return rc ? rc : EXIT_ENVIRONMENT;
}

int main(int argc, char **argv)
{
	static struct args args;
	const char *name;

	json_set_alloc_funcs(json_memory, free);
	int taken = args_parse_plane(&args, argc - 1, argv + 1);

	if (taken < 0)
		return EXIT_USAGE;
	argc -= 1 + taken;
	argv += 1 + taken;
	if (argc == 0) {
		print_commands(stderr);
		return EXIT_USAGE;
	}
	name = argv[0];
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	if (strcmp(name, "--version") == 0)
		name = "version";
	return finish(dispatch(&args, name, argc - 1, argv + 1));
}
