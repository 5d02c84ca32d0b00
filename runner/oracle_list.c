/*
 * oracle_list.c - one page of a listing, judged as a read of every key in its span.
 *
 * A page covers the keys after `after`, up to and including its last entry, or to the end of the
 * prefix when it says that there is no more. Each of these keys is read within [begin, end] of the
 * page: it must be there if it can't have been absent, and must not if it can't have been present.
 */
#include "runner/oracle_internal.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct page_entry {
	const char *key;
	uint64_t size;
	const char *tag;
	bool used;
};

struct page {
	struct page_entry *entry;
	size_t entries;
	const char *prefix, *after, *last;
	bool more;
};

static enum violation_code bad_page(struct reading *r, enum violation_code code, const char *text,
				    const char *key)
{
	return oracle_find(r, code, NULL, NULL, "list of \"%s\" %s \"%s\"", r->intent->key, text,
			   key);
}

static int entry_order(const void *a, const void *b)
{
	const struct page_entry *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static bool page_read(json_t *array, struct page *page)
{
	page->entries = json_array_size(array);
	page->entry = calloc(page->entries + 1, sizeof(*page->entry));
	if (!page->entry)
		abort();
	for (size_t i = 0; i < page->entries; i++) {
		json_t *row = json_array_get(array, i);
		const char *key = json_string_value(json_array_get(row, 0));
		const char *tag = json_string_value(json_array_get(row, 2));
		if (!key)
			return false;
		page->entry[i] = (struct page_entry){
			key, (uint64_t)json_integer_value(json_array_get(row, 1)), tag ? tag : "",
			false};
	}
	return true;
}

/* The form of the page itself: order, doubles, and pages that lead on. */
static enum violation_code judge_form(struct reading *r, struct page *page)
{
	uint32_t can = r->oracle->can;

	for (size_t i = 0; i < page->entries; i++) {
		const char *key = page->entry[i].key;
		if (strncmp(key, page->prefix, strlen(page->prefix)) != 0)
			return bad_page(r, LIST_PHANTOM, "names a key outside the prefix:", key);
		if (*page->after && strcmp(key, page->after) <= 0 && (can & CAN_LIST_PAGES))
			return bad_page(r, LIST_ORDER, "names a key of an earlier page:", key);
		if (i && (can & CAN_LIST_ORDER) && strcmp(page->entry[i - 1].key, key) > 0)
			return bad_page(r, LIST_ORDER, "is out of order at", key);
	}
	if (page->more && !page->entries)
		return bad_page(r, LIST_TRUNC, "says that there is more, but names nothing after",
				page->after);
	qsort(page->entry, page->entries, sizeof(*page->entry), entry_order);
	for (size_t i = 1; i < page->entries; i++)
		if (!strcmp(page->entry[i - 1].key, page->entry[i].key))
			return bad_page(r, LIST_DUP, "names twice", page->entry[i].key);
	return VIOLATION_NONE;
}

static struct page_entry *page_find(struct page *page, const char *key)
{
	struct page_entry wanted = {.key = key};

	return bsearch(&wanted, page->entry, page->entries, sizeof(wanted), entry_order);
}

static enum violation_code judge_named(struct reading *r, const struct page_entry *e)
{
	uint32_t can = r->oracle->can;
	const struct value *against = NULL;

	if ((can & CAN_LIST_SIZE) || (can & CAN_LIST_TAG)) {
		enum violation_code code =
			judge_facts(r, e->key, e->size, (can & CAN_LIST_TAG) ? e->tag : "",
				    LIST_META, LIST_META);
		return code;
	}
	for (unsigned i = 0; i < r->key->values; i++)
		if (r->key->value[i].generation &&
		    value_possible(r->key, &r->key->value[i], r->begin, r->end, &against))
			return VIOLATION_NONE;
	return bad_page(r, LIST_PHANTOM, "names an object that was not there:", e->key);
}

/* Could anything at all have been there? If not, a name in the listing is a phantom, whatever its
 * size and tag say. */
static bool presence_possible(struct reading *r)
{
	const struct value *against;

	for (unsigned i = 0; i < r->key->values; i++)
		if (r->key->value[i].generation &&
		    value_possible(r->key, &r->key->value[i], r->begin, r->end, &against))
			return true;
	return false;
}

static enum violation_code judge_omitted(struct reading *r)
{
	const struct value *against = NULL, *absence = NULL;

	if (key_absence_possible(r->key, r->begin, r->end, &against, &absence) || !against)
		return VIOLATION_NONE;
	return oracle_find(r, LIST_OMISSION, absence, against,
			   "list of \"%s\" lacks \"%s\", but generation %llu was there",
			   r->intent->key, r->key->name, (unsigned long long)against->generation);
}

static bool is_quiet(const struct reading *r)
{
	int64_t lag = r->oracle->list_lag_ns;

	return !lag || (!r->key->writing && r->key->written_ns < r->intent->inv_ns - lag);
}

static enum violation_code judge_key(struct reading *r, struct page *page)
{
	struct page_entry *e = page_find(page, r->key->name);

	/* What it says of this key was judged before, or may be late. */
	if (r->begin < r->key->cut || !is_quiet(r)) {
		if (e)
			e->used = true;
		return VIOLATION_NONE;
	}
	if (!e)
		return judge_omitted(r);
	e->used = true;
	if (!presence_possible(r))
		return bad_page(r, LIST_PHANTOM, "names an object that was not there:", e->key);
	return judge_named(r, e);
}

static bool past_span(const struct page *page, const char *name)
{
	return strncmp(name, page->prefix, strlen(page->prefix)) != 0 ||
	       (page->more && strcmp(name, page->last) > 0);
}

static enum violation_code judge_span(struct reading *r, struct page *page)
{
	struct oracle *oracle = r->oracle;
	enum violation_code worst = VIOLATION_NONE, code;
	const char *from = strcmp(page->after, page->prefix) > 0 ? page->after : page->prefix;

	for (unsigned i = oracle_key_at(oracle, from); i < oracle->keys; i++) {
		r->key = oracle->key[i];
		if (past_span(page, r->key->name))
			break;
		if (strcmp(r->key->name, page->after) > 0 &&
		    (code = judge_key(r, page)) != VIOLATION_NONE)
			worst = code;
	}
	r->key = NULL;
	for (size_t i = 0; i < page->entries; i++)
		if (!page->entry[i].used)
			worst = bad_page(r, LIST_PHANTOM,
					 "names a key that was never put:", page->entry[i].key);
	return worst;
}

enum violation_code judge_list(struct oracle *oracle, const struct ledger_intent *intent,
			       const struct ledger_outcome *outcome, const char *entries,
			       const char *after, const char *last, bool more)
{
	struct reading r = {oracle, NULL, intent, outcome, intent->inv_seq, outcome->res_seq};
	struct page page = {.prefix = intent->key,
			    .after = after ? after : "",
			    .last = last ? last : "",
			    .more = more};
	enum violation_code code;

	if (outcome->kind == OUTCOME_GARBAGE)
		return bad_page(&r, LIST_META, "answered a success that can't be understood, after",
				page.after);
	if (outcome->kind != OUTCOME_OK)
		return VIOLATION_NONE;
	json_t *array = json_loads(entries ? entries : "[]", 0, NULL);
	if (!json_is_array(array) || !page_read(array, &page))
		code = bad_page(&r, LIST_META, "answered entries that can't be understood, after",
				page.after);
	else if ((code = judge_form(&r, &page)) == VIOLATION_NONE)
		code = judge_span(&r, &page);
	free(page.entry);
	json_decref(array);
	return code;
}
