/* evidence_pages.c - the names of a ledger and its listings; see evidence_impl.h. */
#include "runner/evidence_impl.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "runner/check_ledger.h"

int evidence_room(void *array, size_t count, size_t *room, size_t size)
{
	void **at = array;

	if (count < *room)
		return 0;
	size_t more = (count > *room * 2 ? count : *room * 2) + 64;
	void *grown = realloc(*at, more * size);
	if (!grown)
		return -ENOMEM;
	*at = grown;
	*room = more;
	return 0;
}

uint64_t evidence_tag(const char *text)
{
	if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
		return 0;
	return strtoull(text, NULL, 16);
}

static int name_add(struct evidence_names *names, size_t *room, uint64_t object, const char *name)
{
	if (evidence_room(&names->name, names->count, room, sizeof(*names->name)))
		return -ENOMEM;
	names->name[names->count] = strdup(name);
	if (!names->name[names->count])
		return -ENOMEM;
	names->rank[object] = names->count++;
	return 0;
}

int evidence_names_read(struct evidence_names *names, sqlite3 *db)
{
	sqlite3_stmt *s = NULL;
	size_t room = 0;
	int rc = -EIO, row = SQLITE_DONE;

	*names = (struct evidence_names){0};
	if (sqlite3_prepare_v2(db, "SELECT max(object) FROM object", -1, &s, NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW)
		names->objects = check_number(s, 0) + 1;
	sqlite3_finalize(s);
	s = NULL;
	names->rank = calloc(names->objects + 1, sizeof(*names->rank));
	if (!names->rank)
		return -ENOMEM;
	if (sqlite3_prepare_v2(db, "SELECT object, key FROM object ORDER BY key", -1, &s, NULL) ==
	    SQLITE_OK) {
		rc = 0;
		while (!rc && (row = sqlite3_step(s)) == SQLITE_ROW)
			rc = name_add(names, &room, check_number(s, 0), check_text(s, 1));
		if (!rc && row != SQLITE_DONE)
			rc = -EIO;
	}
	sqlite3_finalize(s);
	return rc;
}

void evidence_names_free(struct evidence_names *names)
{
	for (uint32_t i = 0; i < names->count; i++)
		free(names->name[i]);
	free(names->name);
	free(names->rank);
}

/* The first rank whose name is not before text. */
static uint32_t rank_from(const struct evidence_names *names, const char *text)
{
	uint32_t low = 0, high = names->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (strcmp(names->name[middle], text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first rank behind text itself. */
static uint32_t rank_behind(const struct evidence_names *names, const char *text)
{
	uint32_t rank = rank_from(names, text);

	return rank < names->count && !strcmp(names->name[rank], text) ? rank + 1 : rank;
}

/* The first rank that does not begin with prefix any more. */
static uint32_t rank_past(const struct evidence_names *names, const char *prefix)
{
	size_t length = strlen(prefix);
	uint32_t low = rank_from(names, prefix), high = names->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (strncmp(names->name[middle], prefix, length) == 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int entry_order(const void *a, const void *b)
{
	const struct evidence_entry *x = a, *y = b;

	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* One row of a page. False when the page can't be trusted as a whole. Keys that nobody ever used are
 * the oracle's to find. */
static bool entry_read(const struct evidence_names *names, const struct evidence_page *page,
		       json_t *row, uint32_t can, struct evidence_entry *out, bool *known)
{
	const char *key = json_string_value(json_array_get(row, 0));
	const char *tag = json_string_value(json_array_get(row, 2));

	if (!key)
		return false;
	uint32_t rank = rank_from(names, key);
	*known = rank < names->count && !strcmp(names->name[rank], key);
	*out = (struct evidence_entry){.rank = rank};
	if (tag && (can & CAN_LIST_TAG) && (can & CAN_TAG_XXH3))
		out->tag = evidence_tag(tag);
	return !*known || (rank >= page->from && rank < page->to);
}

static int entries_read(struct evidence_pages *pages, const struct evidence_names *names,
			struct evidence_page *page, json_t *array, uint32_t can)
{
	struct evidence_entry e;
	bool known;

	page->entry = pages->entries;
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (!entry_read(names, page, json_array_get(array, i), can, &e, &known))
			return -EINVAL;
		if (!known)
			continue;
		if (evidence_room(&pages->entry, pages->entries, &pages->entry_room, sizeof(e)))
			return -ENOMEM;
		if (page->entries && (can & CAN_LIST_ORDER) &&
		    pages->entry[pages->entries - 1].rank >= e.rank)
			return -EINVAL;
		pages->entry[pages->entries++] = e;
		page->entries++;
	}
	struct evidence_entry *entry = pages->entry + page->entry;
	if (!(can & CAN_LIST_ORDER) && page->entries)
		qsort(entry, page->entries, sizeof(*entry), entry_order);
	for (size_t i = 1; i < page->entries; i++)
		if (entry[i].rank == entry[i - 1].rank)
			return -EINVAL;
	return 0;
}

static const char pages_sql[] =
	"SELECT i.op, i.inv_seq, o.res_seq, i.inv_ns, o.res_ns, i.worker, b.key, p.after, p.last, "
	"p.more, p.entries FROM page p JOIN intent i USING(op) JOIN outcome o USING(op) "
	"JOIN object b ON b.object = i.object WHERE o.kind = 0";

static int page_read(struct evidence_pages *pages, const struct evidence_names *names,
		     sqlite3_stmt *s, uint32_t can)
{
	const char *prefix = check_text(s, 6), *after = check_text(s, 7), *last = check_text(s, 8);
	bool more = sqlite3_column_int(s, 9) != 0;
	struct evidence_page page = {
		.when = {.op = check_number(s, 0),
			 .inv = check_number(s, 1),
			 .res = check_number(s, 2),
			 .inv_ns = sqlite3_column_int64(s, 3),
			 .res_ns = sqlite3_column_int64(s, 4),
			 .client = (uint32_t)(sqlite3_column_int(s, 5) + 1)},
		.from = rank_from(names, prefix),
		.to = rank_past(names, prefix),
	};
	if (*after && rank_behind(names, after) > page.from)
		page.from = rank_behind(names, after);
	if (more && rank_behind(names, last) < page.to)
		page.to = rank_behind(names, last);
	if (evidence_room(&pages->page, pages->pages, &pages->page_room, sizeof(page)))
		return -ENOMEM;
	json_t *array = json_loads(check_text(s, 10), 0, NULL);
	size_t kept = pages->entries;
	int rc = json_is_array(array) ? entries_read(pages, names, &page, array, can) : -EINVAL;
	json_decref(array);
	if (rc)
		pages->entries = kept;
	else
		pages->page[pages->pages++] = page;
	return rc == -EINVAL ? 0 : rc;
}

int evidence_pages_read(struct evidence_pages *pages, const struct evidence_names *names,
			sqlite3 *db, uint32_t can)
{
	sqlite3_stmt *s = NULL;
	int rc = 0, row = SQLITE_DONE;

	*pages = (struct evidence_pages){0};
	if (sqlite3_prepare_v2(db, pages_sql, -1, &s, NULL) != SQLITE_OK)
		return -EIO;
	while (!rc && (row = sqlite3_step(s)) == SQLITE_ROW)
		rc = page_read(pages, names, s, can);
	sqlite3_finalize(s);
	return rc ? rc : row == SQLITE_DONE ? 0 : -EIO;
}

void evidence_pages_free(struct evidence_pages *pages)
{
	free(pages->page);
	free(pages->entry);
}

const struct evidence_entry *evidence_page_find(const struct evidence_pages *pages,
						const struct evidence_page *page, uint32_t rank)
{
	struct evidence_entry wanted = {.rank = rank};

	if (!page->entries)
		return NULL;
	return bsearch(&wanted, pages->entry + page->entry, page->entries, sizeof(wanted),
		       entry_order);
}
