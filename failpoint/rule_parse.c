/* rule_parse.c - rules, rule, steps and sites; see rule_parse.h for the parser, rule.h for the
 * model. */
#include "failpoint/rule_parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint/calls.h"
#include "failpoint/rawsys.h"

enum { WORD_MAX = 64 };

int parse_unknown(struct parser *p, const struct token *token, const char *what,
		  const char *(*at)(const void *arg, size_t i), const void *arg)
{
	char word[WORD_MAX];
	size_t length = token->length < WORD_MAX ? token->length : WORD_MAX - 1;

	memcpy(word, token->text, length);
	word[length] = '\0';
	return lex_place(&p->lex, token->offset,
			 names_refuse(p->lex.why, -EINVAL, what, word, at, arg));
}

int parse_wanted(struct parser *p, const struct token *found, const char *wanted)
{
	if (found->kind == TOKEN_END)
		return PARSE_FAIL(p, found->offset, "wanted %s, found the end of the rule", wanted);
	return PARSE_FAIL(p, found->offset, "wanted %s, found \"%.*s\"", wanted, (int)found->length,
			  found->text);
}

int parse_text(struct parser *p, const struct token *token, struct parse_text *text)
{
	if (token->length >= sizeof(text->text))
		return PARSE_FAIL(p, token->offset, "the value is too long: %d bytes at most",
				  RULE_TEXT_MAX - 1);
	text->length = lex_copy(token, text->text);
	return 0;
}

int parse_keep(struct parser *p, const char *text, size_t length, uint32_t *offset)
{
	*offset = 0;
	if (!length)
		return 0;
	if (p->pool_used + length + 1 > RULE_POOL_BYTES)
		return PARSE_FAIL_HERE(p, "the rule is too large: its values take over %d bytes",
				       RULE_POOL_BYTES);
	*offset = (uint32_t)p->pool_used;
	memcpy(p->rule->pool + p->pool_used, text, length);
	p->pool_used += length + 1;
	return 0;
}

void parse_missing(struct parser *p, size_t offset, const char *name, size_t length)
{
	if (p->missing)
		return;
	p->missing = name;
	p->missing_length = length;
	p->missing_at = offset;
}

static bool class_has_calls(uint32_t classes)
{
	for (unsigned i = 0; i < CALL_COUNT; i++)
		if (call_table[i].classes & classes)
			return true;
	return false;
}

static int site_class(struct parser *p, const struct token *token, uint32_t *classes)
{
	struct token name = *token;
	uint32_t bits;

	name.text++;
	name.length--;
	bits = calls_class(name.text, name.length);
	if (!bits && calls_find(name.text, name.length) >= 0)
		return PARSE_FAIL(p, token->offset,
				  "unknown class \"%.*s\": it is a call, and those have no \"%%\"",
				  (int)name.length, name.text);
	if (!bits)
		return parse_unknown(p, &name, "class", names_class_at, NULL);
	if (!class_has_calls(bits))
		parse_missing(p, token->offset, token->text, token->length);
	*classes |= bits;
	return 0;
}

static int unknown_call(struct parser *p, const struct token *token)
{
	parse_unknown(p, token, "call", names_call_at, NULL);
	if (p->lex.why && !strstr(p->lex.why->text, "did you mean"))
		strncat(p->lex.why->text, " (a failpoint has a \"/\" in its name)",
			WHY_MAX - 1 - strlen(p->lex.why->text));
	return -EINVAL;
}

int parse_call(struct parser *p, const struct token *token, uint64_t *calls, uint32_t *classes)
{
	int call;

	if (token->length && *token->text == '%')
		return site_class(p, token, classes);
	call = calls_find(token->text, token->length);
	if (call < 0)
		return unknown_call(p, token);
	calls[call / 64] |= UINT64_C(1) << (call % 64);
	return 0;
}

static int site_point(struct parser *p, struct rule_step *step, const struct token *token)
{
	uint32_t offset;
	int rc;

	if (p->globs == RULE_SITE_MAX)
		return PARSE_FAIL(p, token->offset, "too many failpoints: %d at most in a rule",
				  RULE_SITE_MAX);
	rc = parse_keep(p, token->text, token->length, &offset);
	if (rc)
		return rc;
	p->rule->glob[p->globs++] = (uint16_t)offset;
	step->globs++;
	return 0;
}

static int site(struct parser *p, struct rule_step *step, const struct token *token)
{
	if (token->kind != TOKEN_WORD)
		return parse_wanted(p, token, "a call, a %class or a failpoint");
	if (*token->text != '%' && memchr(token->text, '/', token->length))
		return site_point(p, step, token);
	return parse_call(p, token, step->calls, &step->classes);
}

/* Reads a step whose first site has been taken from the lexer already. */
static int step(struct parser *p, const struct token *first)
{
	struct rule_step *s = &p->rule->step[p->rule->steps];
	int rc;

	p->rule->steps++;
	p->seen = 0;
	p->at_enter = false;
	p->last_only = NULL;
	s->first_glob = (uint8_t)p->globs;
	s->first_clause = (uint8_t)p->clauses;
	rc = site(p, s, first);
	while (!rc && p->lex.token.kind == TOKEN_COMMA) {
		rc = lex_next(&p->lex, LEX_PLAIN);
		if (rc)
			return rc;
		struct token next = p->lex.token;
		rc = site(p, s, &next);
		if (!rc)
			rc = lex_next(&p->lex, LEX_PLAIN);
	}
	while (!rc && p->lex.token.kind == TOKEN_COLON) {
		rc = lex_next(&p->lex, LEX_PLAIN);
		if (!rc)
			rc = parse_clause(p, s);
	}
	return rc;
}

