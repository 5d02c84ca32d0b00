/* check_exact.c - see check_exact.h. */
#include "runner/check_exact.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runner/evidence.h"
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
};

static int judge_key(struct sweep *s, const struct evidence_key *key, struct judge_answer *answer)
{
	uint64_t budget = s->budget < s->key_budget ? s->budget : s->key_budget;
	int rc = exact_judge_key(s->judge, key->op, key->count, budget, answer);

	s->budget -= answer->steps < s->budget ? answer->steps : s->budget;
	return rc;
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

static int each_key(void *arg, const struct evidence_key *key)
{
	struct sweep *s = arg;
	struct judge_answer answer = {.verdict = JUDGE_OK};
	struct violation violation;
	int rc = 0;

	s->operations += key->count;
	if (s->progress)
		s->progress(s->arg, s->operations);
	if (oracle_has_violation(s->oracle, key->name))
		return 0;
	rc = judge_key(s, key, &answer);
	if (rc)
		return rc;
	s->out->keys++;
	if (answer.verdict == JUDGE_UNKNOWN)
		name_undecided(s->out, key->name, answer.reason);
	if (answer.verdict != JUDGE_VIOLATION)
		return 0;
	s->out->refuted++;
	exact_name(key, &answer, &violation);
	oracle_add(s->oracle, &violation);
	return 0;
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
	if (rc == -ENOMEM)
		why_set(why, rc, "no memory to judge the ledger");
	if (out->undecided > 4) {
		size_t used = strlen(out->text);
		snprintf(out->text + used, sizeof(out->text) - used, " and %llu more",
			 (unsigned long long)(out->undecided - 4));
	}
	exact_judge_close(s.judge);
	return rc;
}
