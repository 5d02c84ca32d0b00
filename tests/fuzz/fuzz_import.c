/*
 * fuzz_import.c - no text of another tool harms the importers, and what they make of it is a rule.
 *
 * The first byte chooses the dialect, the rest is its text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint/import.h"
#include "failpoint/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_rule(void *arg, const char *native)
{
	struct rule rule;

	(void)arg;
	if (rule_parse(&rule, native, strlen(native), NULL))
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t dialects = 0;
	struct why why;

	while (import_dialect_at(dialects))
		dialects++;
	if (size == 0)
		return 0;
	char *text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	import_rules(import_dialect_at(data[0] % dialects), text, is_rule, NULL, &why);
	free(text);
	return 0;
}
