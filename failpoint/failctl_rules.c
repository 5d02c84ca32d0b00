/* failctl_rules.c - the commands about rules: set, ls, rm, heal, wait, release. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failpoint/failctl.h"

#define PATIENCE_NS INT64_C(10000000000)

enum { HOLD_LOOK_NS = 500000000 };

/* arg is the first id that was made. */
static int print_name(void *arg, uint64_t id, const char *name)
{
	uint64_t *first = arg;

	if (!*first)
		*first = id;
	printf("%s\n", name);
	return 0;
}

/* A failpoint that is not there yet may come; one that is misspelt never does. */
static int tell_nearest(void *arg, const struct control_rule *rule)
{
	const uint64_t *first = arg;

	if (*first && rule->id >= *first && rule->nearest[0])
		say("rule \"%s\" names a failpoint that no process has; did you mean \"%s\"?",
		    rule->name, rule->nearest);
	return 0;
}

/* Rules given as several words are the lines of one text: all are set, or none, and what is wrong is
 * told with its line. */
static char *join_rules(char *const words[])
{
	char *text = NULL;

	for (char *const *word = words; *word; word++) {
		char *longer;

		if (asprintf(&longer, "%s%s%s", text ? text : "", text ? "\n" : "", *word) < 0)
			longer = NULL;
		free(text);
		text = longer;
		if (!text)
			return NULL;
	}
	return text;
}

void stay(struct control *control)
{
	while (!child_wait_signal(HOLD_LOOK_NS) && access(control_path(control), F_OK) == 0)
		;
}

int command_set(struct args *args)
{
	struct control *control;
	struct why why = {"no memory"};
	uint64_t first = 0;
	char *text;
	int rc = open_plane(args, &control);

	if (rc)
		return rc;
	if (args->hold)
		child_block();
	text = join_rules(args->words);
	rc = text ? 0 : -ENOMEM;
	if (!rc && args->hold)
		rc = control_hold(control, &why);
	if (!rc)
		rc = control_set_each(control, text, args->hold ? CONTROL_HELD : 0, print_name,
				      &first, &why);
	fflush(stdout);
	if (!rc)
		control_rules(control, tell_nearest, &first);
	if (!rc && args->hold)
		stay(control);
	free(text);
	control_close(control);
	return say_why(rc, &why);
}

static const char *rule_state(const struct control_rule *rule)
{
	if (!rule->live)
		return "ended";
	if (rule->pending)
		return "pending";
	return rule->held ? "held" : "live";
}

static int add_rule(void *arg, const struct control_rule *rule)
{
	json_t *row =
		json_pack("{s:I, s:o, s:s, s:o, s:b, s:b, s:b, s:I, s:I, s:I, s:I, s:I, "
			  "s:i}",
			  "id", (json_int_t)rule->id, "name", json_text(rule->name), "state",
			  rule_state(rule), "rule", json_text(rule->text), "live", rule->live,
			  "held", rule->held, "pending", rule->pending, "hits",
			  (json_int_t)rule->hits, "matches", (json_int_t)rule->matches, "fires",
			  (json_int_t)rule->fires, "suppressed", (json_int_t)rule->suppressed,
			  "uncounted", (json_int_t)rule->uncounted, "inside", (int)rule->inside);

	return json_array_append_new(arg, row) ? -ENOMEM : 0;
}

int command_ls(struct args *args)
{
	static const struct column columns[] = {
		{"id", "ID", true},
		{"name", "NAME", false},
		{"state", "STATE", false},
		{"hits", "HITS", true},
		{"matches", "MATCHES", true},
		{"fires", "FIRES", true},
		{"suppressed", "SUPPRESSED", true},
		{"inside", "INSIDE", true},
		{"rule", "RULE", false},
		{0},
	};
	struct control *control;
	json_t *rows;
	bool any;
	int rc = open_plane(args, &control);

	if (rc)
		return rc;
	rows = json_array();
	rc = control_rules(control, add_rule, rows);
	if (rc) {
		json_decref(rows);
		control_close(control);
		say("cannot list the rules: %s", strerror(-rc));
		return EXIT_ENVIRONMENT;
	}
	any = json_array_size(rows) > 0;
	rc = print_listing(args, rows, columns);
	if (!rc && !args->json)
		rc = print_clocks(control, args, any);
	control_close(control);
	return rc;
}

int command_rm(struct args *args)
{
	struct control *control;
	struct why why = {""};
	int rc = open_plane(args, &control);

	if (rc)
		return rc;
	rc = control_remove(control, args->words[0], deadline_after(args, PATIENCE_NS), &why);
	control_close(control);
	return say_why(rc, &why);
}

int command_heal(struct args *args)
{
	struct control *control;
	struct why why = {""};
	int rc = open_plane(args, &control);

	if (rc)
		return rc;
	rc = control_heal(control, deadline_after(args, PATIENCE_NS), &why);
	control_close(control);
	return say_why(rc, &why);
}

int command_wait(struct args *args)
{
	bool fired = args->given & TAKES(FIRED), paused = args->given & TAKES(PAUSED);
	struct control *control;
	struct why why = {""};
	int rc;

	if (fired == paused) {
		say("wait: wanted one of --fired N and --paused [N]");
		return EXIT_USAGE;
	}
	rc = open_plane(args, &control);
	if (rc)
		return rc;
	if (fired)
		rc = control_wait_fired(control, args->words[0], args->fired,
					deadline_after(args, -1), &why);
	else
		rc = control_wait_paused(control, args->words[0], (unsigned)args->paused,
					 deadline_after(args, -1), &why);
	control_close(control);
	return say_why(rc, &why);
}

int command_release(struct args *args)
{
	struct control *control;
	struct why why = {""};
	unsigned released;
	int rc = open_plane(args, &control);

	if (rc)
		return rc;
	rc = control_release(control, args->words[0], &released, &why);
	control_close(control);
	if (!rc)
		printf("released %u\n", released);
	return say_why(rc, &why);
}
