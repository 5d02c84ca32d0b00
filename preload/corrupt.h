/* corrupt.h - bytes that are wrong on their way; see corrupt.c, and call.h for single buffers. */
#ifndef PRELOAD_CORRUPT_H
#define PRELOAD_CORRUPT_H

#include <limits.h>

#include "preload/call.h"

/* Pieces that one buffer is spliced into at most, and pieces that the kernel takes. */
enum { CORRUPT_PIECES = 2 * HIT_FLIP_MAX + 1, CORRUPT_IOV_MAX = IOV_MAX };

/* Writes the spliced vector into out, which has room for count + CORRUPT_PIECES; returns its
 * length. wrong holds the bytes that are wrong. */
size_t corrupt_vector(const struct call *call, struct iovec *out, uint8_t wrong[HIT_FLIP_MAX],
		      const struct iovec *iov, size_t count, uint64_t bytes) PRELOAD_HIDDEN;

/* Makes wrong what was read. */
void corrupt_after(struct call *call) PRELOAD_HIDDEN;

#endif
