/*
 * names.h - the words of the rule language, and how numbers with units are written in it.
 *
 * The tables are what the parser, the writer of canonical text, completions and messages read. What
 * is in the language but not in this build has built = false: it is parsed in full and then refused
 * by name; building it is turning the flag.
 *
 * Durations:  20  1.5s  300us    a bare number is milliseconds; ns us ms s m h
 * Sizes:      512  4K  1.5M      K, M and G are powers of 1024
 *
 * Front: may format. Texts are given with their length and need no end.
 */
#ifndef FAILPOINT_NAMES_H
#define FAILPOINT_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failkit/why.h"
#include "failpoint/rule.h"

/* What a clause's values are. */
enum clause_value {
	CLAUSE_GLOB,   /* a glob; with ~ a quoted regular expression */
	CLAUSE_FILE,   /* file= */
	CLAUSE_SOCK,   /* sock= */
	CLAUSE_NUMBER, /* a number or first..last, up to max */
	CLAUSE_SIZE,
	CLAUSE_FLAGS, /* O_TRUNC, MSG_MORE, or a number */
	CLAUSE_PEER,  /* an address, or a glob over nodes */
	CLAUSE_LINK,  /* from>to */
	CLAUSE_RET,   /* ok, err, or an errno */
	CLAUSE_AT,
	CLAUSE_SAME,
	CLAUSE_DURATION, /* within= for= after= */
	CLAUSE_CALLS,    /* unless= */
	CLAUSE_PER,
};

/* Operators come in families; a clause takes some of them. */
enum { OPS_EQ = 1, OPS_NE = 2, OPS_REGEX = 4, OPS_ORDER = 8, OPS_BITS = 16 };

/* Where a clause may stand. */
enum clause_place { PLACE_ANY_STEP, PLACE_LATER_STEP, PLACE_LAST_STEP };

/* Clauses that are no condition on a hit have a number behind the keys. */
enum {
	CLAUSE_WORD_SAME = KEY_COUNT,
	CLAUSE_WORD_WITHIN,
	CLAUSE_WORD_UNLESS,
	CLAUSE_WORD_PER,
	CLAUSE_WORD_FOR,
	CLAUSE_WORD_AFTER,
	CLAUSE_WORD_COUNT
};

struct clause_name {
	const char *name;
	uint8_t ops, value, place;
	bool point; /* means something at a failpoint */
	bool built;
	uint64_t max;
};

extern const struct clause_name names_clauses[CLAUSE_WORD_COUNT];

/* What an action's argument is. */
enum action_argument {
	ARGUMENT_NONE,
	ARGUMENT_ERRNO,
	ARGUMENT_VALUE,    /* a signed number */
	ARGUMENT_SIZE,     /* a size */
	ARGUMENT_AMOUNT,   /* a size or a percentage */
	ARGUMENT_RATE,     /* a size per second */
	ARGUMENT_BITS,     /* bits=N */
	ARGUMENT_DURATION, /* and jitter=, where jitter is true */
	ARGUMENT_SIGNAL,   /* a signal or "node" */
	ARGUMENT_STATUS,   /* 0 to 255 */
	ARGUMENT_TEXT,
};

struct action_name {
	const char *name;
	uint8_t argument; /* enum action_argument */
	bool optional;    /* may be left out: number is then preset */
	bool jitter, force;
	bool before;  /* acts before the call, so a selector that waits for the result forbids it */
	bool point;   /* means something at a failpoint */
	bool amount;  /* wants a call that moves bytes */
	bool network; /* wants a call of the network */
	bool built;
	int64_t preset;
	const char *wanted; /* for messages: error(EIO) */
};

extern const struct action_name names_actions[ACTION_COUNT];

/* Names of small sets, in the order of their enums; NULL ends each. */
extern const char *const names_files[],
	*const names_socks[], *const names_sames[], *const names_scopes[], *const names_ats[];
extern const char *const names_ops[]; /* by enum clause_op */

const char *names_action(unsigned kind); /* its name, "?" past the last */

/* The index of a word, -1 when unknown. */
int names_find_clause(const char *text, size_t length);
int names_find_action(const char *text, size_t length);
int names_find_in(const char *const names[], const char *text, size_t length);

/* Which of the names at(arg, 0), at(arg, 1) ... up to NULL is meant by a misspelt word; NULL when
 * none is near. Two letters swapped count as one mistake, a letter's case as none; a word that other
 * tools use for it, or its beginning, will do. */
const char *names_nearest(const char *word, const char *(*at)(const void *arg, size_t i),
			  const void *arg);

/* Iterators for it: arg is an array of names that NULL ends; the rest take NULL. */
const char *names_list_at(const void *arg, size_t i);
const char *names_clause_at(const void *arg, size_t i);
const char *names_action_at(const void *arg, size_t i);
const char *names_call_at(const void *arg, size_t i);
const char *names_class_at(const void *arg, size_t i);
const char *names_errno_at(const void *arg, size_t i);
const char *names_flag_at(const void *arg, size_t i);
const char *names_signal_at(const void *arg, size_t i);

/* Fills why with: unknown WHAT "WORD", did you mean "NEAREST"?   Where none is near and there are
 * few, all are named. Returns code. */
int names_refuse(struct why *why, int code, const char *what, const char *word,
		 const char *(*at)(const void *arg, size_t i), const void *arg);

/* Numbers. Each returns 0, or -EINVAL (no such number) or -ERANGE (too large), and then leaves the
 * result alone. names_decimal() reads digits with up to `places` decimals, scaled by 10^places. */
int names_number(const char *text, size_t length, uint64_t *number); /* decimal, or 0x and hex */
int names_decimal(const char *text, size_t length, int places, uint64_t *scaled);
int names_duration(const char *text, size_t length, int64_t *ns);
int names_size(const char *text, size_t length, uint64_t *bytes);
int names_flag(const char *text, size_t length, uint64_t *bits);
int names_signal(const char *text, size_t length, int *signal); /* SIGKILL, KILL, 9 */

const char *names_signal_name(int signal); /* "SIGKILL", NULL when it has none */

/* Writes the shortest text that reads back as the same number; returns its length as snprintf. */
int names_format_duration(char *text, size_t size, uint64_t ns);
int names_format_size(char *text, size_t size, uint64_t bytes);
int names_format_percent(char *text, size_t size, uint64_t ppb);

#endif
