/* evidence.c - the rows of each key, as operations of a judge; see evidence.h. */
#include "runner/evidence_fence.h"
#include "runner/evidence_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runner/check_ledger.h"
#include "runner/plan.h"

enum { SENDS_MAX = 1 + RETRIES_MAX }; /* no client of ours sends one more often */

struct put {
	uint64_t tag, generation;
};

struct evidence {
	sqlite3 *db;
	uint32_t can;
	uint64_t retries; /* of a client, at most */
	struct evidence_names names;
	struct evidence_pages pages;
	struct evidence_clock clock;
	struct evidence_fences fences;
	struct evidence_base *base; /* by rank */
	bool *given;                /* by rank: had rows */
	int64_t start_ns, list_lag_ns;
	bool conditional; /* of the key */
	struct evidence_row *row;
	size_t rows, row_room;
	struct put *put; /* of the key, sorted by tag */
	size_t puts, put_room;
	struct judge_op *op;
	size_t ops, op_room;
	struct evidence_note *note;
	size_t note_room;
};

/* What an operation amounts to beside its interval. */
struct meaning {
	enum judge_kind kind;
	enum judge_outcome outcome;
	uint64_t value, expect;
};

/* When it was over at the latest. */
static uint64_t end_of(const struct evidence *g, const struct evidence_when *when,
		       enum judge_outcome outcome, enum evidence_fence_kind *fence)
{
	uint64_t settled, restarted;

	*fence = FENCE_NONE;
	if (outcome == JUDGE_KNOWN)
		return when->res;
	if (outcome != JUDGE_AMBIGUOUS || !when->settles)
		return JUDGE_NEVER;
	settled = evidence_clock_fence(&g->clock, when->res_ns);
	restarted = evidence_fences_find(&g->fences, when->res_ns);
	if (settled < restarted)
		*fence = FENCE_SETTLE;
	else if (restarted != JUDGE_NEVER)
		*fence = FENCE_RESTART;
	return settled < restarted ? settled : restarted;
}

static int add(struct evidence *g, const struct evidence_when *when, enum verb verb,
	       const struct meaning *m)
{
	enum evidence_fence_kind fence;

	if (evidence_room(&g->op, g->ops, &g->op_room, sizeof(*g->op)) ||
	    evidence_room(&g->note, g->ops, &g->note_room, sizeof(*g->note)))
		return -ENOMEM;
	g->conditional |= m->kind == JUDGE_CAS || m->kind == JUDGE_UNEQUAL;
	g->op[g->ops] = (struct judge_op){
		.inv = when->inv,
		.res = end_of(g, when, m->outcome, &fence),
		.value = m->value,
		.expect = m->expect,
		.id = when->op,
		.client = when->client,
		.kind = (uint8_t)m->kind,
		.outcome = (uint8_t)m->outcome,
	};
	g->note[g->ops++] = (struct evidence_note){
		.op = when->op,
		.verb = verb,
		.fence = fence,
		.inv_ns = when->inv_ns - g->start_ns,
		.res_ns = when->res_ns ? when->res_ns - g->start_ns : -1,
	};
	return 0;
}

static int observe(struct evidence *g, const struct evidence_when *when, enum verb verb,
		   enum judge_kind kind, uint64_t value)
{
	return add(g, when, verb,
		   &(struct meaning){.kind = kind, .outcome = JUDGE_KNOWN, .value = value});
}

static int put_order(const void *a, const void *b)
{
	const struct put *x = a, *y = b;

	return x->tag < y->tag ? -1 : x->tag > y->tag;
}

/* The only generation of the key with this tag; 0 when there is none or more than one. */
static uint64_t only_with_tag(const struct evidence *g, uint64_t tag)
{
	size_t low = 0, high = g->puts;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (g->put[middle].tag < tag)
			low = middle + 1;
		else
			high = middle;
	}
	bool found = tag && low < g->puts && g->put[low].tag == tag;
	bool shared = found && low + 1 < g->puts && g->put[low + 1].tag == tag;
	return found && !shared ? g->put[low].generation : 0;
}

/* Something is there, and perhaps its tag tells what. */
static int add_there(struct evidence *g, const struct evidence_when *when, enum verb verb,
		     uint64_t tag)
{
	uint64_t generation = only_with_tag(g, tag);

	return observe(g, when, verb, generation ? JUDGE_READ : JUDGE_PRESENT, generation);
}

