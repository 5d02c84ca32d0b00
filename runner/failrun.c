/* failrun.c - reads the command line; what the commands do stands in failrun_commands.c. */
#include "runner/failrun.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "failpoint/names.h"

static const char *command_name(const void *arg, size_t i)
{
	(void)arg;
	return commands[i].name;
}

static const char *option_name(const void *arg, size_t i)
{
	static const char *const options[] = {
		"--seed", "--duration", "--on-violation", "--set", "--format", "--help", NULL};

	(void)arg;
	return options[i];
}

void commands_usage(FILE *to)
{
	fprintf(to, "usage: failrun COMMAND ...\n\n");
	for (const struct command *c = commands; c->name; c++)
		fprintf(to, "  %-10s%s\n  %-10s    %s\n", c->name, c->usage, "", c->help);
	fprintf(to, "\nExits with 0 PASS, 1 FAIL, 2 wrong usage or plan, 3 the environment failed, "
		    "4 INVALID or UNKNOWN.\nThe manual: failrun(1); plans: failrun-plan(5).\n");
}

static int refuse(const struct command *command, const struct why *why)
{
	fprintf(stderr, "failrun: %s\n", why->text);
	if (command)
		fprintf(stderr, "usage: failrun %s%s%s\n", command->name,
			*command->usage ? " " : "", command->usage);
	else
		fprintf(stderr, "try: failrun --help\n");
	return EXIT_USAGE;
}

static int add_override(struct arguments *a, const char *text, struct why *why)
{
	if (a->overrides == OVERRIDE_MAX)
		return why_set(why, -E2BIG, "more than %d settings", OVERRIDE_MAX);
	a->override[a->overrides++] = text;
	return 0;
}

/* --seed N, --duration D and --on-violation W are short for --set run.seed=N and so on. */
static int read_option(const struct command *command, struct arguments *a, char **argv, int *i,
		       struct why *why)
{
	static const struct {
		const char *option, *key;
		int text;
		unsigned command; /* enum command_options */
	} keys[] = {{"--seed", "run.seed", 0, TAKES_PLAN_OPTIONS},
		    {"--duration", "run.duration", 1, TAKES_PLAN_OPTIONS},
		    {"--on-violation", "run.on-violation", 2, TAKES_PLAN_OPTIONS},
		    {"--set", NULL, 0, TAKES_PLAN_OPTIONS},
		    {"--format", NULL, 0, TAKES_FORMAT}};
	const char *option = argv[*i], *equals = strchr(option, '=');
	size_t length = equals ? (size_t)(equals - option) : strlen(option);
	size_t k;

	for (k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		const char *value;

		if (strlen(keys[k].option) != length ||
		    strncmp(keys[k].option, option, length) != 0)
			continue;
		if (!(command->options & keys[k].command))
			break;
		value = equals ? equals + 1 : argv[*i + 1];
		if (!value)
			return why_set(why, -EINVAL, "\"%s\" wants a value", option);
		*i += equals ? 0 : 1;
		if (keys[k].command == TAKES_FORMAT) {
			a->format = value;
			return 0;
		}
		if (!keys[k].key)
			return add_override(a, value, why);
		snprintf(a->text[keys[k].text], sizeof(a->text[0]), "%s=%.100s", keys[k].key,
			 value);
		return add_override(a, a->text[keys[k].text], why);
	}
	if (!(command->options & (TAKES_PLAN_OPTIONS | TAKES_FORMAT)) ||
	    k < sizeof(keys) / sizeof(keys[0]))
		return why_set(why, -EINVAL, "\"%s\" takes no option \"%s\"", command->name,
			       option);
	return names_refuse(why, -EINVAL, "option", option, option_name, NULL);
}

static int read_arguments(const struct command *command, char **argv, struct arguments *a,
			  struct why *why)
{
	int error = 0;

	for (int i = 0; argv[i] && !error; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			a->help = 1;
		else if (argv[i][0] == '-' && argv[i][1])
			error = read_option(command, a, argv, &i, why);
		else if (a->words == command->words_max)
			error = why_set(why, -EINVAL, "\"%s\" is one word too many", argv[i]);
		else
			a->word[a->words++] = argv[i];
	}
	if (!error && !a->help && a->words < command->words_min)
		error = why_set(why, -EINVAL, "\"%s\" wants more: %s", command->name,
				command->usage);
	return error;
}

int main(int argc, char **argv)
{
	struct arguments a = {.words = 0};
	struct why why = {""};
	const struct command *command;
	int status;

	(void)argc;
	if (!argv[1] || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		commands_usage(argv[1] ? stdout : stderr);
		return argv[1] ? EXIT_PASS : EXIT_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("failrun %s\n", FAILKIT_VERSION);
		return EXIT_PASS;
	}
	for (command = commands; command->name && strcmp(command->name, argv[1]) != 0; command++)
		;
	if (!command->name) {
		names_refuse(&why, -EINVAL, "command", argv[1], command_name, NULL);
		return refuse(NULL, &why);
	}
	if (read_arguments(command, argv + 2, &a, &why))
		return refuse(command, &why);
	if (a.help && !(command->options & TAKES_HELP)) {
		command_usage(command, stdout);
		return EXIT_PASS;
	}
	status = command->run(&a, &why);
	if ((status == EXIT_USAGE || status == EXIT_ENVIRONMENT) && why.text[0])
		fprintf(stderr, "failrun: %s\n", why.text);
	return status;
}
