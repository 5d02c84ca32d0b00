/* evidence.c - the rows of each key, as operations of a judge; see evidence.h. */
#include "runner/evidence_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runner/check_ledger.h"

enum { SENDS_MAX = 4 }; /* a request that may have arrived more often is taken for this often */

struct row {
	struct evidence_when when;
	enum verb verb;
	uint64_t generation, tag; /* sent */
	bool answered;
	enum outcome kind;
	int sends, mark;
	uint64_t seen, told_tag;
};

struct put {
	uint64_t tag, generation;
};

struct gathering {
	uint32_t can;
	struct evidence_names names;
	struct evidence_pages pages;
	int64_t start_ns;
	struct row *row;
	size_t rows, row_room;
	struct put *put; /* of the key, sorted by tag */
	size_t puts, put_room;
	struct judge_op *op;
	size_t ops, op_room;
	struct evidence_note *note;
	size_t note_room;
};

static int add(struct gathering *g, const struct evidence_when *when, enum verb verb,
	       enum judge_kind kind, enum judge_outcome outcome, uint64_t value)
{
	bool known = outcome == JUDGE_KNOWN;

	if (evidence_room(&g->op, g->ops, &g->op_room, sizeof(*g->op)) ||
	    evidence_room(&g->note, g->ops, &g->note_room, sizeof(*g->note)))
		return -ENOMEM;
	g->op[g->ops] = (struct judge_op){
		.inv = when->inv,
		.res = known ? when->res : JUDGE_NEVER,
		.value = value,
		.id = when->op,
		.client = when->client,
		.kind = (uint8_t)kind,
		.outcome = (uint8_t)outcome,
	};
	g->note[g->ops++] = (struct evidence_note){
		.verb = verb,
		.inv_ns = when->inv_ns - g->start_ns,
		.res_ns = when->res_ns ? when->res_ns - g->start_ns : -1,
	};
	return 0;
}

static int put_order(const void *a, const void *b)
{
	const struct put *x = a, *y = b;

	return x->tag < y->tag ? -1 : x->tag > y->tag;
}

/* The only generation of the key with this tag; 0 when there is none or more than one. */
static uint64_t only_with_tag(const struct gathering *g, uint64_t tag)
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
static int add_there(struct gathering *g, const struct evidence_when *when, enum verb verb,
		     uint64_t tag)
{
	uint64_t generation = only_with_tag(g, tag);

	return add(g, when, verb, generation ? JUDGE_READ : JUDGE_PRESENT, JUDGE_KNOWN, generation);
}

static int add_observation(struct gathering *g, const struct row *r)
{
	if (!r->answered || r->mark)
		return 0;
	if (r->kind == OUTCOME_ABSENT)
		return add(g, &r->when, r->verb, JUDGE_ABSENT, JUDGE_KNOWN, JUDGE_NOTHING);
	if (r->kind != OUTCOME_OK)
		return 0;
	if (r->seen)
		return add(g, &r->when, r->verb, JUDGE_READ, JUDGE_KNOWN, r->seen);
	return add_there(g, &r->when, r->verb, (g->can & CAN_TAG_XXH3) ? r->told_tag : 0);
}

static int add_write(struct gathering *g, const struct row *r)
{
	bool delete = r->verb == VERB_DELETE, tells = delete &&(g->can & CAN_DELETE_TELLS);
	bool once = r->sends <= 1;
	enum judge_kind kind = delete ? JUDGE_DELETE : JUDGE_PUT;
	enum judge_outcome outcome = JUDGE_AMBIGUOUS;
	int sends = !r->answered || once ? 1 : r->sends < SENDS_MAX ? r->sends : SENDS_MAX, rc = 0;

	if (r->answered && once && tells && r->kind == OUTCOME_ABSENT)
		return add(g, &r->when, r->verb, JUDGE_ABSENT, JUDGE_KNOWN, JUDGE_NOTHING);
	if (r->answered && (r->kind == OUTCOME_OK || (delete &&r->kind == OUTCOME_ABSENT)))
		outcome = JUDGE_KNOWN;
	else if (r->answered && once &&
		 (r->kind == OUTCOME_REFUSED || r->kind == OUTCOME_NOT_APPLIED))
		outcome = JUDGE_FAILED;
	if (outcome == JUDGE_KNOWN && once && tells)
		kind = JUDGE_TAKE;
	for (int i = 0; i < sends && !rc; i++)
		rc = add(g, &r->when, r->verb, kind, i ? JUDGE_AMBIGUOUS : outcome, r->generation);
	return rc;
}

static int add_pages(struct gathering *g, uint32_t rank)
{
	int rc = 0;

	for (size_t i = 0; i < g->pages.pages && !rc; i++) {
		const struct evidence_page *page = &g->pages.page[i];
		if (rank < page->from || rank >= page->to)
			continue;
		const struct evidence_entry *e = evidence_page_find(&g->pages, page, rank);
		rc = e ? add_there(g, &page->when, VERB_LIST, e->tag)
		       : add(g, &page->when, VERB_LIST, JUDGE_ABSENT, JUDGE_KNOWN, JUDGE_NOTHING);
	}
	return rc;
}

