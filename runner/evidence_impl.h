/*
 * evidence_impl.h - between the rows of a ledger and its listings.
 *
 * Keys have ranks: their places in byte order. A page covers a range of ranks.
 */
#ifndef RUNNER_EVIDENCE_IMPL_H
#define RUNNER_EVIDENCE_IMPL_H

#include "runner/evidence.h"

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

/* base, by rank: what compaction left of each key. */
int evidence_bases_read(struct evidence_base **base, const struct evidence_names *names,
			sqlite3 *db); /* 0, -EIO or -ENOMEM */

/* From time to the order of operations, for writes that settle after a while. */
struct evidence_clock {
	int64_t settle_ns; /* 0: they never do */
	struct evidence_tick {
		uint64_t seq;
		int64_t ns;
	} * tick; /* some of the operations of this boot, in order */
	size_t ticks, room;
};
int evidence_clock_read(struct evidence_clock *clock, sqlite3 *db); /* 0, -EIO or -ENOMEM */
void evidence_clock_free(struct evidence_clock *clock);
/* The end of a write that was given up at ns: from which on it can't land any more. */
uint64_t evidence_clock_fence(const struct evidence_clock *clock, int64_t ns);

/* What evidence_open() read, for whoever goes on with it. */
const struct evidence_names *evidence_names_of(const struct evidence *evidence);
const struct evidence_pages *evidence_pages_of(const struct evidence *evidence);

/* A tag of 16 hex digits as a number; 0 when it is none. */
uint64_t evidence_tag(const char *text);

/* Room for one of `size` bytes more than count. */
int evidence_room(void *array, size_t count, size_t *room, size_t size);

#endif
