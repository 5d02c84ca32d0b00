/*
 * test_body.c - every finding about bytes, at every place and size of a slice.
 *
 * Each case makes a body, damages it in one way, and states what must be found. Undamaged slices of
 * every offset and length must pass and, where they are long enough, tell their generation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "runner/body.h"

enum { RUN = 77, GENERATION = 123456, ROOM = 4096 };

static uint8_t bytes[ROOM];

static struct body_id id_of(uint64_t generation, uint64_t length)
{
	return (struct body_id){RUN, "k/1/7", generation, length};
}

static void fill(uint64_t generation, uint64_t length)
{
	const struct body_id id = id_of(generation, length);

	body_make(&id, 0, bytes, length);
}

static struct body_found check(uint64_t offset, uint64_t whole, size_t size)
{
	struct body_found found;

	body_check(RUN, "k/1/7", offset, whole, bytes + offset, size, &found);
	return found;
}

static void whole_bodies_of_every_length_pass(void **state)
{
	(void)state;
	for (uint64_t length = 0; length < 400; length++) {
		fill(GENERATION, length);
		struct body_found found = check(0, length, length);
		assert_int_equal(found.mark, BODY_OK);
		assert_string_equal(found.text, "");
		assert_int_equal(found.length, length);
		assert_int_equal(found.generation, length < 6 ? 0 : GENERATION);
	}
}

static void every_slice_passes_and_long_ones_tell_their_generation(void **state)
{
	static const uint64_t lengths[] = {5, 17, 63, 64, 65, 127, 128, 200, 321};

	(void)state;
	for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
		fill(GENERATION, lengths[l]);
		for (uint64_t at = 0; at <= lengths[l]; at++)
			for (uint64_t size = 0; at + size <= lengths[l]; size++) {
				struct body_found found = check(at, lengths[l], size);
				assert_int_equal(found.mark, BODY_OK);
				if (size >= 64)
					assert_int_equal(found.generation, GENERATION);
				else
					assert_true(found.generation == 0 ||
						    found.generation == GENERATION);
			}
	}
}

static void a_slice_made_alone_is_the_slice_of_the_whole(void **state)
{
	const struct body_id id = id_of(GENERATION, 500);
	uint8_t slice[500];

	(void)state;
	fill(GENERATION, 500);
	for (uint64_t at = 0; at < 500; at += 7) {
		body_make(&id, at, slice, 500 - at);
		assert_memory_equal(slice, bytes + at, 500 - at);
	}
}

static void the_tag_is_that_of_the_bytes(void **state)
{
	static const uint64_t lengths[] = {0, 1, 63, 64, 65, 4095, 4096};
	char made[17], of[17];

	(void)state;
	for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
		const struct body_id id = id_of(GENERATION, lengths[l]);
		fill(GENERATION, lengths[l]);
		body_tag(&id, made);
		body_tag_of(bytes, lengths[l], of);
		assert_string_equal(made, of);
		assert_int_equal(strlen(made), 16);
	}
}

/* Any flipped bit of a slice that has a whole block, or of a tag shown in full, is found. */
static void every_flipped_bit_is_found(void **state)
{
	static const uint64_t lengths[] = {6, 15, 16, 40, 63, 64, 130, 260};

	(void)state;
	for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++)
		for (uint64_t bit = 0; bit < lengths[l] * 8; bit++) {
			fill(GENERATION, lengths[l]);
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			struct body_found found = check(0, lengths[l], lengths[l]);
			/* A tag cut short may be another generation's: the oracle knows none. */
			if (lengths[l] < 16 && found.mark == BODY_OK)
				assert_int_not_equal(found.generation, GENERATION);
			else
				assert_int_not_equal(found.mark, BODY_OK);
		}
}

static void damage_none(void)
{
}

static void damage_corrupt(void)
{
	memset(bytes + 130, 0xa5, 9);
}

static void damage_zero(void)
{
	memset(bytes + 128, 0, 64);
}

static void damage_zero_tail(void)
{
	memset(bytes + 192, 0, 8);
}

static void damage_torn(void)
{
	const struct body_id id = id_of(GENERATION + 1, 200);

	body_make(&id, 64, bytes + 64, 136);
}

static void damage_torn_tail(void)
{
	const struct body_id id = id_of(GENERATION + 1, 200);

	body_make(&id, 128, bytes + 128, 72);
}

static void damage_swapped(void)
{
	uint8_t block[64];

	memcpy(block, bytes, 64);
	memcpy(bytes, bytes + 64, 64);
	memcpy(bytes + 64, block, 64);
}

static void damage_shifted(void)
{
	memmove(bytes, bytes + 1, 199);
}

static void damage_cross_key(void)
{
	const struct body_id id = {RUN, "k/2/9", 5, 200};

	body_make(&id, 0, bytes, 200);
}

static void damage_other_run(void)
{
	const struct body_id id = {RUN + 1, "k/1/7", GENERATION, 200};

	body_make(&id, 0, bytes, 200);
}

