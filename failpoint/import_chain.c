/*
 * import_chain.c - fail-rs, gofail and fail(9): NAME=term->term, of which ours is a descendant.
 *
 * They share the form [P%][N*]action(argument) and differ in which actions they have and in what an
 * argument may be. See import.h for what is translated how.
 */
#include <string.h>

#include "failpoint/calls.h"
#include "failpoint/import_dialect.h"
#include "failpoint/names.h"

enum { FAILRS = 1, GOFAIL = 2, FAIL9 = 4 };

struct piece {
	const char *text;
	size_t length;
};

/* A chain on its way: the tool it comes from, and its failpoint. */
struct chain {
	struct import *import;
	unsigned tool;
	struct piece name;
	struct import_text native;
};

static struct piece between(const char *from, const char *to)
{
	while (from < to && strchr(" \t", *from))
		from++;
	while (to > from && strchr(" \t", to[-1]))
		to--;
	return (struct piece){from, (size_t)(to - from)};
}

static bool is_quoted(struct piece p)
{
	return p.length > 1 && p.text[0] == '"' && p.text[p.length - 1] == '"';
}

static struct piece unquoted(struct piece p)
{
	return is_quoted(p) ? (struct piece){p.text + 1, p.length - 2} : p;
}

static int put_off(struct chain *c, struct piece arg)
{
	if (arg.length)
		return import_refuse(c->import, arg.text, arg.length,
				     "is an argument off does not have");
	import_put(&c->native, "off");
	return 0;
}

static int put_return(struct chain *c, struct piece arg)
{
	struct piece value = unquoted(arg);
	bool minus = value.length && *value.text == '-';
	uint64_t number;

	if (!arg.length && c->tool == FAIL9) {
		import_put(&c->native, "return(0)");
		return 0;
	}
	if (!arg.length)
		return import_refuse(
			c->import, "return", 6,
			"has no value here: write the one that is meant, as in return(0)");
	if (calls_errno(value.text, value.length)) {
		import_put(&c->native, "error(%.*s)", (int)value.length, value.text);
		return 0;
	}
	if (value.length == 4 && !strncmp(value.text, "true", 4)) {
		import_put(&c->native, "return(1)");
		return 0;
	}
	if (value.length == 5 && !strncmp(value.text, "false", 5)) {
		import_put(&c->native, "return(0)");
		return 0;
	}
	if (is_quoted(arg) || names_number(value.text + minus, value.length - minus, &number))
		return import_refuse(c->import, arg.text, arg.length,
				     "can't be returned: failkit returns numbers and errnos");
	import_put(&c->native, "return(%.*s)", (int)value.length, value.text);
	return 0;
}

/* Milliseconds; gofail also has durations between quotes. */
static int put_delay(struct chain *c, struct piece arg)
{
	struct piece value = c->tool == GOFAIL ? unquoted(arg) : arg;
	int64_t ns;

	if (names_duration(value.text, value.length, &ns))
		return import_refuse(c->import, arg.text, arg.length, "is no duration known here");
	import_put(&c->native, "delay(%.*s)", (int)value.length, value.text);
	return 0;
}

static int put_print(struct chain *c, struct piece arg)
{
	struct piece text = arg.length ? unquoted(arg) : c->name;

	import_put(&c->native, "print(");
	import_put_quoted(&c->native, text.text, text.length, false);
	import_put(&c->native, ")");
	return 0;
}

static int put_panic(struct chain *c, struct piece arg)
{
	int rc = put_print(c, arg);

	import_put(&c->native, ",abort");
	return rc;
}

static int put_bare(struct chain *c, struct piece arg, const char *native)
{
	if (arg.length)
		return import_refuse(c->import, arg.text, arg.length, "is an argument too many");
	import_put(&c->native, "%s", native);
	return 0;
}

static int put_pause(struct chain *c, struct piece arg)
{
	return put_bare(c, arg, "pause");
}

static int put_yield(struct chain *c, struct piece arg)
{
	return put_bare(c, arg, "delay(0)");
}

static int put_break(struct chain *c, struct piece arg)
{
	return put_bare(c, arg, "kill(SIGTRAP)");
}

static const struct chain_action {
	const char *name;
	unsigned tools;
	int (*put)(struct chain *c, struct piece arg);
} actions[] = {
	{"off", FAILRS | GOFAIL | FAIL9, put_off},
	{"return", FAILRS | GOFAIL | FAIL9, put_return},
	{"sleep", FAILRS | GOFAIL | FAIL9, put_delay},
	{"delay", FAILRS | FAIL9, put_delay},
	{"panic", FAILRS | GOFAIL | FAIL9, put_panic},
	{"print", FAILRS | GOFAIL | FAIL9, put_print},
	{"pause", FAILRS | FAIL9, put_pause},
	{"yield", FAILRS | FAIL9, put_yield},
	{"break", GOFAIL | FAIL9, put_break},
};

