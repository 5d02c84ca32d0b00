/*
 * stack_cplus.c - see stack.h: the qualified name in a mangled one, of the Itanium ABI.
 *
 *     _ZN7storage3WalIiE6appendERKNS_4PageE    storage::Wal::append
 *     _ZZN3wal4syncEvENKUlvE_clEv              wal::sync, for a lambda in it
 *     _ZL5flushv                               flush
 *
 * Rust's older names have this form, too: "h" and 16 digits at the end are dropped. What is between
 * I and its E is passed over, and parameters are not looked at, so no dictionary of substitutions is
 * needed.
 */
#include "failpoint/stack.h"

struct mangled {
	const char *at;
	char *out;
	size_t size, used, last; /* last: where the last component begins */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool begins(const char *text, const char *with)
{
	while (*with && *text == *with) {
		text++;
		with++;
	}
	return !*with;
}

static void add(struct mangled *m, const char *text, size_t length)
{
	if (m->used)
		m->used += raw_copy(m->out + m->used, m->size - m->used, "::", 2);
	m->last = m->used;
	m->used += raw_copy(m->out + m->used, m->size - m->used, text, length);
}

/* Of an identifier; 0 when there is none. */
static size_t read_length(struct mangled *m)
{
	size_t n = 0, length;

	while (is_digit(*m->at) && n < 10000)
		n = n * 10 + (size_t)(*m->at++ - '0');
	length = raw_length(m->at);
	return n <= length ? n : 0;
}

static bool is_rust_hash(const char *name, size_t length)
{
	if (length != 17 || name[0] != 'h')
		return false;
	for (size_t i = 1; i < length; i++)
		if (!is_digit(name[i]) && (name[i] < 'a' || name[i] > 'f'))
			return false;
	return true;
}

static bool read_identifier(struct mangled *m)
{
	size_t n = read_length(m);

	if (!n)
		return false;
	if (begins(m->at, "_GLOBAL__N_"))
		add(m, "(anonymous namespace)", SIZE_MAX);
	else if (!is_rust_hash(m->at, n))
		add(m, m->at, n);
	m->at += n;
	return true;
}

/* "S", "S_", "S1A_", "St": T likewise. */
static void skip_substitution(struct mangled *m)
{
	m->at++;
	if (is_lower(*m->at)) {
		m->at++;
		return;
	}
	while (*m->at && *m->at != '_')
		m->at++;
	m->at += *m->at == '_';
}

/* A literal's digits are no length. */
static void skip_literal(struct mangled *m)
{
	m->at++;
	while (*m->at && *m->at != 'E' && *m->at != 'N' &&
	       !(is_digit(*m->at) && is_digit(m->at[1])))
		m->at++;
}

/* From I to its E. */
static void skip_arguments(struct mangled *m)
{
	unsigned depth = 0;

	do {
		char c = *m->at;

		if (is_digit(c)) {
			size_t n = read_length(m);

			m->at += n;
			continue;
		}
		if (c == 'S' || c == 'T') {
			skip_substitution(m);
			continue;
		}
		depth += c == 'I' || c == 'N' || c == 'X' || c == 'J' || c == 'F' || c == 'L' ||
			 (c == 'D' && (m->at[1] == 't' || m->at[1] == 'T'));
		depth -= c == 'E';
		if (c == 'L')
			skip_literal(m);
		else
			m->at++;
	} while (depth && *m->at);
}

/* C1 is the constructor, D0 the destructor: the class's name again. */
static void add_maker(struct mangled *m)
{
	char name[256];
	size_t n = 0;

	if (*m->at == 'D')
		name[n++] = '~';
	raw_copy(name + n, sizeof(name) - n, m->out + m->last, m->used - m->last);
	add(m, name, SIZE_MAX);
	m->at += 2;
}

/* One component; false: the end, or something unknown. */
static bool read_component(struct mangled *m)
{
	char c = *m->at;

	if (is_digit(c))
		return read_identifier(m);
	if (begins(m->at, "St")) {
		add(m, "std", SIZE_MAX);
		m->at += 2;
	} else if (c == 'I') {
		skip_arguments(m);
	} else if (c == 'B' || c == 'L') { /* a tag; of this file alone */
		m->at++;
		if (c == 'B')
			m->at += read_length(m);
	} else if ((c == 'C' || c == 'D') && is_digit(m->at[1])) {
		add_maker(m);
	} else if (is_lower(c) && is_lower(m->at[1])) {
		add(m, "operator", SIZE_MAX);
		m->at += 2;
	} else {
		return false;
	}
	return true;
}

static void read_nested(struct mangled *m)
{
	while (*m->at == 'r' || *m->at == 'V' || *m->at == 'K')
		m->at++;
	m->at += *m->at == 'R' || *m->at == 'O';
	while (*m->at && *m->at != 'E' && read_component(m))
		;
}

bool stack_cplus_name(const char *mangled, char *out, size_t size)
{
	struct mangled m = {.at = mangled + 2, .out = out, .size = size};

	out[0] = 0;
	if (!begins(mangled, "_Z"))
		return false;
	while (*m.at == 'Z')
		m.at++;
	if (*m.at == 'N') {
		m.at++;
		read_nested(&m);
		return m.used > 0;
	}
	m.at += *m.at == 'L';
	if (begins(m.at, "St"))
		read_component(&m);
	read_component(&m);
	return m.used > 0;
}
