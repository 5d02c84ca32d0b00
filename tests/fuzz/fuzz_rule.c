/*
 * fuzz_rule.c - no text harms the parser, and what it accepts makes the round trip byte for byte.
 *
 * Input that holds a newline goes through rules_parse(), else through rule_parse().
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int check(void *arg, const struct rule *rule)
{
	char text[RULE_TEXT_MAX + RULE_NAME_MAX + 8];
	int length = rule_format(rule, text, sizeof(text));
	struct rule again;

	(void)arg;
	if (length < 0 || rule_parse(&again, text, (size_t)length, NULL) ||
	    memcmp(&again, rule, sizeof(again)) != 0)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct rule rule;
	struct why why;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (memchr(data, '\n', size))
		rules_parse(text, check, NULL, &why);
	else if (!rule_parse(&rule, (const char *)data, size, &why))
		check(NULL, &rule);
	free(text);
	return 0;
}
