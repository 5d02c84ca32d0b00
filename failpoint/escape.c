/*
 * escape.c - what passed this process by, noted in its slot. See plane.h; control_escapes.c makes a
 * report of it.
 *
 * Notes are made where it costs nothing: by a trap that is paid for anyway, or beside a call that
 * takes far longer. A child of vfork has its parent's memory and notes in the parent's slot.
 */
#include "failpoint/core.h"

static bool is_deep; /* of this image, and what it forks */

static struct plane_escapes *own(void)
{
	return core.head && core.slot ? &core.slot->escapes : NULL;
}

static void count(_Atomic uint32_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void escape_path(char out[ESCAPE_PATH_MAX], const char *path)
{
	size_t length = path && raw_text_readable(path) ? raw_length(path) : 0;

	if (length >= ESCAPE_PATH_MAX)
		path += length - ESCAPE_PATH_MAX + 1;
	if (length)
		raw_copy(out, ESCAPE_PATH_MAX, path, ESCAPE_PATH_MAX);
	else
		out[0] = 0;
}

void escape_clear(struct plane_slot *slot)
{
	struct plane_escapes *e = &slot->escapes;

	for (unsigned way = 0; way < BYPASS_WAYS; way++)
		for (unsigned i = 0; i < CALL_MAX; i++)
			if (atomic_load_explicit(&e->bypassed[way][i], memory_order_relaxed))
				atomic_store(&e->bypassed[way][i], 0);
	atomic_store(&e->deep, is_deep);
	atomic_store(&e->supervised, 0);
	atomic_store(&e->uring, 0);
	atomic_store(&e->mapped, 0);
	atomic_store(&e->programs, 0);
	e->mapping[0] = e->executing[0] = 0;
}

void engine_bypassed(unsigned call, unsigned way)
{
	struct plane_escapes *e = own();

	if (e && call < CALL_COUNT && way < BYPASS_WAYS)
		count(&e->bypassed[way][call]);
}

void engine_notes_deep(void)
{
	is_deep = true;
	if (own())
		atomic_store(&own()->deep, 1);
}

void engine_notes_mapping(const char *path)
{
	struct plane_escapes *e = own();

	if (e && atomic_fetch_add(&e->mapped, 1) == 0)
		escape_path(e->mapping, path);
}

void engine_notes_uring(void)
{
	struct plane_escapes *e = own();

	if (e)
		count(&e->uring);
}

/* A program once; when the entries are used up the first ones stay. */
void engine_notes_program(const char *program)
{
	struct plane_escapes *e = own();
	char path[ESCAPE_PATH_MAX];
	uint32_t used;

	if (!e)
		return;
	escape_path(path, program);
	used = atomic_load(&e->programs);
	for (uint32_t i = 0; i < used && i < ESCAPE_PROGRAMS; i++)
		if (raw_equal(e->program[i], path))
			return;
	if (path[0] && used < ESCAPE_PROGRAMS &&
	    atomic_compare_exchange_strong(&e->programs, &used, used + 1))
		escape_path(e->program[used], path);
}
