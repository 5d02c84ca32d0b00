/*
 * failctl_escapes.c - `failctl escapes`: what ran but could not be intercepted (docs/escapes.md).
 *
 * Of a plane that is there, or of a command: that is run on a plane of its own with the deep tier,
 * which sees every call that passes no name, and counts them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "failpoint/failctl.h"

static int add_escape(void *arg, const struct control_escape *e)
{
	json_t *count = e->count ? json_integer((json_int_t)e->count) : json_null();

	return json_array_append_new(
		       arg, json_pack("{s:o, s:o, s:s, s:s, s:o, s:o, s:b, s:s}", "node",
				      json_text(e->node), "comm", json_text(e->comm), "kind",
				      e->kind, "call", e->call, "subject", json_text(e->subject),
				      "count", count, "reached", e->reached, "reason", e->reason))
		       ? -ENOMEM
		       : 0;
}

static const struct column columns[] = {
	{"node", "NODE", false},       {"comm", "COMMAND", false},  {"kind", "KIND", false},
	{"call", "CALL", false},       {"count", "COUNT", true},    {"reached", "DEEP", false},
	{"subject", "SUBJECT", false}, {"reason", "REASON", false}, {0},
};

/* The command itself is nobody's child: when nothing of it was seen, it may be told why. */
static int add_command(struct args *args, struct control *control, json_t *rows)
{
	struct control_escape e = {.kind = "child", .count = 1};
	const char *reason;

	if (!args->word_count || control_seen_calls(control, NULL))
		return 0;
	reason = control_refuses(args->words[0], getuid());
	snprintf(e.subject, sizeof(e.subject), "%s", args->words[0]);
	snprintf(e.reason, sizeof(e.reason), "%s",
		 reason ? reason : "made no call that the interposer saw");
	return add_escape(rows, &e);
}

static int print_escapes(struct args *args, struct control *control)
{
	json_t *rows = json_array();
	int rc = control_escapes(control, args->node, add_escape, rows);

	if (!rc)
		rc = add_command(args, control, rows);

	if (rc) {
		json_decref(rows);
		say("cannot list the escapes: %s", strerror(-rc));
		return EXIT_ENVIRONMENT;
	}
	if (args->output && !freopen(args->output, "we", stdout)) {
		json_decref(rows);
		say("cannot write \"%s\": %s", args->output, strerror(errno));
		return EXIT_ENVIRONMENT;
	}
	return print_listing(args, rows, columns);
}

int command_escapes(struct args *args)
{
	struct control *control;
	int rc;

	if (args->word_count) {
		args->deep = true;
		args->after = print_escapes;
		return command_run(args);
	}
	rc = open_plane(args, &control);
	if (rc)
		return rc;
	rc = print_escapes(args, control);
	control_close(control);
	return rc;
}
