/* process.c - see process.h for the model. */
#include "preload/process.h"

#include <stdint.h>
#include <stdlib.h>

#include "preload/raw.h"
#include "preload/subject.h"

enum { VARIABLE_MAX = 4096, ENTRIES_MAX = 1 << 16 };

/* Each "NAME=value" of the start, empty when it was not set. */
static char preload[VARIABLE_MAX];
static char plane[VARIABLE_MAX], node[256], strict[32], deep[32];
static char library[VARIABLE_MAX];

static struct {
	const char *name;
	char *text;
	size_t size;
} const inherited[] = {
	{"FAILKIT_PLANE=", plane, sizeof(plane)},
	{"FAILKIT_NODE=", node, sizeof(node)},
	{"FAILKIT_STRICT=", strict, sizeof(strict)},
	{"FAILKIT_DEEP=", deep, sizeof(deep)},
};

enum { INHERITED = sizeof(inherited) / sizeof(inherited[0]) };

/* The value of NAME= in an environment, NULL when it is not there. */
static const char *find(char *const environment[], const char *name)
{
	size_t length = raw_length(name);

	for (; environment && *environment; environment++)
		if (raw_begins(*environment, name, length))
			return *environment + length;
	return NULL;
}

static void copy(char *out, size_t size, const char *name, const char *value)
{
	size_t a = raw_length(name), b = raw_length(value);

	if (a + b >= size)
		return;
	raw_move(out, name, a);
	raw_move(out + a, value, b + 1);
}

/* Does this LD_PRELOAD name our library by the path we know it by? */
static bool names_us(const char *value)
{
	size_t length = raw_length(library);

	while (value && *value) {
		size_t word = 0;

		while (value[word] && value[word] != ':' && value[word] != ' ')
			word++;

		if (word == length && raw_begins(value, library, length))
			return true;
		value += word + (value[word] != 0);
	}
	return false;
}

void process_remember(void)
{
	const char *value;
	Dl_info self;

	if (!dladdr((void *)process_remember, &self) ||
	    !subject_path(AT_FDCWD, self.dli_fname, library, sizeof(library)))
		return;
	for (size_t i = 0; i < INHERITED; i++) {
		value = find(environ, inherited[i].name);
		if (value)
			copy(inherited[i].text, inherited[i].size, inherited[i].name, value);
	}
	value = find(environ, "LD_PRELOAD=");
	copy(preload, sizeof(preload), "LD_PRELOAD=", names_us(value) ? value : library);
}

static bool lacks(char *const environment[], size_t i)
{
	return inherited[i].text[0] && !find(environment, inherited[i].name);
}

size_t process_environment_bytes(char *const environment[])
{
	const char *value = find(environment, "LD_PRELOAD=");
	bool complete = names_us(value);
	size_t entries = 0;

	if (!plane[0] || !preload[0])
		return 0;
	for (size_t i = 0; i < INHERITED; i++)
		complete = complete && !lacks(environment, i);
	while (environment && environment[entries])
		entries++;
	if (complete || entries > ENTRIES_MAX)
		return 0;
	return (entries + INHERITED + 2) * sizeof(char *) + raw_length(preload) + 2 +
	       raw_length(library) + (value ? raw_length(value) : 0);
}

/* What this process had; or what the program wants, and then us. */
static char *join_preload(char *out, const char *value)
{
	size_t at = sizeof("LD_PRELOAD=") - 1, length = value ? raw_length(value) : 0;

	if (!length) {
		raw_move(out, preload, raw_length(preload) + 1);
		return out;
	}
	raw_move(out, preload, at);
	raw_move(out + at, value, length);
	out[at + length] = ':';
	raw_move(out + at + length + 1, library, raw_length(library) + 1);
	return out;
}

char **process_environment(void *memory, char *const environment[])
{
	const char *value = find(environment, "LD_PRELOAD=");
	char **out = memory;
	size_t entries = 0, used = 0;

	while (environment && environment[entries])
		entries++;
	for (size_t i = 0; i < entries; i++)
		if (names_us(value) || !raw_begins(environment[i], "LD_PRELOAD=", 11))
			out[used++] = environment[i];
	for (size_t i = 0; i < INHERITED; i++)
		if (lacks(environment, i))
			out[used++] = inherited[i].text;
	if (!names_us(value))
		out[used++] = join_preload((char *)(out + entries + INHERITED + 2), value);
	out[used] = NULL;
	return out;
}

const char *process_search(const char *name, char *out, size_t size)
{
	const char *path = find(environ, "PATH="), *slash = name;
	size_t length;

	if (!raw_text_readable(name) || !*name)
		return name;
	while (*slash && *slash != '/')
		slash++;
	length = (size_t)(slash - name);
	if (*slash)
		return name;
	for (path = path ? path : "/bin:/usr/bin"; path; path = *path ? path + 1 : NULL) {
		const char *folder = path;
		size_t n;

		while (*path && *path != ':')
			path++;
		n = (size_t)(path - folder);
		if (n + length + 3 > size)
			continue;
		raw_move(out, n ? folder : ".", n ? n : 1);
		n = n ? n : 1;
		out[n] = '/';
		raw_move(out + n + 1, name, length + 1);
		if (raw(SYS_faccessat, AT_FDCWD, out, X_OK) == 0)
			return out;
	}
	return name;
}
