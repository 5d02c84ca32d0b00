/* names_number.c - numbers with units, read and written; see names.h. No floating point: what is
 * written as 0.1 is a tenth, on every machine. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "failpoint/names.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first, for writing; of equal ones, the first is written. */
static const struct unit durations[] = {
	{"h", UINT64_C(3600000000000)},
	{"m", UINT64_C(60000000000)},
	{"s", 1000000000},
	{"ms", 1000000},
	{"us", 1000},
	{"ns", 1},
	{NULL, 1000000},
};

static const struct unit sizes[] = {
	{"G", 1 << 30}, {"g", 1 << 30}, {"M", 1 << 20}, {"m", 1 << 20},
	{"K", 1 << 10}, {"k", 1 << 10}, {NULL, 1},
};

static size_t digits(const char *text, size_t length)
{
	size_t n = 0;

	while (n < length && text[n] >= '0' && text[n] <= '9')
		n++;
	return n;
}

static int read_hex(const char *text, size_t length, uint64_t *number)
{
	uint64_t n = 0;

	for (size_t i = 0; i < length; i++) {
		const char *hex = "0123456789abcdefABCDEF", *at = strchr(hex, text[i]);
		if (!at || !text[i])
			return -EINVAL;
		if (n >> 60)
			return -ERANGE;
		n = n << 4 | (uint64_t)(at - hex > 15 ? at - hex - 6 : at - hex);
	}
	*number = n;
	return 0;
}

int names_number(const char *text, size_t length, uint64_t *number)
{
	if (length > 2 && text[0] == '0' && text[1] == 'x')
		return read_hex(text + 2, length - 2, number);
	return names_decimal(text, length, 0, number);
}

enum { DIGITS_MAX = 30 }; /* what 128 bits hold, with room for the decimals */

/* Digits with up to `places` decimals, scaled by 10^places. */
static int read_decimal(const char *text, size_t length, size_t places, unsigned __int128 *scaled)
{
	size_t whole = digits(text, length), used = whole, decimals = 0;
	unsigned __int128 n = 0;

	if (whole && whole < length && text[whole] == '.') {
		decimals = digits(text + whole + 1, length - whole - 1);
		used += 1 + decimals;
		if (!decimals || decimals > places)
			return -EINVAL;
	}
	if (!whole || used != length)
		return -EINVAL;
	if (whole > DIGITS_MAX)
		return -ERANGE;
	for (size_t i = 0; i < used; i++)
		if (text[i] != '.')
			n = n * 10 + (unsigned)(text[i] - '0');
	for (size_t i = decimals; i < places; i++)
		n *= 10;
	*scaled = n;
	return 0;
}

int names_decimal(const char *text, size_t length, int places, uint64_t *scaled)
{
	unsigned __int128 n;
	int rc = read_decimal(text, length, (size_t)places, &n);

	if (rc || n > UINT64_MAX)
		return rc ? rc : -ERANGE;
	*scaled = (uint64_t)n;
	return 0;
}

/* Reads a number with a unit of the table; the last one has no name and goes with a bare number. */
static int read_units(const struct unit *units, const char *text, size_t length, uint64_t *result)
{
	size_t end = length;
	unsigned __int128 thousandths, product;
	int rc;

	while (end > 0 && !digits(text + end - 1, 1))
		end--;
	while (units->name && (strlen(units->name) != length - end ||
			       memcmp(units->name, text + end, length - end) != 0))
		units++;
	if (!units->name && end != length)
		return -EINVAL;
	rc = read_decimal(text, end, 3, &thousandths);
	if (rc)
		return rc;
	if (thousandths / 1000 > INT64_MAX)
		return -ERANGE;
	product = thousandths * units->factor;
	if (product % 1000)
		return -EINVAL; /* a part of a nanosecond, of a byte */
	if (product / 1000 > INT64_MAX)
		return -ERANGE;
	*result = (uint64_t)(product / 1000);
	return 0;
}

int names_duration(const char *text, size_t length, int64_t *ns)
{
	uint64_t result;
	int rc = read_units(durations, text, length, &result);

	if (!rc)
		*ns = (int64_t)result;
	return rc;
}

int names_size(const char *text, size_t length, uint64_t *bytes)
{
	return read_units(sizes, text, length, bytes);
}

static int write_units(const struct unit *units, char *text, size_t size, uint64_t number)
{
	while (units->name && number % units->factor)
		units++;
	return snprintf(text, size, "%" PRIu64 "%s", number / units->factor,
			units->name ? units->name : "");
}

int names_format_duration(char *text, size_t size, uint64_t ns)
{
	return ns ? write_units(durations, text, size, ns) : snprintf(text, size, "0");
}

int names_format_size(char *text, size_t size, uint64_t bytes)
{
	return bytes ? write_units(sizes, text, size, bytes) : snprintf(text, size, "0");
}

int names_format_percent(char *text, size_t size, uint64_t ppb)
{
	int length = snprintf(text, size, "%" PRIu64 ".%07" PRIu64, ppb / 10000000, ppb % 10000000);

	while (text[length - 1] == '0')
		length--;
	if (text[length - 1] == '.')
		length--;
	return length + snprintf(text + length, size - (size_t)length, "%%");
}
