/*
 * stack_program.c - see stack.h and stack_program.h: the programs of DWARF's call frame information.
 *
 * Compilers describe for every instruction where the caller's registers are, as a small program:
 * "after the push the frame is 16 bytes big, rbp is kept at -16". It is run up to the address asked
 * for. Of the registers only the frame pointer and the return address are followed; that is enough
 * for what compilers make of functions that call others.
 */
#include "failpoint/stack_program.h"

enum {
	CFA_ADVANCE = 0x40,
	CFA_OFFSET = 0x80,
	CFA_RESTORE = 0xc0,
	CFA_NOP = 0,
	CFA_SET_LOC,
	CFA_ADVANCE1,
	CFA_ADVANCE2,
	CFA_ADVANCE4,
	CFA_OFFSET_EXTENDED,
	CFA_RESTORE_EXTENDED,
	CFA_UNDEFINED,
	CFA_SAME_VALUE,
	CFA_REGISTER,
	CFA_REMEMBER,
	CFA_RESTORE_STATE,
	CFA_DEF,
	CFA_DEF_REGISTER,
	CFA_DEF_OFFSET,
	CFA_DEF_EXPRESSION,
	CFA_EXPRESSION,
	CFA_OFFSET_SF,
	CFA_DEF_SF,
	CFA_DEF_OFFSET_SF,
	CFA_VAL_OFFSET,
	CFA_VAL_OFFSET_SF,
	CFA_VAL_EXPRESSION,
	CFA_NEGATE_RA = 0x2d,
	CFA_ARGS_SIZE = 0x2e,
};

enum { OP_BREG = 0x70, OP_DEREF = 0x06 };

/* ---- Reading ---- */

uint64_t read_bytes(struct reader *r, unsigned bytes)
{
	uint64_t value = 0;

	if (r->broken || (size_t)(r->end - r->at) < bytes) {
		r->broken = true;
		return 0;
	}
	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)r->at[i] << 8 * i;
	r->at += bytes;
	return value;
}

static uint64_t read_leb(struct reader *r, bool sign)
{
	uint64_t value = 0, byte;
	unsigned shift = 0;

	do {
		byte = read_bytes(r, 1);
		if (shift < 64)
			value |= (byte & 127) << shift;
		shift += 7;
	} while (byte & 128 && !r->broken);
	if (sign && byte & 64 && shift < 64)
		value |= ~UINT64_C(0) << shift;
	return value;
}

uint64_t read_uleb(struct reader *r)
{
	return read_leb(r, false);
}

int64_t read_sleb(struct reader *r)
{
	return (int64_t)read_leb(r, true);
}

uint64_t read_encoded(struct reader *r, uint8_t encoding)
{
	static const uint8_t widths[16] = {
		[0] = 8, [2] = 2, [3] = 4, [4] = 8, [8] = 8, [10] = 2, [11] = 4, [12] = 8};
	uint64_t here = (uint64_t)(uintptr_t)r->at, value;
	uint8_t width = widths[encoding & 15];

	if (!width || (encoding & 0x70 && (encoding & 0x70) != 0x10))
		r->broken = true;
	value = read_bytes(r, width);
	if (encoding & 8 && width < 8 && width && value >> (8 * width - 1))
		value |= ~UINT64_C(0) << 8 * width;
	return (encoding & 0x70) == 0x10 ? value + here : value;
}

/* ---- The program ---- */

static struct place *place_of(struct frame_program *p, struct row *row, uint64_t number)
{
	if (number == DWARF_FP)
		return &row->fp;
	return number == p->return_register ? &row->ra : NULL;
}

static void put(struct frame_program *p, uint64_t number, int kind, int64_t offset)
{
	struct place *place = place_of(p, &p->row, number);

	if (!place)
		return;
	place->kind = kind;
	place->offset = offset;
}

static void restore(struct frame_program *p, uint64_t number)
{
	struct place *place = place_of(p, &p->row, number);

	if (place)
		*place = *place_of(p, &p->initial, number);
}

/* Those two forms that compilers use: a register with an offset, and what lies there. False: it is
 * something else. */
static bool read_expression(struct reader *r, uint64_t *number, int64_t *offset, bool *at)
{
	uint64_t length = read_uleb(r);
	struct reader e = {r->at, r->at + length, r->broken};
	uint64_t op;

	if (r->broken || length > (uint64_t)(r->end - r->at)) {
		r->broken = true;
		return false;
	}
	r->at += length;
	op = read_bytes(&e, 1);
	*number = op - OP_BREG;
	*offset = read_sleb(&e);
	*at = e.at < e.end && *e.at == OP_DEREF;
	e.at += *at;
	return !e.broken && op >= OP_BREG && op < OP_BREG + 32 && e.at == e.end;
}