static void damage_short_cross_key(void)
{
	const struct body_id id = {RUN, "k/2/9", 5, 40};

	body_make(&id, 0, bytes, 40);
}

static void damage_short_other_run(void)
{
	const struct body_id id = {RUN + 1, "k/1/7", GENERATION, 40};

	body_make(&id, 0, bytes, 40);
}

static void damage_all_zero(void)
{
	memset(bytes, 0, 200);
}

static void damage_short_end(void)
{
	memset(bytes + 20, 0xa5, 5);
}

static void damage_grown(void)
{
	memset(bytes + 40, 0, 100);
}

static const struct {
	const char *what;
	uint64_t length; /* of the body that was put */
	void (*damage)(void);
	uint64_t offset, whole; /* of the slice answered, and the size told */
	size_t size;
	enum body_mark mark;
	uint64_t at;
} pictures[] = {
	{"sound", 200, damage_none, 0, 200, 200, BODY_OK, 0},
	{"corrupt block", 200, damage_corrupt, 0, 200, 200, BODY_CORRUPT, 130},
	{"corrupt block in a slice", 200, damage_corrupt, 10, 200, 180, BODY_CORRUPT, 130},
	{"zero block", 200, damage_zero, 0, 200, 200, BODY_ZERO_FILL, 128},
	{"zero tail", 200, damage_zero_tail, 0, 200, 200, BODY_ZERO_FILL, 192},
	{"all zeroes", 200, damage_all_zero, 0, 200, 200, BODY_ZERO_FILL, 0},
	{"all zeroes, short", 40, damage_all_zero, 0, 40, 40, BODY_ZERO_FILL, 0},
	{"torn", 200, damage_torn, 0, 200, 200, BODY_TORN, 64},
	{"torn in a slice", 200, damage_torn, 0, 200, 150, BODY_TORN, 64},
	{"torn in its tail", 200, damage_torn_tail, 0, 200, 200, BODY_TORN, 128},
	{"truncated at a block", 200, damage_none, 0, 128, 128, BODY_TRUNCATED, 128},
	{"truncated within one", 200, damage_none, 0, 150, 150, BODY_TRUNCATED, 150},
	{"truncated to less than one", 200, damage_none, 0, 30, 30, BODY_TRUNCATED, 30},
	{"extended by zeroes", 200, damage_none, 0, 260, 260, BODY_EXTENDED, 200},
	{"short body extended", 40, damage_grown, 0, 140, 140, BODY_EXTENDED, 40},
	{"short body truncated", 40, damage_none, 0, 30, 30, BODY_TRUNCATED, 30},
	{"blocks swapped", 200, damage_swapped, 0, 200, 200, BODY_MISPLACED, 0},
	{"range off by one", 200, damage_shifted, 3, 200, 190, BODY_MISPLACED, 3},
	{"small range off by one", 200, damage_shifted, 70, 200, 60, BODY_MISPLACED, 70},
	{"another key's", 200, damage_cross_key, 0, 200, 200, BODY_CROSS_KEY, 0},
	{"another run's", 200, damage_other_run, 0, 200, 200, BODY_PHANTOM, 0},
	{"another key's, short", 40, damage_short_cross_key, 0, 40, 40, BODY_CROSS_KEY, 0},
	{"another run's, short", 40, damage_short_other_run, 0, 40, 40, BODY_PHANTOM, 0},
	{"short and damaged", 40, damage_short_end, 0, 40, 40, BODY_CORRUPT, 20},
};

static void each_damage_has_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++) {
		memset(bytes, 0, sizeof(bytes));
		fill(GENERATION, pictures[i].length);
		pictures[i].damage();
		struct body_found found =
			check(pictures[i].offset, pictures[i].whole, pictures[i].size);
		if (found.mark != pictures[i].mark ||
		    (found.mark != BODY_OK && found.at != pictures[i].at))
			fail_msg("%s: mark %d at %llu (%s)", pictures[i].what, found.mark,
				 (unsigned long long)found.at, found.text);
		assert_int_equal(found.text[0] != '\0', found.mark != BODY_OK);
	}
}

/* Random bytes are never taken for a body, and nothing is read beyond them (ASan watches). */
static void noise_is_never_a_body(void **state)
{
	(void)state;
	for (size_t size = 16; size < 300; size++) {
		uint8_t *noise = malloc(size);
		struct body_found found;
		uint64_t random = size;

		for (size_t i = 0; i < size; i++) {
			random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
			noise[i] = (uint8_t)(random >> 33);
		}
		body_check(RUN, "k/1/7", 0, size, noise, size, &found);
		free(noise);
		assert_int_equal(found.mark, BODY_CORRUPT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_bodies_of_every_length_pass),
		cmocka_unit_test(every_slice_passes_and_long_ones_tell_their_generation),
		cmocka_unit_test(a_slice_made_alone_is_the_slice_of_the_whole),
		cmocka_unit_test(the_tag_is_that_of_the_bytes),
		cmocka_unit_test(every_flipped_bit_is_found),
		cmocka_unit_test(each_damage_has_its_name),
		cmocka_unit_test(noise_is_never_a_body),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
