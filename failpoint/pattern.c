/* pattern.c - see pattern.h for the model. */
#include "failpoint/pattern.h"

#include <stddef.h>

/*
 * A mismatch goes back to the last star that can still take more. Older stars need no place of
 * their own: whatever an older "*" could still reach, the newer one of the same component reaches
 * too, and a newer "**" reaches all that is left. So one place for "*" and one for "**" are enough.
 */
struct walk {
	const char *glob, *text;
	const char *star_glob, *star_text; /* after the last "*", and how far it has eaten */
	const char *deep_glob, *deep_text; /* the same for "**" */
	bool deep_by_component; /* the "**" is the start of a tail: it eats whole components */
};

/* Compares one byte with the set at glob (after "["); *end is set behind its "]", or to NULL. */
static bool in_set(const char *glob, char byte, const char **end)
{
	bool negated = *glob == '!' || *glob == '^', found = false;
	const char *g = glob + negated;

	*end = NULL;
	do {
		unsigned char low, high;
		if (*g == '\\' && g[1])
			g++;
		low = high = (unsigned char)*g++;
		if (!low)
			return false;
		if (*g == '-' && g[1] && g[1] != ']') {
			g++;
			if (*g == '\\' && g[1])
				g++;
			high = (unsigned char)*g++;
		}
		if (low <= (unsigned char)byte && (unsigned char)byte <= high)
			found = true;
	} while (*g && *g != ']');
	if (*g)
		*end = g + 1;
	return found != negated;
}

/* Matches one element that is no star against the byte at text and steps over both. */
static bool step_over(struct walk *w)
{
	const char *g = w->glob, *end;

	if (*g == '?' && *w->text != '/') {
		w->glob = g + 1;
	} else if (*g == '[') {
		bool found = in_set(g + 1, *w->text, &end);
		if (end ? !found || *w->text == '/' : *w->text != '[')
			return false;
		w->glob = end ? end : g + 1;
	} else {
		if (*g == '\\' && g[1])
			g++;
		if (!*g || *g != *w->text)
			return false;
		w->glob = g + 1;
	}
	w->text++;
	return true;
}

static void meet_star(struct walk *w)
{
	if (w->glob[1] != '*') {
		w->star_glob = ++w->glob;
		w->star_text = w->text;
		return;
	}
	while (*w->glob == '*')
		w->glob++;
	w->deep_glob = w->glob;
	w->deep_text = w->text;
	w->deep_by_component = false;
	w->star_glob = NULL;
}

static bool feed_deep(struct walk *w, bool by_component)
{
	const char *t = w->deep_text;

	while (by_component && *t && *t != '/')
		t++;
	if (!*t)
		return false;
	w->glob = w->deep_glob;
	w->text = w->deep_text = t + 1;
	w->star_glob = NULL;
	return true;
}

/* After a mismatch: gives a star one byte more. A "*" that has come to the end of its component has
 * tried all that a "**" before it could offer within this component. */
static bool feed_star(struct walk *w)
{
	bool exhausted = false;

	if (w->star_glob) {
		if (*w->star_text && *w->star_text != '/') {
			w->glob = w->star_glob;
			w->text = ++w->star_text;
			return true;
		}
		exhausted = true;
	}
	return w->deep_glob && feed_deep(w, exhausted || w->deep_by_component);
}

static bool walk(struct walk w)
{
	while (*w.glob || *w.text) {
		if (*w.glob == '*')
			meet_star(&w);
		else if (!*w.text || !step_over(&w)) {
			if (!feed_star(&w))
				return false;
		}
	}
	return true;
}

static const char *end_of(const char *text)
{
	while (*text)
		text++;
	return text;
}

/* Most paths differ from a glob such as *.wal in the last byte already. */
static bool ends_otherwise(const char *glob, const char *glob_end, const char *path,
			   const char *path_end)
{
	char last = glob_end > glob ? glob_end[-1] : '\0';

	if (!last || last == '*' || last == '?' || last == ']' || last == '\\')
		return false;
	return path_end == path || path_end[-1] != last;
}

/* The only tail of path that can match a glob without "**": the one with as many components. NULL
 * when the glob has a "**", and "" when the path has too few. */
static const char *only_tail(const char *glob, const char *path, const char *path_end)
{
	size_t slashes = 0;

	for (const char *g = glob; *g; g++) {
		if (g[0] == '*' && g[1] == '*')
			return NULL;
		if (*g == '[')
			return NULL; /* a "/" within a set is no boundary */
		slashes += *g == '/';
	}
	for (const char *t = path_end; t > path; t--)
		if (t[-1] == '/' && slashes-- == 0)
			return t;
	return slashes ? "" : path;
}

/* The letters a glob begins with have to be those of the text: most paths differ soon. */
static bool begins_otherwise(const char *glob, const char *text)
{
	for (; *glob && *glob != '*' && *glob != '?' && *glob != '[' && *glob != '\\'; glob++)
		if (*glob != *text++)
			return true;
	return false;
}

bool pattern_path(const char *glob, const char *path)
{
	struct walk w = {.glob = glob, .text = path};
	const char *path_end, *tail;

	if (*glob == '/')
		return !begins_otherwise(glob, path) && walk(w);
	path_end = end_of(path);
	if (ends_otherwise(glob, end_of(glob), path, path_end))
		return false;
	tail = only_tail(glob, path, path_end);
	if (tail) {
		w.text = tail;
	} else {
		w.deep_glob = glob;
		w.deep_text = path;
		w.deep_by_component = true;
	}
	return walk(w);
}

bool pattern_name(const char *glob, const char *name)
{
	return walk((struct walk){.glob = glob, .text = name});
}
