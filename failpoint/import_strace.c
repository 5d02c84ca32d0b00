/*
 * import_strace.c - strace's fault= and inject= expressions; see import.h.
 *
 * strace names system calls, a rule names calls of libc: some system calls are made by more than
 * one. What acts before the call and what acts after it (delay_exit) become two rules with the same
 * count.
 */
#include <string.h>

#include "failpoint/calls.h"
#include "failpoint/import_dialect.h"
#include "failpoint/names.h"

static const struct {
	const char *number,
		*calls; /* the name of the system call; the calls of libc that make it */
} made_by[] = {
	{"openat", "open,openat"}, {"sendto", "send,sendto"}, {"recvfrom", "recv,recvfrom"},
	{"pwrite64", "pwrite"},    {"pread64", "pread"},
};

struct expression {
	struct import *import;
	struct import_text sites, path;
	struct import_text before, after; /* actions, "," before each */
	struct import_text when;
	bool all, has_result;
	int error;
};

/* Cuts the next part off, which ends at the mark; false when there is none. */
static bool cut(const char **text, char mark, const char **part, size_t *length)
{
	if (!*text)
		return false;
	*part = *text;
	*length = strcspn(*text, (char[]){mark, '\0'});
	*text = (*text)[*length] ? *text + *length + 1 : NULL;
	return true;
}

static int put_call(struct expression *e, const char *name, size_t length)
{
	const char *calls = NULL;

	if (length && strchr("/!?", *name))
		return import_refuse(e->import, name, length,
				     "is a pattern over system calls: name the calls themselves");
	if ((length == 3 && !strncmp(name, "all", 3)) ||
	    (length == 4 && !strncmp(name, "%all", 4))) {
		e->all = true;
		return 0;
	}
	if (length && *name == '%')
		return import_refuse(e->import, name, length,
				     "holds other calls than any class of failkit: name the calls");
	for (size_t i = 0; i < sizeof(made_by) / sizeof(made_by[0]); i++)
		if (strlen(made_by[i].number) == length &&
		    !strncmp(made_by[i].number, name, length))
			calls = made_by[i].calls;
	if (!calls && calls_find(name, length) < 0)
		return import_refuse(e->import, name, length, "is no call that failkit intercepts");
	import_put(&e->sites, "%s%.*s", e->sites.length ? "," : "",
		   calls ? (int)strlen(calls) : (int)length, calls ? calls : name);
	return 0;
}

static int put_calls(struct expression *e, const char *set, size_t length)
{
	const char *end = set + length;
	int rc;

	do {
		const char *comma = memchr(set, ',', (size_t)(end - set));
		rc = put_call(e, set, (size_t)((comma ? comma : end) - set));
		set = comma ? comma + 1 : end + 1;
	} while (!rc && set <= end);
	return rc;
}

static int one_result(struct expression *e, const char *value)
{
	if (e->has_result)
		return import_refuse(e->import, value, strlen(value),
				     "is a second result of one call");
	e->has_result = true;
	return 0;
}

static int take_error(struct expression *e, const char *value)
{
	uint64_t number;
	int error = calls_errno(value, strlen(value));

	if (!error && !names_number(value, strlen(value), &number) && number > 0 && number < 4096)
		error = (int)number;
	if (!error)
		return import_refuse(e->import, value, strlen(value), "is no errno known here");
	e->error = error;
	return one_result(e, value);
}

static int take_retval(struct expression *e, const char *value)
{
	import_put(&e->before, ",return(\"%s\")", value);
	return one_result(e, value);
}

static int take_signal(struct expression *e, const char *value)
{
	import_put(&e->before, ",kill(\"%s\")", value);
	return 0;
}

/* strace's bare number is microseconds. */
static int put_delay(struct import_text *to, const char *value)
{
	bool bare = strspn(value, "0123456789") == strlen(value);

	import_put(to, ",delay(\"%s%s\")", value, bare ? "us" : "");
	return 0;
}

static int take_delay_enter(struct expression *e, const char *value)
{
	return put_delay(&e->before, value);
}

static int take_delay_exit(struct expression *e, const char *value)
{
	return put_delay(&e->after, value);
}

static int take_when(struct expression *e, const char *value)
{
	if (e->when.length || !*value || value[strspn(value, "0123456789.+")])
		return import_refuse(e->import, value, strlen(value),
				     "is no when= expression, or a second");
	import_put(&e->when, "%s@", value);
	return 0;
}

static int refuse_syscall(struct expression *e, const char *value)
{
	return import_refuse(e->import, value, strlen(value),
			     "would run instead (syscall=): failkit runs no other call");
}

static int refuse_poke(struct expression *e, const char *value)
{
	return import_refuse(
		e->import, value, strlen(value),
		"would be written to memory (poke_enter=, poke_exit=): failkit does not do that");
}

