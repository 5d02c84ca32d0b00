/* failctl_list.c - ps, planes, import, version. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "failpoint/calls.h"
#include "failpoint/failctl.h"
#include "failpoint/import.h"
#include "failpoint/plane.h"

/* ---- ps ---- */

struct processes {
	struct control *control;
	bool all, stacks;
	int64_t now_ns;
	json_t *rows, *insides;
};

/* The functions that led there, the innermost first. */
static json_t *stack_json(const struct processes *list, const struct control_inside *inside)
{
	char text[STACK_TEXT_MAX], *line, *rest = text;
	json_t *functions = json_array();

	if (list->stacks)
		control_stack(list->control, inside, text, sizeof(text));
	else
		text[0] = 0;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			json_array_append_new(functions, json_text(line));
	return functions;
}

static json_t *inside_json(const struct processes *list, const struct control_process *process,
			   const struct control_inside *inside)
{
	return json_pack("{s:i, s:i, s:I, s:o, s:s, s:o, s:f, s:f, s:o}", "pid", (int)process->pid,
			 "tid", (int)inside->tid, "rule", (json_int_t)inside->rule, "rule_name",
			 json_text(inside->rule_name), "action", inside->action, "site",
			 json_text(inside->site), "since_s",
			 (double)(list->now_ns - inside->since_ns) / 1e9, "left_s",
			 (double)(inside->until_ns - list->now_ns) / 1e9, "stack",
			 stack_json(list, inside));
}

static int add_process(void *arg, const struct control_process *process)
{
	struct processes *list = arg;
	json_t *threads = json_array();
	struct control_clock clock = {0};
	char bent[128];

	if (!list->all && strcmp(process->state, "dead") == 0) {
		json_decref(threads);
		return 0;
	}
	for (unsigned i = 0; i < process->insides; i++) {
		json_t *inside = inside_json(list, process, &process->inside[i]);

		json_array_append(list->insides, inside);
		json_array_append_new(threads, inside);
	}
	say_unlisted(process);
	control_clock(list->control, process->node, &clock, NULL);
	clock_text(&clock, bent, sizeof(bent));
	return json_array_append_new(
		       list->rows,
		       json_pack("{s:i, s:o, s:o, s:o, s:s, s:s, s:I, s:i, s:I, s:o}", "pid",
				 (int)process->pid, "comm", json_text(process->comm), "node",
				 json_text(process->node), "role", json_text(process->role),
				 "state", process->state, "clock", bent, "calls",
				 (json_int_t)process->calls_seen, "inside", (int)process->insides,
				 "unlisted", (json_int_t)process->unlisted, "threads", threads))
		       ? -ENOMEM
		       : 0;
}

static const struct column process_columns[] = {
	{"pid", "PID", true},       {"comm", "COMMAND", false}, {"node", "NODE", false},
	{"role", "ROLE", false},    {"state", "STATE", false},  {"calls", "CALLS", true},
	{"inside", "INSIDE", true}, {"clock", "CLOCK", false},  {0},
};

static const struct column inside_columns[] = {
	{"pid", "PID", true},        {"tid", "THREAD", true}, {"rule_name", "RULE", false},
	{"action", "ACTION", false}, {"site", "SITE", false}, {0},
};

static void print_stack(json_t *inside)
{
	json_t *functions = json_object_get(inside, "stack"), *function;
	size_t i;

	printf("\nthread %d of %d, in \"%s\" at %s:\n",
	       (int)json_integer_value(json_object_get(inside, "tid")),
	       (int)json_integer_value(json_object_get(inside, "pid")),
	       json_string_value(json_object_get(inside, "rule_name")),
	       json_string_value(json_object_get(inside, "site")));
	json_array_foreach(functions, i, function)
	{
		fputs("    ", stdout);
		print_text(json_string_value(function));
		putchar('\n');
	}
	if (!i)
		puts("    no stack was kept: it is no pause, too many threads pause, or it is a "
		     "static program's");
}

