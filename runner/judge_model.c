/* judge_model.c - see judge_model.h. */
#include "runner/judge_model.h"

#include <errno.h>
#include <stdlib.h>

#define PRIME ((UINT64_C(1) << 61) - 1)

static const uint64_t base[2] = {UINT64_C(0x11d2b7f5c3a94e07), UINT64_C(0x0b6f19e4d8835a2d)};

static uint64_t times(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;
	uint64_t sum = (uint64_t)(product & PRIME) + (uint64_t)(product >> 61);

	return sum >= PRIME ? sum - PRIME : sum;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
	return a + b >= PRIME ? a + b - PRIME : a + b;
}

int judge_texts_init(struct judge_texts *t)
{
	*t = (struct judge_texts){0};
	return judge_values_init(&t->numbers);
}

void judge_texts_fini(struct judge_texts *t)
{
	judge_values_fini(&t->numbers);
	free(t->at);
}

static int number_of(struct judge_texts *t, const struct judge_text *text, uint64_t *number)
{
	uint64_t name = text->hash[0] ^ text->hash[1] << 3 ^ text->length;
	uint32_t known = t->numbers.count;
	int64_t n;

	if (known == t->capacity) {
		size_t capacity = t->capacity * 2 + 32;
		struct judge_text *more = realloc(t->at, capacity * sizeof(*more));
		if (!more)
			return -ENOMEM;
		t->at = more;
		t->capacity = capacity;
	}
	/* Another text may have that name: then the next one is tried. */
	for (;; name++) {
		n = judge_values_number(&t->numbers, name);
		if (n < 0)
			return -ENOMEM;
		if (t->numbers.count > known)
			t->at[n] = *text;
		const struct judge_text *there = &t->at[n];
		if (there->hash[0] == text->hash[0] && there->hash[1] == text->hash[1] &&
		    there->length == text->length)
			break;
	}
	*number = (uint64_t)n + 1;
	return 0;
}

int judge_texts_number(struct judge_texts *t, const char *text, size_t length, uint64_t *number)
{
	struct judge_text one = {.power = {1, 1}, .length = length};

	if (!length) {
		*number = JUDGE_NOTHING;
		return 0;
	}
	for (int h = 0; h < 2; h++)
		for (size_t i = 0; i < length; i++) {
			uint64_t c = (unsigned char)text[i] + UINT64_C(1);
			one.hash[h] = plus(times(one.hash[h], base[h]), c);
			one.power[h] = times(one.power[h], base[h]);
		}
	return number_of(t, &one, number);
}

static int join(struct judge_texts *t, uint64_t a, uint64_t b, uint64_t *number)
{
	struct judge_text one;

	*number = a ? a : b;
	if (!a || !b)
		return 0;
	const struct judge_text *left = &t->at[a - 1], *right = &t->at[b - 1];
	for (int h = 0; h < 2; h++) {
		one.hash[h] = plus(times(left->hash[h], right->power[h]), right->hash[h]);
		one.power[h] = times(left->power[h], right->power[h]);
	}
	one.length = left->length + right->length;
	return number_of(t, &one, number);
}

static int32_t step_text(void *context, int32_t state, const struct judge_op *op)
{
	uint64_t next;

	switch (op->kind) {
	case JUDGE_PUT:
		return (int32_t)op->value;
	case JUDGE_DELETE:
		return 0;
	case JUDGE_APPEND:
		return join(context, (uint64_t)state, op->value, &next) ? -ENOMEM : (int32_t)next;
	case JUDGE_READ:
		return (uint64_t)state == op->value ? state : JUDGE_CANNOT;
	case JUDGE_ABSENT:
		return state ? JUDGE_CANNOT : state;
	case JUDGE_PRESENT:
		return state ? state : JUDGE_CANNOT;
	default:
		return JUDGE_CANNOT;
	}
}

struct judge_model judge_model_text(struct judge_texts *texts)
{
	return (struct judge_model){.name = "text", .step = step_text, .context = texts};
}

/* The state in which the register has a value: 0 is nothing. */
static int32_t state_of(struct judge_values *values, uint64_t value)
{
	if (value == JUDGE_NOTHING)
		return 0;
	int64_t number = judge_values_number(values, value);
	return number < 0 ? -ENOMEM : (int32_t)number + 1;
}

/* A compare-and-set whose answer is not known does nothing where it does not fit. */
static int32_t step_cas(struct judge_values *values, int32_t state, const struct judge_op *op)
{
	int32_t expect = state_of(values, op->expect);

	if (expect == -ENOMEM)
		return expect;
	if (state == expect)
		return state_of(values, op->value);
	return op->outcome == JUDGE_AMBIGUOUS ? state : JUDGE_CANNOT;
}

static int32_t step_register(void *context, int32_t state, const struct judge_op *op)
{
	int32_t other;

	switch (op->kind) {
	case JUDGE_PUT:
		return state_of(context, op->value);
	case JUDGE_DELETE:
		return 0;
	case JUDGE_TAKE:
		return state || op->outcome == JUDGE_AMBIGUOUS ? 0 : JUDGE_CANNOT;
	case JUDGE_CAS:
		return step_cas(context, state, op);
	case JUDGE_READ:
		other = state_of(context, op->value);
		return other == state || other == -ENOMEM ? other : JUDGE_CANNOT;
	case JUDGE_ABSENT:
		return state ? JUDGE_CANNOT : state;
	case JUDGE_PRESENT:
		return state ? state : JUDGE_CANNOT;
	case JUDGE_UNEQUAL:
		other = state_of(context, op->expect);
		return other == state ? JUDGE_CANNOT : other == -ENOMEM ? other : state;
	default:
		return JUDGE_CANNOT;
	}
}

struct judge_model judge_model_register(struct judge_values *values)
{
	return (struct judge_model){
		.name = "register", .step = step_register, .context = values, .plain = true};
}
