/*
 * body_check.c - what bytes tell about themselves; see body.h.
 *
 * The reference is the first intact block of this run and key: from its generation every byte of
 * the slice follows and is compared. Only where that fails are the pieces looked at one by one, and
 * the strongest finding is kept. A slice that is whole but from another place is MISPLACED, not
 * corrupt.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runner/body_block.h"

struct slice {
	struct body_facts facts; /* run and key as asked; generation and length once known */
	uint64_t offset, whole;
	const uint8_t *bytes;
	size_t size;
};

__attribute__((format(printf, 4, 5))) static void
find(struct body_found *found, enum body_mark mark, uint64_t at, const char *format, ...)
{
	va_list args;

	if (found->mark != BODY_OK && found->mark <= mark)
		return;
	found->mark = mark;
	found->at = at;
	va_start(args, format);
	vsnprintf(found->text, sizeof(found->text), format, args);
	va_end(args);
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
	return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* The number of leading bytes that are as the facts make them. */
static size_t agreeing(const struct body_facts *facts, uint64_t offset, const uint8_t *bytes,
		       size_t size)
{
	uint8_t made[BODY_BLOCK];

	for (size_t done = 0; done < size;) {
		size_t part = BODY_BLOCK - (offset + done) % BODY_BLOCK;
		size_t i = 0;

		part = part < size - done ? part : size - done;
		body_bytes(facts, offset + done, made, part);
		while (i < part && made[i] == bytes[done + i])
			i++;
		if (i < part)
			return done + i;
		done += part;
	}
	return size;
}

static bool agrees(const struct body_facts *facts, const struct slice *s, uint64_t offset)
{
	return agreeing(facts, offset, s->bytes, s->size) == s->size;
}

/* Reads `size` bytes of the block's field at `field` (0..63) out of the slice, if it is there as if
 * the slice began at offset. */
static bool field(const struct slice *s, uint64_t offset, unsigned at, unsigned size, void *out,
		  uint64_t *index)
{
	uint64_t block = offset / BODY_BLOCK;

	if (offset % BODY_BLOCK > at)
		block++;
	uint64_t start = block * BODY_BLOCK + at - offset;
	if (start + size > s->size)
		return false;
	memcpy(out, s->bytes + start, size);
	*index = block;
	return true;
}

/* Which generation would a slice too small for a whole block be of, as if it began at offset? */
static uint64_t told_generation(const struct slice *s, uint64_t offset)
{
	uint64_t generation, index;

	if (s->facts.length < BODY_BLOCK) {
		struct body_tag tag = {0};

		for (size_t i = 0; i < s->size; i++)
			((uint8_t *)&tag)[(offset + i) % sizeof(tag)] = s->bytes[i];
		for (size_t i = 0; i < sizeof(tag.generation); i++)
			if ((i + sizeof(tag) - offset % sizeof(tag)) % sizeof(tag) >= s->size)
				return 0;
		return body_tag_generation(&tag);
	}
	if (field(s, offset, offsetof(struct body_block, generation), 8, &generation, &index))
		return generation;
	if (field(s, offset, offsetof(struct body_block, again), 8, &generation, &index))
		return body_block_again(&s->facts, (uint32_t)index, generation);
	return 0;
}

/* Nothing tells the generation: what every generation has in common must be right all the same. */
static bool common_bytes_agree(const struct slice *s)
{
	struct body_facts a = s->facts, b = s->facts;
	uint8_t one[2 * BODY_BLOCK], other[2 * BODY_BLOCK];

	/* Two generations that differ in every bit agree just where no generation shows; hashes
	 * may agree by accident and are left out. */
	a.generation = UINT64_C(0x5555555555555555);
	b.generation = ~a.generation;
	body_bytes(&a, s->offset, one, s->size);
	body_bytes(&b, s->offset, other, s->size);
	for (size_t i = 0; i < s->size; i++) {
		uint64_t place = (s->offset + i) % BODY_BLOCK;
		bool hashed = s->facts.length < BODY_BLOCK
				      ? (s->offset + i) % sizeof(struct body_tag) >=
						offsetof(struct body_tag, sum)
				      : place >= offsetof(struct body_block, noise);
		if (!hashed && one[i] == other[i] && one[i] != s->bytes[i])
			return false;
	}
	return true;
}

/* Are these the right bytes of another place? Where an intact block says it is, or near by. */
static bool find_shift(struct slice *s, struct body_found *found)
{
	int64_t shift = 0;

	for (size_t at = 0; at + BODY_BLOCK <= s->size; at++) {
		struct body_block block;

		memcpy(&block, s->bytes + at, sizeof(block));
		if (!body_block_intact(&block))
			continue;
		shift = (int64_t)block.index * BODY_BLOCK - (int64_t)(s->offset + at);
		s->facts.generation = block.generation;
		s->facts.length = block.length;
		if (shift && agrees(&s->facts, s, s->offset + (uint64_t)shift))
			goto shifted;
		return false;
	}
	if (s->size < sizeof(struct body_tag)) /* too few bytes for certainty */
		return false;
	for (shift = -BODY_BLOCK; shift <= BODY_BLOCK; shift++) {
		if (!shift || (shift < 0 && s->offset < (uint64_t)-shift))
			continue;
		s->facts.generation = told_generation(s, s->offset + (uint64_t)shift);
		if (s->facts.generation && agrees(&s->facts, s, s->offset + (uint64_t)shift))
			goto shifted;
	}
	return false;
shifted:
	memset(found, 0, sizeof(*found));
	found->generation = s->facts.generation;
	found->length = s->facts.length;
	find(found, BODY_MISPLACED, s->offset, "bytes asked at %llu are those at %llu",
	     (unsigned long long)s->offset, (unsigned long long)(s->offset + (uint64_t)shift));
	return true;
}

static void judge_length(const struct slice *s, struct body_found *found)
{
	unsigned long long told = found->length, whole = s->whole;

	if (told > whole)
		find(found, BODY_TRUNCATED, whole, "%llu bytes of a body of %llu", whole, told);
	else if (told < whole)
		find(found, BODY_EXTENDED, told, "%llu bytes for a body of %llu", whole, told);
}

/* An intact block: is it the one that belongs here? */
static void judge_block(const struct slice *s, const struct body_block *block, uint64_t at,
			struct body_found *found)
{
	unsigned long long place = at;

	if (block->run != s->facts.run)
		find(found, BODY_PHANTOM, at, "block at %llu is of run %016llx", place,
		     (unsigned long long)block->run);
	else if (block->key != s->facts.key)
		find(found, BODY_CROSS_KEY, at, "block at %llu is of another key (hash %016llx)",
		     place, (unsigned long long)block->key);
	else if (block->index != at / BODY_BLOCK)
		find(found, BODY_MISPLACED, at, "block at %llu is that of %llu", place,
		     (unsigned long long)block->index * BODY_BLOCK);
	else if (block->generation != s->facts.generation)
		find(found, BODY_TORN, at, "block at %llu is of generation %llu, another of %llu",
		     place, (unsigned long long)block->generation,
		     (unsigned long long)s->facts.generation);
}

/* A piece that is no intact block and not as the reference makes it. other: the body that an intact
 * block of the slice told before; if that was found to be somebody else's, its tail is nothing new.
 */
static void judge_piece(const struct slice *s, const uint8_t *bytes, size_t size, uint64_t at,
			const struct body_facts *other, struct body_found *found)
{
	unsigned long long place = at;

	if (all_zero(bytes, size))
		find(found, BODY_ZERO_FILL, at, "zeroes at %llu", place);
	else if (!other->generation || agreeing(other, at, bytes, size) < size)
		find(found, BODY_CORRUPT, at, "bytes at %llu are no body of anybody", place);
	else if (other->run == s->facts.run && other->key == s->facts.key)
		find(found, BODY_TORN, at, "bytes at %llu are of generation %llu, others of %llu",
		     place, (unsigned long long)other->generation,
		     (unsigned long long)s->facts.generation);
}

static void judge_pieces(const struct slice *s, struct body_found *found)
{
	struct body_facts other = s->facts; /* the last other generation seen */
	size_t part;

	other.generation = 0;
	for (size_t done = 0; done < s->size; done += part) {
		uint64_t at = s->offset + done;
		const uint8_t *bytes = s->bytes + done;
		struct body_block block;

		part = BODY_BLOCK - at % BODY_BLOCK;
		part = part < s->size - done ? part : s->size - done;
		/* What goes past the end that the reference tells is judged by length alone. */
		if (s->facts.generation && at >= s->facts.length)
			break;
		if (s->facts.generation && at + part > s->facts.length)
			part = s->facts.length - at;
		size_t right = s->facts.generation ? agreeing(&s->facts, at, bytes, part) : 0;
		if (right == part)
			continue;
		memcpy(&block, bytes, part);
		if (part == BODY_BLOCK && body_block_intact(&block)) {
			judge_block(s, &block, at, found);
			other = (struct body_facts){block.run, block.key, block.generation,
						    block.length};
		} else {
			judge_piece(s, bytes + right, part - right, at + right, &other, found);
		}
	}
}

/* The first intact block of ours, else of anybody, on its alignment in the body. */
static bool find_reference(struct slice *s, struct body_found *found)
{
	size_t first = (BODY_BLOCK - s->offset % BODY_BLOCK) % BODY_BLOCK;
	bool any = false;

	for (size_t at = first; at + BODY_BLOCK <= s->size; at += BODY_BLOCK) {
		struct body_block block;

		memcpy(&block, s->bytes + at, sizeof(block));
		if (!body_block_intact(&block))
			continue;
		bool ours = block.run == s->facts.run && block.key == s->facts.key;
		if (any && !ours)
			continue;
		found->generation = block.generation;
		found->length = block.length;
		any = true;
		if (!ours)
			continue;
		s->facts.generation = block.generation;
		s->facts.length = block.length;
		return true;
	}
	return false;
}

/* No whole block in it: the generation shows in a field or not at all. */
static void check_small(struct slice *s, struct body_found *found)
{
	uint64_t length, index;

	if (field(s, s->offset, offsetof(struct body_block, length), 8, &length, &index) &&
	    length != s->whole && length >= BODY_BLOCK) {
		s->facts.length = length;
		s->facts.generation = told_generation(s, s->offset);
		found->generation = s->facts.generation;
		found->length = length;
		if (s->facts.generation && agrees(&s->facts, s, s->offset)) {
			judge_length(s, found);
			return;
		}
		s->facts.length = s->whole;
	}
	s->facts.generation = told_generation(s, s->offset);
	found->generation = s->facts.generation;
	found->length = s->whole;
	if (s->facts.generation ? agrees(&s->facts, s, s->offset) : common_bytes_agree(s))
		return;
	if (find_shift(s, found))
		return;
	found->generation = 0;
	s->facts.generation = 0;
	judge_pieces(s, found);
}

static void check_blocks(struct slice *s, struct body_found *found)
{
	size_t first = (BODY_BLOCK - s->offset % BODY_BLOCK) % BODY_BLOCK;

	if (first + BODY_BLOCK > s->size) {
		check_small(s, found);
		return;
	}
	bool ours = find_reference(s, found);
	if (ours && s->facts.length == s->whole && agrees(&s->facts, s, s->offset))
		return;
	struct slice shifted = *s;
	if (!found->generation && find_shift(&shifted, found))
		return;
	judge_pieces(s, found);
	if (ours)
		judge_length(s, found);
}

/* The tag that the slice repeats, if it is long enough to show one; the length it was made for. */
static bool find_tag(const struct slice *s, struct body_tag *tag, uint64_t *length)
{
	if (s->size < sizeof(*tag))
		return false;
	for (size_t i = 0; i < sizeof(*tag); i++)
		((uint8_t *)tag)[(s->offset + i) % sizeof(*tag)] = s->bytes[i];
	if (s->whole < BODY_BLOCK && body_tag_intact(tag, s->whole)) {
		*length = s->whole;
		return true;
	}
	for (*length = 1; *length < BODY_BLOCK; ++*length)
		if (body_tag_intact(tag, *length))
			return true;
	return false;
}

static void check_tag(struct slice *s, const struct body_tag *tag, struct body_found *found)
{
	struct body_tag ours;

	s->facts.length = found->length;
	s->facts.generation = body_tag_generation(tag);
	found->generation = s->facts.generation;
	body_tag_make(&s->facts, &ours);
	if (memcmp(ours.run, tag->run, sizeof(ours.run)) != 0) {
		find(found, BODY_PHANTOM, s->offset, "a short body of another run");
	} else if (memcmp(ours.key, tag->key, sizeof(ours.key)) != 0) {
		find(found, BODY_CROSS_KEY, s->offset, "a short body of another key");
	} else {
		struct slice inside = *s;

		if (s->offset + s->size > found->length)
			inside.size = s->offset < found->length ? found->length - s->offset : 0;
		size_t right = agreeing(&s->facts, s->offset, s->bytes, inside.size);
		const struct body_facts nobody = {.generation = 0};
		if (right < inside.size)
			judge_piece(s, s->bytes + right, inside.size - right, s->offset + right,
				    &nobody, found);
		judge_length(s, found);
	}
}

/* A body that is told to be shorter than a block. */
static void check_short(struct slice *s, struct body_found *found)
{
	uint32_t magic = 0;

	s->facts.generation = told_generation(s, s->offset);
	found->length = s->whole;
	found->generation = s->facts.generation;
	if (s->facts.generation ? agrees(&s->facts, s, s->offset) : common_bytes_agree(s))
		return;
	found->generation = 0;
	if (s->offset == 0 && s->size >= sizeof(magic)) {
		memcpy(&magic, s->bytes, sizeof(magic));
		if (magic == BODY_MAGIC) {
			find(found, BODY_TRUNCATED, s->whole, "%llu bytes that begin a longer body",
			     (unsigned long long)s->whole);
			return;
		}
	}
	if (find_shift(s, found))
		return;
	const struct body_facts nobody = {.generation = 0};
	judge_piece(s, s->bytes, s->size, s->offset, &nobody, found);
}

void body_check(uint64_t run, const char *key, uint64_t offset, uint64_t whole, const void *bytes,
		size_t size, struct body_found *found)
{
	const struct body_id id = {.run = run, .key = key, .length = whole};
	struct slice s = {
		.facts = body_facts(&id),
		.offset = offset,
		.whole = whole,
		.bytes = bytes,
		.size = size,
	};
	struct body_tag tag;
	uint64_t length;

	memset(found, 0, sizeof(*found));
	found->length = whole;
	if (size == 0)
		return;
	struct slice as_asked = s;
	if (whole >= BODY_BLOCK)
		check_blocks(&s, found);
	if ((whole < BODY_BLOCK || found->mark == BODY_CORRUPT) &&
	    find_tag(&as_asked, &tag, &length)) {
		memset(found, 0, sizeof(*found));
		found->length = length;
		check_tag(&as_asked, &tag, found);
	} else if (whole < BODY_BLOCK) {
		check_short(&s, found);
	}
}
