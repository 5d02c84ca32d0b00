/* judge_values.c - see judge_values.h. */
#include "runner/judge_values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 64, BLOCK_BITS = 4 };

static uint32_t home(const struct judge_values *v, uint64_t value)
{
	uint64_t block = (value >> BLOCK_BITS) * UINT64_C(0x9e3779b97f4a7c15);

	block ^= block >> 32;
	return (uint32_t)(block << BLOCK_BITS | (value & ((1 << BLOCK_BITS) - 1))) & v->mask;
}

int judge_values_init(struct judge_values *v)
{
	*v = (struct judge_values){.capacity = FIRST_SLOTS / 2, .mask = FIRST_SLOTS - 1};
	v->table = calloc(FIRST_SLOTS, sizeof(*v->table));
	v->value = malloc(v->capacity * sizeof(*v->value));
	if (v->table && v->value)
		return 0;
	judge_values_fini(v);
	return -ENOMEM;
}

void judge_values_fini(struct judge_values *v)
{
	free(v->table);
	free(v->value);
	*v = (struct judge_values){0};
}

void judge_values_clear(struct judge_values *v)
{
	/* A table that one large history left behind is not worth wiping for each small one. */
	if (v->count < v->mask / 16) {
		for (uint32_t i = 0; i < v->count; i++) {
			uint32_t at = home(v, v->value[i]);
			while (v->table[at] != i + 1)
				at = (at + 1) & v->mask;
			v->value[i] = at;
		}
		for (uint32_t i = 0; i < v->count; i++)
			v->table[v->value[i]] = 0;
	} else {
		memset(v->table, 0, (v->mask + (size_t)1) * sizeof(*v->table));
	}
	v->count = 0;
}

static int grow(struct judge_values *v)
{
	uint32_t mask = v->mask * 2 + 1;
	uint32_t *table = calloc(mask + (size_t)1, sizeof(*table));
	uint64_t *value = table ? realloc(v->value, mask / 2 * sizeof(*value)) : NULL;

	if (!value) {
		free(table);
		return -ENOMEM;
	}
	free(v->table);
	v->table = table;
	v->value = value;
	v->mask = mask;
	v->capacity = mask / 2;
	for (uint32_t i = 0; i < v->count; i++) {
		uint32_t at = home(v, v->value[i]);
		while (v->table[at])
			at = (at + 1) & mask;
		v->table[at] = i + 1;
	}
	return 0;
}

int64_t judge_values_number(struct judge_values *v, uint64_t value)
{
	uint32_t at;

	if (v->count == v->capacity && grow(v) < 0)
		return -ENOMEM;
	for (at = home(v, value); v->table[at]; at = (at + 1) & v->mask)
		if (v->value[v->table[at] - 1] == value)
			return v->table[at] - 1;
	v->value[v->count] = value;
	v->table[at] = ++v->count;
	return v->count - 1;
}
