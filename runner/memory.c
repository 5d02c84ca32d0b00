/* memory.c - see memory.h. */
#include "runner/memory.h"

#include <malloc.h>

enum { ARENAS = 1, MAPPED_FROM = 128 << 10 };

void memory_settle(void)
{
	mallopt(M_ARENA_MAX, ARENAS);
	mallopt(M_MMAP_THRESHOLD, MAPPED_FROM); /* and so it stays: set, it does not adapt */
}

void memory_give_back(void)
{
	malloc_trim(0);
}