static int add_observation(struct evidence *g, const struct evidence_row *r)
{
	if (!r->answered || r->mark)
		return 0;
	if (r->kind == OUTCOME_ABSENT)
		return observe(g, &r->when, r->verb, JUDGE_ABSENT, JUDGE_NOTHING);
	if (r->kind != OUTCOME_OK)
		return 0;
	if (r->seen)
		return observe(g, &r->when, r->verb, JUDGE_READ, r->seen);
	return add_there(g, &r->when, r->verb, (g->can & CAN_TAG_XXH3) ? r->told_tag : 0);
}

static bool is_acknowledged(const struct evidence_row *r)
{
	return r->answered &&
	       (r->kind == OUTCOME_OK || (r->verb == VERB_DELETE && r->kind == OUTCOME_ABSENT));
}

/* How often it may have arrived: no answer, and so nobody's count, is left of a run that was cut. */
static int sends_of(const struct evidence *g, const struct evidence_row *r)
{
	uint64_t sends = r->answered ? (uint64_t)r->sends : 1 + g->retries;

	return sends < 1 ? 1 : sends < SENDS_MAX ? (int)sends : SENDS_MAX;
}

/* Sent once, and certainly without effect. */
static bool is_void(const struct evidence_row *r)
{
	return r->answered && r->sends <= 1 &&
	       (r->kind == OUTCOME_REFUSED || r->kind == OUTCOME_NOT_APPLIED);
}

/* A put is a compare-and-set if its condition can be told: nothing, or the one put of that tag. */
static void set_condition(const struct evidence *g, const struct evidence_row *r, struct meaning *m)
{
	uint64_t wanted =
		r->condition == WANTS_TAG ? only_with_tag(g, r->wanted_tag) : JUDGE_NOTHING;

	if (r->condition == WANTS_NOTHING || wanted)
		*m = (struct meaning){JUDGE_CAS, m->outcome, m->value, wanted};
}

/* What the last answer of a refused one has seen. */
static int add_refusal(struct evidence *g, const struct evidence_row *r, const struct meaning *m)
{
	if (r->condition == WANTS_NOTHING)
		return observe(g, &r->when, r->verb, JUDGE_PRESENT, JUDGE_NOTHING);
	if (m->kind != JUDGE_CAS)
		return 0;
	return add(g, &r->when, r->verb,
		   &(struct meaning){JUDGE_UNEQUAL, JUDGE_KNOWN, r->generation, m->expect});
}

static int add_write(struct evidence *g, const struct evidence_row *r)
{
	bool delete = r->verb == VERB_DELETE, tells = delete &&(g->can & CAN_DELETE_TELLS);
	bool once = r->sends <= 1, acknowledged = is_acknowledged(r);
	int sends = sends_of(g, r), rc = 0;
	struct meaning m = {.kind = !delete ? JUDGE_PUT : JUDGE_DELETE,
			    .outcome = acknowledged ? JUDGE_KNOWN
				       : is_void(r) ? JUDGE_FAILED
						    : JUDGE_AMBIGUOUS,
			    .value = r->generation};

	if (r->answered && once && tells && r->kind == OUTCOME_ABSENT)
		return observe(g, &r->when, r->verb, JUDGE_ABSENT, JUDGE_NOTHING);
	if (acknowledged && once && tells)
		m.kind = JUDGE_TAKE;
	set_condition(g, r, &m);
	if (r->answered && r->kind == OUTCOME_REFUSED && r->status == 412 && r->condition) {
		rc = add_refusal(g, r, &m);
		sends -= !once; /* the last one did nothing */
	}
	for (int i = 0; i < sends && !rc; i++) {
		rc = add(g, &r->when, r->verb, &m);
		m.outcome = JUDGE_AMBIGUOUS;
	}
	return rc;
}

/* Had nobody written to the key for as long as a listing may be late? */
static bool is_quiet(const struct evidence *g, const struct evidence_page *page)
{
	for (size_t i = 0; i < g->rows && g->list_lag_ns; i++) {
		const struct evidence_row *r = &g->row[i];
		bool write = r->verb == VERB_PUT || r->verb == VERB_DELETE;
		bool known = r->answered && r->sends <= 1 && r->kind != OUTCOME_AMBIGUOUS &&
			     r->kind != OUTCOME_GARBAGE;
		if (write && r->when.inv_ns <= page->when.res_ns &&
		    (!known || r->when.res_ns >= page->when.inv_ns - g->list_lag_ns))
			return false;
	}
	return true;
}

static int add_pages(struct evidence *g, uint32_t rank)
{
	int rc = 0;

	for (size_t i = 0; i < g->pages.pages && !rc; i++) {
		const struct evidence_page *page = &g->pages.page[i];
		if (rank < page->from || rank >= page->to || page->when.inv < g->base[rank].seq ||
		    !is_quiet(g, page))
			continue;
		const struct evidence_entry *e = evidence_page_find(&g->pages, page, rank);
		rc = e ? add_there(g, &page->when, VERB_LIST, e->tag)
		       : observe(g, &page->when, VERB_LIST, JUDGE_ABSENT, JUDGE_NOTHING);
	}
	return rc;
}

