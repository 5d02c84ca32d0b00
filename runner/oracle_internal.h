/*
 * oracle_internal.h - how the oracle remembers: keys, their values, and what was found.
 *
 * A value is what one write put there (generation 0: a delete put nothing there). Over the life of
 * a run it gathers two numbers, both sequence numbers:
 *
 *     first_end    the earliest end of its write, if acknowledged, and of the reads that saw it:
 *                  from then on it certainly has been there (NEVER: nothing proves it ever was)
 *     last_begin   the latest begin of its write and of the reads that saw it:
 *                  it certainly was still there at some moment after that
 *
 * Two values v and w of one key can't both be right when first_end(v) < last_begin(w) and
 * first_end(w) < last_begin(v): each would have to be there after the other. This is the zone test
 * of Gibbons and Korach (SIAM J. Comput. 26(4), 1997) for writes of unique values; a write whose
 * outcome is unknown and that nobody saw has first_end NEVER and contradicts nobody.
 */
#ifndef RUNNER_ORACLE_INTERNAL_H
#define RUNNER_ORACLE_INTERNAL_H

#include "runner/oracle.h"

#define NEVER    UINT64_MAX
#define NEVER_NS INT64_MAX

/* The tag of a body of ours (body.h), with a NUL: much shorter than one that a store may tell, and
 * there is one for each write. */
enum { VALUE_TAG_MAX = 24 };

struct value {
	uint64_t generation; /* 0: nothing is there */
	uint64_t size;
	char tag[VALUE_TAG_MAX]; /* the last byte stays 0 */
	uint64_t write_op;       /* 0: the state before the run */
	uint64_t begin;          /* of the write */
	uint64_t first_end, first_end_op;
	uint64_t last_begin, last_begin_op;
	uint64_t last_read; /* begin of the latest read that saw it, 0: none */
	bool acked, failed, ambiguous;
	bool twice;   /* may have been sent twice: can come back at any time, so it proves no end */
	bool created; /* accepted because nothing was there */
	uint64_t taken; /* generation that was accepted in its place, 0: none */
};

struct key {
	char *name;
	struct value
		*value; /* in order of begin; the first: absence before the run, or the cut's */
	unsigned values, room;
	uint64_t cut, cut_op; /* struct oracle_base; value[0] is what was there then */
	int root;             /* index of its violation, -1: none */
	unsigned writing;     /* mutations that are not answered */
	int64_t written_ns; /* end of the last one; NEVER_NS: of one it is not known what came of it */
};

struct pending {
	struct ledger_intent intent;
	char *name;
	struct key *key; /* NULL for LIST */
	unsigned value;  /* the write's, for PUT and DELETE */
};

enum { FINDINGS_ALIKE_MAX = 64 }; /* of one code, of no key */

/* A root violation and what settles its name at the end. */
struct finding {
	struct violation violation;
	char *key_name;
	struct key *key;
	uint64_t read_begin, read_end;
	bool settle; /* LOST-WRITE, STALE-READ or WRONG-404: does it come back? */
	bool absent; /* the answer was 404 */
};

struct oracle {
	uint32_t can;
	int64_t list_lag_ns; /* 0: listings show the present */
	struct key **key;    /* sorted by name */
	unsigned keys, room;
	struct pending *pending;
	unsigned pendings, pending_room;
	struct finding *finding;
	unsigned findings, finding_room;
	struct oracle_count count;
	uint64_t resolved; /* of what is forgotten: ambiguous writes that were observed */
};

/* The answer under judgement. */
struct reading {
	struct oracle *oracle;
	struct key *key;
	const struct ledger_intent *intent;
	const struct ledger_outcome *outcome;
	uint64_t begin, end;
};

/* oracle_key.c */
struct key *oracle_key(struct oracle *oracle, const char *name);       /* found or made */
unsigned oracle_key_at(const struct oracle *oracle, const char *name); /* first not before name */
unsigned key_add_value(struct key *key, const struct ledger_intent *intent);
bool value_resolved(const struct value *v); /* an ambiguous write that a read has shown */
struct value *key_generation(struct key *key, uint64_t generation); /* NULL: unknown */
/* Can v have been there for an answer to a question of [begin, end]? against: who forbids it. */
bool value_possible(const struct key *key, const struct value *v, uint64_t begin, uint64_t end,
		    const struct value **against);
bool key_absence_possible(const struct key *key, uint64_t begin, uint64_t end,
			  const struct value **against, const struct value **absence);
void value_seen(struct value *v, uint64_t op, uint64_t begin, uint64_t end);

/* oracle_read.c */
enum violation_code judge_read(struct reading *r);
enum violation_code judge_absent(struct reading *r);
/* Size and tag alone: is some value with them possible? */
enum violation_code judge_facts(struct reading *r, const char *name, uint64_t size, const char *tag,
				enum violation_code none, enum violation_code stale);

/* v was answered, or accepted as what is there, although `against` had replaced it before. */
enum violation_code superseded(struct reading *r, const struct value *v,
			       const struct value *against, enum violation_code name);

/* oracle_condition.c */
enum violation_code judge_condition(struct reading *r, struct value *v);

/* oracle_list.c */
enum violation_code judge_list(struct oracle *oracle, const struct ledger_intent *intent,
			       const struct ledger_outcome *outcome, const char *entries,
			       const char *after, const char *last, bool more);

/* oracle_finding.c */
enum violation_code oracle_find(struct reading *r, enum violation_code code, const struct value *v,
				const struct value *against, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
void oracle_settle(struct oracle *oracle);

#endif
