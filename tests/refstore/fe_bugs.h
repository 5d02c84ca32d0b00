/*
 * fe_bugs.h - what the planted bugs of the front end keep in memory. Nothing here runs without one.
 */
#ifndef REFSTORE_FE_BUGS_H
#define REFSTORE_FE_BUGS_H

#include "tests/refstore/fe.h"

/* stale-replica-read, non-monotonic-front-end: replaces *object by what was last read under this key
 * if that is not older than age_ms. */
#define STALE_READ_MS 1500
#define LEASE_MS      400
void stale_object(const char *key, uint64_t age_ms, struct object *object);
/* non-monotonic-front-end: waits until no front end answers from what was there before. */
void leases_run_out(void);

/* head-stale-size: every read is remembered, a HEAD is answered from that. */
void stale_size(const char *key, bool head, struct object *object);

/* cross-key-buffer: what one request fills in, another may take. Small bodies and ranges may have
 * too few bytes to tell whose they are. */
#define SHARED_MIN 64
void shared_buffer_fill(const void *bytes, size_t length);
void shared_buffer_take(char **bytes, size_t *length);

/* conditional-put-races: does it hold now? What is left of it is no condition. */
bool judged_early(const char *key, struct condition *condition, uint64_t deadline_ms);

/* etag-wrong */
void tag_of_start(const void *body, size_t length, char tag[TAG_TEXT_MAX]);

/* list-from-stale-cache */
bool stale_list(const char *path, struct http_reply *reply);
void stale_list_keep(const char *path, const char *answer, size_t length);

/* ack-on-one-replica: stores the data on one server, and says that all of them have it. */
bool send_to_one(const struct object *object, const void *body, uint64_t deadline_ms, char *stored);

#endif
