/* stack_rule.c - see stack.h: which record of .eh_frame is about an address, and what comes of it. */
#include "failpoint/stack_program.h"

/* ---- Its records ---- */

/* A record: its length before it. */
static struct reader record_at(uintptr_t address)
{
	struct reader r = {(const uint8_t *)address, (const uint8_t *)address + 4, false};
	uint64_t length = read_bytes(&r, 4);

	if (length == 0 || length >= 0xfffffff0)
		r.broken = true;
	else
		r.end = r.at + length;
	return r;
}

static void read_augmentation(struct frame_program *p, struct reader *r, const char *letters)
{
	uint64_t length = read_uleb(r);
	const uint8_t *after = r->at + length;

	for (letters++; *letters && !r->broken; letters++) {
		if (*letters == 'R')
			p->encoding = (uint8_t)read_bytes(r, 1);
		else if (*letters == 'P')
			read_encoded(r, read_bytes(r, 1) & 0x7f);
		else if (*letters == 'L')
			read_bytes(r, 1);
		else if (*letters == 'S')
			p->signal = true;
		else if (*letters != 'B')
			break;
	}
	r->at = after;
	r->broken |= r->at > r->end;
}

/* What many functions have in common, with the beginning of the program. */
static bool run_common(struct frame_program *p, uintptr_t address)
{
	struct reader r = record_at(address);
	uint64_t id = read_bytes(&r, 4), version = read_bytes(&r, 1);
	const char *letters = (const char *)r.at;

	while (!r.broken && read_bytes(&r, 1))
		;
	if (version == 4)
		read_bytes(&r, 2);
	p->code_align = read_uleb(&r);
	p->data_align = read_sleb(&r);
	p->return_register = version == 1 ? read_bytes(&r, 1) : read_uleb(&r);
	if (r.broken || id != 0)
		return false;
	p->augmented = letters[0] == 'z';
	if (p->augmented)
		read_augmentation(p, &r, letters);
	else if (letters[0])
		return false;
	program_run(p, &r);
	p->initial = p->row;
	return !r.broken;
}

/* Runs the record of the function that has the address, if it is this one. */
static bool run_function(struct frame_program *p, uintptr_t address)
{
	struct reader r = record_at(address);
	uintptr_t here = (uintptr_t)r.at;
	uint64_t back = read_bytes(&r, 4), begin, length;

	p->location = 0;
	if (r.broken || back == 0 || !run_common(p, here - back))
		return false;
	begin = read_encoded(&r, p->encoding);
	length = read_encoded(&r, p->encoding & 15);
	if (p->augmented) {
		uint64_t skip = read_uleb(&r);

		if (r.broken || skip > (uint64_t)(r.end - r.at))
			return false;
		r.at += skip;
	}
	if (r.broken || p->wanted < begin || p->wanted - begin >= length)
		return false;
	p->location = begin;
	program_run(p, &r);
	return !r.broken;
}

/* .eh_frame_hdr: pairs of (function, record), as distances from it, in order. 0: none. */
static uintptr_t find_record(uintptr_t header, uintptr_t code)
{
	enum { TABLE = 0x3b, COUNT = 0x03 };
	const uint8_t *at = (const uint8_t *)header;
	struct reader r = {at + 4, at + 64, false};
	const int32_t *table;
	uint64_t count, low = 0, high;

	if (at[0] != 1 || at[2] != COUNT || at[3] != TABLE)
		return 0;
	read_encoded(&r, at[1] & 0x7f);
	count = read_bytes(&r, 4);
	table = (const int32_t *)(const void *)r.at;
	for (high = count; low < high && !r.broken;) {
		uint64_t middle = (low + high) / 2;

		if (header + (uintptr_t)(intptr_t)table[2 * middle] <= code)
			low = middle + 1;
		else
			high = middle;
	}
	return low && !r.broken ? header + (uintptr_t)(intptr_t)table[2 * low - 1] : 0;
}

/* ---- What comes of it ---- */

static bool fits(int64_t value, int64_t limit)
{
	return value >= -limit && value < limit;
}

static struct stack_rule rule_of(const struct frame_program *p)
{
	const struct row *row = &p->row;
	struct stack_rule rule = {
		.fp_saved = row->fp.kind == PLACE_AT_CFA  ? SAVED_AT_CFA
			    : row->fp.kind == PLACE_AT_FP ? SAVED_AT_FP
							  : SAVED_NOT,
		.offset = (int32_t)row->offset,
		.fp_offset = (int16_t)row->fp.offset,
		.ra_offset = (int16_t)row->ra.offset,
	};

	if (p->signal)
		rule.base = BASE_SIGNAL;
	else if (row->ra.kind == PLACE_NOWHERE)
		rule.base = BASE_END;
	else if (row->ra.kind != PLACE_AT_CFA || row->ra.offset > 0 || row->ra.offset < -255 * 8 ||
		 row->ra.offset % 8 || !fits(row->offset, INT32_MAX) ||
		 !fits(row->fp.offset, INT16_MAX))
		rule.base = BASE_NONE;
	else if (row->base == DWARF_SP)
		rule.base = row->at ? BASE_AT_SP : BASE_SP;
	else if (row->base == DWARF_FP)
		rule.base = row->at ? BASE_AT_FP : BASE_FP;
	return rule;
}

/* The way back from a handler may be the program's own: then it is known by its bytes. */
static bool is_sigreturn(uintptr_t code)
{
#if defined(__x86_64__)
	static const uint8_t bytes[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
#else
	static const uint8_t bytes[] = {0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4};
#endif
	const uint8_t *at = (const uint8_t *)code;

	if (!raw_is_readable(at) || !raw_is_readable(at + sizeof(bytes) - 1))
		return false;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		if (at[i] != bytes[i])
			return false;
	return true;
}

static bool run_at(struct frame_program *p, uintptr_t header, uintptr_t code)
{
	uintptr_t record = header ? find_record(header, code) : 0;

	*p = (struct frame_program){.wanted = code};
	return record && run_function(p, record);
}

/* A handler returns to the first byte of what leads back, so it is looked up there. */
struct stack_rule stack_rule_at(uintptr_t code)
{
	struct stack_scratch *scratch = stack_scratch_take();
	struct frame_program *p;
	struct stack_rule rule = {.base = BASE_CHAIN};
	uintptr_t header;

	if (!scratch)
		return rule;
	p = (struct frame_program *)(void *)scratch->text;
	header = stack_object_at(scratch, code) ? scratch->object.frames : 0;
	if (is_sigreturn(code + 1))
		rule.base = BASE_SIGNAL;
	else if (run_at(p, header, code))
		rule = rule_of(p);
	stack_scratch_give(scratch);
	return rule;
}

_Static_assert(sizeof(struct frame_program) <= sizeof(((struct stack_scratch *)0)->text), "fits");
