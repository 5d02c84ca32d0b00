/* failctl_args.c - the options of failctl: one table. See failctl.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint/failctl.h"
#include "failpoint/names.h"

enum option_kind { KIND_FLAG, KIND_TEXT, KIND_LIST, KIND_NUMBER, KIND_MAYBE_NUMBER, KIND_DURATION };

static const struct option_row {
	const char *name;
	char letter;
	enum option_kind kind;
	size_t offset;
	const char *value, *help;
} options[OPTION_IDS] = {
#define ROW(id, name, letter, kind, member, value, help) \
	[OPTION_##id] = {name, letter, KIND_##kind, offsetof(struct args, member), value, help}
	ROW(PLANE, "plane", 'p', TEXT, plane, "NAME",
	    "the plane's name or path; may be left out when there is one"),
	ROW(JSON, "json", 0, FLAG, json, NULL, "print JSON"),
	ROW(RULE, "rule", 'e', LIST, rules, "RULE",
	    "a rule to hold while the command runs; may be repeated"),
	ROW(NODE, "node", 0, TEXT, node, "NAME", "the node that the command is"),
	ROW(ROLE, "role", 0, TEXT, role, "NAME",
	    "the node's role (its name without the digits at the end)"),
	ROW(USER, "user", 0, TEXT, user, "NAME",
	    "run the command, and let it have the plane, as this user"),
	ROW(DEEP, "deep", 0, FLAG, deep, NULL,
	    "reach stdio's own calls and inlined system calls, too"),
	ROW(MUST_FIRE, "must-fire", 0, FLAG, must_fire, NULL, "exit 125 when a rule has not fired"),
	ROW(SEED, "seed", 0, NUMBER, seed, "N", "the seed of every chance (0)"),
	ROW(HOLD, "hold", 0, FLAG, hold, NULL, "stay, and end the rules when told to end"),
	ROW(FIRED, "fired", 0, NUMBER, fired, "N", "until it has fired N times"),
	ROW(PAUSED, "paused", 0, MAYBE_NUMBER, paused, "N", "until N threads (1) pause in it"),
	ROW(TIMEOUT, "timeout", 0, DURATION, timeout_ns, "DURATION",
	    "give up after this long, e.g. 500ms (10s; wait: never)"),
	ROW(COUNT, "count", 'n', NUMBER, count, "N", "end after N events"),
	ROW(PAST, "past", 0, FLAG, past, NULL, "begin with the oldest event that is kept"),
	ROW(ALL, "all", 'a', FLAG, all, NULL, "also those that are dead"),
	ROW(STACKS, "stacks", 0, FLAG, stacks, NULL, "where paused threads were called from"),
	ROW(SWEEP, "sweep", 0, FLAG, sweep, NULL, "remove the planes of the dead"),
	ROW(STATIC, "static", 0, FLAG, is_static, NULL,
	    "for static and Go programs: a supervisor instead of the interposer"),
	ROW(CALLS, "calls", 0, TEXT, calls, "LIST",
	    "with --static: the calls and classes it stops (those the rules name)"),
	ROW(JOIN, "join", 0, FLAG, join, NULL,
	    "use the plane that is there (-p), and its nodes, and leave it there"),
	ROW(CLOCK, "clock", 0, TEXT, clock, "CHANGE",
	    "its clock while it runs: \"+5m\", \"-30s drift 200ppm\", \"freeze\""),
	ROW(IO_URING, "io-uring", 0, TEXT, io_uring, "POLICY",
	    "deny: none can be made (ENOSYS); warn: tell when one was (warn); allow"),
	ROW(OUTPUT, "output", 'o', TEXT, output, "FILE", "write the table there"),
	ROW(HELP, "help", 'h', FLAG, help, NULL, "print this help"),
#undef ROW
};

static const char *option_name_at(const void *arg, size_t i)
{
	const struct command *command = arg;

	for (unsigned id = 0; id < OPTION_IDS; id++)
		if (command->options >> id & 1 && i-- == 0)
			return options[id].name;
	return NULL;
}

static void print_option_usage(const struct option_row *option, FILE *to)
{
	fprintf(to, " [%s%s", option->letter ? "-" : "--",
		option->letter ? (char[]){option->letter, 0} : option->name);
	if (option->value)
		fprintf(to, option->kind == KIND_MAYBE_NUMBER ? " [%s]" : " %s", option->value);
	fputs(option->kind == KIND_LIST ? "]..." : "]", to);
}

void args_print_usage(const struct command *command, FILE *to)
{
	fprintf(to, "usage: failctl %s", command->name);
	for (unsigned id = 0; id < OPTION_HELP; id++)
		if (command->options >> id & 1)
			print_option_usage(&options[id], to);
	fprintf(to, "%s%s\n", *command->arguments ? " " : "", command->arguments);
}

void args_print_help(const struct command *command)
{
	args_print_usage(command, stdout);
	printf("\n%s\n\n", command->help);
	for (unsigned id = 0; id < OPTION_IDS; id++) {
		const struct option_row *option = &options[id];
		char left[64], letter[8];

		if (!(command->options >> id & 1))
			continue;
		if (option->letter)
			snprintf(letter, sizeof(letter), "-%c, ", option->letter);
		snprintf(left, sizeof(left), "%s--%s %s", option->letter ? letter : "    ",
			 option->name, option->value ? option->value : "");
		printf("  %-24s  %s\n", left, option->help);
	}
}

static int wrong(const struct command *command, const struct why *why)
{
	say("%s: %s", command->name, why->text);
	args_print_usage(command, stderr);
	return command->usage_status;
}

/* ---- One option ---- */

