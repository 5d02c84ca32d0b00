/* rule_parse_chain.c - term { "->" term } and their actions; see rule_parse.h. */
#include <errno.h>
#include <string.h>

#include "failpoint/calls.h"
#include "failpoint/engine.h"
#include "failpoint/rule_parse.h"

#define DURATION_MAX (INT64_C(366) * 24 * 3600 * 1000000000)

/* An action on its way: its word, then its argument. */
struct acting {
	struct parser *p;
	const struct action_name *name;
	struct token word, token;
	struct parse_text text;
	struct rule_action action;
};

static size_t count_digits(const char *text, size_t length)
{
	size_t n = 0;

	while (n < length && text[n] >= '0' && text[n] <= '9')
		n++;
	return n;
}

static int wanted(struct acting *a)
{
	return PARSE_FAIL(a->p, a->token.offset, "\"%s\" wants %s, not \"%s\"", a->name->name,
			  a->name->wanted, a->text.text);
}

static int read_errno(struct acting *a)
{
	uint64_t number;
	int error = calls_errno(a->text.text, a->text.length);

	if (!error) {
		if (names_number(a->text.text, a->text.length, &number))
			return parse_unknown(a->p, &a->token, "errno", names_errno_at, NULL);
		if (number < 1 || number > 4095)
			return wanted(a);
		error = (int)number;
	}
	a->action.number = error;
	return 0;
}

static int read_signed(struct acting *a)
{
	bool minus = *a->text.text == '-';
	uint64_t number;

	if (names_number(a->text.text + minus, a->text.length - minus, &number) ||
	    number > (uint64_t)INT64_MAX)
		return wanted(a);
	a->action.number = minus ? -(int64_t)number : (int64_t)number;
	return 0;
}

static int read_size(struct acting *a, size_t length, uint64_t least)
{
	uint64_t bytes;

	if (names_size(a->text.text, length, &bytes) || bytes < least)
		return wanted(a);
	a->action.number = (int64_t)bytes;
	return 0;
}

static int read_amount(struct acting *a)
{
	size_t length = a->text.length;
	uint64_t ppb;

	if (!length || a->text.text[length - 1] != '%')
		return read_size(a, length, 1);
	if (names_decimal(a->text.text, length - 1, 7, &ppb) || !ppb || ppb >= CHANCE_ALWAYS)
		return wanted(a);
	a->action.flags |= ACTION_PERCENT;
	a->action.number = (int64_t)ppb;
	return 0;
}

static int read_rate(struct acting *a)
{
	size_t length = a->text.length;

	if (length < 3 || strcmp(a->text.text + length - 2, "/s"))
		return wanted(a);
	return read_size(a, length - 2, 1);
}

static int read_duration(struct acting *a, int64_t *ns)
{
	int rc = names_duration(a->text.text, a->text.length, ns);

	if (rc == -ERANGE || (!rc && *ns > DURATION_MAX))
		return PARSE_FAIL(a->p, a->token.offset, "\"%s\" is longer than a year",
				  a->text.text);
	return rc ? wanted(a) : 0;
}

static int read_signal(struct acting *a)
{
	int signal;

	if (!strcmp(a->text.text, "node")) {
		a->action.flags |= ACTION_NODE;
		return 0;
	}
	if (names_signal(a->text.text, a->text.length, &signal))
		return parse_unknown(a->p, &a->token, "signal", names_signal_at, NULL);
	a->action.number = signal;
	return 0;
}

static int read_ranged(struct acting *a, uint64_t least, uint64_t most)
{
	uint64_t number;

	if (names_number(a->text.text, a->text.length, &number) || number < least || number > most)
		return wanted(a);
	a->action.number = (int64_t)number;
	return 0;
}

static int read_print(struct acting *a)
{
	uint32_t offset;
	int rc = parse_keep(a->p, a->text.text, a->text.length, &offset);

	a->action.text = (uint16_t)offset;
	return rc;
}

static int read_argument(struct acting *a)
{
	switch ((enum action_argument)a->name->argument) {
	case ARGUMENT_ERRNO:
		return read_errno(a);
	case ARGUMENT_VALUE:
		return read_signed(a);
	case ARGUMENT_SIZE:
		return read_size(a, a->text.length, 0);
	case ARGUMENT_AMOUNT:
		return read_amount(a);
	case ARGUMENT_RATE:
		return read_rate(a);
	case ARGUMENT_BITS:
		return read_ranged(a, 1, HIT_FLIP_MAX);
	case ARGUMENT_DURATION:
		return read_duration(a, &a->action.number);
	case ARGUMENT_SIGNAL:
		return read_signal(a);
	case ARGUMENT_STATUS:
		return read_ranged(a, 0, 255);
	case ARGUMENT_TEXT:
		return read_print(a);
	case ARGUMENT_NONE:
		break;
	}
	return PARSE_FAIL(a->p, a->token.offset, "\"%s\" takes no argument", a->name->name);
}

