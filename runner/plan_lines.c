/* plan_lines.c - see plan_lines.h for the model. */
#include "runner/plan_lines.h"

#include <errno.h>
#include <ini.h>
#include <string.h>

enum { LINE_ROOM = PLAN_LINE_MAX + 8 }; /* inih wants room for the line's end */

struct source {
	const struct plan_lines *lines;
	const char *at, *end;
	int line, error;
	struct why why;
};

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

static int check_section(struct source *s, const char *at, const char *end)
{
	char title[PLAN_WORD_MAX + 1];
	const char *close = memchr(at, ']', (size_t)(end - at));

	if (!close || skip_blanks(close + 1, end) != end)
		return why_set(&s->why, -EINVAL, "\"%.*s\" is no section: [KIND] or [KIND NAME]",
			       (int)(end - at), at);
	if (close - at - 1 > PLAN_WORD_MAX)
		return why_set(&s->why, -EINVAL, "a section's title has at most %d characters",
			       PLAN_WORD_MAX);
	memcpy(title, at + 1, (size_t)(close - at - 1));
	title[close - at - 1] = 0;
	return s->lines->section(s->lines->arg, title, s->line, &s->why);
}

static int check_entry(struct source *s, const char *at, const char *end)
{
	const char *equals = memchr(at, '=', (size_t)(end - at));
	const char *colon = memchr(at, ':', (size_t)(end - at));

	if (!equals || equals == at || (colon && colon < equals))
		return why_set(&s->why, -EINVAL, "\"%.*s\" is no line of a plan: KEY = VALUE",
			       (int)(end - at), at);
	if (equals - at > PLAN_WORD_MAX)
		return why_set(&s->why, -EINVAL, "a key has at most %d characters", PLAN_WORD_MAX);
	return 0;
}

/* Is this a line that inih will read as we do? A section is given at once: inih is silent on it. */
static int check_line(struct source *s, const char *at, const char *end)
{
	if (end - at > PLAN_LINE_MAX)
		return why_set(&s->why, -EINVAL,
			       "the line has %zu characters, at most %d can be read",
			       (size_t)(end - at), PLAN_LINE_MAX);
	if (memchr(at, 0, (size_t)(end - at)))
		return why_set(&s->why, -EINVAL, "the line contains a NUL");
	at = skip_blanks(at, end);
	while (end > at && strchr(" \t\r", end[-1]))
		end--;
	if (at == end || *at == '#' || *at == ';')
		return 0;
	return *at == '[' ? check_section(s, at, end) : check_entry(s, at, end);
}

/* As fgets: one line for inih, none after an error. */
static char *next_line(char *line, int size, void *stream)
{
	struct source *s = stream;
	const char *end;

	if (s->error || s->at >= s->end)
		return NULL;
	end = memchr(s->at, '\n', (size_t)(s->end - s->at));
	if (!end)
		end = s->end;
	s->line++;
	s->error = check_line(s, s->at, end);
	if (!s->error && end - s->at + 2 > size)
		s->error = why_set(&s->why, -EINVAL, "inih reads no line of %d characters",
				   (int)(end - s->at));
	if (s->error)
		return NULL;
	memcpy(line, s->at, (size_t)(end - s->at));
	strcpy(line + (end - s->at), "\n");
	s->at = end + 1;
	return line;
}

static int give_entry(void *user, const char *section, const char *key, const char *value)
{
	struct source *s = user;

	(void)section;
	s->error = s->lines->entry(s->lines->arg, key, value, s->line, &s->why);
	return !s->error;
}

int plan_lines_read(const char *text, size_t length, const char *path,
		    const struct plan_lines *lines, struct why *why)
{
	struct source s = {.lines = lines, .at = text, .end = text + length};
	int r;

	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		s.at += 3;
	ini_use_stack = false;
	ini_allow_realloc = false;
	ini_initial_alloc = ini_max_line = LINE_ROOM;
	ini_allow_inline_comments = false;
	ini_allow_multiline = false;
	ini_stop_on_first_error = true;
	r = ini_parse_stream(next_line, &s, give_entry, &s);
	if (r && !s.error)
		s.error = why_set(&s.why, -EINVAL, "inih can't read the line");
	if (s.error)
		return why_set(why, s.error, "%s:%d: %s", path, s.line, s.why.text);
	return 0;
}
