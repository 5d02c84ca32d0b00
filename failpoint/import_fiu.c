/*
 * import_fiu.c - libfiu's remote control commands, alone or in a command line of fiu-run or
 * fiu-ctrl.
 *
 *     enable name=posix/io/rw/write,failinfo=28,onetime   write = 1*error(ENOSPC)
 *     enable_random name=posix/io/sync/fs*,failinfo=5,probability=.1   fsync = 10%error(EIO)
 *     enable name=storage/commit,failnum=3                storage/commit = return(3)
 *
 * A wildcard of libfiu's own names means the calls of that group which failkit can make fail.
 */
#include <string.h>

#include "failpoint/calls.h"
#include "failpoint/import_dialect.h"
#include "failpoint/names.h"

/* libfiu's groups; the last part of a name is the call. */
static const struct {
	const char *group, *calls;
} groups[] = {
	{"posix/io/oc/", "open,close"},
	{"posix/io/rw/", "read,pread,readv,preadv,write,pwrite,writev,pwritev,truncate,ftruncate"},
	{"posix/io/sync/", "fsync,fdatasync"},
	{"posix/io/dir/", "opendir,fdopendir,readdir,readdir_r,closedir,unlink,rename"},
	{"posix/io/net/",
	 "socket,bind,listen,accept,connect,recv,recvfrom,recvmsg,send,sendto,sendmsg,"
	 "shutdown,select,pselect,poll"},
	{"posix/mm/", "mmap,munmap,msync,mprotect,madvise,mlock,munlock,mlockall,munlockall"},
	{"posix/proc/", "fork,wait,waitpid,waitid,kill,signal,sigaction"},
	{"posix/stdio/oc/", "fopen,freopen,fdopen,fclose,popen,pclose"},
	{"posix/stdio/rw/", "fread,fwrite"},
	{"libc/mm/", "malloc,calloc,realloc"},
	{"libc/str/", "strdup,strndup"},
};

struct command {
	struct import *import;
	const char *name;
	size_t name_length;
	uint64_t failnum, failinfo;
	uint64_t chance_ppb; /* 0: always */
	bool has_failnum, has_failinfo, onetime;
};

/* Is it a call of ours that can be made to fail? (poll and select can only be delayed.) */
static bool can_fail(const char *name, size_t length)
{
	int call = calls_find(name, length);

	return call >= 0 && call_table[call].fails != FAILS_NEVER;
}

/* Adds those calls of a group that the pattern (up to its "*", when open) fits. */
static void put_group(struct import_text *sites, size_t group, const char *pattern, size_t length,
		      bool open)
{
	const char *prefix = groups[group].group, *calls = groups[group].calls;

	while (*calls) {
		struct import_text name = {.length = 0};
		size_t call = strcspn(calls, ",");
		import_put(&name, "%s%.*s", prefix, (int)call, calls);
		if (!strncmp(name.text, pattern, length) && (open || name.length == length) &&
		    can_fail(calls, call))
			import_put(sites, "%s%.*s", sites->length ? "," : "", (int)call, calls);
		calls += call + (calls[call] == ',');
	}
}

static bool is_libfius(const struct command *c)
{
	return !strncmp(c->name, "posix/", 6) || !strncmp(c->name, "libc/", 5) || *c->name == '*';
}

static void put_often(const struct command *c, struct import_text *native)
{
	char percent[32];

	if (c->chance_ppb) {
		names_format_percent(percent, sizeof(percent), c->chance_ppb);
		import_put(native, "%s", percent);
	}
	if (c->onetime)
		import_put(native, "1*");
}

static int add_calls(const struct command *c, const char *source)
{
	bool open = c->name[c->name_length - 1] == '*';
	struct import_text sites = {.length = 0}, native = {.length = 0};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		put_group(&sites, i, c->name, c->name_length - open, open);
	if (!sites.length)
		return import_refuse(c->import, c->name, c->name_length,
				     "is no call that failkit intercepts");
	if (c->has_failnum && !c->failnum)
		return import_refuse(c->import, source, strlen(source),
				     "never fails: failnum=0 means success");
	if (!c->has_failinfo || !c->failinfo)
		return import_refuse(
			c->import, source, strlen(source),
			"leaves the errno to libfiu's dice: give one, as in failinfo=5");
	import_put(&native, "%s = ", sites.text);
	native.full |= sites.full;
	put_often(c, &native);
	import_put_error(&native, sites.text, (int)(c->failinfo < 4096 ? c->failinfo : 4096));
	return import_add(c->import, &native, source);
}

static int add_point(const struct command *c, const char *source)
{
	bool open = c->name[c->name_length - 1] == '*';
	struct import_text native = {.length = 0};
	int rc;

	if (c->has_failinfo)
		return import_refuse(
			c->import, source, strlen(source),
			"has a failinfo, and a failpoint of failkit returns one number");
	rc = import_put_point(c->import, &native, c->name, c->name_length);
	if (rc)
		return rc;
	import_put(&native, "%s = ", open ? "*" : "");
	put_often(c, &native);
	import_put(&native, "return(%llu)", c->has_failnum ? (unsigned long long)c->failnum : 1);
	return import_add(c->import, &native, source);
}