/* Takes the value at the current token into a->text. */
static int take_text(struct acting *a)
{
	int rc;

	a->token = a->p->lex.token;
	if (a->token.kind != TOKEN_WORD && a->token.kind != TOKEN_QUOTED)
		return parse_wanted(a->p, &a->token, "an argument");
	rc = parse_text(a->p, &a->token, &a->text);
	return rc ? rc : lex_next(&a->p->lex, LEX_PLAIN);
}

/* NAME "=" value, of which only jitter= and bits= exist. */
static int named_argument(struct acting *a)
{
	bool jitter = !strcmp(a->text.text, "jitter") && a->name->jitter;
	bool bits = !strcmp(a->text.text, "bits") && a->name->argument == ARGUMENT_BITS;
	int rc;

	if (!jitter && !bits)
		return PARSE_FAIL(a->p, a->token.offset, "\"%s\" has no argument \"%s\"",
				  a->name->name, a->text.text);
	rc = lex_next(&a->p->lex, LEX_VALUE);
	if (!rc)
		rc = take_text(a);
	if (rc)
		return rc;
	return jitter ? read_duration(a, &a->action.extra) : read_argument(a);
}

/* Reads what stands between the brackets. Sets *given when the argument proper is among it. */
static int arguments(struct acting *a, bool *given)
{
	struct parser *p = a->p;
	int rc = lex_next(&p->lex, LEX_VALUE);

	for (unsigned n = 0; !rc && p->lex.token.kind != TOKEN_CLOSE; n++) {
		if (n > 1)
			return PARSE_FAIL_HERE(p, "\"%s\" takes fewer arguments", a->name->name);
		rc = take_text(a);
		if (rc)
			return rc;
		if (p->lex.token.kind == TOKEN_OPERATOR && p->lex.token.op == OP_EQ) {
			rc = named_argument(a);
			*given |= a->name->argument == ARGUMENT_BITS;
		} else if (n || a->name->argument == ARGUMENT_BITS) {
			return wanted(a);
		} else {
			rc = read_argument(a);
			*given = true;
		}
		if (rc)
			return rc;
		if (p->lex.token.kind == TOKEN_COMMA)
			rc = lex_next(&p->lex, LEX_VALUE);
		else if (p->lex.token.kind != TOKEN_CLOSE)
			return parse_wanted(p, &p->lex.token, "\",\" or \")\"");
	}
	return rc ? rc : lex_next(&p->lex, LEX_PLAIN);
}

static int action_word(struct acting *a)
{
	struct token word = a->word;
	int kind;

	if (word.kind != TOKEN_WORD)
		return parse_wanted(a->p, &word, "an action");
	if (word.text[word.length - 1] == '!') {
		a->action.flags |= ACTION_FORCED;
		word.length--;
	}
	kind = names_find_action(word.text, word.length);
	if (kind < 0 && count_digits(word.text, 1))
		return PARSE_FAIL(a->p, word.offset,
				  "unknown action \"%.*s\" (or quote a value that holds \"=\")",
				  (int)word.length, word.text);
	if (kind < 0 && calls_errno(word.text, word.length) > 0)
		return PARSE_FAIL(a->p, word.offset,
				  "unknown action \"%.*s\", did you mean error(%.*s)?",
				  (int)word.length, word.text, (int)word.length, word.text);
	if (kind < 0)
		return parse_unknown(a->p, &word, "action", names_action_at, NULL);
	a->name = &names_actions[kind];
	a->action.kind = (uint8_t)kind;
	a->action.number = a->name->preset;
	if (a->action.flags && !a->name->force)
		return PARSE_FAIL(a->p, word.offset, "\"%s\" can't be forced", a->name->name);
	if (!a->name->built)
		parse_missing(a->p, word.offset, word.text, word.length);
	return 0;
}

static int action(struct parser *p, struct rule_term *term)
{
	struct acting a = {.p = p, .word = p->lex.token};
	bool given = false;
	int rc = action_word(&a);

	if (!rc && p->actions == RULE_ACTION_MAX)
		return PARSE_FAIL_HERE(p, "too many actions: %d at most in a rule",
				       RULE_ACTION_MAX);
	if (!rc)
		rc = lex_next(&p->lex, LEX_PLAIN);
	if (!rc && p->lex.token.kind == TOKEN_OPEN)
		rc = arguments(&a, &given);
	if (rc)
		return rc;
	if (!given && a.name->argument != ARGUMENT_NONE && !a.name->optional)
		return PARSE_FAIL(p, a.word.offset, "\"%s\" wants %s", a.name->name,
				  a.name->wanted);
	rc = parse_check_action(p, &a.action, a.word.offset);
	if (rc)
		return rc;
	p->rule->action[p->actions++] = a.action;
	term->actions++;
	return 0;
}

/* first [ ".." last ] [ "+" [ step ] ]. Returns false when the text has another form. */
static bool split_when(const char *text, size_t length, size_t part[3])
{
	size_t at = count_digits(text, length);

	part[0] = at;
	part[1] = part[2] = 0;
	if (at + 2 < length && text[at] == '.' && text[at + 1] == '.') {
		part[1] = count_digits(text + at + 2, length - at - 2);
		if (!part[1])
			return false;
		at += 2 + part[1];
	}
	if (at < length && text[at] == '+') {
		part[2] = count_digits(text + at + 1, length - at - 1);
		at += 1 + part[2];
	}
	return part[0] && at == length;
}

