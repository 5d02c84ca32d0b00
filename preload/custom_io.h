/* custom_io.h - cutting vectors: what writev and sendmsg have in common. */
#ifndef PRELOAD_CUSTOM_IO_H
#define PRELOAD_CUSTOM_IO_H

#include "preload/call.h"

/* The sum of the lengths; 0 for a vector the kernel will refuse. */
uint64_t vector_bytes(const struct iovec *iov, size_t count) PRELOAD_HIDDEN;

/* Copies the first bytes of iov into out, which has room for count; returns how many it used. */
size_t vector_cut(struct iovec *out, const struct iovec *iov, size_t count,
		  uint64_t bytes) PRELOAD_HIDDEN;

/* Is the real call to get another vector than the caller's: shorter, or with wrong bytes? Of how
 * many pieces at most? Writes it and returns its length. */
bool vector_differs(const struct call *call, uint64_t asked) PRELOAD_HIDDEN;
size_t vector_room(const struct call *call, size_t count) PRELOAD_HIDDEN;
size_t vector_judged(const struct call *call, struct iovec *out, uint8_t wrong[HIT_FLIP_MAX],
		     const struct iovec *iov, size_t count) PRELOAD_HIDDEN;

#endif
