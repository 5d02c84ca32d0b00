/*
 * body_block.h - what a body is made of: body.c makes it, body_check.c takes it apart.
 *
 *     block   magic 0 | index 4 | run 8 | key 16 | generation 24 | length 32 |
 *             generation again, masked 40 | noise 48 | XXH3 of all that 56
 *     tag     generation 0 | key 6 | run 10 | XXH3 with the length 12
 *
 * The generation stands twice in a block so that most slices too small for a whole block tell it.
 */
#ifndef RUNNER_BODY_BLOCK_H
#define RUNNER_BODY_BLOCK_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/body.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "blocks are stored as they lie in memory");

enum { BODY_MAGIC = 0x6b626b66 }; /* "fkbk" */

struct body_facts {
	uint64_t run, key, generation, length; /* key: hash */
};

struct body_block {
	uint32_t magic, index;
	uint64_t run, key, generation, length, again, noise, sum;
};
static_assert(sizeof(struct body_block) == BODY_BLOCK, "a block has 64 bytes");

struct body_tag {
	uint8_t generation[6], key[4], run[2], sum[4];
};
static_assert(sizeof(struct body_tag) == 16, "a tag has 16 bytes");

struct body_facts body_facts(const struct body_id *id);
void body_bytes(const struct body_facts *facts, uint64_t offset, void *buffer, size_t size);

void body_block_make(const struct body_facts *facts, uint32_t index, struct body_block *block);
bool body_block_intact(const struct body_block *block);
uint64_t body_block_again(const struct body_facts *facts, uint32_t index, uint64_t again);

void body_tag_make(const struct body_facts *facts, struct body_tag *tag);
bool body_tag_intact(const struct body_tag *tag, uint64_t length);
uint64_t body_tag_generation(const struct body_tag *tag);

void body_tag_text(uint64_t hash, char tag[17]);

#endif
