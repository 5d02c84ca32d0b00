/*
 * rule_format.c - canonical text: what rule_parse() reads back into the same bytes.
 *
 * Clauses and chain keep their order; sites are sorted (classes, calls, failpoints), numbers have
 * their largest unit, defaults are left out, and what needs no quotes has none. A rule may come out
 * of a plane, so counts and offsets are clamped.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "failpoint/calls.h"
#include "failpoint/rule_parse.h"

struct writer {
	const struct rule *rule;
	char *text;
	size_t size, length; /* length may grow over size: then it did not fit */
};

static void put(struct writer *w, const char *text, size_t length)
{
	if (w->length + length < w->size) {
		memcpy(w->text + w->length, text, length);
		w->text[w->length + length] = '\0';
	}
	w->length += length;
}

static void put_text(struct writer *w, const char *text)
{
	put(w, text, strlen(text));
}

__attribute__((format(printf, 2, 3))) static void put_format(struct writer *w, const char *format,
							     ...)
{
	char text[64];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put_text(w, text);
}

static void put_number(struct writer *w, int (*format)(char *, size_t, uint64_t), uint64_t number)
{
	char text[64];

	format(text, sizeof(text), number);
	put_text(w, text);
}

static const char *pool(const struct writer *w, uint32_t offset, size_t *length)
{
	const char *text = w->rule->pool + (offset < RULE_POOL_BYTES ? offset : 0);

	*length = strnlen(text, (size_t)(w->rule->pool + RULE_POOL_BYTES - text));
	return text;
}

static void put_quoted(struct writer *w, const char *text, size_t length)
{
	put_text(w, "\"");
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '"' || text[i] == '\\')
			put_text(w, "\\");
		put(w, text + i, 1);
	}
	put_text(w, "\"");
}

static void put_value(struct writer *w, const char *text, size_t length)
{
	if (length && lex_word_length(text, length, LEX_VALUE) == length)
		put(w, text, length);
	else
		put_quoted(w, text, length);
}

/* Puts "," before each but the first of a list. */
static void put_comma(struct writer *w, bool *more)
{
	if (*more)
		put_text(w, ",");
	*more = true;
}

static void put_calls(struct writer *w, uint32_t classes, const uint64_t *calls, bool *more)
{
	if ((classes & CLASS_ALL) == CLASS_ALL) {
		put_comma(w, more);
		put_text(w, "%all");
		classes &= ~(uint32_t)CLASS_ALL;
	}
	for (uint32_t bit = 1; bit & CLASS_EVERY; bit <<= 1) {
		if (!(classes & bit))
			continue;
		put_comma(w, more);
		put_format(w, "%%%s", calls_class_name(bit));
	}
	for (unsigned i = 0; i < CALL_COUNT; i++) {
		if (!(calls[i / 64] >> (i % 64) & 1))
			continue;
		put_comma(w, more);
		put_text(w, call_table[i].name);
	}
}

static void put_sites(struct writer *w, const struct rule_step *step)
{
	bool more = false;

	put_calls(w, step->classes, step->calls, &more);
	for (unsigned i = 0; i < step->globs && step->first_glob + i < RULE_SITE_MAX; i++) {
		size_t length;
		const char *glob = pool(w, w->rule->glob[step->first_glob + i], &length);
		put_comma(w, &more);
		put(w, glob, length);
	}
}

static void put_ipv6(struct writer *w, uint32_t offset)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr six;

	memcpy(&six, w->rule->pool + (offset <= RULE_POOL_BYTES - sizeof(six) ? offset : 0),
	       sizeof(six));
	inet_ntop(AF_INET6, &six, text, sizeof(text));
	put_value(w, text, strlen(text));
}

