/* check_exact.c - see check_exact.h. */
#include "runner/check_exact.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/evidence_impl.h"
#include "runner/exact_judge.h"
#include "runner/exact_name.h"

/* A step takes well under a microsecond: seconds a key, and half a minute in all. */
const struct exact_budget exact_budget = {.key = 5000000, .all = 50000000};

struct sweep {
	struct exact_judge *judge;
	struct oracle *oracle;
	uint64_t key_budget, budget; /* what is left */
	uint64_t operations;
	void (*progress)(void *arg, uint64_t operations);
	void *arg;
	struct exact_result *out;
	struct judge_op *op; /* a copy of a key with conditions */
	struct evidence_note *note;
	size_t op_room, note_room;
};

static int judge_key(struct sweep *s, const struct evidence_key *key, struct judge_answer *answer)
{
	uint64_t budget = s->budget < s->key_budget ? s->budget : s->key_budget;
	int rc = exact_judge_key(s->judge, key->op, key->count, budget, answer);

	s->budget -= answer->steps < s->budget ? answer->steps : s->budget;
	return rc;
}

static void put_copy(struct sweep *s, const struct evidence_key *key, size_t from, size_t *n)
{
	s->op[*n] = key->op[from];
	s->op[*n].id = *n;
	s->note[(*n)++] = key->note[from];
}

/* A copy of a key with conditions, its operations named by their places. split: what a conditional
 * put has seen and done, as if that were two steps; then most contradictions have the names that they
 * have without conditions. */
static int copy_key(struct sweep *s, const struct evidence_key *key, bool split,
		    struct evidence_key *out)
{
	size_t n = 0, most = 2 * key->count;

	if (evidence_room(&s->op, most, &s->op_room, sizeof(*s->op)) ||
	    evidence_room(&s->note, most, &s->note_room, sizeof(*s->note)))
		return -ENOMEM;
	for (size_t i = 0; i < key->count; i++) {
		const struct judge_op *op = &key->op[i];
		if (split && op->kind == JUDGE_UNEQUAL)
			continue;
		if (split && op->kind == JUDGE_CAS && op->outcome == JUDGE_KNOWN) {
			put_copy(s, key, i, &n);
			s->op[n - 1].kind = op->expect ? JUDGE_READ : JUDGE_ABSENT;
			s->op[n - 1].value = op->expect;
		}
		put_copy(s, key, i, &n);
		if (split && op->kind == JUDGE_CAS)
			s->op[n - 1].kind = JUDGE_PUT;
	}
	*out = *key;
	out->op = s->op;
	out->note = s->note;
	out->count = n;
	return 0;
}

/* *judged: what the answer speaks of. */
static int judge_conditional(struct sweep *s, const struct evidence_key *key,
			     struct evidence_key *judged, struct judge_answer *answer)
{
	int rc = copy_key(s, key, true, judged);

	if (!rc)
		rc = judge_key(s, judged, answer);
	if (rc || answer->verdict != JUDGE_OK)
		return rc;
	rc = copy_key(s, key, false, judged);
	return rc ? rc : judge_key(s, judged, answer);
}

static void name_undecided(struct exact_result *out, const char *key, enum judge_reason reason)
{
	size_t used = strlen(out->text), room = sizeof(out->text) - used;

	out->undecided++;
	if (!used)
		snprintf(out->text, room, "not decided (%s): \"%s\"", judge_reason_text(reason),
			 key);
	else if (out->undecided <= 4)
		snprintf(out->text + used, room, ", \"%s\"", key);
}

static void count_fenced(const struct evidence_key *key, struct exact_result *out)
{
	for (size_t i = 0; i < key->count; i++)
		out->fenced[key->note[i].fence]++;
}

static int each_key(void *arg, const struct evidence_key *key)
{
	struct sweep *s = arg;
	struct judge_answer answer = {.verdict = JUDGE_OK};
	struct evidence_key judged = *key;
	struct violation violation;
	int rc = 0;

	s->operations += key->count;
	if (s->progress)
		s->progress(s->arg, s->operations);
	if (oracle_has_violation(s->oracle, key->name))
		return 0;
	count_fenced(key, s->out);
	rc = key->conditional ? judge_conditional(s, key, &judged, &answer)
			      : judge_key(s, key, &answer);
	if (rc)
		return rc;
	s->out->keys++;
	if (answer.verdict == JUDGE_UNKNOWN)
		name_undecided(s->out, key->name, answer.reason);
	if (answer.verdict != JUDGE_VIOLATION)
		return 0;
	s->out->refuted++;
	exact_name(&judged, &answer, &violation);
	oracle_add(s->oracle, &violation);
	return 0;
}

/* What the judgement believed of operations without a clear answer: the report declares it. */
static void record_fenced(sqlite3 *db, const struct exact_result *out)
{
	char sql[256];

	if (out->fenced[FENCE_RESTART] + out->fenced[FENCE_SETTLE] == 0)
		return;
	snprintf(sql, sizeof(sql),
		 "INSERT OR REPLACE INTO run VALUES('fenced', '%llu by a restart of every process, "
		 "%llu by the time in which they settle, as the plan has it')",
		 (unsigned long long)out->fenced[FENCE_RESTART],
		 (unsigned long long)out->fenced[FENCE_SETTLE]);
	sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int check_exact(sqlite3 *db, uint32_t can, const struct exact_budget *budget, struct oracle *oracle,
		void (*progress)(void *arg, uint64_t operations), void *arg,
		struct exact_result *out, struct why *why)
{
	struct sweep s = {
		.judge = exact_judge_open(),
		.oracle = oracle,
		.key_budget = budget->key,
		.budget = budget->all,
		.progress = progress,
		.arg = arg,
		.out = out,
	};
	int rc = -ENOMEM;

	*out = (struct exact_result){0};
	if (s.judge)
		rc = evidence_each(db, can, each_key, &s, why);
	if (!rc)
		record_fenced(db, out);
	if (rc == -ENOMEM)
		why_set(why, rc, "no memory to judge the ledger");
	if (out->undecided > 4) {
		size_t used = strlen(out->text);
		snprintf(out->text + used, sizeof(out->text) - used, " and %llu more",
			 (unsigned long long)(out->undecided - 4));
	}
	exact_judge_close(s.judge);
	free(s.op);
	free(s.note);
	return rc;
}
