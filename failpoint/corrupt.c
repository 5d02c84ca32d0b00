/*
 * corrupt.c - which bits are wrong? See engine.h.
 *
 * They follow from the key, which is made of seed, rule, path and offset, and from how many bytes
 * there are: what is read again in the same way is wrong in the same way.
 */
#include "failpoint/core.h"

static bool is_taken(const struct hit_flip *flips, unsigned count, uint64_t bit)
{
	for (unsigned i = 0; i < count; i++)
		if (flips[i].at == bit / 8 && flips[i].mask >> bit % 8 & 1)
			return true;
	return false;
}

/* By offset; bits of one byte share an entry. */
static unsigned insert(struct hit_flip *flips, unsigned count, uint64_t bit)
{
	unsigned at = count;

	for (unsigned i = 0; i < count; i++) {
		if (flips[i].at == bit / 8) {
			flips[i].mask |= (uint8_t)(1U << bit % 8);
			return count;
		}
	}
	for (; at > 0 && flips[at - 1].at > bit / 8; at--)
		flips[at] = flips[at - 1];
	flips[at] = (struct hit_flip){.at = bit / 8, .mask = (uint8_t)(1U << bit % 8)};
	return count + 1;
}

unsigned engine_flips(const struct hit *hit, uint64_t length, struct hit_flip flips[HIT_FLIP_MAX])
{
	uint64_t bits = length < UINT64_MAX / 8 ? length * 8 : 0;
	unsigned want = hit->corrupt_bits < bits ? hit->corrupt_bits : (unsigned)bits, count = 0;

	if (want > HIT_FLIP_MAX)
		want = HIT_FLIP_MAX;
	for (unsigned i = 0; i < want; i++) {
		uint64_t bit = raw_mix(hit->corrupt_key, i) % bits;

		while (is_taken(flips, count, bit))
			bit = (bit + 1) % bits;
		count = insert(flips, count, bit);
	}
	return count;
}
