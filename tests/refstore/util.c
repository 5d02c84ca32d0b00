/* util.c - see util.h. */
#include "tests/refstore/util.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int trouble_set(struct trouble *t, int code, const char *format, ...)
{
	va_list args;

	if (!t)
		return code;
	va_start(args, format);
	vsnprintf(t->text, sizeof(t->text), format, args);
	va_end(args);
	return code;
}

uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void log_line(const char *format, ...)
{
	char text[1024];
	uint64_t now = clock_ms();
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "%llu.%03llu %s\n", (unsigned long long)(now / 1000),
		(unsigned long long)(now % 1000), text);
}

uint64_t tag_of(const void *bytes, size_t length)
{
	return XXH3_64bits(length ? bytes : "", length);
}

void tag_text(uint64_t tag, char text[TAG_TEXT_MAX])
{
	snprintf(text, TAG_TEXT_MAX, "%016llx", (unsigned long long)tag);
}

bool tag_parse(const char *text, uint64_t *tag)
{
	if (!text || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
		return false;
	*tag = strtoull(text, NULL, 16);
	return true;
}

bool number_parse(const char *text, uint64_t *number)
{
	char *end;

	if (!text || !isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);
	if (errno || *end)
		return false;
	*number = n;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int percent_decode(const char *from, char *to, size_t to_max)
{
	size_t n = 0;

	to[0] = 0;
	for (; *from; from++) {
		int c = (unsigned char)*from;

		if (c == '%') {
			int high = hex_digit(from[1]);
			int low = high < 0 ? -1 : hex_digit(from[2]);

			if (low < 0 || high * 16 + low == 0)
				return -EINVAL;
			c = high * 16 + low;
			from += 2;
		}
		if (n + 1 >= to_max)
			return -EINVAL;
		to[n++] = (char)c;
		to[n] = 0;
	}
	return (int)n;
}

bool percent_encode(const char *from, char *to, size_t to_max)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t n = 0;

	for (; *from; from++) {
		unsigned char c = (unsigned char)*from;

		if (n + 4 > to_max)
			return false;
		if (isalnum(c) || strchr("-._~", c)) {
			to[n++] = (char)c;
		} else {
			to[n++] = '%';
			to[n++] = digits[c >> 4];
			to[n++] = digits[c & 15];
		}
	}
	to[n] = 0;
	return true;
}

/* How many bytes the code point that starts with c has; 0 if none starts so. */
static int utf8_length(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c < 0xe0)
		return 2;
	if (c >= 0xe0 && c < 0xf0)
		return 3;
	return c >= 0xf0 && c < 0xf5 ? 4 : 0;
}

bool utf8_is_valid(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p) {
		int length = utf8_length(*p);

		if (!length)
			return false;
		for (int i = 1; i < length; i++)
			if ((p[i] & 0xc0) != 0x80)
				return false;
		/* overlong forms, surrogates, and what lies above U+10FFFF */
		if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
		    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
			return false;
		p += length;
	}
	return true;
}

/* The item at or behind *list, and its length; false at the end. */
static bool item_at(const char **list, size_t *length)
{
	while (**list == ',')
		++*list;
	*length = strcspn(*list, ",");
	return *length > 0;
}

bool list_next(const char **list, char *item, size_t item_max)
{
	size_t length;

	if (!item_at(list, &length))
		return false;
	size_t kept = length < item_max ? length : item_max - 1;
	memcpy(item, *list, kept);
	item[kept] = 0;
	*list += length;
	return true;
}

bool list_has(const char *list, const char *item)
{
	size_t length, wanted = strlen(item);

	for (; item_at(&list, &length); list += length)
		if (length == wanted && memcmp(list, item, length) == 0)
			return true;
	return false;
}

void list_add(char *list, size_t list_max, const char *item)
{
	size_t n = strlen(list);

	if (n + strlen(item) + 2 <= list_max)
		snprintf(list + n, list_max - n, "%s%s", n ? "," : "", item);
}

int list_count(const char *list)
{
	size_t length;
	int count = 0;

	for (; item_at(&list, &length); list += length)
		count++;
	return count;
}

void list_split(const char *list, const char *other, bool in, char *to, size_t to_max)
{
	char item[ADDRESS_MAX];

	to[0] = 0;
	while (list_next(&list, item, sizeof(item)))
		if (list_has(other, item) == in)
			list_add(to, to_max, item);
}

/* Edit distance, for words of up to 31 letters. */
static size_t word_distance(const char *a, const char *b)
{
	size_t row[32], n = strlen(b);

	if (strlen(a) >= 32 || n >= 32)
		return 32;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

const char *nearest_word(const char *word, const char *const *known, size_t count)
{
	const char *best = NULL;
	size_t best_distance = 1 + strlen(word) / 2;

	for (size_t i = 0; i < count; i++) {
		size_t distance = word_distance(word, known[i]);

		if (distance < best_distance) {
			best_distance = distance;
			best = known[i];
		}
	}
	return best;
}