static int read_when(struct parser *p, struct rule_term *term, const size_t part[3])
{
	const char *text = p->lex.token.text;
	size_t length = p->lex.token.length;
	bool plus = memchr(text, '+', length), range = part[1];
	uint64_t first, last = 0, every = 1;

	if (names_decimal(text, part[0], 0, &first) ||
	    (range && names_decimal(text + part[0] + 2, part[1], 0, &last)) ||
	    (part[2] && names_decimal(text + length - part[2], part[2], 0, &every)) || !first ||
	    !every || (range && last < first))
		return PARSE_FAIL_HERE(
			p, "\"%.*s@\" wants first[..last][+[step]], numbers from 1 to 2^64-1",
			(int)length, text);
	if (!range && !plus)
		last = first;
	if (first == last)
		every = 1;
	if (first == 1 && !last && every == 1)
		return 0; /* 1+ is every match, as no expression at all */
	term->first = first;
	term->last = last;
	term->step = every;
	return 0;
}

/* "5%" or "3*" at the beginning of the current word. *length: its digits, 0 when there is none. */
static char find_modifier(const struct token *token, size_t *length)
{
	size_t n = count_digits(token->text, token->length);

	if (n && n < token->length && token->text[n] == '.')
		n += 1 + count_digits(token->text + n + 1, token->length - n - 1);
	*length = n;
	return n && n < token->length ? token->text[n] : '\0';
}

static int read_modifier(struct parser *p, struct rule_term *term, char kind, size_t length)
{
	struct token *token = &p->lex.token;
	uint64_t number;

	if (kind == '%') {
		if (names_decimal(token->text, length, 7, &number) || !number ||
		    number > CHANCE_ALWAYS)
			return PARSE_FAIL_HERE(
				p, "a chance is from 0.0000001%% to 100%%, not \"%.*s%%\"",
				(int)length, token->text);
		term->chance_ppb = (uint32_t)number;
	} else {
		if (names_decimal(token->text, length, 0, &number) || !number ||
		    number > RULE_COUNT_MAX)
			return PARSE_FAIL_HERE(
				p, "a count is a number from 1 to %llu, not \"%.*s*\"",
				(unsigned long long)RULE_COUNT_MAX, (int)length, token->text);
		term->count = number;
	}
	length++;
	if (length == token->length)
		return lex_next(&p->lex, LEX_PLAIN);
	token->text += length;
	token->length -= length;
	token->offset += length;
	return 0;
}

/* Each of when, chance and count, once, in any order. */
static int modifiers(struct parser *p, struct rule_term *term)
{
	char seen[4] = "";
	size_t part[3] = {0}, length;

	while (p->lex.token.kind == TOKEN_WORD) {
		struct token *token = &p->lex.token;
		bool when =
			lex_peek(&p->lex) == '@' && split_when(token->text, token->length, part);
		char kind = when ? '@' : find_modifier(token, &length);
		int rc;

		if (kind != '@' && kind != '%' && kind != '*')
			return 0;
		if (strchr(seen, kind))
			return PARSE_FAIL_HERE(p, "\"%c\" twice in one term", kind);
		seen[strlen(seen)] = kind;
		if (when) {
			rc = read_when(p, term, part);
			if (!rc)
				rc = lex_next(&p->lex, LEX_PLAIN); /* the @ */
			if (!rc)
				rc = lex_next(&p->lex, LEX_PLAIN);
		} else {
			rc = read_modifier(p, term, kind, length);
		}
		if (rc)
			return rc;
	}
	return 0;
}

static int term(struct parser *p)
{
	struct rule_term *t = &p->rule->term[p->rule->terms];
	int rc;

	if (p->rule->terms == RULE_TERM_MAX)
		return PARSE_FAIL_HERE(p, "too many terms: %d at most in a rule", RULE_TERM_MAX);
	p->rule->terms++;
	t->chance_ppb = CHANCE_ALWAYS;
	t->first_action = (uint8_t)p->actions;
	rc = modifiers(p, t);
	if (!rc)
		rc = action(p, t);
	while (!rc && p->lex.token.kind == TOKEN_COMMA) {
		rc = lex_next(&p->lex, LEX_PLAIN);
		if (!rc)
			rc = action(p, t);
	}
	return rc;
}

int parse_chain(struct parser *p)
{
	int rc = term(p);

	while (!rc && p->lex.token.kind == TOKEN_ELSE) {
		const struct rule_term *last = &p->rule->term[p->rule->terms - 1];
		if (!last->first && !last->count && last->chance_ppb == CHANCE_ALWAYS)
			return PARSE_FAIL_HERE(p, "a term without a count or chance never falls "
						  "through: \"->\" is ELSE, \",\" is THEN");
		rc = lex_next(&p->lex, LEX_PLAIN);
		if (!rc)
			rc = term(p);
	}
	return rc;
}
