/* oracle_finding.c - what a violation is called, who follows whom, and how names settle. */
#include "runner/oracle_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name, *severity, *meaning;
} names[VIOLATION_COUNT] = {
	[VIOLATION_NONE] = {"NONE", "none", "the answer is possible"},
	[CORRUPT] = {"CORRUPT", "corruption", "the bytes answered are nobody's"},
	[TORN] = {"TORN", "corruption", "the answer mixes blocks of several generations"},
	[ZERO_FILL] = {"ZERO-FILL", "corruption", "zeroes stand where data was put"},
	[TRUNCATED] = {"TRUNCATED", "corruption", "the answer is shorter than what was put"},
	[EXTENDED] = {"EXTENDED", "corruption", "the answer is longer than what was put"},
	[MISPLACED] = {"MISPLACED", "corruption", "whole blocks stand at the wrong offset"},
	[CROSS_KEY] = {"CROSS-KEY", "corruption", "the answer is another key's"},
	[PHANTOM] = {"PHANTOM", "corruption", "the answer was never sent in this run"},
	[BAD_ACK] = {"BAD-ACK", "corruption", "the acknowledgement's tag is not the body's"},
	[LOST_WRITE] = {"LOST-WRITE", "data loss",
			"an acknowledged or seen write is gone and was never seen again"},
	[WRONG_404] = {"WRONG-404", "stale",
		       "an object was denied, although it was there before and after"},
	[RESURRECTED_DELETE] = {"RESURRECTED-DELETE", "data loss",
				"a deleted object came back without a new put"},
	[ABORTED_READ] = {"ABORTED-READ", "corruption",
			  "a put that definitely failed was answered"},
	[FUTURE_READ] = {"FUTURE-READ", "corruption", "a body was answered before it was sent"},
	[STALE_READ] = {"STALE-READ", "stale",
			"an older version was answered, the newer one is there again later"},
	[NON_MONOTONIC] = {"NON-MONOTONIC", "stale",
			   "reads saw a newer version, then an older one"},
	[WRONG_CONDITION] = {"WRONG-CONDITION", "data loss",
			     "a conditional put was accepted or refused against what was there"},
	[WRONG_RANGE] = {"WRONG-RANGE", "corruption", "a range holds other bytes than asked for"},
	[HEAD_GET_MISMATCH] = {"HEAD-GET-MISMATCH", "corruption",
			       "size or tag belong to no version that could be there"},
	[LIST_OMISSION] = {"LIST-OMISSION", "stale", "a listing lacks an object that was there"},
	[LIST_PHANTOM] = {"LIST-PHANTOM", "stale", "a listing names an object that was not there"},
	[LIST_DUP] = {"LIST-DUP", "corruption", "a listing names an object twice"},
	[LIST_ORDER] = {"LIST-ORDER", "corruption", "a listing is out of order"},
	[LIST_META] = {"LIST-META", "stale", "a listing tells a size or tag that was not there"},
	[LIST_TRUNC] = {"LIST-TRUNC", "corruption", "a listing's pages do not lead to its end"},
	[UNRECOVERED] = {"UNRECOVERED", "availability", "a gate was not met in time after a fault"},
	[SUT_CRASH] = {"SUT-CRASH", "availability",
		       "a process of the store ended that nobody ended"},
	[PREFIX_HOLE] = {"PREFIX-HOLE", "data loss",
			 "what survived a power cut is no state that the store ever was in"},
};

const char *violation_name(enum violation_code code)
{
	return names[code].name;
}

const char *violation_severity(enum violation_code code)
{
	return names[code].severity;
}

const char *violation_meaning(enum violation_code code)
{
	return names[code].meaning;
}

/* 0: bytes, 1: existence and order, 2: listings, 3: the system. A stronger finding on a key becomes
 * its root; those of the same kind follow the first. */
static int rank_of(enum violation_code code)
{
	if (code >= UNRECOVERED)
		return 3;
	if (code >= LIST_OMISSION)
		return 2;
	return code >= LOST_WRITE && code <= WRONG_CONDITION ? 1 : 0;
}

static void witness_add(struct violation *v, uint64_t op)
{
	if (!op || v->witnesses == WITNESS_MAX)
		return;
	for (int i = 0; i < v->witnesses; i++)
		if (v->witness[i] == op)
			return;
	v->witness[v->witnesses++] = op;
}

static void witness_of(struct violation *violation, const struct value *v)
{
	if (!v)
		return;
	witness_add(violation, v->write_op);
	if (v->first_end != NEVER)
		witness_add(violation, v->first_end_op);
	if (v->last_begin_op != v->write_op)
		witness_add(violation, v->last_begin_op);
}

