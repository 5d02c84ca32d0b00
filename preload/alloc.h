/* alloc.h - see custom_alloc.c. */
#ifndef PRELOAD_ALLOC_H
#define PRELOAD_ALLOC_H

#include "preload/real.h"

/* What stands in for this pointer of real.h while it is looked up; NULL for most. */
void *alloc_early(void **slot) REAL_HIDDEN;

#endif
