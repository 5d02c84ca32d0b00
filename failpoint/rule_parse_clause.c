/* rule_parse_clause.c - KEY OP value { "," value }; see rule_parse.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "failpoint/calls.h"
#include "failpoint/regex.h"
#include "failpoint/rule_parse.h"

/* By enum clause_op. */
static const uint8_t op_family[] = {
	[OP_EQ] = OPS_EQ,    [OP_NE] = OPS_NE,     [OP_RE] = OPS_REGEX, [OP_NRE] = OPS_REGEX,
	[OP_LT] = OPS_ORDER, [OP_LE] = OPS_ORDER,  [OP_GT] = OPS_ORDER, [OP_GE] = OPS_ORDER,
	[OP_AND] = OPS_BITS, [OP_NAND] = OPS_BITS,
};

/* A value on its way: where it stands, its text, and what becomes of it. */
struct reader {
	struct parser *p;
	const struct clause_name *name;
	struct token token;
	struct parse_text text;
	struct rule_value value;
};

static int wanted(struct reader *r, const char *what)
{
	return PARSE_FAIL(r->p, r->token.offset, "\"%s\" wants %s, not \"%s\"", r->name->name, what,
			  r->text.text);
}

static int keep_text(struct reader *r)
{
	uint32_t offset;
	int rc = parse_keep(r->p, r->text.text, r->text.length, &offset);

	r->value.text = (uint16_t)offset;
	return rc;
}

static int read_glob(struct reader *r)
{
	if (!r->text.length)
		return wanted(r, "a value");
	r->value.kind = VALUE_TEXT;
	return keep_text(r);
}

static int read_regex(struct reader *r)
{
	struct parser *p = r->p;
	int size, rc;

	if (r->token.kind != TOKEN_QUOTED)
		return PARSE_FAIL(p, r->token.offset, "a regular expression is always quoted");
	r->value.kind = VALUE_REGEX;
	rc = keep_text(r);
	if (rc)
		return rc;
	size = regex_compile(r->text.text, p->rule->pool + p->pool_used,
			     RULE_POOL_BYTES - p->pool_used, p->lex.why);
	if (size < 0)
		return lex_place(&p->lex, r->token.offset, size == -ENOSPC ? -EINVAL : size);
	r->value.other = (uint32_t)p->pool_used;
	p->pool_used += (size_t)size;
	return 0;
}

static int read_word(struct reader *r, const char *const names[], unsigned first)
{
	int i = names_find_in(names, r->text.text, r->text.length);

	if (i < 0)
		return parse_unknown(r->p, &r->token, r->name->name, names_list_at, names);
	r->value.kind = VALUE_NUMBER;
	r->value.number = (uint64_t)i + first;
	return 0;
}

static int read_number(struct reader *r)
{
	const char *dots = strstr(r->text.text, "..");
	size_t first = dots ? (size_t)(dots - r->text.text) : r->text.length;
	uint64_t from, to;

	if (names_decimal(r->text.text, first, 0, &from))
		return wanted(r, "a number or first..last");
	to = from;
	if (dots && names_decimal(dots + 2, r->text.length - first - 2, 0, &to))
		return wanted(r, "a number or first..last");
	if (to > r->name->max || from > to)
		return PARSE_FAIL(r->p, r->token.offset,
				  "\"%s\" wants numbers from 0 to %llu, not \"%s\"", r->name->name,
				  (unsigned long long)r->name->max, r->text.text);
	r->value.kind = from == to ? VALUE_NUMBER : VALUE_RANGE;
	r->value.number = from;
	r->value.other = from == to ? 0 : (uint32_t)to;
	return 0;
}

static int read_size(struct reader *r)
{
	r->value.kind = VALUE_NUMBER;
	if (names_size(r->text.text, r->text.length, &r->value.number))
		return wanted(r, "a size such as 512, 4K or 1M");
	return 0;
}

static int read_flags(struct reader *r)
{
	r->value.kind = VALUE_NUMBER;
	if (names_flag(r->text.text, r->text.length, &r->value.number))
		return parse_unknown(r->p, &r->token, "flag", names_flag_at, NULL);
	if (!r->value.number)
		return wanted(r, "a flag with a bit");
	return keep_text(r);
}

