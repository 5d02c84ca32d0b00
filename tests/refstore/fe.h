/*
 * fe.h - a front end: objects over HTTP.
 *
 *     PUT    /o/KEY   201 made, 200 replaced, with the ETag: two data servers have it on disk and
 *                     the database has committed it
 *                     If-Match: "TAG" (or *), If-None-Match: *: judged in the database's commit,
 *                     412 when it does not hold, and then nothing was applied
 *     GET    /o/KEY   200, or 206 and 416 for a Range (a-b, a-, -n); HEAD likewise, without Range
 *     DELETE /o/KEY   204 it existed, 404 it did not: both are definite
 *     GET    /o?prefix=&after=&limit=   {"entries":[{"key","size","tag"}],"more":bool}, in order of
 *                     the bytes of key
 *
 * KEY is percent-encoded UTF-8 of 1 to 512 bytes. The ETag is the XXH3 of the body, in quotes. 400,
 * 405 and 413 mean that nothing was applied. 503 means that nobody knows: the change may be there
 * now, later or never. Every answer comes within some 2.5 seconds, whatever hangs behind.
 *
 * A read asks the database which chunk the key has now, then any replica for that chunk by id, size
 * and tag, and verifies the bytes, unless told to trust the data server's own check. A chunk that is
 * gone was overwritten meanwhile, so the database is asked again. If it names the same chunk and all replicas answer that they do not have it, then
 * the object is lost: an alarm in the log, and 404, for that is the truth about it.
 *
 * A repeated PUT would be a second mutation, so the front end never repeats a commit. Each PUT has
 * a chunk of its own, so sending its data again is harmless. Replaced chunks are dropped after a
 * grace.
 */
#ifndef REFSTORE_FE_H
#define REFSTORE_FE_H

#include "tests/refstore/chunks.h"
#include "tests/refstore/http_server.h"
#include "tests/refstore/node.h"

#define FE_DEADLINE_MS 2500
#define FE_CALL_MS     1000

/* What the database knows of a key. */
struct object {
	char chunk[CHUNK_ID_TEXT_MAX];
	char tag[TAG_TEXT_MAX];
	char replicas[ADDRESSES_MAX];
	uint64_t size;
};

/* What a PUT wants to be replaced. */
struct condition {
	char match[TAG_TEXT_MAX]; /* something with this tag; "*": anything; "": no matter what */
	bool absent;              /* nothing */
};

extern const struct node *fe_node;

/* What is left for one call before the deadline; at least 1. */
uint64_t fe_time_left(uint64_t deadline_ms);
/* The list reordered: from a different start each time, suspects last. */
void fe_order(const char *list, char *ordered, size_t max);
/* Decodes the key from the path; answers 400 and returns false if it is none. */
bool fe_key(const struct http_request *request, char key[KEY_MAX + 1], struct http_reply *reply);

/* fe_write.c */
void fe_put(const struct http_request *request, struct http_reply *reply);
void fe_delete(const struct http_request *request, struct http_reply *reply);
/* Sends data to the replicas until a quorum has it; who has it, in stored. */
bool fe_send(const struct object *object, const void *body, uint64_t deadline_ms, char *stored);

/* The same PUT once more, as a change of its own. */
void fe_put_again(const char *key, struct object *object, const void *body, uint64_t deadline_ms);

/* fe_read.c */
void fe_get(const struct http_request *request, struct http_reply *reply);
void fe_list(const struct http_request *request, struct http_reply *reply);
/* 200, 404 or 503. */
int fe_lookup(const char *key, uint64_t deadline_ms, struct object *object);

/* fe_drop.c: forget a chunk that nothing refers to, once readers had time to finish. */
int fe_drop_start(void);
void fe_drop(const char *chunk, const char *replicas);

#endif