static int take_number(struct command *c, const char *value, size_t length, uint64_t *number)
{
	if (names_number(value, length, number))
		return import_refuse(c->import, value, length, "is no number");
	return 0;
}

static int take_probability(struct command *c, const char *value, size_t length)
{
	/* .5 is written like that, too. */
	struct import_text text = {.length = 0};

	import_put(&text, "%s%.*s", *value == '.' ? "0" : "", (int)length, value);
	if (names_decimal(text.text, text.length, 9, &c->chance_ppb) || !c->chance_ppb ||
	    c->chance_ppb > 1000000000)
		return import_refuse(c->import, value, length,
				     "is no probability over 0 and up to 1");
	return 0;
}

static bool is_key(const char *text, size_t length, const char *key)
{
	return strlen(key) == length && !strncmp(text, key, length);
}

static int take_parameter(struct command *c, const char *text, size_t length)
{
	const char *equals = memchr(text, '=', length);
	size_t key = equals ? (size_t)(equals - text) : length;
	const char *value = equals ? equals + 1 : text + length;
	size_t size = length - (size_t)(value - text);

	if (is_key(text, key, "name") && size) {
		c->name = value;
		c->name_length = size;
		return 0;
	}
	if (is_key(text, key, "failnum")) {
		c->has_failnum = true;
		return take_number(c, value, size, &c->failnum);
	}
	if (is_key(text, key, "failinfo")) {
		c->has_failinfo = true;
		return take_number(c, value, size, &c->failinfo);
	}
	if (is_key(text, key, "probability"))
		return take_probability(c, value, size);
	if (is_key(text, key, "onetime") && !equals) {
		c->onetime = true;
		return 0;
	}
	return import_refuse(c->import, text, length, "is no parameter known here");
}

static int take_parameters(struct command *c, const char *text)
{
	int rc = 0;

	while (!rc && *text) {
		size_t length = strcspn(text, ", \t");
		if (length)
			rc = take_parameter(c, text, length);
		text += length + (text[length] != '\0');
	}
	return rc;
}

static int check_command(struct command *c, const char *verb, size_t length, const char *source)
{
	if (is_key(verb, length, "disable"))
		return import_refuse(c->import, source, strlen(source),
				     "ends a rule: failctl rm does that here");
	if (is_key(verb, length, "enable_stack_by_name") || is_key(verb, length, "enable_stack"))
		return import_refuse(c->import, source, strlen(source),
				     "needs the clause stack=, which is not built yet");
	if (!is_key(verb, length, "enable") && !is_key(verb, length, "enable_random"))
		return import_refuse(c->import, verb, length, "is no command of libfiu");
	return 0;
}

static int one_command(struct import *import, const char *text)
{
	struct command c = {.import = import};
	size_t verb = strcspn(text, " \t");
	bool random = is_key(text, verb, "enable_random");
	int rc = check_command(&c, text, verb, text);

	if (!rc)
		rc = take_parameters(&c, text + verb);
	if (rc)
		return rc;
	if (!c.name)
		return import_refuse(import, text, strlen(text), "wants name=");
	if (random != (c.chance_ppb != 0))
		return import_refuse(
			import, text, strlen(text),
			"must have a probability= if it is enable_random, and only then");
	return is_libfius(&c) ? add_calls(&c, text) : add_point(&c, text);
}

/* The commands among the arguments of fiu-run or fiu-ctrl: those behind -c. */
static int command_line(struct import *import, const char *text)
{
	struct import_text word;
	int rc = 0;

	import_word(&text, &word); /* the program */
	while (!rc && import_word(&text, &word) && *word.text == '-') {
		char option = word.text[1];
		if (option == 'x' && !word.text[2])
			continue;
		if (!option || !strchr("cfl", option))
			return import_refuse(import, word.text, word.length,
					     "is no option known here");
		if (!word.text[2] && !import_word(&text, &word))
			return import_refuse(import, "-c", 2, "wants a command");
		if (option == 'c')
			rc = one_command(import, word.text + (word.text[0] == '-' ? 2 : 0));
	}
	return rc;
}

int import_fiu(struct import *import, const char *text)
{
	const char *end = text + strlen(text);
	int rc = 0;

	while (!rc && text < end) {
		const char *stop = text + strcspn(text, "\n");
		struct import_text line = {.length = 0};
		import_put(&line, "%.*s", (int)(stop - text), text + strspn(text, " \t"));
		line.text[strcspn(line.text, "\n")] = '\0';
		if (line.full)
			rc = import_refuse(import, line.text, 40, "... is too long");
		else if (!strncmp(line.text, "fiu-run", 7) || !strncmp(line.text, "fiu-ctrl", 8))
			rc = command_line(import, line.text);
		else if (*line.text && *line.text != '#')
			rc = one_command(import, line.text);
		text = stop + (stop < end);
	}
	return rc;
}
