/* metrics_parse.c - the numbers in what a store tells of itself: JSON, or lines of names and values. */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/metrics.h"

enum { NAME_MAX_BYTES = 128, DEPTH_MAX = 8 };

struct parsing {
	void (*each)(void *arg, const char *name, double value);
	void *arg;
};

static void parse_value(const struct parsing *p, const char *name, const json_t *value, int depth)
{
	char member[NAME_MAX_BYTES];
	const char *key;
	json_t *inner;

	if (json_is_number(value))
		p->each(p->arg, name, json_number_value(value));
	else if (json_is_boolean(value))
		p->each(p->arg, name, json_is_true(value));
	else if (json_is_array(value))
		p->each(p->arg, name, (double)json_array_size(value));
	if (!json_is_object(value) || depth == DEPTH_MAX)
		return;
	json_object_foreach((json_t *)value, key, inner)
	{
		if (snprintf(member, sizeof(member), "%s%s%s", name, *name ? "." : "", key) <
		    (int)sizeof(member))
			parse_value(p, member, inner, depth + 1);
	}
}

/* name value, name{labels} value, with a time that may follow; # begins a comment. */
static void parse_line(const struct parsing *p, const char *line, size_t length)
{
	char text[512], *name = text, *value, *end;

	if (length >= sizeof(text))
		return;
	memcpy(text, line, length);
	text[length] = '\0';
	name += strspn(name, " \t");
	value = strrchr(name, '}');
	value = value ? value + 1 : name + strcspn(name, " \t");
	if (!isalpha((unsigned char)*name) || (*value != ' ' && *value != '\t') ||
	    value - name >= NAME_MAX_BYTES)
		return;
	*value++ = '\0';
	double number = strtod(value, &end);
	if (end != value && number - number == 0) /* neither infinite nor NaN */
		p->each(p->arg, name, number);
}

void metrics_parse(const char *answer, void (*each)(void *arg, const char *name, double value),
		   void *arg)
{
	const struct parsing p = {each, arg};
	json_t *root = json_loads(answer, 0, NULL);

	if (root) {
		parse_value(&p, "", root, 0);
		json_decref(root);
		return;
	}
	while (*answer) {
		size_t length = strcspn(answer, "\n");

		parse_line(&p, answer, length);
		answer += length + (answer[length] == '\n');
	}
}