static struct finding *finding_room(struct oracle *oracle)
{
	if (oracle->findings == oracle->finding_room) {
		unsigned room = oracle->finding_room ? oracle->finding_room * 2 : 16;
		struct finding *grown = realloc(oracle->finding, room * sizeof(*grown));
		if (!grown)
			abort();
		oracle->finding = grown;
		oracle->finding_room = room;
	}
	return &oracle->finding[oracle->findings++];
}

/* A place for what is of no key: listings wrong in themselves, nodes. There are as many as answers, so
 * of one code only the first have a place; NULL: it follows the last of them. */
static struct finding *place_of_no_key(struct oracle *oracle, enum violation_code code)
{
	struct finding *last = NULL;
	unsigned alike = 0;

	for (unsigned i = 0; i < oracle->findings; i++) {
		struct finding *f = &oracle->finding[i];

		if (f->key || f->violation.code != code)
			continue;
		last = f;
		alike++;
	}
	if (alike >= FINDINGS_ALIKE_MAX) {
		last->violation.followers++;
		return NULL;
	}
	oracle->count.violations++;
	last = finding_room(oracle);
	memset(last, 0, sizeof(*last));
	return last;
}

/* The place for a finding of this rank on key; NULL when it only follows what is there. */
static struct finding *place_for(struct oracle *oracle, struct key *key, enum violation_code code)
{
	unsigned followers = 0;

	if (!key)
		return place_of_no_key(oracle, code);

	if (key->root >= 0) {
		struct finding *root = &oracle->finding[key->root];
		root->violation.followers++;
		if (rank_of(code) >= rank_of(root->violation.code))
			return NULL;
		followers = root->violation.followers;
		memset(root, 0, sizeof(*root));
		root->violation.followers = followers;
		return root;
	}
	struct finding *f = finding_room(oracle);
	memset(f, 0, sizeof(*f));
	oracle->count.violations++;
	key->root = (int)(f - oracle->finding);
	return f;
}

enum violation_code oracle_find(struct reading *r, enum violation_code code, const struct value *v,
				const struct value *against, const char *format, ...)
{
	struct finding *f = place_for(r->oracle, r->key, code);
	va_list args;

	if (!f)
		return code;
	f->key = r->key;
	f->violation.code = code;
	f->violation.key = r->key ? r->key->name : "";
	f->violation.op = r->outcome->op;
	f->read_begin = r->begin;
	f->read_end = r->end;
	f->settle = code == LOST_WRITE || code == WRONG_404;
	f->absent = code == WRONG_404;
	witness_of(&f->violation, v);
	witness_of(&f->violation, against);
	witness_add(&f->violation, r->outcome->op);
	va_start(args, format);
	vsnprintf(f->violation.text, sizeof(f->violation.text), format, args);
	va_end(args);
	return code;
}

void oracle_report(struct oracle *oracle, enum violation_code code, const char *key, uint64_t op,
		   const char *text)
{
	struct finding *f = place_of_no_key(oracle, code);

	if (!f)
		return;
	f->key_name = key && *key ? strdup(key) : NULL;
	f->violation.code = code;
	f->violation.key = f->key_name ? f->key_name : "";
	f->violation.op = op;
	witness_add(&f->violation, op);
	snprintf(f->violation.text, sizeof(f->violation.text), "%s", text);
}

bool oracle_has_violation(const struct oracle *oracle, const char *key)
{
	unsigned at = oracle_key_at(oracle, key);

	return at < oracle->keys && !strcmp(oracle->key[at]->name, key) &&
	       oracle->key[at]->root >= 0;
}

bool oracle_is_violation(const struct oracle *oracle, uint64_t op)
{
	for (unsigned i = 0; i < oracle->findings; i++)
		if (oracle->finding[i].violation.op == op)
			return true;
	return false;
}

void oracle_add(struct oracle *oracle, const struct violation *found)
{
	struct key *key = oracle_key(oracle, found->key);
	struct finding *f = place_for(oracle, key, found->code);

	if (!f)
		return;
	f->key = key;
	f->violation = *found;
	f->violation.key = key->name;
}

/* Was anything that had certainly been there before the bad answer seen again after it? */
static bool came_back(const struct finding *f)
{
	for (unsigned i = 0; i < f->key->values; i++) {
		const struct value *v = &f->key->value[i];
		if (v->generation && v->first_end < f->read_begin && v->last_read > f->read_end)
			return true;
	}
	return false;
}

void oracle_settle(struct oracle *oracle)
{
	for (unsigned i = 0; i < oracle->findings; i++) {
		struct finding *f = &oracle->finding[i];
		if (!f->settle)
			continue;
		f->violation.code = !came_back(f) ? LOST_WRITE : f->absent ? WRONG_404 : STALE_READ;
	}
}
