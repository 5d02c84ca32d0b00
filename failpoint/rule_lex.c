/* rule_lex.c - see rule_lex.h for the tokens. */
#include "failpoint/rule_lex.h"

#include <errno.h>
#include <string.h>

#include "failpoint/rule.h"

/* The longer ones first. */
static const struct mark {
	const char *text;
	enum token_kind kind;
	int op;
} marks[] = {
	{"=>", TOKEN_THEN, 0},
	{"->", TOKEN_ELSE, 0},
	{":=", TOKEN_NAMED, 0},
	{"!=", TOKEN_OPERATOR, OP_NE},
	{"!~", TOKEN_OPERATOR, OP_NRE},
	{"!&", TOKEN_OPERATOR, OP_NAND},
	{"<=", TOKEN_OPERATOR, OP_LE},
	{">=", TOKEN_OPERATOR, OP_GE},
	{"=", TOKEN_OPERATOR, OP_EQ},
	{"~", TOKEN_OPERATOR, OP_RE},
	{"<", TOKEN_OPERATOR, OP_LT},
	{">", TOKEN_OPERATOR, OP_GT},
	{"&", TOKEN_OPERATOR, OP_AND},
	{":", TOKEN_COLON, 0},
	{",", TOKEN_COMMA, 0},
	{";", TOKEN_SEMICOLON, 0},
	{"(", TOKEN_OPEN, 0},
	{")", TOKEN_CLOSE, 0},
	{"@", TOKEN_AT, 0},
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

static bool begins(const char *text, size_t length, const char *with)
{
	return length >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

static bool is_escapable(char c)
{
	return c == '"' || c == '\\';
}

/* Does a bare word end here? */
static bool ends_word(const char *text, size_t length, enum lex_mode mode)
{
	if (!*text || is_blank(*text) || is_control(*text) || strchr(",;()\"=:", *text))
		return true;
	if (begins(text, length, "->"))
		return true;
	if (mode == LEX_VALUE)
		return false;
	return strchr("<>~&@", *text) || begins(text, length, "!=") || begins(text, length, "!~") ||
	       begins(text, length, "!&");
}

size_t lex_word_length(const char *text, size_t length, enum lex_mode mode)
{
	size_t n = 0;

	while (n < length) {
		if (begins(text + n, length - n, "::"))
			n += 2;
		else if (ends_word(text + n, length - n, mode))
			break;
		else
			n++;
	}
	return n;
}

int lex_place(const struct lexer *lex, size_t offset, int code)
{
	if (lex->line)
		return why_prefix(lex->why, code, "line %zu, column %zu", lex->line,
				  lex->column + offset + 1);
	return why_prefix(lex->why, code, "column %zu", lex->column + offset + 1);
}

static int quoted(struct lexer *lex, struct token *token)
{
	size_t i = lex->at + 1;

	while (i < lex->length && lex->text[i] != '"' && !is_control(lex->text[i])) {
		bool escape = lex->text[i] == '\\' && i + 1 < lex->length;
		i += escape && is_escapable(lex->text[i + 1]) ? 2 : 1;
	}
	if (i >= lex->length)
		return lex_place(lex, lex->at, why_set(lex->why, -EINVAL, "quote never closed"));
	if (lex->text[i] != '"')
		return lex_place(lex, i, why_set(lex->why, -EINVAL, "control character"));
	token->kind = TOKEN_QUOTED;
	token->text = lex->text + lex->at + 1;
	token->length = i - lex->at - 1;
	lex->at = i + 1;
	return 0;
}

static bool mark(struct lexer *lex, struct token *token)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (!begins(lex->text + lex->at, lex->length - lex->at, marks[i].text))
			continue;
		token->kind = marks[i].kind;
		token->op = marks[i].op;
		token->length = strlen(marks[i].text);
		lex->at += token->length;
		return true;
	}
	return false;
}

int lex_next(struct lexer *lex, enum lex_mode mode)
{
	struct token *token = &lex->token;

	while (lex->at < lex->length && is_blank(lex->text[lex->at]))
		lex->at++;
	*token = (struct token){.kind = TOKEN_END, .text = lex->text + lex->at, .offset = lex->at};
	if (lex->at == lex->length)
		return 0;
	if (lex->text[lex->at] == '"')
		return quoted(lex, token);
	token->length = lex_word_length(token->text, lex->length - lex->at, mode);
	if (token->length) {
		token->kind = TOKEN_WORD;
		lex->at += token->length;
		return 0;
	}
	if (mark(lex, token))
		return 0;
	return lex_place(lex, lex->at, why_set(lex->why, -EINVAL, "control character"));
}

char lex_peek(const struct lexer *lex)
{
	size_t i = lex->at;

	while (i < lex->length && is_blank(lex->text[i]))
		i++;
	return i < lex->length ? lex->text[i] : '\0';
}

size_t lex_copy(const struct token *token, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < token->length; i++) {
		char next = i + 1 < token->length ? token->text[i + 1] : '\0';
		if (token->kind == TOKEN_QUOTED && token->text[i] == '\\' && is_escapable(next))
			i++;
		to[n++] = token->text[i];
	}
	to[n] = '\0';
	return n;
}
