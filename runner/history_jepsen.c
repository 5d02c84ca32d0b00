/* history_jepsen.c - Jepsen's log of a register: see history_read.h. */
#include "runner/history_read_impl.h"

#include <errno.h>
#include <string.h>

enum { REGISTER_CALLS = CALL_CAS + 1 };

/* Where the events of a log line begin; NULL for other loggers' lines. */
static char *events_of(char *line)
{
	static const char logger[] = "jepsen.util";
	char *at = line + strcspn(line, " \t");

	at += strspn(at, " \t");
	if (strncmp(at, logger, strlen(logger)) != 0)
		return NULL;
	at += strlen(logger);
	at += strspn(at, " \t");
	return *at == '-' ? at + 1 : NULL;
}

bool history_is_log(const char *line)
{
	static const char *const levels[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};
	size_t length = strcspn(line, " \t");

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (length == strlen(levels[i]) && !memcmp(line, levels[i], length))
			return true;
	return false;
}

int history_jepsen_line(struct reading *r, char *line)
{
	struct history_event e = {.key = {.text = line}};
	struct atom process, type, call;
	char *at = events_of(line);

	if (!history_is_log(line))
		return why_set(r->why, -EINVAL, "\"%.40s\" is no line of a log", line);
	if (!at)
		return 0;
	if (atom_next(&at, &process) <= 0)
		return why_set(r->why, -EINVAL, "wanted a process after \"jepsen.util -\"");
	if (process.kind == ATOM_WORD)
		return 0; /* :nemesis */
	if (atom_number(&process, &e.process) < 0)
		return why_set(r->why, -EINVAL, "\"%.*s\" is no process", (int)process.length,
			       process.text);
	e.type = atom_next(&at, &type) > 0 ? atom_among(&type, history_types, EVENT_TYPES)
					   : EVENT_TYPES;
	if (e.type == EVENT_TYPES)
		return why_set(r->why, -EINVAL,
			       "wanted :invoke, :ok, :fail or :info after the process");
	e.call = atom_next(&at, &call) > 0 ? atom_among(&call, history_calls, REGISTER_CALLS)
					   : REGISTER_CALLS;
	if (e.call == REGISTER_CALLS)
		return why_set(r->why, -EINVAL, "wanted :read, :write or :cas after :%s",
			       history_types[e.type]);
	if (atom_next(&at, &e.value) <= 0)
		return why_set(r->why, -EINVAL, "wanted a value after :%s", history_calls[e.call]);
	return reading_event(r, &e);
}
