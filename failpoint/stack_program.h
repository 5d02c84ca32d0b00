/*
 * stack_program.h - what stack_rule.c and stack_program.c share: a reader that never reads beyond its
 * end, and the state of a program of call frame information.
 */
#ifndef FAILPOINT_STACK_PROGRAM_H
#define FAILPOINT_STACK_PROGRAM_H

#include "failpoint/stack.h"

#if defined(__x86_64__)
enum { DWARF_FP = 6, DWARF_SP = 7, DWARF_RA = 16 };
#else
enum { DWARF_FP = 29, DWARF_SP = 31, DWARF_RA = 30 };
#endif

enum { REMEMBERED = 8 };

/* A register's place; unsure: it is computed in a way that is not followed. */
struct place {
	enum { PLACE_SAME, PLACE_AT_CFA, PLACE_AT_FP, PLACE_UNSURE, PLACE_NOWHERE } kind;
	int64_t offset;
};

struct row {
	uint64_t base; /* DWARF_SP, DWARF_FP or another */
	int64_t offset;
	bool at; /* the cfa lies there */
	struct place fp, ra;
};

struct reader {
	const uint8_t *at, *end;
	bool broken;
};

struct frame_program {
	uint64_t code_align, location, wanted, return_register;
	int64_t data_align;
	uint8_t encoding; /* of addresses */
	bool augmented, signal;
	struct row row, initial, remembered[REMEMBERED];
	unsigned depth;
};

/* Past the end they say 0, and the reader is broken. */
CORE_HIDDEN uint64_t read_bytes(struct reader *r, unsigned bytes);
CORE_HIDDEN uint64_t read_uleb(struct reader *r);
CORE_HIDDEN int64_t read_sleb(struct reader *r);
/* DW_EH_PE: how wide in the low four bits, relative to what in the next three. */
CORE_HIDDEN uint64_t read_encoded(struct reader *r, uint8_t encoding);

/* Runs it up to the address that is wanted. */
CORE_HIDDEN void program_run(struct frame_program *p, struct reader *r);

#endif
