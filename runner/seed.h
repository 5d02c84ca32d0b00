/*
 * seed.h - random streams by name, all from one seed.
 *
 *     uint64_t s = seed_named(seed, "workload/worker3");
 *     uint64_t n = seed_next(&s);
 *
 * Streams do not depend on each other: taking a worker or a fault out of a plan does not shift what
 * the others draw.
 */
#ifndef RUNNER_SEED_H
#define RUNNER_SEED_H

#include <stdint.h>

/* The next number of a stream (SplitMix64). */
static inline uint64_t seed_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Where the stream of this name begins. */
static inline uint64_t seed_named(uint64_t seed, const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	hash ^= seed;
	return seed_next(&hash);
}

/* From 0 to below n; n of at least 1. */
static inline uint64_t seed_below(uint64_t *state, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)seed_next(state) * n) >> 64);
}

#endif
