/* history_read.c - see history_read.h. */
#include "runner/history_read_impl.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static history_line form_of(const char *line)
{
	if (*line == '{')
		return line[1 + strspn(line + 1, " \t")] == ':' ? history_edn_line
								: history_jsonl_line;
	return history_is_log(line) ? history_jepsen_line : NULL;
}

int reading_model(struct reading *r, enum history_model model)
{
	if (r->model != MODEL_OPEN && r->model != (int)model)
		return why_set(
			r->why, -EINVAL,
			"a history is of registers or of texts that are appended to, not both");
	r->model = (int)model;
	return 0;
}

int reading_value(struct reading *r, const char *text, size_t length, uint64_t *value)
{
	return judge_texts_number(&r->texts, text, length, value);
}

/* The number of a key, which is one more than all so far if it is new. */
static int key_number(struct reading *r, const char *name, size_t length, uint32_t *number)
{
	uint64_t n;

	/* A byte in front, because a key may be empty. */
	char *named = malloc(length + 2);
	if (!named)
		return -ENOMEM;
	named[0] = '/';
	memcpy(named + 1, name, length);
	named[length + 1] = '\0';
	int rc = judge_texts_number(&r->names, named, length + 1, &n);
	if (!rc && n > r->keys && r->keys == r->key_capacity) {
		size_t capacity = r->key_capacity * 2 + 16;
		struct reading_key *more = realloc(r->key, capacity * sizeof(*more));
		if (more) {
			r->key = more;
			r->key_capacity = capacity;
		} else {
			rc = -ENOMEM;
		}
	}
	if (!rc && n > r->keys) {
		memmove(named, named + 1, length + 1);
		r->key[r->keys++] = (struct reading_key){.name = named};
		named = NULL;
	}
	free(named);
	*number = (uint32_t)n - 1;
	return rc;
}

int reading_add(struct reading *r, const char *name, size_t length, const struct judge_op *op,
		uint32_t *number)
{
	int rc = key_number(r, name, length, number);

	if (rc)
		return rc;
	struct reading_key *key = &r->key[*number];
	if (key->count == key->capacity) {
		size_t capacity = key->capacity * 2 + 16;
		struct judge_op *more = realloc(key->ops, capacity * sizeof(*more));
		if (!more)
			return -ENOMEM;
		key->ops = more;
		key->capacity = capacity;
	}
	key->ops[key->count++] = *op;
	return 0;
}

static int read_lines(struct reading *r, FILE *in)
{
	history_line read_line = NULL;
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	int rc = 0;

	while (!rc && (length = getline(&line, &size, in)) >= 0) {
		char *begin = line;
		r->line++;
		while (length && isspace((unsigned char)line[length - 1]))
			line[--length] = '\0';
		while (isspace((unsigned char)*begin))
			begin++;
		if (!*begin)
			continue;
		if (strlen(begin) != (size_t)(line + length - begin))
			rc = why_set(r->why, -EINVAL, "a byte of zero");
		if (!rc && !read_line && !(read_line = form_of(begin)))
			rc = why_set(r->why, -EINVAL,
				     "\"%.40s\" begins no history: wanted JSON, an EDN map or "
				     "\"INFO  jepsen.util - \"",
				     begin);
		if (!rc)
			rc = read_line(r, begin);
	}
	free(line);
	return rc ? rc : ferror(in) ? -EIO : 0;
}

static void reading_fini(struct reading *r)
{
	for (size_t i = 0; i < r->keys; i++) {
		free(r->key[i].name);
		free(r->key[i].ops);
	}
	free(r->key);
	free(r->pending);
	judge_texts_fini(&r->names);
	judge_texts_fini(&r->texts);
	judge_values_fini(&r->processes);
}

/* What was read moves to *out. */
static int publish(struct reading *r, struct history *out)
{
	struct history h = {.keys = r->keys, .text = r->model == MODEL_TEXT, .texts = r->texts};

	h.key = malloc((r->keys + 1) * sizeof(*h.key));
	h.part = malloc((r->keys + 1) * sizeof(*h.part));
	if (!h.key || !h.part) {
		free(h.key);
		free(h.part);
		return -ENOMEM;
	}
	h.cuts = r->cuts;
	memcpy(h.cut, r->cut, sizeof(h.cut));
	for (size_t i = 0; i < r->keys; i++) {
		h.key[i] = r->key[i].name;
		h.part[i] = (struct judge_part){.ops = r->key[i].ops, .count = r->key[i].count};
	}
	r->keys = 0;
	r->texts = (struct judge_texts){0};
	*out = h;
	return 0;
}

int history_read(struct history *out, FILE *in, struct why *why)
{
	struct reading r = {.why = why};
	int rc = judge_texts_init(&r.names);

	if (!rc)
		rc = judge_texts_init(&r.texts);
	if (!rc)
		rc = judge_values_init(&r.processes);
	if (!rc)
		rc = read_lines(&r, in);
	if (rc == -EINVAL)
		why_prefix(why, rc, "line %zu", r.line);
	else if (rc)
		why_set(why, rc, "after line %zu: %s", r.line, strerror(-rc));
	if (!rc)
		rc = publish(&r, out);
	reading_fini(&r);
	return rc;
}

void history_free(struct history *h)
{
	for (size_t i = 0; i < h->keys; i++) {
		free(h->key[i]);
		free((void *)h->part[i].ops);
	}
	free(h->key);
	free(h->part);
	judge_texts_fini(&h->texts);
	*h = (struct history){0};
}
