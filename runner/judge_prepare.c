/* judge_prepare.c - what each operation amounts to for the sweep: see judge_frontier.h. */
#include "runner/judge_frontier_impl.h"

#include <errno.h>
#include <stdlib.h>

struct summary {
	bool absent;  /* did anyone ask just that, or that something else is there? */
	bool present; /* or that something is there, or something else? */
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

static bool makes_value(const struct judge_op *op)
{
	return op->kind == JUDGE_PUT || op->kind == JUDGE_CAS;
}

/* What it asks for by name; JUDGE_NOTHING: none. */
static uint64_t asked_value(const struct judge_op *op)
{
	if (op->kind == JUDGE_READ)
		return op->value;
	return op->kind == JUDGE_CAS || op->kind == JUDGE_UNEQUAL ? op->expect : JUDGE_NOTHING;
}

static int check(const struct judge_op *op)
{
	bool valued = makes_value(op) || op->kind == JUDGE_READ;

	if (op->kind == JUDGE_APPEND || op->kind > JUDGE_UNEQUAL)
		return -ENOTSUP;
	if (op->inv > op->res || (op->res >> 63 && op->res != JUDGE_NEVER) || op->inv >> 63 ||
	    (valued && op->value == JUDGE_NOTHING))
		return -EINVAL;
	return 0;
}

static void note_seen(struct value_use *use, const struct judge_op *op)
{
	if (!use->seen || op->res < use->first_end)
		use->first_end = op->res;
	if (!use->seen || op->inv > use->last_begin)
		use->last_begin = op->inv;
	use->seen = true;
}

static void note_asked(struct value_use *use, const struct judge_op *op)
{
	if (!use->asked || op->res > use->last_end)
		use->last_end = op->res;
	use->asked = true;
	if (op->kind == JUDGE_UNEQUAL)
		use->refused = true;
	else if (op->outcome == JUDGE_KNOWN)
		note_seen(use, op);
	if (op->kind == JUDGE_CAS && op->outcome == JUDGE_KNOWN)
		use->replaced = true;
}

static void note_made(struct value_use *use, const struct judge_op *op)
{
	if (op->outcome == JUDGE_FAILED)
		use->failed = true;
	else if (!use->puts++ || op->inv < use->first_begin)
		use->first_begin = op->inv;
}

/* The value's number + NOW_VALUES, or -ENOMEM. */
static int32_t number_of(struct prepared *p, uint64_t value)
{
	uint32_t known = p->values.count;

	if (room(&p->use, &p->use_capacity, known + (size_t)1, sizeof(*p->use)) < 0)
		return -ENOMEM;
	int64_t number = judge_values_number(&p->values, value);
	if (number < 0)
		return -ENOMEM;
	if (p->values.count > known)
		p->use[number] = (struct value_use){0};
	return (int32_t)number + NOW_VALUES;
}

/* First look: number the values, and gather who asks for what. */
static int gather(struct prepared *p, const struct judge_op *op, struct item *item,
		  struct summary *sum)
{
	bool failed = op->outcome == JUDGE_FAILED;
	uint64_t asked = asked_value(op);

	item->now = item->expect = NOW_NOTHING;
	if (op->kind == JUDGE_ABSENT || op->kind == JUDGE_UNEQUAL ||
	    (op->kind == JUDGE_CAS && !asked && !failed))
		sum->absent = true;
	if (op->kind == JUDGE_PRESENT || op->kind == JUDGE_TAKE || op->kind == JUDGE_UNEQUAL)
		sum->present = true;
	if (makes_value(op)) {
		item->now = number_of(p, op->value);
		if (item->now < 0)
			return -ENOMEM;
		note_made(&p->use[item->now - NOW_VALUES], op);
	}
	if (asked == JUDGE_NOTHING || failed)
		return 0;
	int32_t number = number_of(p, asked);
	if (number < 0)
		return -ENOMEM;
	note_asked(&p->use[number - NOW_VALUES], op);
	*(op->kind == JUDGE_CAS ? &item->expect : &item->now) = number;
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

/* Who saw it says when it had happened. */
static void settle(struct prepared *p, struct item *item, const struct judge_op *op)
{
	const struct value_use *use = &p->use[item->now - NOW_VALUES];

	item->optional = false;
	if (use->first_end < item->res)
		item->res = use->first_end > op->inv ? use->first_end : op->inv;
}

/* It may have happened: as long as somebody asks for its value by name, and after that as any other
 * put, if somebody asks whether there is something else. */
static void add_optional(struct prepared *p, const struct judge_op *op, uint32_t index,
			 const struct summary *sum)
{
	struct item *item = &p->item[index];
	const struct value_use *use = &p->use[item->now - NOW_VALUES];
	uint64_t last = use->last_end > op->inv ? use->last_end : op->inv;

	if (!use->asked && !sum->present)
		return;
	if (use->asked && last < item->res && sum->present)
		add_moment(p, last + 1, index, MOMENT_FADE);
	else if (use->asked && last < item->res)
		item->res = last;
	if (!use->asked && item->class == ITEM_CAS)
		item->now = NOW_ANYTHING;
	if (item->class == ITEM_ANYTHING && item->res == JUDGE_NEVER)
		add_moment(p, op->inv, index, MOMENT_USE_PUT);
	else
		add_item(p, op, index);
}

static void prepare_put(struct prepared *p, const struct judge_op *op, uint32_t index,
			const struct summary *sum)
{
	struct item *item = &p->item[index];
	const struct value_use *use = &p->use[item->now - NOW_VALUES];

	item->class = op->kind == JUDGE_CAS ? ITEM_CAS : use->asked ? ITEM_PUT : ITEM_ANYTHING;
	if (item->optional && use->seen && use->puts == 1)
		settle(p, item, op);
	if (item->optional) {
		add_optional(p, op, index, sum);
		return;
	}
	if (item->class == ITEM_CAS && !use->asked)
		item->now = NOW_ANYTHING;
	add_item(p, op, index);
}

static void prepare_delete(struct prepared *p, const struct judge_op *op, uint32_t index,
			   const struct summary *sum)
{
	struct item *item = &p->item[index];

	item->class = op->kind == JUDGE_TAKE && !item->optional ? ITEM_TAKE : ITEM_DELETE;
	if (!item->optional)
		add_item(p, op, index);
	else if (!sum->absent && !sum->present)
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
		[JUDGE_UNEQUAL] = ITEM_UNEQUAL,
	};
	struct item *item = &p->item[index];

	item->res = op->res;
	item->id = op->id;
	item->optional = op->outcome == JUDGE_AMBIGUOUS;
	if (makes_value(op)) {
		prepare_put(p, op, index, sum);
	} else if (!judge_kind_observes(op->kind)) {
		prepare_delete(p, op, index, sum);
	} else {
		item->class = observing[op->kind];
		if (item->class == ITEM_UNEQUAL && op->expect == JUDGE_NOTHING)
			item->class = ITEM_PRESENT;
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
	    room(&p->moment, &p->moment_capacity, 3 * n, sizeof(*p->moment)) < 0)
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
