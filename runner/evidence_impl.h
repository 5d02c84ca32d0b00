/*
 * evidence_impl.h - between the rows of a ledger and its listings.
 *
 * Keys have ranks: their places in byte order. A page covers a range of ranks.
 */
#ifndef RUNNER_EVIDENCE_IMPL_H
#define RUNNER_EVIDENCE_IMPL_H

#include <stdbool.h>

#include "runner/evidence.h"

/* When an operation was, and whose. */
struct evidence_when {
	uint64_t op, inv, res;
	int64_t inv_ns, res_ns;
	uint32_t client;
};

struct evidence_entry {
	uint32_t rank;
	uint64_t tag; /* 0: none that tells */
};

struct evidence_page {
	struct evidence_when when;
	uint32_t from, to;     /* ranks, to excluded */
	size_t entry, entries; /* sorted by rank */
};

struct evidence_names {
	char **name; /* by rank */
	uint32_t count;
	uint32_t *rank; /* by object, below objects */
	uint64_t objects;
};

struct evidence_pages {
	struct evidence_page *page;
	size_t pages, page_room;
	struct evidence_entry *entry;
	size_t entries, entry_room;
};

int evidence_names_read(struct evidence_names *names, sqlite3 *db); /* 0, -EIO or -ENOMEM */
void evidence_names_free(struct evidence_names *names);
int evidence_pages_read(struct evidence_pages *pages, const struct evidence_names *names,
			sqlite3 *db, uint32_t can);
void evidence_pages_free(struct evidence_pages *pages);
/* NULL: the page does not name it. */
const struct evidence_entry *evidence_page_find(const struct evidence_pages *pages,
						const struct evidence_page *page, uint32_t rank);

/* A tag of 16 hex digits as a number; 0 when it is none. */
uint64_t evidence_tag(const char *text);

/* Room for one more of `size` bytes. */
int evidence_room(void *array, size_t count, size_t *room, size_t size);

#endif