static int put_room(struct evidence *g, uint64_t tag, uint64_t generation)
{
	if (evidence_room(&g->put, g->puts, &g->put_room, sizeof(*g->put)))
		return -ENOMEM;
	g->put[g->puts++] = (struct put){tag, generation};
	return 0;
}

/* What was there at the cut, as a put that had ended before all that is left began. */
static int add_base(struct evidence *g, const struct evidence_base *base)
{
	struct evidence_when when = {.op = base->op, .inv = base->seq - 1, .res = base->seq - 1};

	if (!base->seq || !base->generation)
		return 0;
	when.inv_ns = when.res_ns = g->start_ns;
	return add(g, &when, VERB_PUT,
		   &(struct meaning){JUDGE_PUT, JUDGE_KNOWN, base->generation, 0});
}

/* The rows of one key, and what the listings say of it. */
static int gather_key(struct evidence *g, uint32_t rank)
{
	const struct evidence_base *base = &g->base[rank];
	int rc = 0;

	g->puts = 0;
	g->ops = 0;
	g->conditional = false;
	if (base->seq && base->generation)
		rc = put_room(g, base->tag, base->generation);
	for (size_t i = 0; i < g->rows && !rc; i++)
		if (g->row[i].verb == VERB_PUT && g->row[i].when.inv >= base->seq)
			rc = put_room(g, g->row[i].tag, g->row[i].generation);
	if (g->puts)
		qsort(g->put, g->puts, sizeof(*g->put), put_order);
	if (!rc)
		rc = add_base(g, base);
	for (size_t i = 0; i < g->rows && !rc; i++) {
		bool mutation = g->row[i].verb == VERB_PUT || g->row[i].verb == VERB_DELETE;
		if (g->row[i].when.inv < base->seq)
			continue; /* compacted, but not gone yet */
		rc = mutation ? add_write(g, &g->row[i]) : add_observation(g, &g->row[i]);
	}
	return rc ? rc : add_pages(g, rank);
}

static const char rows_sql[] =
	"SELECT i.object, i.op, i.worker, i.verb, i.generation, i.tag, i.inv_ns, i.inv_seq, "
	"o.res_ns, o.res_seq, o.kind, o.sends, o.seen, o.tag, o.mark, i.size, o.status, "
	"o.op IS NOT NULL AND i.epoch = (SELECT max(epoch) FROM epoch), i.condition "
	"FROM intent i LEFT JOIN outcome o ON o.op = i.op WHERE i.verb <> ? ORDER BY i.object";

static void row_read(sqlite3_stmt *s, struct evidence_row *r)
{
	const char *condition = check_text(s, 18);

	*r = (struct evidence_row){
		.when = {.op = check_number(s, 1),
			 .inv = check_number(s, 7),
			 .res = check_number(s, 9),
			 .inv_ns = sqlite3_column_int64(s, 6),
			 .res_ns = sqlite3_column_int64(s, 8),
			 .client = (uint32_t)(sqlite3_column_int(s, 2) + 1),
			 .settles = sqlite3_column_int(s, 17) != 0},
		.verb = (enum verb)(check_number(s, 3) % VERB_COUNT),
		.generation = check_number(s, 4),
		.tag = evidence_tag(check_text(s, 5)),
		.answered = sqlite3_column_type(s, 10) != SQLITE_NULL,
		.kind = (enum outcome)(check_number(s, 10) % OUTCOME_COUNT),
		.sends = sqlite3_column_int(s, 11),
		.seen = check_number(s, 12),
		.told_tag = evidence_tag(check_text(s, 13)),
		.mark = sqlite3_column_int(s, 14),
		.size = check_number(s, 15),
		.status = sqlite3_column_int(s, 16),
		.condition = !*condition               ? NO_CONDITION
			     : !strcmp(condition, "*") ? WANTS_NOTHING
						       : WANTS_TAG,
		.wanted_tag = evidence_tag(condition),
	};
}

static int give(struct evidence *g, uint32_t rank,
		int (*each)(void *arg, const struct evidence_key *key), void *arg)
{
	int rc = gather_key(g, rank);
	const struct evidence_key key = {
		.name = g->names.name[rank],
		.rank = rank,
		.op = g->op,
		.note = g->note,
		.count = g->ops,
		.row = g->row,
		.rows = g->rows,
		.base = &g->base[rank],
		.conditional = g->conditional,
	};

	g->given[rank] = true;
	if (!rc)
		rc = each(arg, &key);
	g->rows = 0;
	return rc;
}

