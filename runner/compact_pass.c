/*
 * compact_pass.c - one pass: read, cut, judge, compact; see compact.h.
 *
 * First, while the ledger is read, the bases: from the commit of a key's base on, what it covers is
 * not looked at any more. Then, in the order in which they were written and so page by page, the
 * operations go. Killed in between, the next pass takes away what is left.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/check_exact.h"
#include "runner/check_ledger.h"
#include "runner/compact_cut.h"
#include "runner/compact_impl.h"
#include "runner/evidence_impl.h"
#include "runner/exact_judge.h"
#include "runner/exact_name.h"

/* A transaction for so many: who records meanwhile must not wait long. */
enum { BATCH_OPS = 1024, BATCH_BASES = 64 };

/* An operation that goes, and what it is counted as. */
struct going {
	uint64_t op;
	int64_t le_ns;
	int8_t phase, verb, kind;
	bool page;
};

struct pass {
	const struct compact_options *options;
	_Atomic bool *ending;
	struct evidence *evidence;
	struct exact_judge *judge;
	struct compact_phases phases;
	uint64_t horizon;
	struct going *going;
	size_t goings, going_room;
	uint64_t *cut;       /* by rank; UINT64_MAX: the key has no history */
	struct judge_op *op; /* of the older part */
	struct evidence_note *note;
	size_t op_room, note_room;
	struct ledger_cut batch;
	struct ledger_base base[BATCH_BASES];
	uint64_t op_of[BATCH_OPS], page_of[BATCH_OPS];
	struct ledger_tally tally_of[BATCH_OPS];
};

/* For a moment under the workload's lock. */
struct asking {
	const struct pass *pass;
	const char *key;
	uint64_t op;
	const struct violation *found;
	bool violated;
};

static void ask_violated(void *arg, struct oracle *oracle)
{
	struct asking *asking = arg;

	asking->violated = oracle_has_violation(oracle, asking->key);
}

static void ask_wrong(void *arg, struct oracle *oracle)
{
	struct asking *asking = arg;

	asking->violated = oracle_is_violation(oracle, asking->op);
}

static void tell_violation(void *arg, struct oracle *oracle)
{
	const struct asking *asking = arg;

	oracle_add(oracle, asking->found);
}

static void forget(void *arg, struct oracle *oracle)
{
	const struct asking *asking = arg;
	const struct ledger_cut *batch = &asking->pass->batch;

	for (size_t i = 0; i < batch->bases; i++) {
		const struct ledger_base *b = &batch->base[i];
		struct oracle_base base = {b->key,    b->cut_seq, b->generation, b->size, b->op,
					   b->cut_op, ""};

		memcpy(base.tag, b->tag, sizeof(base.tag));
		oracle_base(oracle, &base);
	}
}

/* The bases go to the ledger; then the oracle forgets what they cover. */
static int send_bases(struct pass *p)
{
	struct asking asking = {.pass = p};
	int rc = ledger_compact(p->options->ledger, &p->batch);

	if (rc == 0)
		workload_oracle(p->options->workload, forget, &asking);
	p->batch.bases = 0;
	return rc;
}

static int drop(struct pass *p, uint64_t op, enum verb verb, int kind, int64_t inv_ns,
		int64_t res_ns, bool page)
{
	bool answer = kind >= OUTCOME_OK && kind <= OUTCOME_REFUSED;

	if (evidence_room(&p->going, p->goings, &p->going_room, sizeof(*p->going)))
		return -ENOMEM;
	p->going[p->goings++] = (struct going){
		.op = op,
		.le_ns = answer ? compact_class(res_ns - inv_ns) : 0,
		.phase = (int8_t)compact_phase(&p->phases, inv_ns),
		.verb = (int8_t)verb,
		.kind = (int8_t)kind,
		.page = page,
	};
	return 0;
}

static void count(struct ledger_cut *batch, const struct going *g)
{
	size_t i = 0;

	for (; i < batch->tallies; i++) {
		const struct ledger_tally *t = &batch->tally[i];

		if (t->phase == g->phase && t->verb == g->verb && t->kind == g->kind &&
		    t->le_ns == g->le_ns)
			break;
	}
	if (i == batch->tallies)
		batch->tally[batch->tallies++] =
			(struct ledger_tally){g->phase, g->verb, g->kind, g->le_ns, 0};
	batch->tally[i].operations++;
}

static int by_op(const void *a, const void *b)
{
	const struct going *x = a, *y = b;

	return x->op < y->op ? -1 : x->op > y->op;
}

static int send_going(struct pass *p)
{
	struct ledger_cut *batch = &p->batch;
	int rc = 0;

	if (p->goings)
		qsort(p->going, p->goings, sizeof(*p->going), by_op);
	for (size_t i = 0; i < p->goings && !rc;) {
		batch->tallies = batch->ops = batch->pages = 0;
		for (; i < p->goings && batch->ops < BATCH_OPS; i++) {
			batch->op[batch->ops++] = p->going[i].op;
			if (p->going[i].page)
				batch->page[batch->pages++] = p->going[i].op;
			count(batch, &p->going[i]);
		}
		rc = ledger_compact(p->options->ledger, batch);
		if (!rc)
			rc = ledger_flush(p->options->ledger);
	}
	return rc;
}

