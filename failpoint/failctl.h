/*
 * failctl.h - what the files of failctl share.
 *
 * One table in failctl.c has a row a command: usage, help, options and function. Options stand in
 * one table in failctl_args.c; a command's row names those it takes. So usage, --help, checking and
 * dispatch all come from the rows, and a listing that takes --json is one JSON array that either is
 * dumped or printed as a table (failctl_table.c).
 *
 * Exit codes: 0 done; 1 the answer is no; 2 wrong usage; 3 the environment failed. `run` and
 * `enter` return their command's status, with 125 to 127 for what failed on the way to it.
 */
#ifndef FAILPOINT_FAILCTL_H
#define FAILPOINT_FAILCTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failkit/control.h"

enum { EXIT_NO = 1, EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3 };
enum { EXIT_RUN_FAILED = 125, EXIT_RUN_CANNOT = 126, EXIT_RUN_NOT_FOUND = 127 };

enum option_id {
	OPTION_PLANE,
	OPTION_JSON,
	OPTION_RULE,
	OPTION_NODE,
	OPTION_ROLE,
	OPTION_USER,
	OPTION_DEEP,
	OPTION_MUST_FIRE,
	OPTION_SEED,
	OPTION_HOLD,
	OPTION_FIRED,
	OPTION_PAUSED,
	OPTION_TIMEOUT,
	OPTION_COUNT,
	OPTION_PAST,
	OPTION_ALL,
	OPTION_STACKS,
	OPTION_SWEEP,
	OPTION_STATIC,
	OPTION_CALLS,
	OPTION_JOIN,
	OPTION_CLOCK,
	OPTION_IO_URING,
	OPTION_OUTPUT,
	OPTION_HELP,
	OPTION_IDS,
};
#define TAKES(option) (1u << OPTION_##option)

enum { RULES_MAX = 256 };

struct args {
	const char *plane, *node, *role, *user, *calls, *clock, *io_uring, *output;
	const char *rules[RULES_MAX];
	unsigned rule_count;
	uint64_t seed, fired, paused, count;
	int64_t timeout_ns;
	bool json, must_fire, hold, past, all, sweep, help, is_static, join, deep, stacks;
	uint32_t given; /* TAKES() bits */
	char **words;   /* what is no option */
	int word_count;
	int (*after)(struct args *args,
		     struct control *control); /* of a run, before its plane goes */
};

struct command {
	const char *name, *arguments, *help;
	uint32_t options;
	int words_min, words_max; /* -1: any number */
	bool passes_on;   /* what follows the first word belongs to the command that is run */
	int usage_status; /* what wrong usage exits with */
	int (*run)(struct args *args);
};

/* failctl.c */
extern const struct command failctl_commands[]; /* ends with a NULL name */

/* failctl_args.c. Fills args, or says what is wrong and returns the exit code. */
int args_parse(struct args *args, const struct command *command, int argc, char **argv);
void args_print_usage(const struct command *command, FILE *to);
void args_print_help(const struct command *command);
/* -p NAME before the command. Returns how many words it took, or -1 having said what is wrong. */
int args_parse_plane(struct args *args, int argc, char **argv);

/* failctl_say.c */
/* Tells of sleeps that there was no room to list; says nothing where there were none. */
void say_unlisted(const struct control_process *process);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
int say_why(int rc, const struct why *why); /* prints it and returns the exit code that fits rc */
/* Opens the plane that was asked for; 0, or the exit code having said why not. */
int open_plane(const struct args *args, struct control **out);
int64_t deadline_after(const struct args *args, int64_t otherwise_ns); /* of --timeout */
char *join_words(char *const words[]);

/* failctl_table.c. What can't be listed whole is not listed: without memory the tool ends, with a
 * message and EXIT_ENVIRONMENT. json_memory() is jansson's malloc for that. */
void no_memory(void) __attribute__((noreturn));
void *json_memory(size_t size);
struct column {
	const char *key, *title;
	bool right; /* numbers */
};
/* rows: an array of objects, which is consumed. JSON, or a table of the columns. Returns 0 or 3. */
int print_listing(const struct args *args, json_t *rows, const struct column *columns);
json_t *json_text(const char *text);          /* bytes that are no UTF-8 become "?" */
void print_text(const char *text);            /* to a terminal: control characters become "?" */
int print_json(json_t *value, bool one_line); /* consumed */

int command_run(struct args *args); /* failctl_run.c */
int command_set(struct args *args); /* failctl_rules.c */
int command_ls(struct args *args);
int command_rm(struct args *args);
int command_heal(struct args *args);
int command_wait(struct args *args);
int command_release(struct args *args);
int command_clock(struct args *args); /* failctl_clock.c */
int command_watch(struct args *args); /* failctl_watch.c */
int command_ps(struct args *args);    /* failctl_list.c */
int command_planes(struct args *args);
int command_calls(struct args *args);
int command_import(struct args *args);
int command_version(struct args *args);
int command_points(struct args *args);  /* failctl_points.c */
int command_enter(struct args *args);   /* failctl_enter.c */
int command_escapes(struct args *args); /* failctl_escapes.c */

/* failctl_rules.c. Until somebody ends us, or removes the plane. */
void stay(struct control *control);

/* failctl_clock.c. Bends the clock of a node as the words say; NULL: that of every process. */
int clock_change(struct control *control, const char *node, char *const words[], int flags,
		 struct why *why);
int clock_change_text(struct control *control, const char *node, const char *text, int flags,
		      struct why *why);
void clock_text(const struct control_clock *clock, char *text, size_t size); /* "": the machine's */
int print_clocks(struct control *control, const struct args *args, bool after_others);

/* failctl_child.c. Runs words in a child with this environment, forwards signals, and returns its
 * status: 128 + N when signal N killed it; or, with ran false, 125 to 127 when it could not be run.
 * before runs in the child, and returns 0 or -errno with a sentence. Signals must be blocked by
 * child_block() first. */
struct child {
	char *const *words;
	char *const *environment;
	int (*before)(void *arg, struct why *why);
	void *arg;
};
void child_block(void);
int child_run(const struct child *child, bool *ran);
int child_wait_signal(int64_t timeout_ns); /* a signal that asks to end, or 0 */

#endif
