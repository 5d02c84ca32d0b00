/*
 * plan_keys.h - the one table of a plan's keys, and the types of their values.
 *
 *     row = section, key, type, where it is kept, default, range, help
 *
 * Reading, --set, defaults, writing a plan and `failrun plan --help` all go through the rows.
 *
 *     text      the rest of the line               number    0 ... or 0x...
 *     size      512, 64K, 64M, 1G                  duration  20 (ms), 1.5s, 5m
 *     share     50%                                word      one of a list
 *     yes/no    yes, no                            mix       put 30, get 70 (weights)
 *     term      a word, some with a time: sync, bounded(5s)
 *     steps     may be given more than once; each is one step
 */
#ifndef RUNNER_PLAN_KEYS_H
#define RUNNER_PLAN_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failkit/why.h"
#include "runner/plan.h"

enum plan_type {
	TYPE_TEXT,
	TYPE_NUMBER,
	TYPE_SIZE,
	TYPE_DURATION,
	TYPE_SHARE,
	TYPE_WORD,
	TYPE_TERM,
	TYPE_BOOL,
	TYPE_MIX,
	TYPE_STEPS,
};

struct plan_key {
	uint8_t section; /* enum plan_section */
	uint8_t type;    /* enum plan_type */
	const char *name;
	size_t offset;
	const char *value; /* the default as written; NULL: it must be given */
	uint64_t min, max; /* of the number, bytes or ns */
	const char *const *words;
	const char *help;
};

enum plan_section {
	SECTION_RUN,
	SECTION_STORE,
	SECTION_WORKLOAD,
	SECTION_ROLE,
	SECTION_FAULT,
	SECTION_GATE,
	SECTION_PHASE,
	SECTION_COUNT,
};

/* What a section is: one of its kind, or many with names. */
struct plan_section_kind {
	const char *name;
	size_t offset, stride; /* of the first in struct plan; from one to the next */
	size_t count_offset;   /* of the int that counts them; 0: there is just one */
	int max;
};
extern const struct plan_section_kind plan_section_kinds[SECTION_COUNT];

const struct plan_key *plan_key_at(size_t i); /* NULL after the last */
const struct plan_key *plan_key_find(enum plan_section section, const char *name);

/* Iterators for names_nearest(): arg is a const enum plan_section *. */
const char *plan_key_name_at(const void *arg, size_t i);
const char *plan_section_name_at(const void *arg, size_t i);

/* Where texts are kept until plan_free(). NULL when there is no memory. */
typedef const char *(*plan_keep)(void *arg, const char *text);

/* Puts the value into the section at base. -EINVAL or -ERANGE with why; base changes only on
 * success. */
int plan_value_set(const struct plan_key *key, void *base, const char *text, plan_keep keep,
		   void *arg, struct why *why);
/* The value as it would be written; of steps the one with this number. */
void plan_value_text(const struct plan_key *key, const void *base, int step, char *text,
		     size_t size);
/* "1 to 1024", "sync, bounded, none": for help and messages. */
void plan_value_range(const struct plan_key *key, char *text, size_t size);

#endif