static int store_number(void *to, const struct option_row *option, const char *value,
			struct why *why)
{
	uint64_t number;

	if (names_number(value, strlen(value), &number))
		return why_set(why, -EINVAL, "--%s wants a number, not \"%s\"", option->name,
			       value);
	memcpy(to, &number, sizeof(number));
	return 0;
}

static int store_duration(void *to, const struct option_row *option, const char *value,
			  struct why *why)
{
	int64_t ns;

	if (names_duration(value, strlen(value), &ns))
		return why_set(why, -EINVAL,
			       "--%s wants a duration such as 500ms or 10s, not \"%s\"",
			       option->name, value);
	memcpy(to, &ns, sizeof(ns));
	return 0;
}

static int store(struct args *args, const struct option_row *option, const char *value,
		 struct why *why)
{
	void *to = (char *)args + option->offset;

	switch (option->kind) {
	case KIND_FLAG:
		*(bool *)to = true;
		return 0;
	case KIND_TEXT:
		*(const char **)to = value;
		return 0;
	case KIND_LIST:
		if (args->rule_count == RULES_MAX)
			return why_set(why, -EINVAL, "more than %d rules", RULES_MAX);
		args->rules[args->rule_count++] = value;
		return 0;
	case KIND_DURATION:
		return store_duration(to, option, value, why);
	default:
		return store_number(to, option, value, why);
	}
}

static bool is_digits(const char *text)
{
	return text && *text && strspn(text, "0123456789") == strlen(text);
}

/* The option that argv[0] names, by letter or name; *value is what follows "=". */
static int find_option(const struct command *command, const char *word, const char **value)
{
	const char *equals = strchr(word, '=');
	size_t length = equals ? (size_t)(equals - word) : strlen(word);

	*value = NULL;
	for (unsigned id = 0; id < OPTION_IDS; id++) {
		const struct option_row *option = &options[id];

		if (!(command->options >> id & 1))
			continue;
		if (word[1] != '-' && option->letter == word[1]) {
			*value = word[2] ? word + 2 : NULL;
			return (int)id;
		}
		if (length > 2 && strncmp(word, "--", 2) == 0 &&
		    strlen(option->name) == length - 2 &&
		    strncmp(word + 2, option->name, length - 2) == 0) {
			*value = equals ? equals + 1 : NULL;
			return (int)id;
		}
	}
	return -1;
}

static int unknown_option(const struct command *command, const char *word, struct why *why)
{
	const char *near = names_nearest(word + strspn(word, "-"), option_name_at, command);

	if (near)
		return why_set(why, -EINVAL, "unknown option \"%s\", did you mean \"--%s\"?", word,
			       near);
	return why_set(why, -EINVAL, "unknown option \"%s\"", word);
}

/* Takes one option and its value. Returns how many words it took, or -EINVAL. */
static int take_option(struct args *args, const struct command *command, char **argv,
		       struct why *why)
{
	const char *value;
	int id = find_option(command, argv[0], &value), taken = 1, rc;

	if (id < 0)
		return unknown_option(command, argv[0], why);
	if (options[id].kind == KIND_FLAG && value)
		return why_set(why, -EINVAL, "--%s takes no value", options[id].name);
	if (options[id].kind == KIND_MAYBE_NUMBER && !value && !is_digits(argv[1]))
		value = "1";
	if (options[id].kind != KIND_FLAG && !value) {
		value = argv[1];
		taken = 2;
	}
	if (options[id].kind != KIND_FLAG && !value)
		return why_set(why, -EINVAL, "--%s wants a value", options[id].name);
	args->given |= 1u << id;
	rc = store(args, &options[id], value, why);
	return rc ? rc : taken;
}

/* ---- A command's words ---- */

static int check_words(const struct args *args, const struct command *command, struct why *why)
{
	if (args->word_count < command->words_min)
		return why_set(why, -EINVAL, "wanted %s", command->arguments);
	if (command->words_max >= 0 && args->word_count > command->words_max)
		return why_set(why, -EINVAL, "unexpected \"%s\"", args->words[command->words_max]);
	return 0;
}

/* No option is a digit: -30s is a word. */
static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] && !(word[1] >= '0' && word[1] <= '9');
}

int args_parse(struct args *args, const struct command *command, int argc, char **argv)
{
	struct why why = {""};
	int i = 0;

	args->words = calloc((size_t)argc + 1, sizeof(*args->words));
	if (!args->words) {
		say("no memory for %d words", argc);
		return EXIT_ENVIRONMENT;
	}
	while (i < argc && (is_option(argv[i]) || !command->passes_on)) {
		int taken = 1;

		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (is_option(argv[i]))
			taken = take_option(args, command, argv + i, &why);
		else
			args->words[args->word_count++] = argv[i];
		if (taken < 0)
			return wrong(command, &why);
		i += taken;
	}
	while (i < argc)
		args->words[args->word_count++] = argv[i++];
	if (!args->help && check_words(args, command, &why))
		return wrong(command, &why);
	return 0;
}

int args_parse_plane(struct args *args, int argc, char **argv)
{
	static const struct command any = {.name = "failctl", .options = TAKES(PLANE)};
	struct why why;
	const char *value;
	int taken;

	if (argc == 0 || find_option(&any, argv[0], &value) < 0)
		return 0;
	taken = take_option(args, &any, argv, &why);
	if (taken < 0)
		say("%s", why.text);
	return taken;
}
