/*
 * made_ledger.h - for the tests of what is judged from ledgers: one is made here, row by row.
 */
#ifndef TESTS_UNIT_MADE_LEDGER_H
#define TESTS_UNIT_MADE_LEDGER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>

#include "runner/check_exact.h"
#include "runner/ledger_write.h"

enum {
	KV = CAN_RANGE | CAN_HEAD_TAG | CAN_LIST_SIZE | CAN_LIST_TAG | CAN_LIST_PAGES |
	     CAN_DELETE_TELLS | CAN_TAG_XXH3 | CAN_LIST_ORDER,
	PLAIN = CAN_RANGE,
	NONE = -1, /* no answer */
	OPS_MAX = 12,
	ABSENCE = -1,
};

struct made {
	enum verb verb;
	int inv, res;
	int kind;  /* enum outcome, or NONE */
	int value; /* put: generation; get: seen; head: whose tag it told; list: whose tag, 0: not
		      named, -1: named twice, -2: named without a tag */
	int status, sends, mark, tag;
	int condition; /* of a put: whose tag it wants; ABSENCE: nothing */
};

#define OP(v, i, r, k, x)                                            \
	{                                                            \
		.verb = v, .inv = i, .res = r, .kind = k, .value = x \
	}
#define PUT(x, i, r)   OP(VERB_PUT, i, r, OUTCOME_OK, x)
#define PUT_LOST(x, i) OP(VERB_PUT, i, 0, NONE, x)
#define DELETE(i, r)   OP(VERB_DELETE, i, r, OUTCOME_OK, 0)
#define GET(x, i, r)   OP(VERB_GET, i, r, OUTCOME_OK, x)
#define GET_NONE(i, r) OP(VERB_GET, i, r, OUTCOME_ABSENT, 0)
#define HEAD(x, i, r)  OP(VERB_HEAD, i, r, OUTCOME_OK, x)
#define PUT_IF(c, x, i, r)                                                            \
	{                                                                             \
		.verb = VERB_PUT, .inv = i, .res = r, .kind = OUTCOME_OK, .value = x, \
		.condition = c                                                        \
	}
#define PUT_NO(c, x, i, r)                                                                 \
	{                                                                                  \
		.verb = VERB_PUT, .inv = i, .res = r, .kind = OUTCOME_REFUSED, .value = x, \
		.status = 412, .condition = c                                              \
	}
#define LIST(x, i, r) OP(VERB_LIST, i, r, OUTCOME_OK, x)

struct ledger_case {
	const char *about;
	int can;
	enum violation_code code;
	struct made op[OPS_MAX];
};

static inline void do_sql(sqlite3 *db, const char *sql)
{
	char *error = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", error, sql);
}

static inline void make_page(char *entries, size_t size, int value)
{
	if (value > 0)
		snprintf(entries, size, "[[\"k/1\",10,\"%016x\"]]", value);
	else
		snprintf(entries, size, "%s",
			 value == 0    ? "[]"
			 : value == -1 ? "[[\"k/1\",10,\"\"],[\"k/1\",10,\"\"]]"
				       : "[[\"k/1\",10,\"\"]]");
}

static inline void make_op(sqlite3 *db, int number, const struct made *m)
{
	int put = m->verb == VERB_PUT, seen = m->verb == VERB_GET ? m->value : 0;
	char sql[1024], entries[128];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO intent VALUES(%d, 1, %d, 0, %d, %d, %d, 10, 0, 0, "
		 "iif(%d, iif(%d > 0, printf('%%016x', %d), '*'), NULL), "
		 "printf('%%016x', %d), %d, %d)",
		 number, number, m->verb, m->verb == VERB_LIST ? 2 : 1, put ? m->value : 0,
		 m->condition, m->condition, m->condition, put ? (m->tag ? m->tag : m->value) : 0,
		 m->inv * 1000, m->inv);
	do_sql(db, sql);
	if (m->kind == NONE)
		return;
	snprintf(sql, sizeof(sql),
		 "INSERT INTO outcome VALUES(%d, %d, %d, %d, %d, 0, 0, %d, %d, 10, "
		 "printf('%%016x', %d), 0, 9, %d, 1)",
		 number, m->res * 1000, m->res, m->kind, m->status, m->sends ? m->sends : 1, seen,
		 m->verb == VERB_HEAD ? m->value : 0, m->mark);
	do_sql(db, sql);
	if (m->verb != VERB_LIST)
		return;
	make_page(entries, sizeof(entries), m->value);
	snprintf(sql, sizeof(sql), "INSERT INTO page VALUES(%d, NULL, NULL, 0, CAST('%s' AS BLOB))",
		 number, entries);
	do_sql(db, sql);
}

static inline sqlite3 *make_ledger(const char *path, const struct ledger_case *c)
{
	char sql[128];
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	do_sql(db, ledger_schema);
	do_sql(db, "INSERT INTO object VALUES(1, CAST('k/1' AS BLOB)), (2, CAST('k/' AS BLOB))");
	snprintf(sql, sizeof(sql), "INSERT INTO run VALUES('can', '%d')", c->can);
	do_sql(db, sql);
	for (int i = 0; i < OPS_MAX && c->op[i].inv; i++)
		make_op(db, i + 1, &c->op[i]);
	return db;
}

#endif
