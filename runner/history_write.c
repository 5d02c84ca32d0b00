/*
 * history_write.c - a ledger's operations as a history; see history_check.h.
 *
 * Key after key. In events the time is the line, so each key's begins and ends are sorted; keys don't
 * depend on each other. A process that is never answered begins nothing else: an operation without a
 * known end is its own process.
 */
#include "runner/history_check.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint/names.h"
#include "runner/check_ledger.h"
#include "runner/evidence.h"

static const char *const kinds[JUDGE_KIND_COUNT] = {
	[JUDGE_PUT] = "put",         [JUDGE_DELETE] = "delete",   [JUDGE_TAKE] = "take",
	[JUDGE_CAS] = "cas",         [JUDGE_READ] = "read",       [JUDGE_ABSENT] = "absent",
	[JUDGE_PRESENT] = "present", [JUDGE_UNEQUAL] = "unequal",
};
static const char *const outcomes[] = {"known", "ambiguous", "failed"};

/* The words of a form of events. */
struct events_form {
	const char *get, *put, *cas, *nothing; /* cas NULL: a put, and a refusal is not told */
	bool fails;                            /* it has a word for a put that certainly failed */
	bool quoted;
};

static const struct events_form edn = {"read", "write", "cas", "nil", true, false};
static const struct events_form porcupine = {"get", "put", NULL, "\"\"", false, true};

struct writing {
	FILE *out;
	const struct events_form *form;
	uint64_t alone; /* the next process of an operation without an end */
	struct event {
		uint64_t at, process;
		const struct judge_op *op;
		bool end;
	} * event;
	size_t room;
};

static void write_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void write_json_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c < 0x20 || c == '"' || c == '\\')
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static int write_jsonl(void *arg, const struct evidence_key *key)
{
	struct writing *w = arg;

	for (size_t i = 0; i < key->count; i++) {
		const struct judge_op *op = &key->op[i];
		fprintf(w->out,
			"{\"op\":%llu,\"client\":%u,\"key\":", (unsigned long long)key->note[i].op,
			op->client);
		write_json_text(w->out, key->name);
		fprintf(w->out, ",\"do\":\"%s\"", kinds[op->kind]);
		if (op->kind == JUDGE_PUT || op->kind == JUDGE_READ || op->kind == JUDGE_CAS)
			fprintf(w->out, ",\"value\":%llu", (unsigned long long)op->value);
		if ((op->kind == JUDGE_CAS || op->kind == JUDGE_UNEQUAL) && op->expect)
			fprintf(w->out, ",\"expect\":%llu", (unsigned long long)op->expect);
		else if (op->kind == JUDGE_CAS)
			fprintf(w->out, ",\"expect\":null");
		fprintf(w->out, ",\"inv\":%llu", (unsigned long long)op->inv);
		if (op->res != JUDGE_NEVER)
			fprintf(w->out, ",\"res\":%llu", (unsigned long long)op->res);
		fprintf(w->out, ",\"outcome\":\"%s\"}\n", outcomes[op->outcome]);
	}
	return 0;
}

