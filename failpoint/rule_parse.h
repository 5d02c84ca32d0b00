/*
 * rule_parse.h - inside the rule parser: what its files share. Others include rule.h.
 *
 *     rule_parse.c         rules, rule, steps, sites
 *     rule_parse_clause.c  one clause with its values
 *     rule_parse_chain.c   terms and actions
 *     rule_parse_check.c   does it make sense for these sites?
 *     rule_format.c        and back
 *
 * Recursive descent over one token of look-ahead, straight into a struct rule. Every function
 * returns 0 or a negative code with the sentence and its place already in why.
 */
#ifndef FAILPOINT_RULE_PARSE_H
#define FAILPOINT_RULE_PARSE_H

#include "failpoint/names.h"
#include "failpoint/rule.h"
#include "failpoint/rule_lex.h"

struct parser {
	struct lexer lex;
	struct rule *rule;
	size_t pool_used;
	unsigned globs, clauses, values, actions; /* used so far in the rule's arrays */
	uint32_t seen;       /* of the step: clauses that may stand once, by index */
	bool at_enter;       /* of the step: at=enter was written */
	size_t last_only_at; /* where a clause for the last step stands in this one */
	const char *last_only;
	const char *missing; /* the first thing that is not built yet, and where it stands */
	size_t missing_length, missing_at;
};

/* Places a failure at an offset of the rule; at the current token. */
#define PARSE_FAIL(p, offset, ...) \
	lex_place(&(p)->lex, offset, why_set((p)->lex.why, -EINVAL, __VA_ARGS__))
#define PARSE_FAIL_HERE(p, ...) PARSE_FAIL(p, (p)->lex.token.offset, __VA_ARGS__)

/* unknown WHAT "the token", did you mean ...? */
int parse_unknown(struct parser *p, const struct token *token, const char *what,
		  const char *(*at)(const void *arg, size_t i), const void *arg);

/* wanted WHAT, found "the token" */
int parse_wanted(struct parser *p, const struct token *found, const char *wanted);

/* The token as a text without escapes. */
struct parse_text {
	char text[RULE_TEXT_MAX];
	size_t length;
};
int parse_text(struct parser *p, const struct token *token, struct parse_text *text);

/* Keeps length bytes and a NUL in the pool; *offset is 0 for the empty text. */
int parse_keep(struct parser *p, const char *text, size_t length, uint32_t *offset);

/* Notes that what stands at offset is right but not built yet. */
void parse_missing(struct parser *p, size_t offset, const char *name, size_t length);

/* Adds the call or %class a token names. */
int parse_call(struct parser *p, const struct token *token, uint64_t *calls, uint32_t *classes);

int parse_clause(struct parser *p, struct rule_step *step);
int parse_chain(struct parser *p);

/* Is this clause meaningful for the sites of this step? name stands at offset. */
int parse_check_clause(struct parser *p, const struct rule_step *step,
		       const struct clause_name *name, size_t offset);

/* Is this action possible at the sites of the last step? */
int parse_check_action(struct parser *p, const struct rule_action *action, size_t offset);

/* The canonical text without the name, as rule_format(). */
int rule_format_body(const struct rule *rule, char *text, size_t size);

#endif