static int put_action(struct chain *c, struct piece word, struct piece arg)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if ((actions[i].tools & c->tool) && strlen(actions[i].name) == word.length &&
		    !strncmp(actions[i].name, word.text, word.length))
			return actions[i].put(c, arg);
	return import_refuse(c->import, word.text, word.length, "is no action of this tool");
}

/* Copies "5%" and "3*" as they are: they mean the same, and rule_parse() checks them. */
static struct piece put_modifiers(struct chain *c, struct piece term)
{
	for (;;) {
		size_t digits = strspn(term.text, "0123456789.");
		size_t blanks = digits < term.length ? strspn(term.text + digits, " \t") : 0;
		const char *mark = term.text + digits + blanks;
		if (!digits || digits + blanks >= term.length || (*mark != '%' && *mark != '*'))
			return term;
		import_put(&c->native, "%.*s%c", (int)digits, term.text, *mark);
		term = between(mark + 1, term.text + term.length);
	}
}

static int put_term(struct chain *c, struct piece term)
{
	struct piece rest = put_modifiers(c, term), word, arg = {"", 0};
	const char *end = rest.text + rest.length, *open = memchr(rest.text, '(', rest.length);

	if (import_find(rest.text, end, "["))
		return import_refuse(
			c->import, term.text, term.length,
			"is for one process: a rule says that on its left, as in :pid=1234");
	word = between(rest.text, open ? open : end);
	if (open && end[-1] != ')')
		return import_refuse(c->import, rest.text, rest.length, "wants \")\" at its end");
	if (open)
		arg = between(open + 1, end - 1);
	return put_action(c, word, arg);
}

/* The next "->" outside quotes and brackets. */
static const char *find_arrow(const char *text, const char *end)
{
	while ((text = import_find(text, end, "-"))) {
		if (text + 1 < end && text[1] == '>')
			return text;
		text++;
	}
	return end;
}

static int put_terms(struct chain *c, struct piece terms)
{
	const char *t = terms.text, *end = t + terms.length;

	for (;;) {
		const char *arrow = find_arrow(t, end);
		int rc = put_term(c, between(t, arrow));
		if (rc || arrow == end)
			return rc;
		import_put(&c->native, " -> ");
		t = arrow + 2;
	}
}

static int one_chain(struct import *import, unsigned tool, struct piece source)
{
	struct chain c = {.import = import, .tool = tool};
	const char *equals = memchr(source.text, '=', source.length),
		   *end = source.text + source.length;
	struct import_text shown = {.length = 0};
	struct piece terms;
	int rc;

	if (!equals)
		return import_refuse(import, source.text, source.length, "wants NAME=TERMS");
	c.name = between(source.text, equals);
	terms = between(equals + 1, end);
	if (tool == FAIL9)
		terms = unquoted(terms);
	rc = import_put_point(import, &c.native, c.name.text, c.name.length);
	import_put(&c.native, " = ");
	if (!rc)
		rc = put_terms(&c, terms);
	if (rc)
		return rc;
	import_put(&shown, "%.*s", (int)source.length, source.text);
	return import_add(import, &c.native, shown.text);
}

static bool begins(struct piece p, const char *with)
{
	return p.length >= strlen(with) && !strncmp(p.text, with, strlen(with));
}

/* What goes before the name: the command and the tree of sysctl. */
static struct piece without_sysctl(struct piece p)
{
	static const char *const before[] = {"sysctl ", "debug.fail_point."};

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
		if (begins(p, before[i]))
			p = between(p.text + strlen(before[i]), p.text + p.length);
	return p;
}

static int all_chains(struct import *import, unsigned tool, const char *text)
{
	const char *end = text + strlen(text), *marks = tool == FAIL9 ? "\n" : ";\n";

	while (text < end) {
		const char *stop = import_find(text, end, marks);
		struct piece p = between(text, stop ? stop : end);
		int rc = 0;

		if (tool == FAIL9)
			p = without_sysctl(p);
		if (p.length && *p.text != '#')
			rc = one_chain(import, tool, p);
		if (rc || !stop)
			return rc;
		text = stop + 1;
	}
	return 0;
}

int import_failrs(struct import *import, const char *text)
{
	return all_chains(import, FAILRS, text);
}

int import_gofail(struct import *import, const char *text)
{
	return all_chains(import, GOFAIL, text);
}

int import_fail9(struct import *import, const char *text)
{
	return all_chains(import, FAIL9, text);
}
