/* judge_prepare.c - what each operation amounts to for the sweep: see judge_frontier.h. */
#include "runner/judge_frontier_impl.h"

#include <errno.h>
#include <stdlib.h>

struct summary {
	bool absent, present; /* did anyone ask just that? */
};

static int room(void *array, size_t *capacity, size_t want, size_t size)
{
	void **at = array;

	if (want <= *capacity)
		return 0;
	size_t more = want + want / 2 + 16;
	void *moved = realloc(*at, more * size);
	if (!moved)
		return -ENOMEM;
	*at = moved;
	*capacity = more;
	return 0;
}

static bool is_evidence(const struct judge_op *op)
{
	return op->outcome == JUDGE_KNOWN || !judge_kind_observes(op->kind);
}

static int check(const struct judge_op *op)
{
	bool valued = op->kind == JUDGE_PUT || op->kind == JUDGE_READ;

	if (op->kind == JUDGE_CAS || op->kind == JUDGE_APPEND || op->kind >= JUDGE_UNEQUAL)
		return -ENOTSUP;
	if (op->inv > op->res || (op->res >> 63 && op->res != JUDGE_NEVER) || op->inv >> 63 ||
	    (valued && op->value == JUDGE_NOTHING))
		return -EINVAL;
	return 0;
}

static void note_read(struct value_use *use, const struct judge_op *op)
{
	if (!use->seen || op->res < use->first_end)
		use->first_end = op->res;
	if (!use->seen || op->res > use->last_end)
		use->last_end = op->res;
	use->seen = true;
}

/* First look: number the values, and gather who reads what. */
static int gather(struct prepared *p, const struct judge_op *op, struct item *item,
		  struct summary *sum)
{
	if (op->kind == JUDGE_ABSENT)
		sum->absent = true;
	if (op->kind == JUDGE_PRESENT || op->kind == JUDGE_TAKE)
		sum->present = true;
	if (op->kind != JUDGE_PUT && op->kind != JUDGE_READ)
		return 0;
	uint32_t known = p->values.count;
	if (room(&p->use, &p->use_capacity, known + (size_t)1, sizeof(*p->use)) < 0)
		return -ENOMEM;
	int64_t number = judge_values_number(&p->values, op->value);
	if (number < 0)
		return -ENOMEM;
	struct value_use *use = &p->use[number];
	if (p->values.count > known)
		*use = (struct value_use){0};
	item->now = (int32_t)number + NOW_VALUES;
	if (op->kind == JUDGE_READ)
		note_read(use, op);
	else if (op->outcome == JUDGE_FAILED)
		use->failed = true;
	else if (!use->puts++ || op->inv < use->first_begin)
		use->first_begin = op->inv;
	return 0;
}

static void add_moment(struct prepared *p, uint64_t time, uint32_t index, uint32_t what)
{
	/* At one time, what begins comes before what ends: they are concurrent. */
	p->moment[p->moments++] = (struct judge_moment){
		.key = time << 1 | (what == MOMENT_END), .index = index, .what = what};
}

static void add_item(struct prepared *p, const struct judge_op *op, uint32_t index)
{
	const struct item *item = &p->item[index];

	add_moment(p, op->inv, index, MOMENT_BEGIN);
	if (item->res != JUDGE_NEVER)
		add_moment(p, item->res, index, MOMENT_END);
}

static void prepare_put(struct prepared *p, const struct judge_op *op, uint32_t index,
			const struct summary *sum)
{
	struct item *item = &p->item[index];
	const struct value_use *use = &p->use[item->now - NOW_VALUES];

	item->class = use->seen ? ITEM_PUT : ITEM_ANYTHING;
	if (!item->optional) {
		add_item(p, op, index);
	} else if (use->seen && use->puts == 1) { /* who read it says when it had happened */
		item->optional = false;
		if (use->first_end < item->res)
			item->res = use->first_end > op->inv ? use->first_end : op->inv;
		add_item(p, op, index);
	} else if (use->seen || sum->present) {
		if (!sum->present && use->last_end < item->res)
			item->res = use->last_end > op->inv ? use->last_end : op->inv;
		if (item->res == JUDGE_NEVER && !use->seen)
			add_moment(p, op->inv, index, MOMENT_USE_PUT);
		else
			add_item(p, op, index);
	}
}

static void prepare_delete(struct prepared *p, const struct judge_op *op, uint32_t index,
			   const struct summary *sum)
{
	struct item *item = &p->item[index];

	item->class = op->kind == JUDGE_TAKE && !item->optional ? ITEM_TAKE : ITEM_DELETE;
	if (!item->optional)
		add_item(p, op, index);
	else if (!sum->absent)
		return; /* nobody needs it */
	else if (item->res == JUDGE_NEVER)
		add_moment(p, op->inv, index, MOMENT_USE_DELETE);
	else
		add_item(p, op, index);
}

static void prepare_one(struct prepared *p, const struct judge_op *op, uint32_t index,
			const struct summary *sum)
{
	static const uint8_t observing[JUDGE_KIND_COUNT] = {
		[JUDGE_READ] = ITEM_READ,
		[JUDGE_ABSENT] = ITEM_ABSENT,
		[JUDGE_PRESENT] = ITEM_PRESENT,
	};
	struct item *item = &p->item[index];

	item->res = op->res;
	item->id = op->id;
	item->optional = op->outcome == JUDGE_AMBIGUOUS;
	if (op->kind == JUDGE_PUT) {
		prepare_put(p, op, index, sum);
	} else if (!judge_kind_observes(op->kind)) {
		prepare_delete(p, op, index, sum);
	} else {
		item->class = observing[op->kind];
		add_item(p, op, index);
	}
}

int prepare(struct prepared *p, const struct judge_op *ops, size_t n)
{
	struct summary sum = {0};

	if (n >= INT32_MAX)
		return -EINVAL;
	if (!p->values.table && judge_values_init(&p->values) < 0)
		return -ENOMEM;
	judge_values_clear(&p->values);
	p->moments = 0;
	if (room(&p->item, &p->item_capacity, n, sizeof(*p->item)) < 0 ||
	    room(&p->moment, &p->moment_capacity, 2 * n, sizeof(*p->moment)) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int rc = check(&ops[i]);
		if (!rc && is_evidence(&ops[i]))
			rc = gather(p, &ops[i], &p->item[i], &sum);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < n; i++)
		if (is_evidence(&ops[i]) && ops[i].outcome != JUDGE_FAILED)
			prepare_one(p, &ops[i], (uint32_t)i, &sum);
	return judge_sort(p->moment, p->moments);
}

void prepared_fini(struct prepared *p)
{
	judge_values_fini(&p->values);
	free(p->use);
	free(p->item);
	free(p->moment);
	*p = (struct prepared){0};
}
