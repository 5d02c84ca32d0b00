/*
 * regex_compile.c - recursive descent over the expression; see regex.h for the program.
 *
 * Code is built in place. Jumps are relative, so a fragment is wrapped in an operator by moving it
 * up and repeated by copying it.
 */
#include <errno.h>
#include <string.h>

#include "failpoint/regex.h"

enum { REPEAT_MAX = 255, DEPTH_MAX = 32, UNBOUNDED = -1 };

struct compiler {
	const char *text, *at;
	struct regex_state code[REGEX_STATE_MAX];
	struct regex_state fragment[REGEX_STATE_MAX]; /* what is being repeated */
	unsigned states;
	uint8_t set[REGEX_SET_MAX][REGEX_SET_BYTES];
	unsigned sets;
	int depth;
	struct why *why;
};

static int alternatives(struct compiler *c);

static int complain(struct compiler *c, const char *wanted)
{
	return why_set(c->why, -EINVAL, "regular expression \"%s\", at byte %zu: %s", c->text,
		       (size_t)(c->at - c->text) + 1, wanted);
}

static int too_large(struct compiler *c)
{
	return why_set(c->why, -ENOSPC,
		       "regular expression \"%s\" is too large: at most %d states and %d sets",
		       c->text, REGEX_STATE_MAX, REGEX_SET_MAX);
}

static void set_jump(struct regex_state *state, int jump)
{
	state->jump[0] = (uint8_t)jump;
	state->jump[1] = (uint8_t)((unsigned)jump >> 8);
}

/* Makes room for one state at a place, moving what follows. */
static int insert(struct compiler *c, unsigned where, enum regex_op op, uint8_t arg, int jump)
{
	struct regex_state *s = &c->code[where];

	if (c->states == REGEX_STATE_MAX)
		return too_large(c);
	memmove(s + 1, s, (c->states - where) * sizeof(*s));
	*s = (struct regex_state){.op = (uint8_t)op, .arg = arg};
	set_jump(s, jump);
	c->states++;
	return 0;
}

static int append(struct compiler *c, enum regex_op op, uint8_t arg, int jump)
{
	return insert(c, c->states, op, arg, jump);
}

static const struct class
{
	const char *name;
	const char *ranges; /* pairs of first and last */
} classes[] = {
	{"alpha", "azAZ"},   {"digit", "09"},       {"alnum", "azAZ09"},
	{"upper", "AZ"},     {"lower", "az"},       {"space", "\t\r  "},
	{"blank", "\t\t  "}, {"punct", "!/:@[`{~"}, {"xdigit", "09afAF"},
	{"print", " ~"},     {"graph", "!~"},       {"cntrl", "\x01\x1f\x7f\x7f"},
};

static void add_range(uint8_t *set, unsigned first, unsigned last)
{
	for (unsigned b = first; b <= last; b++)
		set[b / 8] |= (uint8_t)(1 << b % 8);
}

/* Reads "[:digit:]" behind its "[:". */
static int named_class(struct compiler *c, uint8_t *set)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		size_t n = strlen(classes[i].name);
		if (strncmp(c->at, classes[i].name, n) || strncmp(c->at + n, ":]", 2))
			continue;
		for (const char *r = classes[i].ranges; *r; r += 2)
			add_range(set, (unsigned char)r[0], (unsigned char)r[1]);
		c->at += n + 2;
		return 0;
	}
	return complain(c, "unknown class; wanted [:alpha:], [:digit:], [:space:] and the like");
}

/* One byte, range or class within brackets. */
static int set_element(struct compiler *c, uint8_t *set)
{
	unsigned char first = (unsigned char)*c->at, last = first;

	if (first == '[' && c->at[1] == ':') {
		c->at += 2;
		return named_class(c, set);
	}
	if (first == '[' && (c->at[1] == '.' || c->at[1] == '='))
		return complain(c, "collating elements are not known here");
	if (c->at[1] == '-' && c->at[2] && c->at[2] != ']') {
		last = (unsigned char)c->at[2];
		if (last < first)
			return complain(c, "the range ends before it begins");
		c->at += 2;
	}
	if (first >= 0x80 || last >= 0x80)
		return complain(c, "only ASCII within brackets");
	c->at++;
	add_range(set, first, last);
	return 0;
}

