/* driver_prefix.c - see driver_prefix.h. */
#include "runner/driver_prefix.h"

#include <stdio.h>
#include <string.h>

static const char *with_prefix(char to[KEY_MAX], const char *prefix, const char *name)
{
	snprintf(to, KEY_MAX, "%s%s", prefix, name);
	return to;
}

const struct op *driver_prefix_op(struct driver_prefixed *to, const struct op *op,
				  const char *prefix)
{
	if (!prefix || !*prefix)
		return op;
	to->op = *op;
	if (op->key)
		to->op.key = with_prefix(to->key, prefix, op->key);
	if (op->prefix)
		to->op.prefix = with_prefix(to->prefix, prefix, op->prefix);
	if (op->after && *op->after)
		to->op.after = with_prefix(to->after, prefix, op->after);
	return &to->op;
}

struct stripping {
	const char *prefix;
	size_t length;
	int (*each)(void *arg, const struct list_entry *entry);
	void *arg;
};

static int strip(void *arg, const struct list_entry *entry)
{
	const struct stripping *s = arg;
	struct list_entry own = *entry;

	if (entry->key_length >= s->length && memcmp(entry->key, s->prefix, s->length) == 0) {
		own.key += s->length;
		own.key_length -= s->length;
	}
	return s->each(s->arg, &own);
}

int driver_prefix_page(const struct driver *driver, void *store, const struct op *op,
		       const char *prefix, const struct reply *reply,
		       int (*each)(void *arg, const struct list_entry *entry), void *arg,
		       char *after, size_t after_max, struct why *why)
{
	struct stripping s = {prefix ? prefix : "", prefix ? strlen(prefix) : 0, each, arg};
	int r = driver->page(store, op, reply, strip, &s, after, after_max, why);

	if (r == 0 && after_max && strncmp(after, s.prefix, s.length) == 0)
		memmove(after, after + s.length, strlen(after + s.length) + 1);
	return r;
}