static void define_by_expression(struct frame_program *p, struct reader *r)
{
	if (!read_expression(r, &p->row.base, &p->row.offset, &p->row.at))
		p->row.base = UINT64_MAX;
}

static void put_by_expression(struct frame_program *p, struct reader *r, bool is_value)
{
	uint64_t number = read_uleb(r), base;
	int64_t offset;
	bool at, known = read_expression(r, &base, &offset, &at);

	put(p, number, known && !at && !is_value && base == DWARF_FP ? PLACE_AT_FP : PLACE_UNSURE,
	    offset);
}

static void define(struct frame_program *p, uint64_t base, int64_t offset)
{
	p->row.base = base;
	p->row.offset = offset;
	p->row.at = false;
}

static void remember(struct frame_program *p)
{
	if (p->depth < REMEMBERED)
		p->remembered[p->depth] = p->row;
	p->depth++;
}

static void recall(struct frame_program *p, struct reader *r)
{
	if (!p->depth || --p->depth >= REMEMBERED)
		r->broken = true;
	else
		p->row = p->remembered[p->depth];
}

/* Places and frames: what changes the row. */
static void step_row(struct frame_program *p, struct reader *r, uint8_t op)
{
	uint64_t number;

	switch (op) {
	case CFA_OFFSET_EXTENDED:
		number = read_uleb(r);
		put(p, number, PLACE_AT_CFA, (int64_t)read_uleb(r) * p->data_align);
		break;
	case CFA_OFFSET_SF:
		number = read_uleb(r);
		put(p, number, PLACE_AT_CFA, read_sleb(r) * p->data_align);
		break;
	case CFA_RESTORE_EXTENDED:
		restore(p, read_uleb(r));
		break;
	case CFA_UNDEFINED:
		put(p, read_uleb(r), PLACE_NOWHERE, 0);
		break;
	case CFA_SAME_VALUE:
		put(p, read_uleb(r), PLACE_SAME, 0);
		break;
	case CFA_REGISTER:
	case CFA_VAL_OFFSET:
	case CFA_VAL_OFFSET_SF:
		put(p, read_uleb(r), PLACE_UNSURE, 0);
		read_uleb(r);
		break;
	case CFA_EXPRESSION:
	case CFA_VAL_EXPRESSION:
		put_by_expression(p, r, op == CFA_VAL_EXPRESSION);
		break;
	case CFA_DEF:
		number = read_uleb(r);
		define(p, number, (int64_t)read_uleb(r));
		break;
	case CFA_DEF_SF:
		number = read_uleb(r);
		define(p, number, read_sleb(r) * p->data_align);
		break;
	case CFA_DEF_REGISTER:
		define(p, read_uleb(r), p->row.offset);
		break;
	case CFA_DEF_OFFSET:
		p->row.offset = (int64_t)read_uleb(r);
		break;
	case CFA_DEF_OFFSET_SF:
		p->row.offset = read_sleb(r) * p->data_align;
		break;
	case CFA_DEF_EXPRESSION:
		define_by_expression(p, r);
		break;
	default:
		r->broken = true;
	}
}

static void step(struct frame_program *p, struct reader *r)
{
	uint8_t op = (uint8_t)read_bytes(r, 1), low = op & 63;

	if (op >> 6 == CFA_ADVANCE >> 6) {
		p->location += low * p->code_align;
	} else if (op >> 6 == CFA_OFFSET >> 6) {
		put(p, low, PLACE_AT_CFA, (int64_t)read_uleb(r) * p->data_align);
	} else if (op >> 6 == CFA_RESTORE >> 6) {
		restore(p, low);
	} else if (op == CFA_SET_LOC) {
		p->location = read_encoded(r, p->encoding);
	} else if (op >= CFA_ADVANCE1 && op <= CFA_ADVANCE4) {
		p->location += read_bytes(r, 1U << (op - CFA_ADVANCE1)) * p->code_align;
	} else if (op == CFA_REMEMBER) {
		remember(p);
	} else if (op == CFA_RESTORE_STATE) {
		recall(p, r);
	} else if (op == CFA_ARGS_SIZE) {
		read_uleb(r);
	} else if (op != CFA_NOP && op != CFA_NEGATE_RA) {
		step_row(p, r, op);
	}
}

void program_run(struct frame_program *p, struct reader *r)
{
	while (r->at < r->end && !r->broken) {
		struct row row = p->row;

		step(p, r);
		if (p->location > p->wanted) {
			p->row = row;
			return;
		}
	}
}
