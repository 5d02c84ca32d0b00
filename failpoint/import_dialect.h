/*
 * import_dialect.h - what the translators of import.h share. Others include import.h.
 *
 * A translator writes the obvious native text, quoting every value; import_add() reads it with
 * rule_parse(), which refuses what makes no sense, and keeps the canonical text.
 */
#ifndef FAILPOINT_IMPORT_DIALECT_H
#define FAILPOINT_IMPORT_DIALECT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "failkit/why.h"

enum { IMPORT_TEXT_MAX = 4096 };

/* A text that grows up to its bound; what is more sets full. */
struct import_text {
	char text[IMPORT_TEXT_MAX];
	size_t length;
	bool full;
};

struct import {
	const char *dialect;
	struct why *why;
	char **native; /* canonical rules, each on the heap */
	size_t count;
};

void import_put(struct import_text *to, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Puts a value between quotes; as a glob that matches nothing but itself when literal. */
void import_put_quoted(struct import_text *to, const char *value, size_t length, bool literal);

/* Puts a failpoint's name: app/NAME when it has no "/". Refused when it is no name here. */
int import_put_point(struct import *import, struct import_text *to, const char *name,
		     size_t length);

/* Puts "error(E)", or "error!(E)" when one of the calls in sites ("write,fsync") can't fail so. */
void import_put_error(struct import_text *to, const char *sites, int error);

/* Adds one native rule; source is what it was written as, for messages. */
int import_add(struct import *import, const struct import_text *native, const char *source);

/* Refuses with -ENOTSUP: DIALECT: "what": reason. */
int import_refuse(struct import *import, const char *what, size_t length, const char *reason);

/* Takes the next word as a shell would; false at the end. A quote that is never closed ends there.
 */
bool import_word(const char **text, struct import_text *word);

/* Finds the first byte of marks that stands outside quotes and brackets; NULL when there is none.
 */
const char *import_find(const char *text, const char *end, const char *marks);

int import_strace(struct import *import, const char *text);
int import_failrs(struct import *import, const char *text);
int import_gofail(struct import *import, const char *text);
int import_fail9(struct import *import, const char *text);
int import_fiu(struct import *import, const char *text);

#endif
