/*
 * util.h - the small things every part of the reference store needs: a sentence for an error, a
 * clock that only goes forward, log lines, growing text, hexadecimal numbers, percent-encoding.
 *
 * Nothing here prints but log_line, and nothing exits.
 */
#ifndef REFSTORE_UTIL_H
#define REFSTORE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* "127.0.0.9:7000", and a list of a few of them. */
#define ADDRESS_MAX   64
#define ADDRESSES_MAX 512
#define TAG_TEXT_MAX  17
/* A list of all the data servers there may be. */
#define SERVERS_TEXT_MAX 8192

/* The sentence that goes with an error code. */
struct trouble {
	char text[512];
};

/* Fills t (unless NULL) and returns code. */
int trouble_set(struct trouble *t, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

uint64_t clock_ms(void);
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The XXH3 of bytes: the ETag of an object, the checksum of a chunk. */
uint64_t tag_of(const void *bytes, size_t length);
void tag_text(uint64_t tag, char text[TAG_TEXT_MAX]);
/* Exactly 16 hexadecimal digits; false for anything else. */
bool tag_parse(const char *text, uint64_t *tag);

/* A decimal number and nothing else; false for anything else. */
bool number_parse(const char *text, uint64_t *number);

/* Undoes %XX. Returns the length, or -EINVAL for a broken escape, a NUL byte or text that does not
 * fit; to is always terminated. */
int percent_decode(const char *from, char *to, size_t to_max);
/* Everything but letters, digits and "-._~" becomes %XX; false if it does not fit. */
bool percent_encode(const char *from, char *to, size_t to_max);

bool utf8_is_valid(const char *text);

/* Walks "a,b,c": copies the next item and moves *list behind it; false at the end. */
bool list_next(const char **list, char *item, size_t item_max);
bool list_has(const char *list, const char *item);
void list_add(char *list, size_t list_max, const char *item);
int list_count(const char *list);
/* Those items of the list that are in the other one, or those that are not. */
void list_split(const char *list, const char *other, bool in, char *to, size_t to_max);

/* The known word nearest to a misspelt one, or NULL when none is near. */
const char *nearest_word(const char *word, const char *const *known, size_t count);

#endif