static bool is_verified(const struct evidence_row *r)
{
	if (!r->answered || r->mark)
		return false;
	if (r->kind == OUTCOME_REFUSED)
		return r->verb == VERB_RANGE ? r->status == 416 : r->condition && r->status == 412;
	return r->kind == OUTCOME_OK || r->kind == OUTCOME_ABSENT;
}

/* What is there at the cut, in full. */
static void describe_base(struct ledger_base *base, const struct evidence_key *key,
			  const struct compact_cut *cut)
{
	uint64_t tag = key->base->tag;

	*base = (struct ledger_base){
		.key = key->name,
		.cut_seq = cut->seq,
		.cut_op = key->base->cut_op,
		.generation = cut->value,
		.size = key->base->size,
		.op = cut->op ? cut->op : key->base->op,
		.operations = key->base->operations,
		.verified = key->base->verified,
		.generations = key->base->generations,
	};
	for (size_t i = 0; i < key->rows; i++) {
		const struct evidence_row *r = &key->row[i];

		if (r->verb == VERB_PUT && r->generation == cut->value) {
			base->size = r->size;
			tag = r->tag;
		}
		if (r->when.inv >= cut->seq || r->when.inv < key->base->seq)
			continue;
		base->operations++;
		base->verified += is_verified(r);
		base->generations += r->verb == VERB_PUT;
		if (r->when.op > base->cut_op)
			base->cut_op = r->when.op;
	}
	if (base->generation)
		snprintf(base->tag, sizeof(base->tag), "%016llx", (unsigned long long)tag);
	else
		base->size = 0;
}

/* Its rows from before the cut go; if they are a base's, they were judged before. */
static int drop_rows(struct pass *p, const struct evidence_key *key, uint64_t seq)
{
	int rc = 0;

	for (size_t i = 0; i < key->rows && !rc; i++) {
		const struct evidence_row *r = &key->row[i];

		if (r->when.inv < seq)
			rc = drop(p, r->when.op, r->verb, r->answered ? (int)r->kind : -1,
				  r->when.inv_ns, r->when.res_ns, false);
	}
	p->cut[key->rank] = seq;
	return rc;
}

static int compact_key(struct pass *p, const struct evidence_key *key,
		       const struct compact_cut *cut)
{
	int rc = drop_rows(p, key, cut->seq);

	describe_base(&p->batch.base[p->batch.bases++], key, cut);
	return rc ? rc : p->batch.bases == BATCH_BASES ? send_bases(p) : 0;
}

/* The older part, as a history of its own. */
static int take_older(struct pass *p, const struct evidence_key *key, const struct compact_cut *cut,
		      struct evidence_key *older)
{
	size_t n = 0;

	*older = *key;
	for (size_t i = 0; i < key->count; i++) {
		if (key->op[i].inv >= cut->seq)
			continue;
		if (evidence_room(&p->op, n, &p->op_room, sizeof(*p->op)) ||
		    evidence_room(&p->note, n, &p->note_room, sizeof(*p->note)))
			return -ENOMEM;
		p->op[n] = key->op[i];
		p->note[n++] = key->note[i];
	}
	older->op = p->op;
	older->note = p->note;
	older->count = n;
	return 0;
}

static int each_key(void *arg, const struct evidence_key *key)
{
	struct pass *p = arg;
	struct asking asking = {.pass = p, .key = key->name};
	struct judge_answer answer;
	struct evidence_key older;
	struct violation found;
	struct compact_cut cut;
	int rc;

	if (atomic_load(p->ending))
		return -ECANCELED;
	workload_oracle(p->options->workload, ask_violated, &asking);
	if (asking.violated || !compact_cut(&cut, key->op, key->count, p->horizon) ||
	    cut.seq <= key->base->seq)
		return drop_rows(p, key, key->base->seq);
	rc = take_older(p, key, &cut, &older);
	if (!rc)
		rc = exact_judge_key(p->judge, older.op, older.count, exact_budget.key, &answer);
	if (rc)
		return rc;
	if (answer.verdict == JUDGE_OK)
		return compact_key(p, key, &cut);
	if (answer.verdict == JUDGE_VIOLATION) {
		exact_name(&older, &answer, &found);
		asking.found = &found;
		workload_oracle(p->options->workload, tell_violation, &asking);
	}
	return drop_rows(p, key, key->base->seq);
}

static bool is_wrong(const struct pass *p, uint64_t op)
{
	struct asking asking = {.op = op};

	workload_oracle(p->options->workload, ask_wrong, &asking);
	return asking.violated;
}

/* A listing goes when no key needs it any more, unless it is wrong in itself: by its form, or a key
 * that nobody ever put. */