static int keep_set(struct compiler *c, const uint8_t *set)
{
	unsigned i = 0;

	while (i < c->sets && memcmp(c->set[i], set, REGEX_SET_BYTES))
		i++;
	if (i == REGEX_SET_MAX)
		return too_large(c);
	if (i == c->sets)
		memcpy(c->set[c->sets++], set, REGEX_SET_BYTES);
	return append(c, REGEX_SET, (uint8_t)i, 0);
}

static int brackets(struct compiler *c)
{
	uint8_t set[REGEX_SET_BYTES] = {0};
	bool negated = *c->at == '^';
	int rc;

	c->at += negated;
	do {
		if (!*c->at)
			return complain(c, "\"[\" is never closed");
		rc = set_element(c, set);
		if (rc)
			return rc;
	} while (*c->at != ']');
	c->at++;
	for (unsigned i = 0; negated && i < REGEX_SET_BYTES; i++)
		set[i] = (uint8_t)~set[i];
	if (negated)
		set[0] &= 0xfe;
	return keep_set(c, set);
}

static int group(struct compiler *c)
{
	int rc;

	if (++c->depth > DEPTH_MAX)
		return complain(c, "brackets nest too deep");
	rc = alternatives(c);
	if (rc)
		return rc;
	if (*c->at != ')')
		return complain(c, "\"(\" is never closed");
	c->at++;
	c->depth--;
	return 0;
}

static int escaped(struct compiler *c)
{
	unsigned char byte = (unsigned char)*c->at;

	if (!byte)
		return complain(c, "\"\\\" wants a character behind it");
	if (byte >= 0x80 || strchr("0123456789", byte) ||
	    ((byte | 32) >= 'a' && (byte | 32) <= 'z'))
		return complain(
			c, "\"\\\" goes before punctuation only; write [[:digit:]] for digits");
	c->at++;
	return append(c, REGEX_BYTE, byte, 0);
}

/* A character of UTF-8 is one atom, so that what repeats it repeats all of it. */
static int character(struct compiler *c, unsigned char byte)
{
	int rc = append(c, REGEX_BYTE, byte, 0);

	while (!rc && byte >= 0xc0 && (*c->at & 0xc0) == 0x80)
		rc = append(c, REGEX_BYTE, (uint8_t)*c->at++, 0);
	return rc;
}

static int atom(struct compiler *c)
{
	char byte = *c->at++;

	switch (byte) {
	case '.':
		return append(c, REGEX_ANY, 0, 0);
	case '[':
		return brackets(c);
	case '(':
		return group(c);
	case '^':
		return append(c, REGEX_BEGIN, 0, 0);
	case '$':
		return append(c, REGEX_END, 0, 0);
	case '\\':
		return escaped(c);
	case '*':
	case '+':
	case '?':
	case '{':
		c->at--;
		return complain(c, "nothing to repeat here");
	default:
		return character(c, (unsigned char)byte);
	}
}

static bool number(struct compiler *c, int *out)
{
	int n = 0;
	const char *start = c->at;

	while (*c->at >= '0' && *c->at <= '9' && n <= REPEAT_MAX)
		n = n * 10 + (*c->at++ - '0');
	*out = n;
	return c->at > start && n <= REPEAT_MAX;
}

/* Reads "{m}", "{m,}" or "{m,n}". */
static int bounds(struct compiler *c, int *least, int *most)
{
	const char *start = c->at++;

	if (!number(c, least))
		goto bad;
	*most = *least;
	if (*c->at == ',') {
		c->at++;
		*most = UNBOUNDED;
		if (*c->at != '}' && !number(c, most))
			goto bad;
	}
	if (*c->at++ == '}' && (*most == UNBOUNDED || *least <= *most))
		return 0;
bad:
	c->at = start;
	return complain(c, "wanted {m}, {m,} or {m,n} with numbers up to 255");
}

