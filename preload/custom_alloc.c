/*
 * custom_alloc.c - the heap.
 *
 * Looking a function up may allocate, and so may be the very first allocation. While one of them is
 * looked up it is served from a small arena of our own; what came from there is known by its
 * address, is never given back, and moves to the heap when it grows.
 */
#include "preload/alloc.h"

#include <stdarg.h>

#include "preload/pass.h"
#include "preload/raw.h"

enum { ARENA_BYTES = 64 << 10, UNIT = 16 };

static char arena[ARENA_BYTES] __attribute__((aligned(UNIT)));
static size_t arena_used;

/* ---- The arena ---- */

static bool is_early(const void *at)
{
	return (uintptr_t)at - (uintptr_t)arena < ARENA_BYTES;
}

/* Its size stands before each piece. The memory was never used, so it is zero. */
static void *early_malloc(size_t n)
{
	size_t bytes, at;

	if (n < ARENA_BYTES) {
		bytes = (n + UNIT - 1) / UNIT * UNIT + UNIT;
		at = __atomic_fetch_add(&arena_used, bytes, __ATOMIC_RELAXED);
		if (at + bytes <= ARENA_BYTES) {
			*(size_t *)(void *)(arena + at) = n;
			return arena + at + UNIT;
		}
	}
	errno = ENOMEM;
	return NULL;
}

static size_t early_size(const void *at)
{
	return *(const size_t *)(const void *)((const char *)at - UNIT);
}

static void *early_calloc(size_t count, size_t size)
{
	size_t n;

	return __builtin_mul_overflow(count, size, &n) ? NULL : early_malloc(n);
}

static void early_free(void *at)
{
	(void)at;
}

void *alloc_early(void **slot)
{
	return slot == (void **)&real_malloc   ? (void *)early_malloc
	       : slot == (void **)&real_calloc ? (void *)early_calloc
	       : slot == (void **)&real_free   ? (void *)early_free
					       : NULL;
}

void free(void *at)
{
	if (!is_early(at))
		real_free(at);
}

size_t malloc_usable_size(void *at)
{
	return is_early(at) ? early_size(at) : real_malloc_usable_size(at);
}

/* ---- The heap ---- */

/* Failure is reported for what was allocated: nobody will ever free it but us. */
static void *alloc_leave(struct call *call)
{
	void *made = call->hit.err ? NULL : (void *)(intptr_t)call->hit.ret;
	void *ret = (void *)(intptr_t)call_leave(call);

	if (made && !ret)
		real_free(made);
	return ret;
}

#define ALLOC(name, row, params, args)                             \
	static __attribute__((noinline)) void *armed_##name params \
	{                                                          \
		PASS(row, NOTHING, alloc_leave, real_##name args)  \
	}                                                          \
	void *name params                                          \
	{                                                          \
		if (!ARMED(row))                                   \
			return real_##name args;                   \
		return armed_##name args;                          \
	}

ALLOC(malloc, malloc, (size_t n), (n))
ALLOC(calloc, calloc, (size_t count, size_t size), (count, size))
ALLOC(memalign, memalign, (size_t alignment, size_t n), (alignment, n))
ALLOC(valloc, memalign, (size_t n), (n))
ALLOC(pvalloc, memalign, (size_t n), (n))

static size_t usable(void *at)
{
	return is_early(at) ? early_size(at) : real_malloc_usable_size(at);
}

/* A block that was there stays until it is known what the caller is told. */
static __attribute__((noinline)) void *armed_realloc(void *old, size_t n)
{
	void *moved = NULL, *ret;
	struct call call;

	CALL_BEGIN(call, realloc, HIT_NOTHING, GIVE_NO_BYTES);
	if (call_enter(&call)) {
		if (old && !n)
			return real_realloc(old, n);
		moved = real_malloc(n);
		call_result(&call, (intptr_t)moved);
	}
	ret = alloc_leave(&call);
	if (ret && ret == moved && old) {
		size_t had = usable(old);

		raw_move(moved, old, had < n ? had : n);
		free(old);
	}
	return ret;
}

/* What came from the arena moves, and that is a malloc. */
static __attribute__((noinline)) void *early_realloc(void *old, size_t n)
{
	size_t had = early_size(old);
	void *moved = malloc(n);

	if (moved)
		raw_move(moved, old, had < n ? had : n);
	return moved;
}

void *realloc(void *old, size_t n)
{
	if (is_early(old))
		return early_realloc(old, n);
	return ARMED(realloc) ? armed_realloc(old, n) : real_realloc(old, n);
}

/* Another heap stands before ours (jemalloc, preloaded first), but without a reallocarray: libc's then
 * calls that heap's realloc, which ours would not. */
static bool heap_is_another;

__attribute__((constructor(102))) static void find_heap(void)
{
	heap_is_another = real_dlsym(RTLD_DEFAULT, "realloc") != (void *)realloc;
}

void *reallocarray(void *old, size_t count, size_t size)
{
	size_t n;

	if ((!ARMED(realloc) || heap_is_another) && !is_early(old))
		return real_reallocarray(old, count, size);
	if (!__builtin_mul_overflow(count, size, &n))
		return realloc(old, n);
	errno = ENOMEM;
	return NULL;
}

static __attribute__((noinline)) int armed_posix_memalign(void **made, size_t alignment, size_t n)
{
	bool done = false;
	struct call call;
	int ret;

	CALL_BEGIN(call, posix_memalign, HIT_NOTHING, GIVE_NO_BYTES);
	if (call_enter(&call)) {
		call_result(&call, real_posix_memalign(made, alignment, n));
		done = call.hit.err == 0;
	}
	ret = (int)call_leave(&call);
	if (done && ret)
		real_free(*made);
	return ret;
}

int posix_memalign(void **made, size_t alignment, size_t n)
{
	return ARMED(posix_memalign) ? armed_posix_memalign(made, alignment, n)
				     : real_posix_memalign(made, alignment, n);
}

/* ---- Mappings ---- */

static __attribute__((noinline)) void *armed_mremap(void *at, size_t n, size_t wanted, int flags,
						    void *to)
{
	PASS(mremap, NOTHING, call_leave, real_mremap(at, n, wanted, flags, to))
}

/* The last argument is a whole word, or absent: then what is read is passed on and not looked at. */
void *mremap(void *at, size_t n, size_t wanted, int flags, ...)
{
	va_list more;
	void *to;

	va_start(more, flags);
	to = va_arg(more, void *);
	va_end(more);
	return ARMED(mremap) ? armed_mremap(at, n, wanted, flags, to)
			     : real_mremap(at, n, wanted, flags, to);
}
