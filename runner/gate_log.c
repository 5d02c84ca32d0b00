/* gate_log.c - see gate_log.h. */
#include "runner/gate_log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "failpoint/pattern.h"
#include "runner/cluster_impl.h"

enum { PIECE = 16384 }; /* a line that is longer is looked at in pieces */

static void strip_quotes(char *text)
{
	size_t length = strlen(text);

	if (length < 2 || text[0] != '"' || text[length - 1] != '"')
		return;
	memmove(text, text + 1, length - 2);
	text[length - 2] = 0;
}

int gate_log_parse(struct gate_log *out, const char *text, struct why *why)
{
	int used = 0, r;

	*out = (struct gate_log){0};
	if (sscanf(text, " %31s %255[^\n]%n", out->nodes, out->text, &used) != 2 || text[used])
		return why_set(why, -EINVAL,
			       "\"%s\" is no log step: NODES REGEX, as ds* \"recovered in\"", text);
	strip_quotes(out->text);
	r = regex_compile(out->text, out->program, sizeof(out->program), why);
	return r < 0 ? r : 0;
}

int gate_log_fits(const struct plan *plan, const char *text, struct why *why)
{
	struct gate_log log;
	int r = gate_log_parse(&log, text, why);

	for (int i = 0; r == 0 && i < plan->roles; i++) {
		const struct plan_role *role = &plan->role[i];

		for (int64_t n = 1; n <= role->count + role->spares; n++) {
			char name[PLAN_NAME_MAX + 12];

			snprintf(name, sizeof(name), "%.20s%d", role->name, (int)n);
			if (pattern_name(log.nodes, name))
				return 0;
		}
	}
	return r ? r : why_set(why, -ENOENT, "no node is named \"%s\"", log.nodes);
}

/* The lines of a piece; *used: how much of it they are. */
static bool any_line(const struct gate_log *log, const char *text, size_t size, size_t *used)
{
	const char *end;

	*used = 0;
	while ((end = memchr(text + *used, '\n', size - *used))) {
		const char *line = text + *used;

		*used = (size_t)(end - text) + 1;
		if (regex_match(log->program, sizeof(log->program), line, (size_t)(end - line)))
			return true;
	}
	if (*used || size < PIECE)
		return false;
	*used = size;
	return regex_match(log->program, sizeof(log->program), text, size);
}

bool gate_log_met(const struct gate_log *log, const struct node *node, int parts, uint64_t *at)
{
	char text[PIECE];
	size_t n, used = 1;

	while (used && (n = node_log_read(node, parts, at, text, sizeof(text)))) {
		if (any_line(log, text, n, &used))
			return true;
		*at += used;
	}
	return false;
}