static void put_link(struct writer *w, const struct rule_value *value)
{
	char text[2 * RULE_TEXT_MAX];
	size_t from, to;
	const char *source = pool(w, value->text, &from), *target = pool(w, value->other, &to);
	int length = snprintf(text, sizeof(text), "%.*s>%.*s", (int)from, source, (int)to, target);

	put_value(w, text, (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1);
}

static const char *name_of(const char *const names[], uint64_t i)
{
	for (uint64_t k = 0; names[k]; k++)
		if (k == i)
			return names[k];
	return "?";
}

static void put_plain_number(struct writer *w, const struct rule_value *value, unsigned key)
{
	const char *error = calls_errno_name((int)value->number), *text;
	size_t length;

	switch (names_clauses[key].value) {
	case CLAUSE_FILE:
		put_text(w, name_of(names_files, value->number - FILE_REG));
		break;
	case CLAUSE_SOCK:
		put_text(w, name_of(names_socks, value->number - SOCK_TCP));
		break;
	case CLAUSE_SIZE:
		put_number(w, names_format_size, value->number);
		break;
	case CLAUSE_FLAGS:
		text = pool(w, value->text, &length);
		put_value(w, text, length);
		break;
	case CLAUSE_RET:
		put_text(w, error ? error : "?");
		break;
	default:
		put_format(w, "%" PRIu64, value->number);
	}
}

static void put_clause_value(struct writer *w, const struct rule_value *value, unsigned key)
{
	size_t length;
	const char *text = pool(w, value->text, &length);

	switch ((enum value_kind)value->kind) {
	case VALUE_TEXT:
		put_value(w, text, length);
		break;
	case VALUE_REGEX:
		put_quoted(w, text, length);
		break;
	case VALUE_NUMBER:
		put_plain_number(w, value, key);
		break;
	case VALUE_RANGE:
		put_format(w, "%" PRIu64 "..%" PRIu32, value->number, value->other);
		break;
	case VALUE_IPV4:
		put_format(w, "%u.%u.%u.%u", (unsigned)(value->number >> 24 & 255),
			   (unsigned)(value->number >> 16 & 255),
			   (unsigned)(value->number >> 8 & 255), (unsigned)(value->number & 255));
		break;
	case VALUE_IPV6:
		put_ipv6(w, value->other);
		break;
	case VALUE_LINK:
		put_link(w, value);
		break;
	case VALUE_RET_OK:
		put_text(w, "ok");
		break;
	case VALUE_RET_ERR:
		put_text(w, "err");
		break;
	}
}

static void put_clause(struct writer *w, const struct rule_clause *clause)
{
	bool more = false;

	if (clause->key >= KEY_COUNT || clause->op > OP_NAND)
		return;
	put_format(w, ":%s%s", names_clauses[clause->key].name, names_ops[clause->op]);
	for (unsigned i = 0; i < clause->values && clause->first_value + i < RULE_VALUE_MAX; i++) {
		put_comma(w, &more);
		put_clause_value(w, &w->rule->value[clause->first_value + i], clause->key);
	}
}

static void put_setting(struct writer *w, const char *name, uint64_t ns)
{
	if (!ns)
		return;
	put_format(w, ":%s=", name);
	put_number(w, names_format_duration, ns);
}

static void put_step(struct writer *w, const struct rule_step *step, bool last)
{
	bool ret = false, more = false, unless = step->unless_classes;

	put_sites(w, step);
	for (unsigned i = 0; i < step->clauses && step->first_clause + i < RULE_CLAUSE_MAX; i++) {
		const struct rule_clause *clause = &w->rule->clause[step->first_clause + i];
		put_clause(w, clause);
		ret |= clause->key == KEY_RET;
	}
	if (step->at_exit && !ret)
		put_text(w, ":at=exit");
	if (step->same)
		put_format(w, ":same=%s", name_of(names_sames, step->same));
	put_setting(w, "within", step->within_ns);
	for (unsigned i = 0; i < CALL_MAX / 64; i++)
		unless |= step->unless_calls[i] != 0;
	if (unless)
		put_text(w, ":unless=");
	put_calls(w, step->unless_classes, step->unless_calls, &more);
	if (!last)
		return;
	if (w->rule->per)
		put_format(w, ":per=%s", name_of(names_scopes, w->rule->per));
	put_setting(w, "for", w->rule->for_ns);
	put_setting(w, "after", w->rule->after_ns);
}

static void put_named_number(struct writer *w, const char *name, int64_t number)
{
	if (name)
		put_format(w, "(%s)", name);
	else
		put_format(w, "(%" PRId64 ")", number);
}

static void put_duration(struct writer *w, const struct rule_action *a)
{
	put_text(w, "(");
	put_number(w, names_format_duration, (uint64_t)a->number);
	if (a->extra) {
		put_text(w, ",jitter=");
		put_number(w, names_format_duration, (uint64_t)a->extra);
	}
	put_text(w, ")");
}

static void put_size(struct writer *w, const struct rule_action *a, const char *after)
{
	bool percent = a->flags & ACTION_PERCENT;

	put_text(w, "(");
	put_number(w, percent ? names_format_percent : names_format_size, (uint64_t)a->number);
	put_format(w, "%s)", after);
}

static void put_print(struct writer *w, const struct rule_action *a)
{
	size_t length;
	const char *text = pool(w, a->text, &length);

	put_text(w, "(");
	put_value(w, text, length);
	put_text(w, ")");
}

static void put_argument(struct writer *w, const struct rule_action *a)
{
	const struct action_name *name = &names_actions[a->kind];

	if (name->optional && a->number == name->preset && !a->extra && !(a->flags & ACTION_NODE))
		return;
	switch ((enum action_argument)name->argument) {
	case ARGUMENT_NONE:
		break;
	case ARGUMENT_ERRNO:
		put_named_number(w, calls_errno_name((int)a->number), a->number);
		break;
	case ARGUMENT_VALUE:
	case ARGUMENT_STATUS:
		put_named_number(w, NULL, a->number);
		break;
	case ARGUMENT_SIZE:
	case ARGUMENT_AMOUNT:
		put_size(w, a, "");
		break;
	case ARGUMENT_RATE:
		put_size(w, a, "/s");
		break;
	case ARGUMENT_BITS:
		put_format(w, "(bits=%" PRId64 ")", a->number);
		break;
	case ARGUMENT_DURATION:
		put_duration(w, a);
		break;
	case ARGUMENT_SIGNAL:
		put_named_number(
			w, a->flags & ACTION_NODE ? "node" : names_signal_name((int)a->number),
			a->number);
		break;
	case ARGUMENT_TEXT:
		put_print(w, a);
		break;
	}
}

static void put_action(struct writer *w, const struct rule_action *a)
{
	if (a->kind >= ACTION_COUNT)
		return;
	put_format(w, "%s%s", names_action(a->kind), a->flags & ACTION_FORCED ? "!" : "");
	put_argument(w, a);
}

static void put_term(struct writer *w, const struct rule_term *term)
{
	bool more = false;

	if (term->first) {
		put_format(w, "%" PRIu64, term->first);
		if (term->last && term->last != term->first)
			put_format(w, "..%" PRIu64, term->last);
		if (!term->last || term->step > 1)
			put_text(w, "+");
		if (term->step > 1)
			put_format(w, "%" PRIu64, term->step);
		put_text(w, "@");
	}
	if (term->chance_ppb != CHANCE_ALWAYS)
		put_number(w, names_format_percent, term->chance_ppb);
	if (term->count)
		put_format(w, "%" PRIu64 "*", term->count);
	for (unsigned i = 0; i < term->actions && term->first_action + i < RULE_ACTION_MAX; i++) {
		put_comma(w, &more);
		put_action(w, &w->rule->action[term->first_action + i]);
	}
}

int rule_format_body(const struct rule *rule, char *text, size_t size)
{
	struct writer w = {.rule = rule, .text = text, .size = size};
	unsigned steps = rule->steps < RULE_STEP_MAX ? rule->steps : RULE_STEP_MAX;
	unsigned terms = rule->terms < RULE_TERM_MAX ? rule->terms : RULE_TERM_MAX;

	for (unsigned i = 0; i < steps; i++) {
		if (i)
			put_text(&w, " => ");
		put_step(&w, &rule->step[i], i + 1 == steps);
	}
	put_text(&w, " = ");
	for (unsigned i = 0; i < terms; i++) {
		if (i)
			put_text(&w, " -> ");
		put_term(&w, &rule->term[i]);
	}
	return w.length < size ? (int)w.length : -ENOSPC;
}

int rule_format(const struct rule *rule, char *text, size_t size)
{
	int name = 0, body;

	if (rule->name[0])
		name = snprintf(text, size, "%.*s := ", RULE_NAME_MAX - 1, rule->name);
	if ((size_t)name >= size)
		return -ENOSPC;
	body = rule_format_body(rule, text + name, size - (size_t)name);
	return body < 0 ? body : name + body;
}