static int compact_pages(struct pass *p)
{
	const struct evidence_pages *pages = evidence_pages_of(p->evidence);
	int rc = 0;

	for (size_t i = 0; i < pages->pages && !rc; i++) {
		const struct evidence_page *page = &pages->page[i];
		uint64_t least = p->horizon;

		for (uint32_t rank = page->from; rank < page->to; rank++)
			if (p->cut[rank] < least)
				least = p->cut[rank];
		if (page->when.inv < least && !is_wrong(p, page->when.op))
			rc = drop(p, page->when.op, VERB_LIST, OUTCOME_OK, page->when.inv_ns,
				  page->when.res_ns, true);
	}
	return rc;
}

/* Listings that proved nothing: no answer, or none that succeeded. */
static int compact_vain(struct pass *p, sqlite3 *db)
{
	static const char sql[] = "SELECT i.op, o.kind, i.inv_ns, o.res_ns FROM intent i LEFT JOIN "
				  "outcome o USING(op) "
				  "WHERE i.verb = ?1 AND i.inv_seq < ?2 AND (o.kind IS NULL OR "
				  "o.kind NOT IN (0, ?3))";
	sqlite3_stmt *s = NULL;
	int rc = 0, step = SQLITE_DONE;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		return -EIO;
	sqlite3_bind_int(s, 1, VERB_LIST);
	sqlite3_bind_int64(s, 2, (int64_t)p->horizon);
	sqlite3_bind_int(s, 3, OUTCOME_GARBAGE); /* a violation: it stays */
	while (!rc && (step = sqlite3_step(s)) == SQLITE_ROW) {
		bool none = sqlite3_column_type(s, 1) == SQLITE_NULL;

		rc = drop(p, check_number(s, 0), VERB_LIST, none ? -1 : sqlite3_column_int(s, 1),
			  sqlite3_column_int64(s, 2), sqlite3_column_int64(s, 3), false);
	}
	sqlite3_finalize(s);
	return rc ? rc : step == SQLITE_DONE ? 0 : -EIO;
}

/* An operation may have returned while its outcome is not recorded yet. */
static int lower_horizon(struct pass *p, sqlite3 *db)
{
	sqlite3_stmt *s = NULL;
	int rc = -EIO;

	if (sqlite3_prepare_v2(db,
			       "SELECT min(i.inv_seq) FROM intent i LEFT JOIN outcome o USING(op) "
			       "WHERE o.op IS NULL AND i.epoch = (SELECT max(epoch) FROM epoch)",
			       -1, &s, NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW) {
		if (sqlite3_column_type(s, 0) != SQLITE_NULL && check_number(s, 0) < p->horizon)
			p->horizon = check_number(s, 0);
		rc = 0;
	}
	sqlite3_finalize(s);
	return rc;
}

static int make_room(struct pass *p)
{
	uint32_t names = evidence_names_of(p->evidence)->count;

	p->judge = exact_judge_open();
	p->cut = malloc(((size_t)names + 1) * sizeof(*p->cut));
	if (!p->judge || !p->cut)
		return -ENOMEM;
	memset(p->cut, 0xff, ((size_t)names + 1) * sizeof(*p->cut));
	return 0;
}

static int perform(struct pass *p, sqlite3 *db, struct why *why)
{
	int rc = make_room(p);

	if (!rc)
		rc = lower_horizon(p, db);
	if (!rc)
		rc = compact_phases_read(&p->phases, db);
	if (!rc)
		rc = compact_silence(db, p->options->ledger, p->horizon);
	if (!rc)
		rc = evidence_keys(p->evidence, each_key, p, why);
	if (!rc)
		rc = compact_pages(p);
	if (!rc)
		rc = compact_vain(p, db);
	return rc;
}

int compact_pass(sqlite3 *db, const struct compact_options *options, _Atomic bool *ending,
		 struct why *why)
{
	struct pass *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return why_set(why, -ENOMEM, "no memory to compact the ledger");
	p->options = options;
	p->ending = ending;
	p->batch = (struct ledger_cut){p->base, p->tally_of, p->op_of, p->page_of, 0, 0, 0, 0};
	p->horizon = workload_horizon(options->workload);
	rc = ledger_flush(options->ledger);
	if (!rc)
		rc = evidence_open(&p->evidence, db, (uint32_t)check_ledger_number(db, "can"), why);
	if (!rc)
		rc = perform(p, db, why);
	if (!rc || rc == -ECANCELED)
		rc = send_bases(p);
	if (rc == -EIO && why && !why->text[0])
		why_set(why, rc, "cannot read the ledger: %s", sqlite3_errmsg(db));
	evidence_close(p->evidence); /* or the log of what goes can't be cut meanwhile */
	if (!rc)
		rc = send_going(p);
	if (!rc)
		rc = ledger_drop_fires(options->ledger);
	compact_phases_free(&p->phases);
	exact_judge_close(p->judge);
	free(p->cut);
	free(p->op);
	free(p->note);
	free(p->going);
	free(p);
	return rc;
}
