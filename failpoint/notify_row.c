/*
 * notify_row.c - calls.def once more: which argument of the system call is the descriptor, the path,
 * the amount? See notify_impl.h.
 *
 * Rows say it with the names of their parameters: "(fd, buf, n, at)", "FD(fd)", "BYTES(n, at)". The
 * kernel takes the arguments in libc's order, so a parameter's place among args is its register.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint/notify_impl.h"

struct text_row {
	const char *args, *subject, *moves;
};

#define CALL(name, ret, params, args, f, subject, moves, number, c, e) \
	[CALL_##name] = {#args, #subject, #moves},
#define CUSTOM(name, ret, params, args, f, subject, moves, number, c, e) \
	[CALL_##name] = {#args, #subject, #moves},
#define ALIAS(alias, name)
static const struct text_row texts[CALL_COUNT] = {
#include "failpoint/calls.def"
};
#undef CALL
#undef CUSTOM
#undef ALIAS

struct notify_row notify_rows[CALL_COUNT];

/* The n-th of "KIND(a, b->c, d)": its first identifier or number. False when there is none. */
static bool part(const char *text, unsigned n, char out[32])
{
	size_t length = 0;

	text = strchr(text, '(');
	while (text && n--)
		text = strchr(text + 1, ',');
	if (!text)
		return false;
	for (text++; *text == ' ';)
		text++;
	while ((isalnum((unsigned char)text[length]) || text[length] == '_') && length < 31)
		length++;
	memcpy(out, text, length);
	out[length] = 0;
	return length > 0;
}

static int8_t position(const char *args, const char *name)
{
	char arg[32];

	for (unsigned i = 0; part(args, i, arg); i++)
		if (strcmp(arg, name) == 0)
			return (int8_t)i;
	return -1;
}

static int8_t argument(const struct text_row *row, const char *description, unsigned n)
{
	char name[32];

	return part(description, n, name) ? position(row->args, name) : -1;
}

static bool is_kind(const char *description, const char *kind)
{
	size_t length = strlen(kind);

	return strncmp(description, kind, length) == 0 && description[length] == '(';
}

/* The kinds of subject: which field each part of them is. */
static const struct kind {
	const char *name;
	size_t field[5];
	unsigned fields;
} kinds[] = {
#define F(field) offsetof(struct notify_row, field)
	{"FD", {F(fd)}, 1},
	{"SOCKET", {F(fd)}, 1},
	{"FD_FLAGS", {F(fd), F(flags)}, 2},
	{"ADDRESS", {F(fd), F(flags), F(address), F(address_length)}, 4},
	{"PATH", {F(path)}, 1},
	{"PATH_AT", {F(dirfd), F(path), F(flags)}, 3},
	{"PATHS", {F(dirfd), F(path), F(dirfd2), F(path2), F(flags)}, 5},
#undef F
};

static void add_subject(struct notify_row *row, const struct text_row *text)
{
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (unsigned i = 0; i < kinds[k].fields && is_kind(text->subject, kinds[k].name);
		     i++)
			*((int8_t *)row + kinds[k].field[i]) = argument(text, text->subject, i);
}

static void add_moves(struct notify_row *row, const struct text_row *text)
{
	bool data = is_kind(text->moves, "DATA"); /* with the buffer before the length */

	if (!data && !is_kind(text->moves, "BYTES"))
		return;
	row->offset = argument(text, text->moves, 1 + data);
	row->vector = position(text->args, "iov");
	row->message = position(text->args, "message");
	if (row->vector >= 0)
		row->count = argument(text, text->moves, 0);
	else
		row->length = argument(text, text->moves, data);
	row->buffer = position(text->args, "buf");
	if (row->message >= 0)
		row->address = row->address_length = -1;
}

void notify_rows_begin(void)
{
	for (unsigned i = 0; i < CALL_COUNT; i++) {
		struct notify_row *row = &notify_rows[i];

		memset(row, -1, sizeof(*row));
		add_subject(row, &texts[i]);
		add_moves(row, &texts[i]);
	}
	/* The kernel has the offset of these in two words. */
	notify_rows[CALL_preadv2].flags = notify_rows[CALL_pwritev2].flags = 5;
}
