/*
 * failrun.h - the command line: one table gives dispatch, usage and help.
 */
#ifndef RUNNER_FAILRUN_H
#define RUNNER_FAILRUN_H

#include <stdio.h>

#include "failkit/why.h"

/* Exit codes, as failrun(1) has them. */
enum { EXIT_PASS = 0, EXIT_FAIL = 1, EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3, EXIT_INVALID = 4 };

enum { OVERRIDE_MAX = 64 };

/* What stood behind the command's name. */
struct arguments {
	const char *word[4];
	int words;
	const char *override[OVERRIDE_MAX + 1]; /* for plan_read(); NULL ends them */
	int overrides;
	char text[3][128];  /* of --seed, --duration and --on-violation, as overrides */
	const char *format; /* of --format; NULL: not given */
	int help;
};

enum command_options { TAKES_PLAN_OPTIONS = 1, TAKES_HELP = 2, TAKES_FORMAT = 4 };

struct command {
	const char *name, *usage, *help;
	int words_min, words_max;
	unsigned options;                                               /* enum command_options */
	int (*run)(const struct arguments *arguments, struct why *why); /* exit code */
};

extern const struct command commands[]; /* a NULL name ends them */

void commands_usage(FILE *to);
void command_usage(const struct command *command, FILE *to);

#endif
