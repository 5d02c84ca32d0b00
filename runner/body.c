/* body.c - see body.h for the model; body_check.c judges. */
#include "runner/body_block.h"

#include <stdio.h>
#include <string.h>
#define XXH_STATIC_LINKING_ONLY /* its state on our stack */
#include <xxhash.h>

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t z = a + (b + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

struct body_facts body_facts(const struct body_id *id)
{
	return (struct body_facts){
		.run = id->run,
		.key = XXH3_64bits(id->key, strlen(id->key)),
		.generation = id->generation,
		.length = id->length,
	};
}

static uint64_t block_sum(const struct body_block *block)
{
	return XXH3_64bits(block, offsetof(struct body_block, sum));
}

static uint64_t block_mask(const struct body_facts *facts, uint32_t index)
{
	return mix(facts->run ^ facts->key, index);
}

void body_block_make(const struct body_facts *facts, uint32_t index, struct body_block *block)
{
	*block = (struct body_block){
		.magic = BODY_MAGIC,
		.index = index,
		.run = facts->run,
		.key = facts->key,
		.generation = facts->generation,
		.length = facts->length,
		.again = facts->generation ^ block_mask(facts, index),
		.noise = mix(facts->run ^ facts->generation, ~(uint64_t)index),
	};
	block->sum = block_sum(block);
}

bool body_block_intact(const struct body_block *block)
{
	return block->magic == BODY_MAGIC && block->sum == block_sum(block);
}

uint64_t body_block_again(const struct body_facts *facts, uint32_t index, uint64_t again)
{
	return again ^ block_mask(facts, index);
}

static uint32_t tag_sum(const struct body_tag *tag, uint64_t length)
{
	return (uint32_t)XXH3_64bits_withSeed(tag, offsetof(struct body_tag, sum), length);
}

void body_tag_make(const struct body_facts *facts, struct body_tag *tag)
{
	uint32_t key = (uint32_t)facts->key;
	uint16_t run = (uint16_t)facts->run;

	memcpy(tag->generation, &facts->generation, sizeof(tag->generation));
	memcpy(tag->key, &key, sizeof(key));
	memcpy(tag->run, &run, sizeof(run));
	uint32_t sum = tag_sum(tag, facts->length);
	memcpy(tag->sum, &sum, sizeof(sum));
}

bool body_tag_intact(const struct body_tag *tag, uint64_t length)
{
	uint32_t sum = tag_sum(tag, length);

	return memcmp(tag->sum, &sum, sizeof(sum)) == 0;
}

uint64_t body_tag_generation(const struct body_tag *tag)
{
	uint64_t generation = 0;

	memcpy(&generation, tag->generation, sizeof(tag->generation));
	return generation;
}

static void make_short(const struct body_facts *facts, uint64_t offset, uint8_t *to, size_t size)
{
	struct body_tag tag;

	body_tag_make(facts, &tag);
	for (size_t i = 0; i < size; i++)
		to[i] = ((const uint8_t *)&tag)[(offset + i) % sizeof(tag)];
}

void body_bytes(const struct body_facts *facts, uint64_t offset, void *buffer, size_t size)
{
	uint8_t *to = buffer;

	if (facts->length < BODY_BLOCK) {
		make_short(facts, offset, to, size);
		return;
	}
	while (size) {
		struct body_block block;
		size_t skip = offset % BODY_BLOCK;
		size_t part = BODY_BLOCK - skip < size ? BODY_BLOCK - skip : size;

		body_block_make(facts, (uint32_t)(offset / BODY_BLOCK), &block);
		memcpy(to, (const uint8_t *)&block + skip, part);
		to += part;
		offset += part;
		size -= part;
	}
}

void body_make(const struct body_id *id, uint64_t offset, void *buffer, size_t size)
{
	struct body_facts facts = body_facts(id);

	body_bytes(&facts, offset, buffer, size);
}

void body_tag(const struct body_id *id, char tag[17])
{
	struct body_facts facts = body_facts(id);
	uint8_t part[64 * BODY_BLOCK];
	XXH3_state_t state;

	XXH3_64bits_reset(&state);
	for (uint64_t at = 0; at < id->length; at += sizeof(part)) {
		size_t size = id->length - at < sizeof(part) ? id->length - at : sizeof(part);

		body_bytes(&facts, at, part, size);
		XXH3_64bits_update(&state, part, size);
	}
	body_tag_text(XXH3_64bits_digest(&state), tag);
}

void body_tag_text(uint64_t hash, char tag[17])
{
	snprintf(tag, 17, "%016llx", (unsigned long long)hash);
}

void body_tag_of(const void *bytes, size_t size, char tag[17])
{
	body_tag_text(XXH3_64bits(bytes, size), tag);
}
