/* history_check.c - a history file, judged; see history_check.h. */
#include "runner/history_check.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "runner/history_read.h"
#include "runner/judge_frontier.h"
#include "runner/judge_zones.h"
#include "runner/judgement.h"

static const uint64_t BUDGET = 50000000; /* steps: half a minute at worst */

static const char *const kinds[JUDGE_KIND_COUNT] = {
	[JUDGE_PUT] = "put",       [JUDGE_DELETE] = "delete",   [JUDGE_TAKE] = "take",
	[JUDGE_CAS] = "cas",       [JUDGE_APPEND] = "append",   [JUDGE_READ] = "read",
	[JUDGE_ABSENT] = "absent", [JUDGE_PRESENT] = "present", [JUDGE_UNEQUAL] = "unequal",
};

struct judged {
	struct judge_answer answer;
	size_t part;
	bool cut;    /* it is what survived that can't be: */
	bool rolled; /* or what came back after it */
	struct judge_prefix_answer prefix;
	struct judge_cut contract;
};

/* By zones where they serve. -ENOTSUP when neither zones nor the frontier know its operations. */
static int judge_part(struct judge_zones *zones, struct judge_frontier *frontier,
		      const struct judge_part *part, uint64_t budget, struct judge_answer *answer)
{
	int rc = 0;

	judge_zones_clear(zones);
	for (size_t i = 0; i < part->count && !rc; i++)
		rc = judge_zones_add(zones, &part->ops[i]);
	if (!rc)
		return judge_zones_check(zones, answer);
	return rc == -ENOMEM ? rc
			     : judge_frontier(frontier, part->ops, part->count, budget, answer);
}

