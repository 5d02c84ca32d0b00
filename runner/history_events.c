/* history_events.c - operations out of begins and ends: see history_read.h. */
#include "runner/history_read_impl.h"

#include <errno.h>
#include <stdlib.h>

const char *const history_types[EVENT_TYPES] = {"invoke", "ok", "fail", "info"};
const char *const history_calls[CALL_COUNT] = {"read", "write", "cas", "get", "put", "append"};

static const struct call {
	uint8_t kind;
	uint8_t model;
} calls[CALL_COUNT] = {
	[CALL_READ] = {JUDGE_READ, MODEL_REGISTER}, [CALL_WRITE] = {JUDGE_PUT, MODEL_REGISTER},
	[CALL_CAS] = {JUDGE_CAS, MODEL_REGISTER},   [CALL_GET] = {JUDGE_READ, MODEL_TEXT},
	[CALL_PUT] = {JUDGE_PUT, MODEL_TEXT},       [CALL_APPEND] = {JUDGE_APPEND, MODEL_TEXT},
};

static struct pending *pending_of(struct reading *r, uint64_t process)
{
	uint32_t known = r->processes.count;
	int64_t number = judge_values_number(&r->processes, process);

	if (number < 0)
		return NULL;
	if ((size_t)number >= r->pending_capacity) {
		size_t capacity = (size_t)number * 2 + 16;
		struct pending *more = realloc(r->pending, capacity * sizeof(*more));
		if (!more)
			return NULL;
		r->pending = more;
		r->pending_capacity = capacity;
	}
	if (r->processes.count > known)
		r->pending[number].call = CALL_NONE;
	return &r->pending[number];
}

static int value_of(struct reading *r, const struct atom *atom, uint64_t *value)
{
	if (atom->kind == ATOM_NIL) {
		*value = JUDGE_NOTHING;
		return 0;
	}
	if (atom->kind == ATOM_NUMBER || atom->kind == ATOM_TEXT)
		return reading_value(r, atom->text, atom->length, value);
	return why_set(r->why, -EINVAL, "\"%.*s\" is no value: wanted a number, a text or nil",
		       (int)atom->length, atom->text);
}

/* [EXPECT VALUE] */
static int pair_of(struct reading *r, const struct atom *vector, struct judge_op *op)
{
	struct atom expect, value;

	if (!atom_pair(vector, &expect, &value))
		return why_set(r->why, -EINVAL, "\"%.*s\" is no pair: wanted [EXPECTED NEW]",
			       (int)vector->length, vector->text ? vector->text : "");
	int rc = value_of(r, &expect, &op->expect);
	return rc ? rc : value_of(r, &value, &op->value);
}

static int begin(struct reading *r, const struct history_event *e, struct pending *p)
{
	struct judge_op op = {.inv = r->line,
			      .res = JUDGE_NEVER,
			      .id = r->line,
			      .client = (uint32_t)e->process,
			      .kind = calls[e->call].kind,
			      .outcome = JUDGE_AMBIGUOUS};
	int rc = 0;

	if (p->call != CALL_NONE)
		return why_set(r->why, -EINVAL, "process %llu began something else before",
			       (unsigned long long)e->process);
	if (op.kind == JUDGE_CAS)
		rc = pair_of(r, &e->value, &op);
	else if (!judge_kind_observes(op.kind))
		rc = value_of(r, &e->value, &op.value);
	if (op.kind == JUDGE_PUT && op.value == JUDGE_NOTHING)
		op.kind = JUDGE_DELETE;
	if (!rc)
		rc = reading_add(r, e->key.text, e->key.length, &op, &p->key);
	if (rc)
		return rc;
	p->op = r->key[p->key].count - 1;
	p->call = e->call;
	return 0;
}

static int succeed(struct reading *r, const struct history_event *e, struct judge_op *op)
{
	int rc = op->kind == JUDGE_READ ? value_of(r, &e->value, &op->value) : 0;

	if (rc)
		return rc;
	if (op->kind == JUDGE_READ && op->value == JUDGE_NOTHING)
		op->kind = JUDGE_ABSENT;
	op->outcome = JUDGE_KNOWN;
	op->res = r->line;
	return 0;
}

static void fail(const struct reading *r, struct judge_op *op)
{
	if (op->kind == JUDGE_CAS) {
		op->kind = JUDGE_UNEQUAL;
		op->outcome = JUDGE_KNOWN;
		op->res = r->line;
	} else if (op->kind != JUDGE_READ) {
		op->outcome = JUDGE_FAILED;
	}
}

int reading_event(struct reading *r, const struct history_event *e)
{
	int rc = reading_model(r, calls[e->call].model);
	struct pending *p = rc ? NULL : pending_of(r, e->process);

	if (!p)
		return rc ? rc : -ENOMEM;
	if (e->type == EVENT_INVOKE)
		return begin(r, e, p);
	if (p->call != e->call)
		return why_set(r->why, -EINVAL, "process %llu has no :%s to end",
			       (unsigned long long)e->process, history_calls[e->call]);
	p->call = CALL_NONE;
	struct judge_op *op = &r->key[p->key].ops[p->op];
	if (e->type == EVENT_OK)
		return succeed(r, e, op);
	if (e->type == EVENT_FAIL)
		fail(r, op);
	return 0;
}