static int read_peer(struct reader *r)
{
	struct in_addr four;
	struct in6_addr six;

	if (inet_pton(AF_INET, r->text.text, &four) == 1) {
		r->value.kind = VALUE_IPV4;
		r->value.number = ntohl(four.s_addr);
		return 0;
	}
	if (inet_pton(AF_INET6, r->text.text, &six) == 1) {
		r->value.kind = VALUE_IPV6;
		return parse_keep(r->p, (const char *)&six, sizeof(six), &r->value.other);
	}
	if (strchr(r->text.text, ':') || strspn(r->text.text, "0123456789.*?") == r->text.length)
		return wanted(r, "an IPv4 or IPv6 address, or a node's name");
	return read_glob(r);
}

static int read_link(struct reader *r)
{
	const char *arrow = strchr(r->text.text, '>');
	size_t from = arrow ? (size_t)(arrow - r->text.text) : 0;
	uint32_t offset;
	int rc;

	if (!from || !arrow[1] || strchr(arrow + 1, '>'))
		return wanted(r, "two nodes, as in fe1>ms2 (\"*\" is any)");
	r->value.kind = VALUE_LINK;
	rc = parse_keep(r->p, r->text.text, from, &offset);
	r->value.text = (uint16_t)offset;
	if (!rc)
		rc = parse_keep(r->p, arrow + 1, r->text.length - from - 1, &r->value.other);
	return rc;
}

static int read_ret(struct reader *r)
{
	int error;

	if (!strcmp(r->text.text, "ok")) {
		r->value.kind = VALUE_RET_OK;
		return 0;
	}
	if (!strcmp(r->text.text, "err")) {
		r->value.kind = VALUE_RET_ERR;
		return 0;
	}
	error = calls_errno(r->text.text, r->text.length);
	if (!error)
		return parse_unknown(r->p, &r->token, "result (ok, err or an errno)",
				     names_errno_at, NULL);
	r->value.kind = VALUE_NUMBER;
	r->value.number = (uint64_t)error;
	return 0;
}

static int read_duration(struct reader *r)
{
	int64_t ns;

	if (names_duration(r->text.text, r->text.length, &ns) || !ns)
		return wanted(r, "a duration over 0 such as 20ms, 5s or 2m");
	r->value.number = (uint64_t)ns;
	return 0;
}

static int read_value(struct reader *r, int op)
{
	switch ((enum clause_value)r->name->value) {
	case CLAUSE_GLOB:
		return op_family[op] == OPS_REGEX ? read_regex(r) : read_glob(r);
	case CLAUSE_FILE:
		return read_word(r, names_files, FILE_REG);
	case CLAUSE_SOCK:
		return read_word(r, names_socks, SOCK_TCP);
	case CLAUSE_NUMBER:
		return read_number(r);
	case CLAUSE_SIZE:
		return read_size(r);
	case CLAUSE_FLAGS:
		return read_flags(r);
	case CLAUSE_PEER:
		return read_peer(r);
	case CLAUSE_LINK:
		return read_link(r);
	case CLAUSE_RET:
		return read_ret(r);
	case CLAUSE_AT:
		return read_word(r, names_ats, 0);
	case CLAUSE_SAME:
		return read_word(r, names_sames, 0);
	case CLAUSE_DURATION:
		return read_duration(r);
	case CLAUSE_PER:
		return read_word(r, names_scopes, 0);
	case CLAUSE_CALLS:
		break; /* not a value: read_unless() */
	}
	return 0;
}

/* Takes the value at the current token and goes on to what follows it. */
static int take_value(struct reader *r, int op)
{
	int rc;

	r->token = r->p->lex.token;
	memset(&r->value, 0, sizeof(r->value));
	if (r->token.kind != TOKEN_WORD && r->token.kind != TOKEN_QUOTED)
		return parse_wanted(r->p, &r->token, "a value");
	rc = parse_text(r->p, &r->token, &r->text);
	if (!rc)
		rc = read_value(r, op);
	return rc ? rc : lex_next(&r->p->lex, LEX_PLAIN);
}

/* A condition on the hit: an entry of the rule's clauses. */
static int read_condition(struct reader *r, struct rule_step *step, int key, int op)
{
	struct parser *p = r->p;
	struct rule_clause *clause = &p->rule->clause[p->clauses];
	int rc;

	if (p->clauses == RULE_CLAUSE_MAX)
		return PARSE_FAIL_HERE(p, "too many clauses: %d at most in a rule",
				       RULE_CLAUSE_MAX);
	*clause = (struct rule_clause){(uint8_t)key, (uint8_t)op, (uint8_t)p->values, 0};
	p->clauses++;
	step->clauses++;
	for (;;) {
		if (p->values == RULE_VALUE_MAX)
			return PARSE_FAIL_HERE(p, "too many values: %d at most in a rule",
					       RULE_VALUE_MAX);
		rc = take_value(r, op);
		if (rc)
			return rc;
		p->rule->value[p->values++] = r->value;
		clause->values++;
		if (p->lex.token.kind != TOKEN_COMMA)
			return 0;
		rc = lex_next(&p->lex, LEX_VALUE);
		if (rc)
			return rc;
	}
}

