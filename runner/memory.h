/*
 * memory.h - what the process of a run keeps in memory, by what each is bounded, and the heap.
 *
 *     schedule          2.7 KB a fault                    SCHEDULE_MAX faults, dealt at the start
 *     oracle: keys      0.1 KB each                       objects-max + deleted-max + 512 of probes
 *     oracle: values    112 B a write since the key's cut ledger-ops; and what can't be cut (compact.h)
 *     oracle: pending   256 B an operation under way      workers, and what a cut run left open
 *     oracle: findings  0.6 KB                            one a key; FINDINGS_ALIKE_MAX of a code
 *                                                         that are of no key
 *     sessions          body, answer, curl's handle       workers; three times size-max, the
 *                                                         longest page of a listing
 *     ledger: spools    mapped files                      SPOOL_MOST and one batch, each
 *     ledger: SQLite    pages that were used              cache_size: 8 MB to write, 8 MB for passes
 *     a pass            rows of one key, pages, names     ledger-ops; all is freed at its end
 *     metrics           one answer of a node, latencies   fixed
 *     packets held back by their numbers                  HELD_MAX
 *     nodes, faults under way, events, news               fixed; the ring of events is the plane's
 *
 * Nothing else grows: neither with time nor with faults, which are rows of the ledger. Of what is
 * bounded most fills up slowly (SQLite's pages, names of keys, free pieces between histories), so that
 * a run grows for its first hundred thousand operations, and less and less afterwards.
 *
 * The heap: histories grow on one thread after the other and shrink on that of the passes. In arenas
 * of their own, as glibc gives each thread one, what is freed in one is of no use to the others, and
 * each of them keeps its own most: twelve workers hold twice what is in use, and the more so the
 * longer they run. So all threads share one; they wait for each other rarely, since small pieces
 * are in each thread's cache. What is large is mapped and given back as soon as it is free: left to
 * itself, glibc takes larger and larger pieces from the heap, where histories then grow above them.
 */
#ifndef RUNNER_MEMORY_H
#define RUNNER_MEMORY_H

/* For the rest of the process, which has no other thread yet. */
void memory_settle(void);
/* After much was freed: whole pages that are free go back to the kernel. */
void memory_give_back(void);

#endif
