/* gate_health.c - see gate_health.h for the conditions. */
#include "runner/gate_health.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const ops[] = {
	[HEALTH_EQ] = "==", [HEALTH_NE] = "!=", [HEALTH_LT] = "<",
	[HEALTH_LE] = "<=", [HEALTH_GT] = ">",  [HEALTH_GE] = ">=",
};

static int find_op(const char *word)
{
	for (int i = 0; i < (int)(sizeof(ops) / sizeof(ops[0])); i++)
		if (strcmp(ops[i], word) == 0)
			return i;
	return -1;
}

static void strip_quotes(char *word)
{
	size_t length = strlen(word);

	if (length < 2 || word[0] != '"' || word[length - 1] != '"')
		return;
	memmove(word, word + 1, length - 2);
	word[length - 2] = 0;
}

int health_parse(struct health *out, const char *text, struct why *why)
{
	struct health health = {0};
	char op[8], *end;
	int found, used = 0;

	if (sscanf(text, " %127s %7s %127[^\n]%n", health.path, op, health.word, &used) != 3 ||
	    text[used])
		return why_set(why, -EINVAL,
			       "\"%s\" is no condition: MEMBER OP VALUE, as under_replicated == 0",
			       text);
	found = find_op(op);
	if (found < 0)
		return why_set(why, -EINVAL, "\"%s\" is not one of == != < <= > >=", op);
	health.op = (enum health_op)found;
	health.number = strtod(health.word, &end);
	health.is_number = end != health.word && !*end;
	if (!health.is_number && health.op > HEALTH_NE)
		return why_set(why, -EINVAL, "\"%s\" is no number: only == and != compare words",
			       health.word);
	strip_quotes(health.word);
	*out = health;
	return 0;
}

static json_t *find_member(json_t *at, const char *path)
{
	char name[128];

	while (at) {
		size_t length = strcspn(path, ".");

		snprintf(name, sizeof(name), "%.*s", (int)length, path);
		at = json_object_get(at, name);
		if (!path[length])
			break;
		path += length + 1;
	}
	return at;
}

static bool compare(double a, enum health_op op, double b)
{
	const bool holds[] = {
		[HEALTH_EQ] = !(a < b) && !(a > b),
		[HEALTH_NE] = a < b || a > b,
		[HEALTH_LT] = a<b, [HEALTH_LE] = a <= b, [HEALTH_GT] = a> b,
		[HEALTH_GE] = a >= b,
	};

	return holds[op];
}

static void value_text(const json_t *value, char *text, size_t size)
{
	char *dump = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);

	snprintf(text, size, "%s", dump ? dump : json_string_value(value));
	free(dump);
}

int health_judge(const struct health *health, const char *path, const char *answer, struct why *why)
{
	json_t *root = json_loads(answer, 0, NULL);
	json_t *value = find_member(root, path);
	char text[160];
	int holds;

	if (!root)
		return why_set(why, -EINVAL, "\"%.60s\" is no JSON", answer);
	if (!value) {
		json_decref(root);
		return why_set(why, -ENOENT, "the answer has no \"%s\"", path);
	}
	value_text(value, text, sizeof(text));
	if (health->is_number && json_is_number(value))
		holds = compare(json_number_value(value), health->op, health->number);
	else
		holds = (strcmp(text, health->word) == 0) == (health->op == HEALTH_EQ) &&
			health->op <= HEALTH_NE;
	json_decref(root);
	if (!holds)
		why_set(why, -EAGAIN, "%s is %s", path, text);
	return holds;
}
