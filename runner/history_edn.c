/* history_edn.c - EDN maps, one event a line: see history_read.h. */
#include "runner/history_read_impl.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool ends_word(char c)
{
	return !c || isspace((unsigned char)c) || strchr(",[]{}\"", c);
}

/* A text loses its backslashes where it stands. */
static int text_atom(char **at, struct atom *out)
{
	static const char escapes[][2] = {
		{'n', '\n'}, {'t', '\t'}, {'r', '\r'}, {'"', '"'}, {'\\', '\\'}};
	char *from = *at + 1, *to = from;

	*out = (struct atom){.kind = ATOM_TEXT, .text = from};
	for (; *from && *from != '"'; from++, to++) {
		if (*from != '\\') {
			*to = *from;
			continue;
		}
		size_t i = 0, n = sizeof(escapes) / sizeof(escapes[0]);
		while (i < n && escapes[i][0] != from[1])
			i++;
		if (i == n)
			return -EINVAL;
		*to = escapes[i][1];
		from++;
	}
	if (!*from)
		return -EINVAL;
	out->length = (size_t)(to - out->text);
	*at = from + 1;
	return 1;
}

static int vector_atom(char **at, struct atom *out)
{
	int depth = 0;
	bool quoted = false;
	char *c = *at;

	for (; *c; c++) {
		if (quoted && *c == '\\' && c[1])
			c++;
		else if (*c == '"')
			quoted = !quoted;
		else if (!quoted && (*c == '[' || *c == ']') && (depth += *c == '[' ? 1 : -1) == 0)
			break;
	}
	if (!*c)
		return -EINVAL;
	*out = (struct atom){.kind = ATOM_VECTOR, .text = *at + 1, .length = (size_t)(c - *at - 1)};
	*at = c + 1;
	return 1;
}

static enum atom_kind word_kind(const struct atom *word)
{
	size_t sign = *word->text == '-' && word->length > 1;

	if (atom_is(word, "nil"))
		return ATOM_NIL;
	for (size_t i = sign; i < word->length; i++)
		if (!isdigit((unsigned char)word->text[i]))
			return ATOM_WORD;
	return ATOM_NUMBER;
}

int atom_next(char **at, struct atom *out)
{
	while (isspace((unsigned char)**at) || **at == ',')
		++*at;
	if (!**at)
		return 0;
	if (**at == '"')
		return text_atom(at, out);
	if (**at == '[')
		return vector_atom(at, out);
	*out = (struct atom){.text = *at};
	while (!ends_word(**at))
		++*at;
	out->length = (size_t)(*at - out->text);
	out->kind = word_kind(out);
	return out->length ? 1 : -EINVAL;
}

bool atom_is(const struct atom *atom, const char *text)
{
	return strlen(text) == atom->length && !memcmp(atom->text, text, atom->length);
}

int atom_among(const struct atom *atom, const char *const *names, int count)
{
	struct atom name = {.text = atom->text + 1, .length = atom->length - 1};
	int i = 0;

	if (atom->kind != ATOM_WORD || *atom->text != ':')
		return count;
	while (i < count && !atom_is(&name, names[i]))
		i++;
	return i;
}

bool atom_pair(const struct atom *vector, struct atom *one, struct atom *other)
{
	struct atom more;
	char *at = vector->text;

	if (vector->kind != ATOM_VECTOR)
		return false;
	char *end = at + vector->length, kept = *end;
	*end = '\0';
	bool pair =
		atom_next(&at, one) > 0 && atom_next(&at, other) > 0 && atom_next(&at, &more) == 0;
	*end = kept;
	return pair;
}

int atom_number(const struct atom *atom, uint64_t *number)
{
	uint64_t n = 0;

	if (atom->kind != ATOM_NUMBER || atom->length > 18)
		return -EINVAL;
	for (size_t i = 0; i < atom->length; i++) {
		if (!isdigit((unsigned char)atom->text[i]))
			return -EINVAL;
		n = n * 10 + (uint64_t)(atom->text[i] - '0');
	}
	*number = n;
	return 0;
}

enum field { FIELD_PROCESS, FIELD_TYPE, FIELD_F, FIELD_KEY, FIELD_VALUE, FIELD_COUNT };

static const char *const fields[FIELD_COUNT] = {"process", "type", "f", "key", "value"};

/* Fills what the map has; others than ours are passed over. */
static int read_map(struct reading *r, char *line, struct atom field[FIELD_COUNT])
{
	struct atom name, value;
	size_t length = strlen(line);
	char *at = line + 1;
	int rc;

	if (line[length - 1] != '}')
		return why_set(r->why, -EINVAL, "the map does not end with \"}\"");
	line[length - 1] = '\0';
	while ((rc = atom_next(&at, &name)) > 0) {
		if (name.kind != ATOM_WORD || *name.text != ':')
			return why_set(r->why, -EINVAL, "\"%.*s\" is no keyword", (int)name.length,
				       name.text);
		if (atom_next(&at, &value) <= 0)
			return why_set(r->why, -EINVAL, "\"%.*s\" has no value that can be read",
				       (int)name.length, name.text);
		int f = atom_among(&name, fields, FIELD_COUNT);
		if (f < FIELD_COUNT)
			field[f] = value;
	}
	return rc < 0 ? why_set(r->why, -EINVAL, "can't read from \"%.20s\" on", at) : 0;
}

/* [KEY VALUE]: a register's value is no vector itself, but a :cas has a pair. */
static bool split_key(struct history_event *e)
{
	struct atom key, value;

	if (!atom_pair(&e->value, &key, &value) ||
	    (e->call == CALL_CAS && value.kind != ATOM_VECTOR))
		return false;
	e->key = key;
	e->value = value;
	return true;
}

int history_edn_line(struct reading *r, char *line)
{
	struct atom field[FIELD_COUNT] = {0};
	struct history_event e;
	int rc = *line == '{' ? read_map(r, line, field)
			      : why_set(r->why, -EINVAL, "wanted a map, not \"%.40s\"", line);

	if (rc || field[FIELD_PROCESS].kind == ATOM_WORD)
		return rc;
	e = (struct history_event){.type = EVENT_TYPES, .call = CALL_COUNT};
	if (atom_number(&field[FIELD_PROCESS], &e.process) < 0)
		return why_set(r->why, -EINVAL, ":process wants a number");
	if (field[FIELD_TYPE].text)
		e.type = atom_among(&field[FIELD_TYPE], history_types, EVENT_TYPES);
	if (e.type == EVENT_TYPES)
		return why_set(r->why, -EINVAL, ":type wants :invoke, :ok, :fail or :info");
	if (field[FIELD_F].text)
		e.call = atom_among(&field[FIELD_F], history_calls, CALL_COUNT);
	if (e.call == CALL_COUNT)
		return why_set(r->why, -EINVAL,
			       ":f wants :read, :write or :cas, or :get, :put or :append");
	e.key = field[FIELD_KEY];
	e.value = field[FIELD_VALUE];
	if (!e.key.text && !split_key(&e))
		e.key.text = line; /* of length 0 */
	return reading_event(r, &e);
}