static void print_stacks(json_t *insides)
{
	json_t *inside;
	size_t i;

	json_array_foreach(insides, i, inside) print_stack(inside);
}

int command_ps(struct args *args)
{
	struct processes list = {.all = args->all, .stacks = args->stacks};
	struct control *control;
	struct timespec now;
	int rc = open_plane(args, &control);

	if (rc)
		return rc;
	clock_gettime(CLOCK_MONOTONIC, &now);
	list.now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	list.control = control;
	list.rows = json_array();
	list.insides = json_array();
	rc = control_processes(control, add_process, &list);
	control_close(control);
	if (rc) {
		json_decref(list.rows);
		json_decref(list.insides);
		say("cannot list the processes: %s", strerror(-rc));
		return EXIT_ENVIRONMENT;
	}
	rc = print_listing(args, list.rows, process_columns);
	if (!rc && !args->json && json_array_size(list.insides)) {
		putchar('\n');
		rc = print_listing(args, json_incref(list.insides), inside_columns);
		if (args->stacks)
			print_stacks(list.insides);
	}
	json_decref(list.insides);
	return rc;
}

/* ---- planes ---- */

static int add_plane(void *arg, const struct control_plane *plane)
{
	char made[32] = "";
	time_t seconds = plane->created_s;
	struct tm local;

	if (seconds && localtime_r(&seconds, &local))
		strftime(made, sizeof(made), "%Y-%m-%d %H:%M:%S", &local);
	return json_array_append_new(
		       arg,
		       json_pack("{s:o, s:s, s:i, s:s, s:I, s:i, s:i, s:b, s:o, s:o}", "name",
				 json_text(plane->name), "state",
				 plane->dead         ? "dead"
				 : plane->problem[0] ? "unreadable"
						     : "live",
				 "creator", (int)plane->creator, "made", made, "created_s",
				 (json_int_t)plane->created_s, "rules", (int)plane->rules,
				 "processes", (int)plane->processes, "dead", plane->dead, "note",
				 json_text(plane->problem[0] ? plane->problem : plane->note),
				 "problem", json_text(plane->problem)))
		       ? -ENOMEM
		       : 0;
}

static int sweep(void)
{
	struct why why = {""};
	unsigned removed;
	int rc = control_sweep(&removed, &why);

	printf("removed %u\n", removed);
	return say_why(rc, &why);
}

int command_planes(struct args *args)
{
	static const struct column columns[] = {
		{"name", "NAME", false},      {"state", "STATE", false},
		{"creator", "CREATOR", true}, {"made", "MADE", false},
		{"rules", "RULES", true},     {"processes", "PROCESSES", true},
		{"note", "NOTE", false},      {0},
	};
	json_t *rows;
	int rc;

	if (args->sweep)
		return sweep();
	rows = json_array();
	rc = control_planes(add_plane, rows);
	if (rc) {
		json_decref(rows);
		say("cannot list \"%s\": %s", control_directory(), strerror(-rc));
		return EXIT_ENVIRONMENT;
	}
	return print_listing(args, rows, columns);
}

/* ---- import, version ---- */

static int add_native(void *arg, const char *native)
{
	return json_array_append_new(arg, json_text(native)) ? -ENOMEM : 0;
}

int command_import(struct args *args)
{
	json_t *rules = json_array(), *rule;
	struct why why = {"no memory"};
	int rc = import_rules(args->words[0], args->words[1], add_native, rules, &why);
	size_t i;

	if (!rc && args->json)
		return print_json(rules, false);
	json_array_foreach(rules, i, rule) if (!rc) printf("%s\n", json_string_value(rule));
	json_decref(rules);
	return say_why(rc, &why);
}

int command_version(struct args *args)
{
	(void)args;
	printf("failctl " FAILKIT_VERSION " (plane %d, %d calls)\n", PLANE_ABI, CALL_COUNT);
	return 0;
}
