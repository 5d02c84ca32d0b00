/*
 * rule.h - a rule, compiled: flat, without pointers, ready to be stored in the plane.
 *
 *     wal-eio := %sync:path=*.wal:ret=ok => %send:within=5s = 2..9@50%3*delay(1s),kill -> print("x")
 *     name       step             clauses   step             term: when chance count actions   term
 *
 * rule_parse() turns text into this, rule_format() turns this back into canonical text; parsing the
 * canonical text gives the same bytes. Strings and compiled patterns are kept in the pool and named
 * by offset; offset 0 is always the empty string. A reader inside an intercepted call trusts no
 * offset or count it finds here: it clamps each to its bound (the plane may hold anything).
 *
 * parse and format belong to the front: they may allocate and format. struct rule is 8 KiB.
 */
#ifndef FAILPOINT_RULE_H
#define FAILPOINT_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failkit/why.h"
#include "failpoint/calls.h"

enum {
	RULE_NAME_MAX = 64,
	RULE_TEXT_MAX = 1024,
	RULE_STEP_MAX = 4,
	RULE_SITE_MAX = 16,   /* failpoint globs of one rule */
	RULE_CLAUSE_MAX = 24, /* of one rule, over all steps */
	RULE_VALUE_MAX = 64,
	RULE_TERM_MAX = 8,
	RULE_ACTION_MAX = 24, /* of one rule, over all terms */
	RULE_POOL_BYTES = 3072,
};

enum clause_key {
	KEY_PATH,
	KEY_FROM,
	KEY_TO,
	KEY_FILE,
	KEY_FD,
	KEY_PEER,
	KEY_PORT,
	KEY_LINK,
	KEY_SOCK,
	KEY_LEN,
	KEY_OFFSET,
	KEY_FLAGS,
	KEY_DATA,
	KEY_NODE,
	KEY_ROLE,
	KEY_THREAD,
	KEY_COMM,
	KEY_PID,
	KEY_STACK,
	KEY_CALLER,
	KEY_RET,
	KEY_AT,
	KEY_COUNT,
};

enum clause_op { OP_EQ, OP_NE, OP_RE, OP_NRE, OP_LT, OP_LE, OP_GT, OP_GE, OP_AND, OP_NAND };

enum file_kind { FILE_NONE, FILE_REG, FILE_DIR, FILE_SOCK, FILE_FIFO, FILE_OTHER };
enum sock_kind { SOCK_NONE, SOCK_TCP, SOCK_UDP, SOCK_UNIX, SOCK_OTHER };

enum value_kind {
	VALUE_TEXT,    /* text: a glob, a name */
	VALUE_NUMBER,  /* number */
	VALUE_RANGE,   /* number..other, for port=1..1024 and fd */
	VALUE_REGEX,   /* text, and other is the pool offset of its program (regex.h) */
	VALUE_IPV4,    /* number, host order */
	VALUE_IPV6,    /* other is the pool offset of its 16 bytes */
	VALUE_LINK,    /* text is the source, other the offset of the destination; "*" is any */
	VALUE_RET_OK,  /* ret=ok */
	VALUE_RET_ERR, /* ret=err; one errno is VALUE_NUMBER */
};

struct rule_value {
	uint64_t number;
	uint16_t kind; /* enum value_kind */
	uint16_t text; /* pool offset of the text as written, without quotes */
	uint32_t other;
};

struct rule_clause {
	uint8_t key; /* enum clause_key */
	uint8_t op;  /* enum clause_op */
	uint8_t first_value, values;
};

enum rule_same { SAME_TID, SAME_PID, SAME_NODE, SAME_FD, SAME_FILE, SAME_NONE };
enum rule_scope { PER_RUN, PER_NODE, PER_PROCESS, PER_THREAD, PER_PATH, PER_FD };