static int event_order(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static bool is_told(const struct events_form *form, const struct judge_op *op)
{
	if (op->kind == JUDGE_PRESENT || (op->kind == JUDGE_UNEQUAL && !form->cas))
		return false;
	if (op->kind == JUDGE_CAS && op->outcome == JUDGE_FAILED)
		return false; /* its refusal is told */
	return op->outcome != JUDGE_FAILED || form->fails;
}

/* Both ends of each operation that the form has words for; a failed one ends at once. */
static size_t make_events(struct writing *w, const struct evidence_key *key)
{
	size_t n = 0;

	for (size_t i = 0; i < key->count; i++) {
		const struct judge_op *op = &key->op[i];
		bool known = op->outcome == JUDGE_KNOWN;
		if (!is_told(w->form, op))
			continue;
		uint64_t process = known ? op->client : w->alone++;
		w->event[n++] = (struct event){op->inv * 2, process, op, false};
		if (op->outcome != JUDGE_AMBIGUOUS)
			w->event[n++] = (struct event){known ? op->res * 2 : op->inv * 2 + 1,
						       process, op, true};
	}
	if (n)
		qsort(w->event, n, sizeof(*w->event), event_order);
	return n;
}

static bool is_compare(const struct events_form *form, const struct judge_op *op)
{
	return form->cas && (op->kind == JUDGE_CAS || op->kind == JUDGE_UNEQUAL);
}

static void write_value(const struct writing *w, const struct event *e)
{
	const struct judge_op *op = e->op;
	const char *quote = w->form->quoted ? "\"" : "";
	char expect[32] = "nil";

	if (op->expect)
		snprintf(expect, sizeof(expect), "%llu", (unsigned long long)op->expect);
	if (is_compare(w->form, op))
		fprintf(w->out, "[%s %llu]", expect, (unsigned long long)op->value);
	else if (judge_kind_observes(op->kind) && !e->end)
		fprintf(w->out, "nil");
	else if (op->kind == JUDGE_PUT || op->kind == JUDGE_READ || op->kind == JUDGE_CAS)
		fprintf(w->out, "%s%llu%s", quote, (unsigned long long)op->value, quote);
	else
		fputs(w->form->nothing, w->out);
}

static void write_event(struct writing *w, const char *key, const struct event *e)
{
	const struct events_form *f = w->form;
	bool observes = judge_kind_observes(e->op->kind);
	bool failed = e->op->outcome == JUDGE_FAILED || e->op->kind == JUDGE_UNEQUAL;

	fprintf(w->out, "{:process %llu, :type :%s, :f :%s, :key ", (unsigned long long)e->process,
		!e->end  ? "invoke"
		: failed ? "fail"
			 : "ok",
		is_compare(f, e->op) ? f->cas
		: observes           ? f->get
				     : f->put);
	write_text(w->out, key);
	fprintf(w->out, ", :value ");
	write_value(w, e);
	fprintf(w->out, "}\n");
}

static int write_events(void *arg, const struct evidence_key *key)
{
	struct writing *w = arg;

	if (w->room < key->count * 2) {
		struct event *more = realloc(w->event, key->count * 2 * sizeof(*more));
		if (!more)
			return -ENOMEM;
		w->event = more;
		w->room = key->count * 2;
	}
	size_t n = make_events(w, key);
	for (size_t i = 0; i < n; i++)
		write_event(w, key->name, &w->event[i]);
	return 0;
}

static const struct format {
	const char *name;
	int (*write)(void *writing, const struct evidence_key *key);
	const struct events_form *form;
} formats[] = {
	{"jsonl", write_jsonl, NULL},
	{"edn", write_events, &edn},
	{"porcupine", write_events, &porcupine},
	{NULL, NULL, NULL},
};

static const char *format_name(const void *arg, size_t i)
{
	(void)arg;
	return formats[i].name;
}

static const struct format *find_format(const char *name)
{
	const struct format *format = formats;

	while (format->name && strcmp(format->name, name) != 0)
		format++;
	return format->name ? format : NULL;
}

int history_format_check(const char *name, struct why *why)
{
	if (find_format(name))
		return 0;
	return names_refuse(why, -EINVAL, "format", name, format_name, NULL);
}

int history_write(const char *dir, const char *name, FILE *out, struct why *why)
{
	struct writing w = {.out = out, .alone = UINT32_MAX};
	const struct format *format = find_format(name);
	sqlite3 *db;

	if (!format)
		return history_format_check(name, why);
	w.form = format->form;
	int rc = check_ledger_open(dir, &db, why);
	if (rc)
		return rc;
	rc = evidence_each(db, (uint32_t)check_ledger_number(db, "can"), format->write, &w, why);
	if (!rc && (fflush(out) || ferror(out)))
		rc = why_set(why, -EIO, "cannot write the history: %s", strerror(errno));
	free(w.event);
	sqlite3_close(db);
	return rc;
}