/* The rows of one key, and what the listings say of it. */
static int gather_key(struct gathering *g, uint32_t rank)
{
	int rc = 0;

	g->puts = 0;
	g->ops = 0;
	for (size_t i = 0; i < g->rows; i++) {
		if (g->row[i].verb != VERB_PUT)
			continue;
		if (evidence_room(&g->put, g->puts, &g->put_room, sizeof(*g->put)))
			return -ENOMEM;
		g->put[g->puts++] = (struct put){g->row[i].tag, g->row[i].generation};
	}
	if (g->puts)
		qsort(g->put, g->puts, sizeof(*g->put), put_order);
	for (size_t i = 0; i < g->rows && !rc; i++) {
		bool mutation = g->row[i].verb == VERB_PUT || g->row[i].verb == VERB_DELETE;
		rc = mutation ? add_write(g, &g->row[i]) : add_observation(g, &g->row[i]);
	}
	return rc ? rc : add_pages(g, rank);
}

static const char rows_sql[] =
	"SELECT i.object, i.op, i.worker, i.verb, i.generation, i.tag, i.inv_ns, i.inv_seq, "
	"o.res_ns, o.res_seq, o.kind, o.sends, o.seen, o.tag, o.mark "
	"FROM intent i LEFT JOIN outcome o ON o.op = i.op WHERE i.verb <> ? ORDER BY i.object";

static void row_read(sqlite3_stmt *s, struct row *r)
{
	*r = (struct row){
		.when = {.op = check_number(s, 1),
			 .inv = check_number(s, 7),
			 .res = check_number(s, 9),
			 .inv_ns = sqlite3_column_int64(s, 6),
			 .res_ns = sqlite3_column_int64(s, 8),
			 .client = (uint32_t)(sqlite3_column_int(s, 2) + 1)},
		.verb = (enum verb)(check_number(s, 3) % VERB_COUNT),
		.generation = check_number(s, 4),
		.tag = evidence_tag(check_text(s, 5)),
		.answered = sqlite3_column_type(s, 10) != SQLITE_NULL,
		.kind = (enum outcome)(check_number(s, 10) % OUTCOME_COUNT),
		.sends = sqlite3_column_int(s, 11),
		.seen = check_number(s, 12),
		.told_tag = evidence_tag(check_text(s, 13)),
		.mark = sqlite3_column_int(s, 14),
	};
}

static int give(struct gathering *g, uint64_t object,
		int (*each)(void *arg, const struct evidence_key *key), void *arg)
{
	uint32_t rank = g->rows ? g->names.rank[object] : 0;
	int rc = g->rows ? gather_key(g, rank) : 0;

	if (rc || !g->rows)
		return rc;
	g->rows = 0;
	const struct evidence_key key = {g->names.name[rank], g->op, g->note, g->ops};
	return each(arg, &key);
}

static int each_key(struct gathering *g, sqlite3 *db,
		    int (*each)(void *arg, const struct evidence_key *key), void *arg)
{
	sqlite3_stmt *s = NULL;
	uint64_t object = 0;
	int rc = 0, row = SQLITE_DONE;

	if (sqlite3_prepare_v2(db, rows_sql, -1, &s, NULL) != SQLITE_OK)
		return -EIO;
	sqlite3_bind_int(s, 1, VERB_LIST);
	while (!rc && (row = sqlite3_step(s)) == SQLITE_ROW) {
		if (check_number(s, 0) != object)
			rc = give(g, object, each, arg);
		object = check_number(s, 0);
		if (!rc && !(rc = evidence_room(&g->row, g->rows, &g->row_room, sizeof(*g->row))))
			row_read(s, &g->row[g->rows++]);
	}
	sqlite3_finalize(s);
	if (!rc && row != SQLITE_DONE)
		rc = -EIO;
	return rc ? rc : give(g, object, each, arg);
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

int evidence_each(sqlite3 *db, uint32_t can, int (*each)(void *arg, const struct evidence_key *key),
		  void *arg, struct why *why)
{
	struct gathering g = {.can = can};
	/* One moment of a ledger that may still be written to. */
	int rc = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK ? 0 : -EIO;

	if (!rc)
		rc = evidence_names_read(&g.names, db);
	g.start_ns = start_of(db);
	if (!rc)
		rc = evidence_pages_read(&g.pages, &g.names, db, can);
	if (!rc)
		rc = each_key(&g, db, each, arg);
	if (rc == -EIO)
		why_set(why, rc, "cannot read the ledger: %s", sqlite3_errmsg(db));
	if (rc == -ENOMEM)
		why_set(why, rc, "no memory for the ledger's evidence");
	sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	evidence_names_free(&g.names);
	evidence_pages_free(&g.pages);
	free(g.row);
	free(g.put);
	free(g.op);
	free(g.note);
	return rc;
}
