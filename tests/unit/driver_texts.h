/*
 * driver_texts.h - replies made of texts, for the tests of drivers.
 */
#ifndef TESTS_UNIT_DRIVER_TEXTS_H
#define TESTS_UNIT_DRIVER_TEXTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "runner/driver.h"

/* headers: "Name: value\n" lines. */
static inline const char *text_header(const struct reply *reply, const char *name)
{
	static char values[4][256]; /* the last four answers stay readable */
	static unsigned turn;
	const char *line = reply->headers;
	size_t length = strlen(name);

	while (line && *line) {
		if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
			char *value = values[turn++ % 4];

			snprintf(value, sizeof(values[0]), "%.*s",
				 (int)strcspn(line + length + 2, "\n"), line + length + 2);
			return value;
		}
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return NULL;
}

static inline struct reply text_reply(int status, const char *headers, const char *body)
{
	return (struct reply){.status = status,
			      .complete = true,
			      .header = text_header,
			      .headers = (void *)(uintptr_t)headers,
			      .body = body,
			      .length = strlen(body)};
}

/* Entries as "key size tag|". */
static inline int text_entry(void *arg, const struct list_entry *entry)
{
	char *text = arg;

	sprintf(text + strlen(text), "%s %llu %s|", entry->key, (unsigned long long)entry->size,
		entry->tag);
	return 0;
}

static inline void assert_request(const struct driver *driver, void *store, const struct op *op,
				  int endpoint, const char *method, const char *url,
				  const char *header)
{
	struct request request;
	struct why why = {""};

	assert_int_equal(driver->request(store, op, endpoint, &request, &why), 0);
	assert_string_equal(request.method, method);
	assert_string_equal(request.url, url);
	assert_int_equal(request.headers, header ? 1 : 0);
	if (header)
		assert_string_equal(request.header[0], header);
	assert_int_equal(request.body, op->verb == VERB_PUT);
}

#endif