static int name(struct parser *p, const struct token *token)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	static const char others[] = "0123456789.-/";
	bool good = token->length < RULE_NAME_MAX && strchr(letters, *token->text);

	for (size_t i = 0; good && i < token->length; i++)
		good = strchr(letters, token->text[i]) || strchr(others, token->text[i]);
	if (!good)
		return PARSE_FAIL(
			p, token->offset,
			"\"%.*s\" is no name: at most %d letters, digits and _ . - /, the "
			"first one a letter",
			(int)token->length, token->text, RULE_NAME_MAX - 1);
	memcpy(p->rule->name, token->text, token->length);
	return 0;
}

/* [ NAME ":=" ] step { "=>" step } */
static int selector(struct parser *p)
{
	struct token first;
	int rc = lex_next(&p->lex, LEX_PLAIN);

	for (;;) {
		first = p->lex.token;
		if (!rc)
			rc = lex_next(&p->lex, LEX_PLAIN);
		if (!rc && p->lex.token.kind == TOKEN_NAMED && first.kind == TOKEN_WORD &&
		    !p->rule->steps && !p->rule->name[0]) {
			rc = name(p, &first);
			if (!rc)
				rc = lex_next(&p->lex, LEX_PLAIN);
			continue;
		}
		if (!rc)
			rc = step(p, &first);
		if (rc || p->lex.token.kind != TOKEN_THEN)
			return rc;
		if (p->last_only)
			return PARSE_FAIL(p, p->last_only_at, "\"%s\" belongs to the last step",
					  p->last_only);
		if (p->rule->steps == RULE_STEP_MAX)
			return PARSE_FAIL_HERE(p, "too many steps: %d at most", RULE_STEP_MAX);
		rc = lex_next(&p->lex, LEX_PLAIN);
	}
}

static int one_rule(struct parser *p)
{
	const struct token *token = &p->lex.token;
	int rc = selector(p);

	if (rc)
		return rc;
	if (token->kind != TOKEN_OPERATOR || token->op != OP_EQ)
		return parse_wanted(p, token, "\"=\" and what to do");
	rc = lex_next(&p->lex, LEX_PLAIN);
	if (!rc)
		rc = parse_chain(p);
	if (rc)
		return rc;
	if (token->kind != TOKEN_END)
		return PARSE_FAIL_HERE(p,
				       "unexpected \"%.*s\"; a value that holds it must be quoted",
				       (int)token->length, token->text);
	if (p->missing)
		return lex_place(&p->lex, p->missing_at,
				 why_set(p->lex.why, -ENOTSUP, "\"%.*s\" is not built yet",
					 (int)p->missing_length, p->missing));
	if (rule_format_body(p->rule, p->rule->text, RULE_TEXT_MAX) < 0)
		return PARSE_FAIL(p, 0, "the rule is too long: %d bytes at most in canonical form",
				  RULE_TEXT_MAX - 1);
	p->rule->hash = raw_hash(p->rule->text, strlen(p->rule->text));
	return 0;
}

static int parse_in(struct rule *out, struct lexer lex)
{
	struct rule rule;
	struct parser p = {.lex = lex, .rule = &rule, .pool_used = 1};
	int rc;

	memset(&rule, 0, sizeof(rule));
	rc = one_rule(&p);
	if (!rc)
		memcpy(out, &rule, sizeof(rule));
	return rc;
}

int rule_parse(struct rule *out, const char *text, size_t length, struct why *why)
{
	return parse_in(out, (struct lexer){.text = text, .length = length, .why = why});
}

/* What rules_parse() has read so far. */
struct reading {
	struct rule *rules;
	size_t count, room;
};

static int read_piece(struct reading *r, struct lexer piece)
{
	size_t blanks = strspn(piece.text, " \t");

	if (blanks >= piece.length)
		return 0;
	if (r->count == r->room) {
		size_t room = r->room ? 2 * r->room : 8;
		struct rule *rules = reallocarray(r->rules, room, sizeof(*rules));
		if (!rules)
			return why_set(piece.why, -ENOMEM, "no memory for %zu rules", room);
		r->rules = rules;
		r->room = room;
	}
	int rc = parse_in(&r->rules[r->count], piece);
	r->count += !rc;
	return rc;
}

/* How far the rule at text goes: up to a ";" outside quotes, or the end of the line. */
static size_t piece_length(const char *text)
{
	bool in_quotes = false;
	size_t i = 0;

	for (; text[i] && text[i] != '\n' && (in_quotes || text[i] != ';'); i++) {
		if (text[i] == '"')
			in_quotes = !in_quotes;
		else if (in_quotes && text[i] == '\\' && text[i + 1] && strchr("\"\\", text[i + 1]))
			i++;
	}
	return i;
}

static int read_all(struct reading *r, const char *text, struct why *why)
{
	size_t line = strchr(text, '\n') ? 1 : 0, column = 0;
	int rc = 0;

	while (!rc && *text) {
		size_t length = piece_length(text);
		bool comment = !column && text[strspn(text, " \t")] == '#';
		if (comment)
			length = strcspn(text, "\n");
		else
			rc = read_piece(r, (struct lexer){.text = text,
							  .length = length,
							  .line = line,
							  .column = column,
							  .why = why});
		column += length + 1;
		if (text[length] == '\n') {
			line++;
			column = 0;
		}
		text += length + (text[length] != '\0');
	}
	return rc;
}

int rules_parse(const char *text, int (*each)(void *arg, const struct rule *rule), void *arg,
		struct why *why)
{
	struct reading r = {NULL, 0, 0};
	int rc = read_all(&r, text, why);

	for (size_t i = 0; !rc && i < r.count; i++)
		rc = each(arg, &r.rules[i]);
	free(r.rules);
	return rc;
}
