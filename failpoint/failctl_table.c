/* failctl_table.c - a listing is an array of JSON objects, dumped or printed as a table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint/failctl.h"

enum { COLUMNS_MAX = 16 };

void no_memory(void)
{
	say("no memory for the listing");
	exit(EXIT_ENVIRONMENT);
}

void *json_memory(size_t size)
{
	void *memory = malloc(size);

	if (!memory)
		no_memory();
	return memory;
}

json_t *json_text(const char *text)
{
	json_t *value = json_string(text);
	char *copy;

	if (value)
		return value;
	copy = strdup(text);
	if (!copy)
		no_memory();
	for (char *at = copy; *at; at++)
		if (*at & 0x80)
			*at = '?';
	value = json_string(copy);
	free(copy);
	return value;
}

void print_text(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
}

int print_json(json_t *value, bool one_line)
{
	json_dumpf(value, stdout, one_line ? JSON_COMPACT : JSON_INDENT(2));
	putchar('\n');
	json_decref(value);
	return 0;
}

/* A cell's text; buffer holds it when it is a number. */
static const char *cell_text(const json_t *row, const struct column *column, char buffer[32])
{
	const json_t *value = json_object_get(row, column->key);

	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_true(value))
		return "yes";
	if (!json_is_integer(value))
		return "";
	snprintf(buffer, 32, "%lld", (long long)json_integer_value(value));
	return buffer;
}

/* Columns on a terminal: a byte that only continues a character takes no place. */
static int width_of(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

static void measure(const json_t *rows, const struct column *columns, int width[COLUMNS_MAX])
{
	char buffer[32];
	const json_t *row;
	size_t i;

	for (unsigned c = 0; columns[c].key; c++) {
		width[c] = width_of(columns[c].title);
		json_array_foreach((json_t *)(uintptr_t)rows, i, row)
		{
			int w = width_of(cell_text(row, &columns[c], buffer));

			if (w > width[c])
				width[c] = w;
		}
	}
}

/* The last column is not padded, so that lines end where their text does. */
static void print_cell(const char *text, const struct column *column, int width)
{
	int pad = width - width_of(text);

	if (column->right)
		printf("%*s", pad, "");
	print_text(text);
	if (column[1].key)
		printf("%*s", (column->right ? 0 : pad) + 2, "");
}

static void print_table(const json_t *rows, const struct column *columns)
{
	int width[COLUMNS_MAX];
	char buffer[32];
	const json_t *row;
	size_t i;

	measure(rows, columns, width);
	for (unsigned c = 0; columns[c].key; c++)
		print_cell(columns[c].title, &columns[c], width[c]);
	putchar('\n');
	json_array_foreach((json_t *)(uintptr_t)rows, i, row)
	{
		for (unsigned c = 0; columns[c].key; c++)
			print_cell(cell_text(row, &columns[c], buffer), &columns[c], width[c]);
		putchar('\n');
	}
}

int print_listing(const struct args *args, json_t *rows, const struct column *columns)
{
	if (args->json)
		return print_json(rows, false);
	if (json_array_size(rows))
		print_table(rows, columns);
	json_decref(rows);
	return 0;
}