static int read_unless(struct reader *r, struct rule_step *step)
{
	struct parser *p = r->p;
	int rc;

	for (;;) {
		struct token token = p->lex.token;
		if (token.kind != TOKEN_WORD)
			return parse_wanted(p, &token, "a call or a %class");
		rc = parse_call(p, &token, step->unless_calls, &step->unless_classes);
		if (!rc)
			rc = lex_next(&p->lex, LEX_PLAIN);
		if (rc || p->lex.token.kind != TOKEN_COMMA)
			return rc;
		rc = lex_next(&p->lex, LEX_VALUE);
		if (rc)
			return rc;
	}
}

/* A clause with one value that is a field of its own. */
static int read_setting(struct reader *r, struct rule_step *step, int word)
{
	struct rule *rule = r->p->rule;
	int rc = take_value(r, OP_EQ);

	if (rc)
		return rc;
	switch (word) {
	case KEY_AT:
		step->at_exit |= r->value.number != 0;
		r->p->at_enter |= r->value.number == 0;
		break;
	case CLAUSE_WORD_SAME:
		step->same = (uint8_t)r->value.number;
		break;
	case CLAUSE_WORD_WITHIN:
		step->within_ns = r->value.number;
		break;
	case CLAUSE_WORD_PER:
		rule->per = (uint8_t)r->value.number;
		break;
	case CLAUSE_WORD_FOR:
		rule->for_ns = r->value.number;
		break;
	case CLAUSE_WORD_AFTER:
		rule->after_ns = r->value.number;
		break;
	}
	return 0;
}

static bool is_condition(int word)
{
	return word < KEY_COUNT && word != KEY_AT;
}

/* May the clause stand here, with this operator? */
static int check_place(struct parser *p, const struct rule_step *step, int word,
		       const struct token *key)
{
	const struct clause_name *name = &names_clauses[word];

	if (name->place == PLACE_LATER_STEP && p->rule->steps == 1)
		return PARSE_FAIL(p, key->offset,
				  "\"%s\" relates a step to the one before; this is the first",
				  name->name);
	if (!is_condition(word) && (p->seen & UINT32_C(1) << word))
		return PARSE_FAIL(p, key->offset, "\"%s\" twice in one step", name->name);
	p->seen |= UINT32_C(1) << word;
	if (name->place == PLACE_LAST_STEP && !p->last_only) {
		p->last_only = name->name;
		p->last_only_at = key->offset;
	}
	if (!name->built)
		parse_missing(p, key->offset, key->text, key->length);
	return parse_check_clause(p, step, name, key->offset);
}

int parse_clause(struct parser *p, struct rule_step *step)
{
	struct token key = p->lex.token;
	struct reader r = {.p = p};
	int word, op, rc;

	if (key.kind != TOKEN_WORD)
		return parse_wanted(p, &key, "a clause");
	word = names_find_clause(key.text, key.length);
	if (word < 0)
		return parse_unknown(p, &key, "clause", names_clause_at, NULL);
	r.name = &names_clauses[word];
	rc = check_place(p, step, word, &key);
	if (!rc)
		rc = lex_next(&p->lex, LEX_PLAIN);
	if (rc)
		return rc;
	op = p->lex.token.op;
	if (p->lex.token.kind != TOKEN_OPERATOR)
		return PARSE_FAIL_HERE(p, "\"%s\" wants an operator and a value", r.name->name);
	if (!(r.name->ops & op_family[op]))
		return PARSE_FAIL_HERE(p, "\"%s\" does not take \"%s\"", r.name->name,
				       names_ops[op]);
	rc = lex_next(&p->lex, LEX_VALUE);
	if (rc)
		return rc;
	if (is_condition(word))
		rc = read_condition(&r, step, word, op);
	else if (word == CLAUSE_WORD_UNLESS)
		rc = read_unless(&r, step);
	else
		rc = read_setting(&r, step, word);
	if (rc)
		return rc;
	if (word == KEY_RET)
		step->at_exit = true;
	if (step->at_exit && p->at_enter)
		return PARSE_FAIL(p, key.offset,
				  "the result is known at exit only: at=enter can't be here");
	return 0;
}
