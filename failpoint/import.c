/* import.c - the list of dialects and what they share; see import.h and import_dialect.h. */
#include "failpoint/import.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint/calls.h"
#include "failpoint/import_dialect.h"
#include "failpoint/names.h"
#include "failpoint/rule.h"
#include "failpoint/rule_lex.h"

static const struct {
	const char *name;
	int (*translate)(struct import *import, const char *text);
} dialects[] = {
	{"strace", import_strace}, {"failrs", import_failrs}, {"gofail", import_gofail},
	{"fail9", import_fail9},   {"fiu", import_fiu},
};

enum { DIALECTS = sizeof(dialects) / sizeof(dialects[0]) };

const char *import_dialect_at(size_t i)
{
	return i < DIALECTS ? dialects[i].name : NULL;
}

static const char *dialect_at(const void *arg, size_t i)
{
	(void)arg;
	return import_dialect_at(i);
}

void import_put(struct import_text *to, const char *format, ...)
{
	size_t room = sizeof(to->text) - to->length;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(to->text + to->length, room, format, args);
	va_end(args);
	to->full |= n < 0 || (size_t)n >= room;
	to->length += to->full ? 0 : (size_t)n;
	to->text[to->length] = '\0';
}

void import_put_quoted(struct import_text *to, const char *value, size_t length, bool literal)
{
	import_put(to, "\"");
	for (size_t i = 0; i < length; i++) {
		bool special = literal && strchr("*?[\\", value[i]);
		bool escape = value[i] == '"' || value[i] == '\\';
		import_put(to, "%s%s%c", special ? "\\\\" : "", escape ? "\\" : "", value[i]);
	}
	import_put(to, "\"");
}

int import_put_point(struct import *import, struct import_text *to, const char *name, size_t length)
{
	if (!length || lex_word_length(name, length, LEX_PLAIN) != length || *name == '%')
		return import_refuse(import, name, length, "is no name for a failpoint");
	import_put(to, "%s%.*s", memchr(name, '/', length) ? "" : "app/", (int)length, name);
	return 0;
}

static bool all_can_fail(const char *sites, int error)
{
	while (*sites) {
		size_t length = strcspn(sites, ",");
		int call = calls_find(sites, length);
		if (call < 0 || !calls_errno_is_legal((unsigned)call, error))
			return false;
		sites += length + (sites[length] == ',');
	}
	return true;
}

void import_put_error(struct import_text *to, const char *sites, int error)
{
	import_put(to, "error%s(%d)", all_can_fail(sites, error) ? "" : "!", error);
}

int import_refuse(struct import *import, const char *what, size_t length, const char *reason)
{
	return why_set(import->why, -ENOTSUP, "%s: \"%.*s\" %s", import->dialect, (int)length, what,
		       reason);
}

static int keep(struct import *import, const char *text)
{
	char **native = reallocarray(import->native, import->count + 1, sizeof(*native));

	if (!native)
		return why_set(import->why, -ENOMEM, "no memory for a rule");
	import->native = native;
	native[import->count] = strdup(text);
	if (!native[import->count])
		return why_set(import->why, -ENOMEM, "no memory for a rule");
	import->count++;
	return 0;
}

int import_add(struct import *import, const struct import_text *native, const char *source)
{
	char text[RULE_TEXT_MAX + RULE_NAME_MAX + 8];
	struct rule rule;
	int rc;

	if (native->full)
		return why_set(import->why, -EINVAL, "%s: \"%s\" is too long", import->dialect,
			       source);
	rc = rule_parse(&rule, native->text, native->length, import->why);
	if (rc)
		return why_prefix(import->why, rc, "%s: \"%s\" is \"%s\" here", import->dialect,
				  source, native->text);
	rc = rule_format(&rule, text, sizeof(text));
	return rc < 0 ? rc : keep(import, text);
}

bool import_word(const char **text, struct import_text *word)
{
	const char *t = *text + strspn(*text, " \t\n");
	char quote = '\0';

	word->length = 0;
	word->full = false;
	if (!*t)
		return false;
	for (; *t && (quote || !strchr(" \t\n", *t)); t++) {
		if (quote ? *t == quote : *t == '"' || *t == '\'') {
			quote = quote ? '\0' : *t;
			continue;
		}
		if (*t == '\\' && quote != '\'' && t[1] && (!quote || strchr("\"\\", t[1])))
			t++;
		import_put(word, "%c", *t);
	}
	word->text[word->length] = '\0';
	*text = t;
	return true;
}

const char *import_find(const char *text, const char *end, const char *marks)
{
	bool quoted = false;
	int depth = 0;

	for (; text < end; text++) {
		if (!quoted && depth <= 0 && strchr(marks, *text))
			return text;
		if (*text == '"')
			quoted = !quoted;
		else if (quoted && *text == '\\' && text + 1 < end)
			text++;
		else if (!quoted)
			depth += (*text == '(') - (*text == ')');
	}
	return NULL;
}

static int translate(struct import *import, const char *dialect, const char *text)
{
	for (size_t i = 0; i < DIALECTS; i++)
		if (!strcmp(dialects[i].name, dialect))
			return dialects[i].translate(import, text);
	return names_refuse(import->why, -EINVAL, "dialect", dialect, dialect_at, NULL);
}

int import_rules(const char *dialect, const char *text, int (*each)(void *arg, const char *native),
		 void *arg, struct why *why)
{
	struct import import = {.dialect = dialect, .why = why};
	int rc = translate(&import, dialect, text);

	if (!rc && !import.count)
		rc = why_set(why, -EINVAL, "%s: there is no rule in \"%s\"", dialect, text);
	for (size_t i = 0; !rc && i < import.count; i++)
		rc = each(arg, import.native[i]);
	for (size_t i = 0; i < import.count; i++)
		free(import.native[i]);
	free(import.native);
	return rc;
}
