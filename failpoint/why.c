/* why.c - see why.h for the contract. */
#include "failkit/why.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int why_set(struct why *why, int code, const char *format, ...)
{
	va_list args;

	if (!why)
		return code;
	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	return code;
}

int why_prefix(struct why *why, int code, const char *format, ...)
{
	struct why old;
	va_list args;
	size_t used;

	if (!why)
		return code;
	old = *why;
	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	used = strlen(why->text);
	snprintf(why->text + used, sizeof(why->text) - used, ": %.*s", WHY_MAX - 8, old.text);
	return code;
}