static const struct {
	const char *name;
	int (*take)(struct expression *e, const char *value);
} options[] = {
	{"error=", take_error},           {"retval=", take_retval},
	{"signal=", take_signal},         {"delay_enter=", take_delay_enter},
	{"delay_exit=", take_delay_exit}, {"when=", take_when},
	{"syscall=", refuse_syscall},     {"poke_enter=", refuse_poke},
	{"poke_exit=", refuse_poke},
};

static int take_option(struct expression *e, const char *option, size_t length)
{
	struct import_text text = {.length = 0};

	import_put(&text, "%.*s", (int)length, option);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (!strncmp(options[i].name, text.text, strlen(options[i].name)))
			return options[i].take(e, text.text + strlen(options[i].name));
	return import_refuse(e->import, option, length, "is no option of inject= or fault=");
}

static int add_rule(struct expression *e, const char *when, const char *at,
		    const struct import_text *actions, const char *source)
{
	struct import_text native = {.length = 0};

	if (!actions->length)
		return 0;
	import_put(&native, "%s", e->all ? "%all" : e->sites.text);
	if (e->path.length)
		import_put(&native, ":path=%s", e->path.text);
	import_put(&native, "%s:per=thread = %s%s", at, when, actions->text + 1);
	native.full |= e->sites.full || e->path.full || actions->full;
	return import_add(e->import, &native, source);
}

/* SET[:OPTION]... of inject= and fault=. */
static int take_expression(struct expression *e, const char *text, bool fault)
{
	const char *rest = text, *part = "";
	size_t length = 0;
	int rc = 0;

	e->sites.length = e->before.length = e->after.length = e->when.length = 0;
	e->sites.text[0] = e->before.text[0] = e->after.text[0] = e->when.text[0] = '\0';
	e->all = e->has_result = false;
	e->error = 0;
	cut(&rest, ':', &part, &length);
	rc = put_calls(e, part, length);
	while (!rc && cut(&rest, ':', &part, &length))
		rc = take_option(e, part, length);
	if (!rc && fault && !e->has_result)
		rc = take_error(e, "ENOSYS");
	if (rc)
		return rc;
	if (e->error) {
		import_put(&e->before, ",");
		import_put_error(&e->before, e->all ? "?" : e->sites.text, e->error);
	}
	if (!e->before.length && !e->after.length)
		return import_refuse(e->import, text, strlen(text), "injects nothing");
	rc = add_rule(e, e->when.text, "", &e->before, text);
	return rc ? rc : add_rule(e, e->when.text, ":at=exit", &e->after, text);
}

/* The value of a word that begins so, or of the next word when it is exactly that option. */
static const char *value_of(const char **text, struct import_text *word, const char *option)
{
	size_t length = strlen(option);

	if (strncmp(word->text, option, length) != 0)
		return NULL;
	if (word->text[length] || option[length - 1] == '=')
		return word->text + length;
	return import_word(text, word) ? word->text : "";
}

static int take_path(struct expression *e, const char *path)
{
	if (*path != '/')
		return import_refuse(
			e->import, path, strlen(path),
			"depends on the folder strace is started in: give the whole path");
	import_put(&e->path, "%s", e->path.length ? "," : "");
	import_put_quoted(&e->path, path, strlen(path), true);
	return 0;
}

static bool is_one_of(const char *word, const char *const words[])
{
	return names_find_in(words, word, strlen(word)) >= 0;
}

/* Paths apply to every expression, also to those before them: so first only the paths, then the
 * rest. */
static int walk(struct expression *e, const char *text, bool paths)
{
	/* Children and threads are covered without being asked for. */
	static const char *const covered[] = {"strace", "-f", "-ff", "--follow-forks", NULL};
	struct import_text word;
	int rc = 0;

	while (!rc && import_word(&text, &word)) {
		const char *path, *expression;
		if (word.full)
			return import_refuse(e->import, word.text, 40, "... is too long");
		if (is_one_of(word.text, covered))
			continue;
		if ((path = value_of(&text, &word, "-P")) ||
		    (path = value_of(&text, &word, "--trace-path="))) {
			rc = paths ? take_path(e, path) : 0;
			continue;
		}
		expression = value_of(&text, &word, "-e");
		if (!expression)
			expression = word.text + (strncmp(word.text, "--", 2) ? 0 : 2);
		if (paths)
			continue;
		if (!strncmp(expression, "inject=", 7))
			rc = take_expression(e, expression + 7, false);
		else if (!strncmp(expression, "fault=", 6))
			rc = take_expression(e, expression + 6, true);
		else
			rc = import_refuse(e->import, expression, strlen(expression),
					   "injects nothing: give inject=, fault= and -P only");
	}
	return rc;
}

int import_strace(struct import *import, const char *text)
{
	struct expression e = {.import = import};
	int rc = walk(&e, text, true);

	return rc ? rc : walk(&e, text, false);
}