static int value_order(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Does it compare and set, and put a value twice? The frontier knows that, but the general engine
 * knows it better. */
static bool is_general(const struct judge_part *part)
{
	uint64_t *value = malloc((part->count + 1) * sizeof(*value));
	bool compares = false, twice = false;
	size_t n = 0;

	for (size_t i = 0; i < part->count && value; i++) {
		int kind = part->ops[i].kind;
		compares |= kind == JUDGE_CAS || kind == JUDGE_UNEQUAL;
		if (kind == JUDGE_CAS || kind == JUDGE_PUT)
			value[n++] = part->ops[i].value;
	}
	if (value)
		qsort(value, n, sizeof(*value), value_order);
	for (size_t i = 1; i < n; i++)
		twice |= value[i] == value[i - 1];
	free(value);
	return compares && twice;
}

/* Key by key: the first violation ends it, an unknown does not. */
static int judge_keys(const struct judge_part *parts, size_t keys, struct judged *out)
{
	struct judge_zones *zones = judge_zones_open();
	struct judge_frontier *frontier = judge_frontier_open();
	struct judge_answer answer;
	uint64_t budget = BUDGET;
	int rc = zones && frontier ? 0 : -ENOMEM;

	out->answer = (struct judge_answer){.verdict = JUDGE_OK};
	for (size_t i = 0; i < keys && !rc; i++)
		rc = is_general(&parts[i]) ? -ENOTSUP : 0;
	for (size_t i = 0; i < keys && !rc && out->answer.verdict != JUDGE_VIOLATION; i++) {
		rc = judge_part(zones, frontier, &parts[i], budget, &answer);
		budget -= answer.steps < budget ? answer.steps : budget - 1;
		if (!rc && answer.verdict > JUDGE_OK &&
		    (out->answer.verdict == JUDGE_OK || answer.verdict == JUDGE_VIOLATION)) {
			out->answer = answer;
			out->part = i;
		}
	}
	judge_zones_close(zones);
	judge_frontier_close(frontier);
	return rc;
}

/* Registers with compare-and-set, and texts. */
static int judge_models(struct history *h, struct judged *out)
{
	struct judge_general *engine = judge_general_open();
	struct judge_values values;
	int rc = engine ? judge_values_init(&values) : -ENOMEM;

	if (!rc) {
		struct judge_model model =
			h->text ? judge_model_text(&h->texts) : judge_model_register(&values);
		rc = judge_general(engine, &model, h->part, h->keys, BUDGET, &out->answer,
				   &out->part);
		judge_values_fini(&values);
	}
	judge_general_close(engine);
	return rc;
}

/* The same keys before the cut, or after it. Each part owns its operations. 0 or -ENOMEM. */
static int split(const struct judge_part *parts, size_t keys, const struct judge_cut *cut,
		 size_t (*half)(const struct judge_op *, size_t, const struct judge_cut *,
				struct judge_op *),
		 struct judge_part *out)
{
	for (size_t i = 0; i < keys; i++) {
		struct judge_op *ops = malloc((parts[i].count + 1) * sizeof(*ops));
		if (!ops)
			return -ENOMEM;
		out[i].ops = ops;
		out[i].count = half(parts[i].ops, parts[i].count, cut, ops);
	}
	return 0;
}

static void free_parts(struct judge_part *parts, size_t keys)
{
	for (size_t i = 0; parts && i < keys; i++)
		free((void *)parts[i].ops);
	free(parts);
}

/* What came before one cut, and what survived it; *after is left to be judged. */
static int judge_cut(const struct judge_part *parts, size_t keys, const struct judge_cut *cut,
		     struct judge_part **after, struct judged *out)
{
	struct judge_part *before = calloc(keys + 1, sizeof(*before));
	int rc;

	*after = calloc(keys + 1, sizeof(**after));
	rc = before && *after ? split(parts, keys, cut, judge_prefix_before, before) : -ENOMEM;
	if (!rc)
		rc = split(parts, keys, cut, judge_prefix_after, *after);
	if (!rc)
		rc = judge_keys(before, keys, out);
	if (!rc && out->answer.verdict != JUDGE_VIOLATION) {
		rc = judge_prefix(parts, keys, cut, &out->prefix);
		out->cut = !rc && out->prefix.verdict == JUDGE_VIOLATION;
		out->contract = *cut;
	}
	free_parts(before, keys);
	return rc;
}

static int judge_cuts(const struct history *h, struct judged *out)
{
	struct judge_part *parts = NULL, *after = NULL;
	bool unknown = false;
	size_t i = 0;
	int rc = 0;

	for (; i < h->cuts && !rc && !out->cut && out->answer.verdict != JUDGE_VIOLATION; i++) {
		rc = judge_cut(parts ? parts : h->part, h->keys, &h->cut[i], &after, out);
		unknown |= out->answer.verdict == JUDGE_UNKNOWN;
		free_parts(parts, h->keys);
		parts = after;
	}
	if (!rc && !out->cut && out->answer.verdict != JUDGE_VIOLATION) {
		rc = judge_keys(parts ? parts : h->part, h->keys, out);
		out->rolled = i && out->answer.reason == JUDGE_UNWRITTEN;
	}
	if (!rc && unknown && out->answer.verdict == JUDGE_OK)
		out->answer.verdict = JUDGE_UNKNOWN;
	free_parts(parts, h->keys);
	return rc;
}

static const struct judge_op *find_op(const struct judge_part *part, uint64_t id)
{
	for (size_t i = 0; i < part->count; i++)
		if (part->ops[i].id == id)
			return &part->ops[i];
	return NULL;
}

static void print_op(FILE *out, const struct judge_part *part, uint64_t id)
{
	const struct judge_op *op = find_op(part, id);

	if (!op)
		return;
	fprintf(out, "    operation %llu: %s by client %u, from %llu", (unsigned long long)id,
		kinds[op->kind], op->client, (unsigned long long)op->inv);
	if (op->res != JUDGE_NEVER)
		fprintf(out, " to %llu", (unsigned long long)op->res);
	fprintf(out, "%s\n", op->outcome == JUDGE_AMBIGUOUS ? ", outcome unknown" : "");
}

static void print_hole(FILE *out, const struct history *h, const struct judged *j)
{
	const struct judge_prefix_answer *p = &j->prefix;

	if (p->kept < h->keys) {
		fprintf(out,
			"%s: %s: after the cut at %llu key \"%s\" was without what had ended by "
			"%llu, but key \"%s\" had what began at %llu\n",
			violation_name(PREFIX_HOLE), violation_meaning(PREFIX_HOLE),
			(unsigned long long)j->contract.at, h->key[p->lost],
			(unsigned long long)p->lost_by, h->key[p->kept],
			(unsigned long long)p->kept_from);
	} else {
		fprintf(out,
			"%s: after the cut at %llu key \"%s\" was without what had ended by %llu; "
			"the contract allows the loss of what ended after %llu\n",
			violation_name(LOST_WRITE), (unsigned long long)j->contract.at,
			h->key[p->lost], (unsigned long long)p->lost_by,
			(unsigned long long)j->contract.since);
	}
	print_op(out, &h->part[p->lost], p->seen);
}

static void print_contradiction(FILE *out, const struct history *h, const struct judged *j)
{
	fprintf(out, "key \"%s\": %s\n", h->key[j->part],
		j->rolled ? "a value was read that the cut had rolled back"
			  : judge_reason_text(j->answer.reason));
	for (int i = 0; i < j->answer.witnesses; i++)
		print_op(out, &h->part[j->part], j->answer.witness[i]);
}

static enum verdict print_judged(FILE *out, const struct history *h, const struct judged *j)
{
	static const enum verdict verdicts[] = {
		[JUDGE_OK] = VERDICT_PASS,
		[JUDGE_VIOLATION] = VERDICT_FAIL,
		[JUDGE_UNKNOWN] = VERDICT_UNKNOWN,
	};
	enum verdict verdict = j->cut ? VERDICT_FAIL : verdicts[j->answer.verdict];
	size_t operations = 0;

	for (size_t i = 0; i < h->keys; i++)
		operations += h->part[i].count;
	if (j->cut)
		print_hole(out, h, j);
	else if (j->answer.verdict == JUDGE_VIOLATION)
		print_contradiction(out, h, j);
	fprintf(out, "%zu operations, %zu key%s\n%s", operations, h->keys, h->keys == 1 ? "" : "s",
		verdict_name(verdict));
	if (verdict == VERDICT_UNKNOWN)
		fprintf(out, ": key \"%s\" is not decided (%s)", h->key[j->part],
			judge_reason_text(j->answer.reason));
	fprintf(out, "\n");
	return verdict;
}

int history_check(const char *path, FILE *out, struct why *why)
{
	struct judged judged = {.part = 0};
	struct history history;
	FILE *in = fopen(path, "r");

	if (!in)
		return why_set(why, -errno, "cannot read \"%s\": %s", path, strerror(errno));
	int rc = history_read(&history, in, why);
	fclose(in);
	if (rc)
		return why_prefix(why, rc, "%s", path);
	rc = history.text ? -ENOTSUP : judge_cuts(&history, &judged);
	if (rc == -ENOTSUP && !history.cuts)
		rc = judge_models(&history, &judged);
	if (!rc)
		rc = verdict_exit_code(print_judged(out, &history, &judged));
	else
		why_set(why, rc, "cannot judge \"%s\": %s", path, strerror(-rc));
	history_free(&history);
	return rc;
}
