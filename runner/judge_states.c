/* judge_states.c - see judge_states.h. */
#include "runner/judge_states.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

enum { FEW = 12, FIRST = 64, GONE = -1 };

void states_clear(struct states *s)
{
	if (s->count > FEW)
		for (size_t i = 0; i < s->count; i++)
			s->table[s->at[i].place] = 0;
	s->count = 0;
}

void states_fini(struct states *s)
{
	free(s->at);
	free(s->table);
	*s = (struct states){0};
}

static uint32_t home(const struct states *s, const struct state *state)
{
	uint64_t h = (uint64_t)state->done * UINT64_C(0x9e3779b97f4a7c15);

	h ^= (uint64_t)(state->done >> 64) * UINT64_C(0xc2b2ae3d27d4eb4f);
	h = (h ^ (uint32_t)state->now) * UINT64_C(0xbf58476d1ce4e5b9);
	return (uint32_t)(h >> 32) & s->mask;
}

static void enter(struct states *s, uint32_t index)
{
	uint32_t at = home(s, &s->at[index]);

	while (s->table[at])
		at = (at + 1) & s->mask;
	s->table[at] = index + 1;
	s->at[index].place = at;
}

static int retable(struct states *s)
{
	size_t want = FIRST;

	while (want < s->capacity * 2)
		want *= 2;
	uint32_t *table = calloc(want, sizeof(*table));
	if (!table)
		return -ENOMEM;
	free(s->table);
	s->table = table;
	s->mask = (uint32_t)want - 1;
	return 0;
}

static int grow(struct states *s)
{
	size_t capacity = s->capacity ? s->capacity * 2 : FIRST / 2;
	struct state *more = realloc(s->at, capacity * sizeof(*more));

	if (!more)
		return -ENOMEM;
	s->at = more;
	s->capacity = capacity;
	if (retable(s) < 0)
		return -ENOMEM;
	if (s->count > FEW)
		for (uint32_t i = 0; i < s->count; i++)
			if (s->at[i].now != GONE)
				enter(s, i);
	return 0;
}

/* Settles one that is there against the one to be added; true if the new one is not needed. */
static bool settle(struct state *there, const struct state *one)
{
	if (there->now != one->now || there->done != one->done)
		return false;
	if (there->deletes <= one->deletes && there->puts <= one->puts &&
	    !(there->used & ~one->used))
		return true;
	if (one->deletes <= there->deletes && one->puts <= there->puts &&
	    !(one->used & ~there->used))
		there->now = GONE;
	return false;
}

int states_add(struct states *s, const struct state *one)
{
	if (s->count <= FEW) {
		for (size_t i = 0; i < s->count; i++)
			if (settle(&s->at[i], one))
				return 0;
	} else {
		for (uint32_t at = home(s, one); s->table[at]; at = (at + 1) & s->mask)
			if (settle(&s->at[s->table[at] - 1], one))
				return 0;
	}
	if (s->count == s->capacity && grow(s) < 0)
		return -ENOMEM;
	s->at[s->count] = *one;
	s->at[s->count++].place = 0;
	if (s->count == FEW + 1) {
		for (uint32_t i = 0; i < s->count; i++)
			if (s->at[i].now != GONE)
				enter(s, i);
	} else if (s->count > FEW) {
		enter(s, (uint32_t)s->count - 1);
	}
	return 0;
}
