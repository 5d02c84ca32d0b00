/* fd_table.c - see fd_table.h for the model. */
#include "preload/fd_table.h"

#include <stdatomic.h>

#include "preload/raw.h"

struct entry {
	_Atomic uint32_t sequence, forgets;
	uint32_t of_forgets, of_renames;
	struct subject subject; /* path: NULL, or anything else for "in path" */
	uint32_t path_bytes;
	char path[FD_TABLE_PATH_MAX];
};

static struct entry table[FD_TABLE_MAX];
static _Atomic uint32_t renames;
bool fd_table_used;

static struct entry *entry_of(int fd)
{
	return fd >= 0 && fd < FD_TABLE_MAX ? &table[fd] : NULL;
}

/* The sequence of an entry that is good, 0 when it is not. */
static uint32_t good(struct entry *e)
{
	uint32_t sequence = atomic_load_explicit(&e->sequence, memory_order_acquire);

	if (sequence & 1 ||
	    e->of_forgets != atomic_load_explicit(&e->forgets, memory_order_relaxed) ||
	    e->of_renames != atomic_load_explicit(&renames, memory_order_relaxed))
		return 0;
	return sequence;
}

uint64_t fd_table_known(int fd)
{
	struct entry *e = entry_of(fd);
	uint32_t sequence = e ? good(e) : 0;

	return sequence ? (uint64_t)(uint32_t)fd << 32 | sequence : 0;
}

bool fd_table_get(int fd, struct call *call)
{
	struct entry *e = entry_of(fd);
	uint32_t sequence, bytes;

	if (!e)
		return false;
	sequence = good(e);
	if (!sequence)
		return false;
	call->subject = e->subject;
	bytes = e->path_bytes;
	if (bytes > sizeof(e->path))
		return false;
	raw_move(call->path, e->path, bytes);
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&e->sequence, memory_order_relaxed) != sequence)
		return false;
	if (call->subject.path)
		call->subject.path = call->path;
	return true;
}

uint32_t fd_table_take(int fd)
{
	struct entry *e = entry_of(fd);
	uint32_t sequence;

	if (!e)
		return 0;
	if (!__atomic_load_n(&fd_table_used, __ATOMIC_RELAXED))
		__atomic_store_n(&fd_table_used, true, __ATOMIC_SEQ_CST);
	sequence = atomic_load_explicit(&e->sequence, memory_order_relaxed);
	if (sequence & 1 || !atomic_compare_exchange_strong(&e->sequence, &sequence, sequence + 1))
		return 0;
	e->of_forgets = atomic_load(&e->forgets);
	e->of_renames = atomic_load(&renames);
	return sequence + 1;
}

void fd_table_put(int fd, uint32_t ticket, const struct subject *subject, bool remember)
{
	struct entry *e = entry_of(fd);
	size_t bytes = subject->path ? raw_length(subject->path) + 1 : 0;

	if (!e || !ticket)
		return;
	if (!remember || bytes > sizeof(e->path)) {
		e->of_forgets = atomic_load(&e->forgets) - 1;
		bytes = 0;
	} else {
		e->subject = *subject;
		e->subject.path2 = NULL;
		raw_move(e->path, subject->path ? subject->path : "", bytes);
	}
	e->path_bytes = (uint32_t)bytes;
	/* 0 means never written: a sequence that wraps goes on at 2. */
	atomic_store_explicit(&e->sequence, ticket == UINT32_MAX ? 2 : ticket + 1,
			      memory_order_release);
}

void fd_table_forget_used(int fd)
{
	struct entry *e = entry_of(fd);

	if (e && atomic_load(&e->sequence))
		atomic_fetch_add(&e->forgets, 1);
}

void fd_table_forget_range(unsigned first, unsigned last)
{
	if (last >= FD_TABLE_MAX)
		last = FD_TABLE_MAX - 1;
	if (!__atomic_load_n(&fd_table_used, __ATOMIC_RELAXED))
		return;
	for (unsigned fd = first; fd <= last; fd++)
		fd_table_forget((int)fd);
}

void fd_table_renamed_used(void)
{
	atomic_fetch_add(&renames, 1);
}