struct rule_step {
	uint64_t calls[CALL_MAX / 64]; /* named one by one */
	uint32_t classes;              /* named by class; refined by the subject */
	uint8_t first_glob, globs;     /* failpoint globs: rule.glob[] */
	uint8_t first_clause, clauses;
	uint8_t same;    /* enum rule_same; on steps after the first */
	uint8_t at_exit; /* judged when the call returns (ret= or at=exit) */
	uint16_t pad;
	uint32_t unless_classes;
	uint64_t unless_calls[CALL_MAX / 64]; /* a passage here forgets the sequence */
	uint64_t within_ns;                   /* 0: for ever */
};

enum action_kind {
	ACTION_ERROR,
	ACTION_ERROR_AFTER,
	ACTION_LIE,
	ACTION_RETURN,
	ACTION_SHORT,
	ACTION_TORN,
	ACTION_CORRUPT,
	ACTION_QUOTA,
	ACTION_DELAY,
	ACTION_RATE,
	ACTION_PAUSE,
	ACTION_REFUSE,
	ACTION_RESET,
	ACTION_CUT,
	ACTION_DROP,
	ACTION_KILL,
	ACTION_ABORT,
	ACTION_EXIT,
	ACTION_POWERCUT,
	ACTION_PRINT,
	ACTION_OFF,
	ACTION_COUNT,
};

/* error!(), short(50%), kill(node) */
enum { ACTION_FORCED = 1, ACTION_PERCENT = 2, ACTION_NODE = 4 };

struct rule_action {
	uint8_t kind;  /* enum action_kind */
	uint8_t flags; /* ACTION_FORCED ... */
	uint16_t text; /* pool offset: print's text */
	uint32_t pad;
	int64_t number; /* errno, value, bytes (ppb with ACTION_PERCENT), ns, signal, status */
	int64_t extra;  /* jitter in ns */
};

enum { CHANCE_ALWAYS = 1000000000 };
#define RULE_COUNT_MAX UINT64_C(1000000000000) /* of N* */

struct rule_term {
	uint64_t first, last, step; /* when: 0, 0, 0 for always; last 0: no end */
	uint64_t count;             /* N*: fires of this term in the run, 0: no limit */
	uint32_t chance_ppb;        /* CHANCE_ALWAYS without a chance */
	uint8_t first_action, actions;
	uint16_t pad;
};

struct rule {
	uint64_t hash; /* raw_hash() of text: what chance is rolled from, and how the engine tells a
			* rule from garbage */
	uint64_t for_ns, after_ns;
	uint8_t steps, terms, per, pad[5]; /* per: enum rule_scope */
	uint16_t glob[RULE_SITE_MAX];      /* pool offsets of failpoint globs */
	struct rule_step step[RULE_STEP_MAX];
	struct rule_clause clause[RULE_CLAUSE_MAX];
	struct rule_value value[RULE_VALUE_MAX];
	struct rule_term term[RULE_TERM_MAX];
	struct rule_action action[RULE_ACTION_MAX];
	char name[RULE_NAME_MAX]; /* empty: none given */
	char text[RULE_TEXT_MAX]; /* canonical, without the name */
	char pool[RULE_POOL_BYTES];
};

/* Reads one rule. length is strlen(text) or less.
 * Returns 0, or -EINVAL with "column N: ..." in why, or -ENOTSUP when the rule is right but needs
 * what is not built yet, by name. *out changes only on success. */
int rule_parse(struct rule *out, const char *text, size_t length, struct why *why);

/* Reads rules divided by ";" or newlines ("#" starts a comment line), calling each for every one.
 * All are read before the first is given: nothing is half applied. Returns 0, the first error, or
 * what each returned. Errors in a text of several lines say "line N, column M: ...". */
int rules_parse(const char *text, int (*each)(void *arg, const struct rule *rule), void *arg,
		struct why *why);

/* Writes the canonical text, with "NAME := " when named; returns its length, or -ENOSPC. */
int rule_format(const struct rule *rule, char *text, size_t size);

#endif
