/* failctl_calls.c - `failctl calls [CALL]`: the table of calls, or all that is known of one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "failpoint/calls.h"
#include "failpoint/failctl.h"
#include "failpoint/names.h"

static const char *const fails_how[] = {
	[FAILS_MINUS1] = "-1", [FAILS_ERRNUM] = "errno", [FAILS_NULL] = "NULL",
	[FAILS_ZERO] = "0",    [FAILS_EAI] = "EAI",      [FAILS_NEVER] = "never",
};

static json_t *call_classes(const struct call_info *call)
{
	json_t *list = json_array();

	for (uint32_t left = call->classes; left; left &= left - 1)
		json_array_append_new(list, json_sprintf("%%%s", calls_class_name(left & -left)));
	return list;
}

static json_t *call_errnos(const struct call_info *call)
{
	json_t *list = json_array();

	for (const uint16_t *error = call->errnos; error && *error; error++) {
		const char *name = calls_errno_name(*error);

		json_array_append_new(list, name ? json_string(name) : json_integer(*error));
	}
	return list;
}

static json_t *aliases_of(unsigned call)
{
	json_t *list = json_array();

	for (const struct call_alias *alias = call_aliases; alias->alias; alias++)
		if (alias->call == call)
			json_array_append_new(list, json_string(alias->alias));
	return list;
}

/* A table's cells are texts: the words of a list, divided by blanks. */
static json_t *joined(const json_t *list)
{
	char text[1024] = "";
	const json_t *word;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, word)
	{
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "%s%s", used ? " " : "",
			 json_is_string(word) ? json_string_value(word) : "?");
	}
	return json_text(text);
}

static json_t *call_json(unsigned id, bool as_lists)
{
	const struct call_info *call = &call_table[id];
	json_t *lists[] = {call_classes(call), call_errnos(call), aliases_of(id)};

	for (unsigned i = 0; !as_lists && i < 3; i++) {
		json_t *text = joined(lists[i]);

		json_decref(lists[i]);
		lists[i] = text;
	}
	return json_pack("{s:s, s:o, s:s, s:o, s:o, s:b, s:b}", "name", call->name, "classes",
			 lists[0], "fails", fails_how[call->fails], "errnos", lists[1], "aliases",
			 lists[2], "amount", call->amount, "network", call->network);
}

/* A line of the description of one call; nothing where there is nothing to say. */
static void print_fact(const char *what, json_t *list)
{
	json_t *text = joined(list);

	if (*json_string_value(text))
		printf("  %-8s  %s\n", what, json_string_value(text));
	json_decref(text);
	json_decref(list);
}

static void print_call(unsigned id, const char *asked)
{
	static const char *const subjects[] = {
		[SUBJECT_NONE] = "nothing that has a name",  [SUBJECT_FD] = "a descriptor",
		[SUBJECT_MAPPING] = "a descriptor, or none", [SUBJECT_PATH] = "a path",
		[SUBJECT_PATHS] = "two paths: from, to",
	};
	const struct call_info *call = &call_table[id];

	printf(strcmp(asked, call->name) ? "%s: a second name of %s\n" : "%s\n", asked, call->name);
	print_fact("classes", call_classes(call));
	print_fact("also", aliases_of(id));
	printf("  %-8s  %s%s\n", "about", subjects[call->subject],
	       call->amount ? ", and bytes" : "");
	printf("  %-8s  %s\n", "fails by", fails_how[call->fails]);
	if (call->number >= 0)
		printf("  %-8s  %ld: met by syscall(), too\n", "number", call->number);
	print_fact("errors", call_errnos(call));
}

static int one_call(const struct args *args)
{
	const char *name = args->words[0];
	int id = calls_find(name, strlen(name));
	struct why why;

	if (id < 0)
		return say_why(names_refuse(&why, -ENOENT, "call", name, names_call_at, NULL),
			       &why);
	if (args->json)
		return print_json(call_json((unsigned)id, true), false);
	print_call((unsigned)id, name);
	return 0;
}

int command_calls(struct args *args)
{
	static const struct column columns[] = {
		{"name", "CALL", false},     {"classes", "CLASSES", false},
		{"fails", "FAILS", false},   {"aliases", "ALSO", false},
		{"errnos", "ERRORS", false}, {0},
	};
	json_t *rows;

	if (args->word_count)
		return one_call(args);
	rows = json_array();
	for (unsigned i = 0; i < CALL_COUNT; i++)
		json_array_append_new(rows, call_json(i, args->json));
	return print_listing(args, rows, columns);
}