/* Of some keys no more is left than a base and what listings have said since. */
static int give_rest(struct evidence *g, int (*each)(void *arg, const struct evidence_key *key),
		     void *arg)
{
	int rc = 0;

	for (uint32_t rank = 0; rank < g->names.count && !rc; rank++)
		if (g->base[rank].seq && !g->given[rank])
			rc = give(g, rank, each, arg);
	return rc;
}

static int each_key(struct evidence *g, int (*each)(void *arg, const struct evidence_key *key),
		    void *arg)
{
	sqlite3_stmt *s = NULL;
	uint64_t object = 0;
	int rc = 0, row = SQLITE_DONE;

	if (sqlite3_prepare_v2(g->db, rows_sql, -1, &s, NULL) != SQLITE_OK)
		return -EIO;
	sqlite3_bind_int(s, 1, VERB_LIST);
	while (!rc && (row = sqlite3_step(s)) == SQLITE_ROW) {
		if (check_number(s, 0) != object && g->rows)
			rc = give(g, g->names.rank[object], each, arg);
		object = check_number(s, 0);
		if (!rc && !(rc = evidence_room(&g->row, g->rows, &g->row_room, sizeof(*g->row))))
			row_read(s, &g->row[g->rows++]);
	}
	sqlite3_finalize(s);
	if (!rc && row != SQLITE_DONE)
		rc = -EIO;
	if (!rc && g->rows)
		rc = give(g, g->names.rank[object], each, arg);
	return rc ? rc : give_rest(g, each, arg);
}

static int64_t start_of(sqlite3 *db)
{
	sqlite3_stmt *s = NULL;
	int64_t ns = 0;

	if (sqlite3_prepare_v2(db, "SELECT min(inv_ns) FROM intent", -1, &s, NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW)
		ns = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return ns;
}

static int explain(const struct evidence *g, int rc, struct why *why)
{
	if (rc == -EIO)
		why_set(why, rc, "cannot read the ledger: %s", sqlite3_errmsg(g->db));
	if (rc == -ENOMEM)
		why_set(why, rc, "no memory for the ledger's evidence");
	return rc;
}

int evidence_open(struct evidence **out, sqlite3 *db, uint32_t can, struct why *why)
{
	struct evidence *g = calloc(1, sizeof(*g));
	int rc;

	if (!g)
		return why_set(why, -ENOMEM, "no memory for the ledger's evidence");
	g->db = db;
	g->can = can;
	g->retries = check_ledger_number(db, "retries");
	rc = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK ? 0 : -EIO;
	if (!rc)
		rc = evidence_names_read(&g->names, db);
	if (!rc)
		rc = evidence_bases_read(&g->base, &g->names, db);
	if (!rc && !(g->given = calloc(g->names.count + 1, sizeof(*g->given))))
		rc = -ENOMEM;
	if (!rc)
		rc = evidence_clock_read(&g->clock, db);
	if (!rc)
		rc = evidence_fences_read(&g->fences, db);
	g->start_ns = start_of(db);
	g->list_lag_ns = (int64_t)check_ledger_number(db, "list_ns");
	if (!rc)
		rc = evidence_pages_read(&g->pages, &g->names, db, can);
	if (explain(g, rc, why))
		evidence_close(g);
	else
		*out = g;
	return rc;
}

int evidence_keys(struct evidence *g, int (*each)(void *arg, const struct evidence_key *key),
		  void *arg, struct why *why)
{
	return explain(g, each_key(g, each, arg), why);
}

void evidence_close(struct evidence *g)
{
	if (!g)
		return;
	sqlite3_exec(g->db, "COMMIT", NULL, NULL, NULL);
	evidence_names_free(&g->names);
	evidence_pages_free(&g->pages);
	evidence_clock_free(&g->clock);
	evidence_fences_free(&g->fences);
	free(g->base);
	free(g->given);
	free(g->row);
	free(g->put);
	free(g->op);
	free(g->note);
	free(g);
}

const struct evidence_names *evidence_names_of(const struct evidence *g)
{
	return &g->names;
}

const struct evidence_pages *evidence_pages_of(const struct evidence *g)
{
	return &g->pages;
}

int evidence_each(sqlite3 *db, uint32_t can, int (*each)(void *arg, const struct evidence_key *key),
		  void *arg, struct why *why)
{
	struct evidence *g;
	int rc = evidence_open(&g, db, can, why);

	if (rc)
		return rc;
	rc = evidence_keys(g, each, arg, why);
	evidence_close(g);
	return rc;
}
