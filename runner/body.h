/*
 * body.h - bodies that describe themselves, so that every wrong byte can be attributed.
 *
 *     block (64 bytes): magic | run | key hash | generation | length | index | payload | XXH3
 *
 * Any 64-byte-aligned slice tells whether it is ours, of which run, key and generation, whether it
 * stands where it belongs and whether it is intact. A body shorter than a block is a 16-byte tag
 * (made of the same facts) repeated and cut; a body's last, partial block is the start of a whole one.
 * The bytes follow from (run, key, generation, length) alone.
 */
#ifndef RUNNER_BODY_H
#define RUNNER_BODY_H

#include <stddef.h>
#include <stdint.h>

enum { BODY_BLOCK = 64 };

/* Byte-level findings, strongest first; stored as outcome.mark. */
enum body_mark {
	BODY_OK,
	BODY_CORRUPT,   /* bytes that are no body of anybody */
	BODY_TORN,      /* blocks of more than one generation */
	BODY_ZERO_FILL, /* zeroes where a block should be */
	BODY_TRUNCATED, /* shorter than the length its blocks tell */
	BODY_EXTENDED,  /* longer */
	BODY_MISPLACED, /* whole blocks at the wrong place */
	BODY_CROSS_KEY, /* another key's */
	BODY_PHANTOM,   /* another run's */
};

struct body_id {
	uint64_t run;
	const char *key;
	uint64_t generation; /* 1 to 2^48 - 1 */
	uint64_t length;
};

/* Fills buffer with bytes [offset, offset + size) of the body. */
void body_make(const struct body_id *id, uint64_t offset, void *buffer, size_t size);

/* The XXH3 of the whole body as 16 hex digits and a NUL. */
void body_tag(const struct body_id *id, char tag[17]);

/* The same of bytes at hand. */
void body_tag_of(const void *bytes, size_t size, char tag[17]);

struct body_found {
	enum body_mark mark;
	uint64_t generation; /* that the bytes tell; 0: can't be told (an empty body) */
	uint64_t length;     /* of the whole body, as the bytes tell */
	uint64_t at;         /* offset of the first wrong byte in the body */
	char text[160];      /* what is wrong, for the witness; "" when BODY_OK */
};

/* Judges size bytes that were answered for key at [offset, ...), of a whole of `whole` bytes as told
 * by the store. candidates: bodies shorter than a block can't tell their length or generation beyond
 * doubt, so the caller's oracle compares lengths. */
void body_check(uint64_t run, const char *key, uint64_t offset, uint64_t whole, const void *bytes,
		size_t size, struct body_found *found);

#endif
