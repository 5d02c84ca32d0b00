/* judge_task.c - see judge_general_impl.h. */
#include "runner/judge_general_impl.h"

#include <errno.h>
#include <stdlib.h>

static bool asks_any(const struct judge_op *op)
{
	return op->kind == JUDGE_UNEQUAL || op->kind == JUDGE_PRESENT || op->kind == JUDGE_TAKE;
}

static bool counts(const struct judge_op *op)
{
	return op->outcome == JUDGE_KNOWN ||
	       (op->outcome == JUDGE_AMBIGUOUS && !judge_kind_observes(op->kind));
}

/* What it asks for, and is there only for a reason when somebody does. */
static uint64_t asked_value(const struct judge_op *op)
{
	return op->kind == JUDGE_READ  ? op->value
	       : op->kind == JUDGE_CAS ? op->expect
				       : JUDGE_NOTHING;
}

static uint64_t made_value(const struct judge_op *op)
{
	return op->kind == JUDGE_PUT || op->kind == JUDGE_CAS ? op->value : JUDGE_NOTHING;
}

static int note_asked(struct task *t, const struct judge_part *part)
{
	free(t->asked);
	t->asked = calloc(part->count * 2 + 2, sizeof(*t->asked));
	t->asked_any = !t->model->plain;
	if (!t->asked)
		return -ENOMEM;
	for (size_t i = 0; i < part->count; i++) {
		const struct judge_op *op = &part->ops[i];
		bool asks =
			op->kind == JUDGE_READ || op->kind == JUDGE_CAS || op->kind == JUDGE_ABSENT;
		if (!counts(op))
			continue;
		t->asked_any |= asks_any(op);
		if (!asks)
			continue;
		int64_t n = judge_values_number(&t->values, asked_value(op));
		if (n < 0)
			return -ENOMEM;
		t->asked[n] = true;
	}
	return 0;
}

/* 1 if op may be left out: it might never have happened, and nobody asks for what it makes. */
static int is_idle(struct task *t, const struct judge_op *op)
{
	if (op->outcome == JUDGE_KNOWN || t->asked_any)
		return 0;
	uint32_t known = t->values.count;
	int64_t n = judge_values_number(&t->values, made_value(op));
	if (n < 0)
		return -ENOMEM;
	return t->values.count > known || !t->asked[n];
}

static int number_code(struct task *t, struct general_op *g)
{
	const struct judge_op *op = g->op;
	int64_t value = judge_values_number(&t->values, op->value);
	int64_t expect = judge_values_number(&t->values, op->expect);

	if (value < 0 || expect < 0)
		return -ENOMEM;
	uint64_t name = (uint64_t)value << 33 | (uint64_t)expect << 5 | (uint64_t)op->kind << 1 |
			(op->outcome == JUDGE_AMBIGUOUS);
	int64_t code = judge_values_number(&t->codes, name);
	g->code = (int32_t)code;
	return code < 0 ? -ENOMEM : 0;
}

static int add(struct task *t, const struct judge_op *op)
{
	bool may = op->outcome == JUDGE_AMBIGUOUS || op->res == JUDGE_NEVER;
	struct general_op *g = may ? &t->may[t->mays++] : &t->must[t->musts++];

	t->fenced |= may && op->res != JUDGE_NEVER;
	*g = (struct general_op){.op = op,
				 .inv = op->inv,
				 .res = op->res,
				 .alike = -1,
				 .observes = judge_kind_observes(op->kind)};
	return number_code(t, g);
}

/* Each of what may happen is linked to the one like it that ends before it. */
static int link_alike(struct task *t)
{
	struct judge_moment *moment = malloc((t->mays + 1) * sizeof(*moment));
	int32_t *last = malloc((t->codes.count + (size_t)1) * sizeof(*last));
	int rc = moment && last ? 0 : -ENOMEM;

	for (size_t i = 0; i < t->mays && !rc; i++)
		moment[i] = (struct judge_moment){.key = t->may[i].res, .index = (uint32_t)i};
	for (uint32_t i = 0; i < t->codes.count && !rc; i++)
		last[i] = -1;
	if (!rc)
		rc = judge_sort(moment, t->mays);
	for (size_t i = 0; i < t->mays && !rc; i++) {
		struct general_op *g = &t->may[moment[i].index];
		g->alike = last[g->code];
		last[g->code] = (int32_t)moment[i].index;
	}
	free(moment);
	free(last);
	return rc;
}

static int check(const struct judge_op *op)
{
	bool far = op->inv >> 63 || (op->res >> 63 && op->res != JUDGE_NEVER);

	return far || op->inv > op->res ? -EINVAL : 0;
}

static int add_all(struct task *t, const struct judge_part *part)
{
	struct judge_moment *moment = malloc((part->count + 1) * sizeof(*moment));
	size_t n = 0;
	int rc = moment ? 0 : -ENOMEM;

	for (size_t i = 0; i < part->count && !rc; i++) {
		const struct judge_op *op = &part->ops[i];
		rc = check(op);
		int idle = !rc && counts(op) ? is_idle(t, op) : 1;
		if (idle < 0)
			rc = idle;
		else if (!idle)
			moment[n++] = (struct judge_moment){.key = op->inv, .index = (uint32_t)i};
	}
	if (!rc)
		rc = judge_sort(moment, n);
	for (size_t i = 0; i < n && !rc; i++)
		rc = add(t, &part->ops[moment[i].index]);
	free(moment);
	return rc;
}

int task_prepare(struct task *t, const struct judge_model *model, const struct judge_part *part)
{
	int rc = 0;

	if (part->count >= INT32_MAX / 8)
		return -EINVAL;
	if (!t->values.table)
		rc = judge_values_init(&t->values);
	if (!rc && !t->codes.table)
		rc = judge_values_init(&t->codes);
	if (rc)
		return rc;
	judge_values_clear(&t->values);
	judge_values_clear(&t->codes);
	for (int i = 0; i < MEMO_SIZE; i++)
		t->memo[i].code = -1;
	free(t->must);
	free(t->may);
	t->must = malloc((part->count + 1) * sizeof(*t->must));
	t->may = malloc((part->count + 1) * sizeof(*t->may));
	t->model = model;
	t->musts = t->mays = 0;
	t->fenced = false;
	if (!t->must || !t->may)
		return -ENOMEM;
	rc = note_asked(t, part);
	if (!rc)
		rc = add_all(t, part);
	return rc ? rc : link_alike(t);
}

void task_fini(struct task *t)
{
	free(t->must);
	free(t->may);
	free(t->asked);
	judge_values_fini(&t->values);
	judge_values_fini(&t->codes);
}

int32_t task_step(struct task *t, int32_t state, const struct general_op *g)
{
	uint64_t at = ((uint64_t)(uint32_t)state << 32 | (uint32_t)g->code) *
		      UINT64_C(0x9e3779b97f4a7c15);
	struct memo *m = &t->memo[at >> (64 - MEMO_BITS)];

	t->steps++;
	if (m->state != state || m->code != g->code) {
		int32_t next = t->model->step(t->model->context, state, g->op);
		if (next == -ENOMEM)
			return next;
		*m = (struct memo){.state = state, .code = g->code, .next = next};
	}
	return m->next;
}
