/*
 * why.h - the sentence that goes with an error code.
 *
 * Functions of failkit's libraries return 0 or -errno and never print. Where a number is not
 * enough, the last parameter is a struct why, which may be NULL: on failure it holds one sentence,
 * in lower case and without a full stop, that quotes the input, says what was wanted and offers the
 * nearest name. The caller adds the place ("failctl: plans/db.ini:12: ...") and prints it.
 *
 * Not for use inside an intercepted call: it formats with vsnprintf.
 */
#ifndef FAILKIT_WHY_H
#define FAILKIT_WHY_H

#ifdef __cplusplus
extern "C" {
#endif

#define WHY_MAX 512

struct why {
	char text[WHY_MAX];
};

/* Fills why (unless NULL) and returns code, so that `return why_set(why, -EINVAL, ...)` reads well. */
int why_set(struct why *why, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before what why already says; returns code. */
int why_prefix(struct why *why, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif

#endif
