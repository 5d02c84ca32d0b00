/*
 * regex.h - POSIX extended regular expressions in linear time, compiled into a rule's pool.
 *
 *     . [abc] [^a-z] [[:digit:]] ^ $ ( ) | * + ? {m} {m,} {m,n} and \ before punctuation
 *
 * Matching is a search, as with grep: "wal" finds "x.wal.1"; anchor with ^ and $. Text is bytes; a
 * UTF-8 character outside brackets is one atom. No back references, no \d.
 *
 * A program is a header, instructions and byte sets, without pointers and without alignment, so
 * that it can lie anywhere in the pool:
 *
 *     states  sets | op arg jump  op arg jump  ...  | 32 bytes a set ...
 *
 * The matcher steps all states at once (Thompson's construction, simulated): its time is bounded by
 * length times states whatever the expression is, and its memory is two bit sets on the stack. It
 * trusts nothing in the program.
 *
 * regex_compile() belongs to the front. CORE: regex_match() runs inside intercepted calls.
 */
#ifndef FAILPOINT_REGEX_H
#define FAILPOINT_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failkit/why.h"

enum { REGEX_STATE_MAX = 512, REGEX_SET_MAX = 64, REGEX_SET_BYTES = 32 };

enum regex_op {
	REGEX_BYTE,  /* arg */
	REGEX_ANY,   /* every byte but NUL */
	REGEX_SET,   /* arg: the set's number */
	REGEX_SPLIT, /* go on here and at jump */
	REGEX_JUMP,
	REGEX_BEGIN,
	REGEX_END,
	REGEX_MATCH,
};

/* jump is relative, low byte first: code can be moved and copied while it is being built. */
struct regex_state {
	uint8_t op, arg;
	uint8_t jump[2];
};

struct regex_head {
	uint8_t states[2], sets[2];
};

static inline unsigned regex_number(const uint8_t bytes[2])
{
	return bytes[0] | bytes[1] << 8;
}

/* Writes the program of text; returns its size in bytes, -EINVAL with the reason in why, or -ENOSPC
 * when it takes more than room bytes or than the bounds above. */
int regex_compile(const char *text, void *program, size_t room, struct why *why);

/* Is there a match in text? room is how far the program may reach; a broken program matches
 * nothing. */
bool regex_match(const void *program, size_t room, const char *text, size_t length);

#endif