/* Appends a copy of the fragment; an optional one is "split to the end, x". */
static int copy(struct compiler *c, unsigned size, bool optional)
{
	int rc = optional ? append(c, REGEX_SPLIT, 0, (int)size + 1) : 0;

	if (rc)
		return rc;
	if (c->states + size > REGEX_STATE_MAX)
		return too_large(c);
	memcpy(&c->code[c->states], c->fragment, size * sizeof(c->fragment[0]));
	c->states += size;
	return 0;
}

/* Repeats the fragment from start on. x* is (x+)?, and x+ is x with a split back behind it. */
static int repeat(struct compiler *c, unsigned start, int least, int most)
{
	unsigned size = c->states - start;
	int rc = 0, copies = most != UNBOUNDED ? most : least ? least : 1;

	memcpy(c->fragment, &c->code[start], size * sizeof(c->fragment[0]));
	c->states = start;
	for (int i = 0; !rc && i < copies; i++)
		rc = copy(c, size, i >= least && most != UNBOUNDED);
	if (!rc && most == UNBOUNDED)
		rc = append(c, REGEX_SPLIT, 0, -(int)size);
	if (!rc && most == UNBOUNDED && !least)
		rc = insert(c, start, REGEX_SPLIT, 0, (int)size + 2);
	return rc;
}

static int piece(struct compiler *c)
{
	unsigned start = c->states;
	bool anchor = *c->at == '^' || *c->at == '$';
	int rc = atom(c);

	while (!rc && *c->at && strchr("*+?{", *c->at)) {
		int least = *c->at == '+', most = *c->at == '?' ? 1 : UNBOUNDED;
		if (anchor)
			return complain(c, "an anchor can't be repeated");
		if (*c->at == '{')
			rc = bounds(c, &least, &most);
		else
			c->at++;
		if (!rc)
			rc = repeat(c, start, least, most);
	}
	return rc;
}

static int alternatives(struct compiler *c)
{
	unsigned start = c->states;
	int rc = 0;

	while (!rc && *c->at && *c->at != '|' && *c->at != ')')
		rc = piece(c);
	if (rc || *c->at != '|')
		return rc;
	/* "split, left, jump over right, right": the jump's length is known at the end. */
	c->at++;
	rc = insert(c, start, REGEX_SPLIT, 0, (int)(c->states - start) + 2);
	if (!rc)
		rc = append(c, REGEX_JUMP, 0, 0);
	unsigned jump = c->states - 1;
	if (!rc)
		rc = alternatives(c);
	if (!rc)
		set_jump(&c->code[jump], (int)(c->states - jump));
	return rc;
}

static int store(struct compiler *c, void *program, size_t room)
{
	size_t code = c->states * sizeof(c->code[0]), sets = c->sets * sizeof(c->set[0]);
	struct regex_head head = {{(uint8_t)c->states, (uint8_t)(c->states >> 8)},
				  {(uint8_t)c->sets, 0}};

	if (sizeof(head) + code + sets > room)
		return why_set(c->why, -ENOSPC,
			       "regular expression \"%s\" takes %zu bytes, and %zu are left",
			       c->text, sizeof(head) + code + sets, room);
	memcpy(program, &head, sizeof(head));
	memcpy((char *)program + sizeof(head), c->code, code);
	memcpy((char *)program + sizeof(head) + code, c->set, sets);
	return (int)(sizeof(head) + code + sets);
}

int regex_compile(const char *text, void *program, size_t room, struct why *why)
{
	struct compiler c = {.text = text, .at = text, .why = why};
	int rc = alternatives(&c);

	if (rc)
		return rc;
	if (*c.at)
		return complain(&c, "\")\" closes nothing");
	rc = append(&c, REGEX_MATCH, 0, 0);
	return rc ? rc : store(&c, program, room);
}
