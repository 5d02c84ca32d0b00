/*
 * rule_lex.h - the tokens of the rule language.
 *
 * A bare word ends at a blank, at , ; ( ) " = "->" "=>" and at a single ":" ("::" belongs to it).
 * Outside of values it also ends at < > ~ & @ and at the operators != !~ !&. The parser, which
 * knows whether a value comes next, says so when it asks for the next token; so one token of
 * look-ahead is enough.
 *
 * A rule is one line: control characters but the tab are refused, in quotes too.
 */
#ifndef FAILPOINT_RULE_LEX_H
#define FAILPOINT_RULE_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "failkit/why.h"

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_QUOTED, /* text is what stands between the quotes, as written */
	TOKEN_OPERATOR,
	TOKEN_NAMED, /* := */
	TOKEN_THEN,  /* => */
	TOKEN_ELSE,  /* -> */
	TOKEN_COLON,
	TOKEN_COMMA,
	TOKEN_SEMICOLON,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_AT,
};

enum lex_mode { LEX_PLAIN, LEX_VALUE };

struct token {
	enum token_kind kind;
	int op; /* enum clause_op, of TOKEN_OPERATOR */
	const char *text;
	size_t length;
	size_t offset; /* where it begins in the rule */
};

struct lexer {
	const char *text;
	size_t length, at;
	size_t line, column; /* of the rule in a longer text; line 0: it has one line */
	struct token token;
	struct why *why;
};

/* Puts the next token into lex->token. Returns 0, or -EINVAL with the place in why. */
int lex_next(struct lexer *lex, enum lex_mode mode);

/* The next byte that is no blank, behind the current token; 0 at the end. */
char lex_peek(const struct lexer *lex);

/* Puts "column N" or "line L, column N" before what why says; returns code. */
int lex_place(const struct lexer *lex, size_t offset, int code);

/* How much of text a bare word takes. */
size_t lex_word_length(const char *text, size_t length, enum lex_mode mode);

/* Copies the token's text, of quoted ones without the escapes; to has room for length + 1 bytes. */
size_t lex_copy(const struct token *token, char *to);

#endif
