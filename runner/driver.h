/*
 * driver.h - a store's protocol as pure functions.
 *
 * A driver turns an operation into an HTTP request and a reply into a fact. It touches no libcurl,
 * clock, retry or ledger: the workload sends what request() made and gives what came back to
 * reply() or page(). So a driver can be tested with texts, and a reply can be judged again later.
 *
 * A driver says what its store can do; the oracle judges no more than that.
 */
#ifndef RUNNER_DRIVER_H
#define RUNNER_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failkit/why.h"
#include "runner/plan.h"

enum verb { VERB_PUT, VERB_GET, VERB_HEAD, VERB_RANGE, VERB_DELETE, VERB_LIST, VERB_COUNT };

enum outcome {
	OUTCOME_OK,          /* done, or what was asked for is here */
	OUTCOME_ABSENT,      /* no such object */
	OUTCOME_REFUSED,     /* a definite no that changes nothing: 4xx, unsatisfiable range */
	OUTCOME_NOT_APPLIED, /* failed, and certainly without effect: nothing was sent */
	OUTCOME_AMBIGUOUS,   /* may or may not have happened, now or later */
	OUTCOME_GARBAGE,     /* a success that can't be understood: always a violation */
	OUTCOME_COUNT,
};

enum store_can {
	CAN_RANGE = 1,
	CAN_HEAD_TAG = 2, /* HEAD and GET answer the tag that PUT answered */
	CAN_LIST_SIZE = 4,
	CAN_LIST_TAG = 8,
	CAN_LIST_PAGES = 16,
	CAN_IF_MATCH = 32,
	CAN_DELETE_TELLS = 64, /* DELETE answers ABSENT when there was nothing */
	CAN_TAG_XXH3 = 128,    /* the tag is the XXH3 of the body in 16 hex digits */
	CAN_LIST_ORDER = 256,  /* LIST is in byte order of the keys */
	CAN_LIST_DEEP = 512,   /* LIST of "k/" also names "k/3/17" */
};

enum { TAG_MAX = 72, KEY_MAX = 512 };

struct op {
	enum verb verb;
	const char *key, *tag, *after, *prefix;
	uint64_t offset, length; /* Range; length 0: to the end */
	uint32_t limit;
};

struct request {
	char method[16], url[2048];
	char header[16][512];
	int headers;
	bool body; /* the operation's body is sent */
};

struct reply {
	int status;
	bool complete; /* the whole body came */
	const char *(*header)(const struct reply *reply, const char *name); /* NULL when absent */
	void *headers;
	const void *body;
	size_t length;
};

struct fact {
	enum outcome outcome;
	uint64_t size;     /* of the whole object, as told */
	char tag[TAG_MAX]; /* "" when not told */
	uint64_t from, to; /* of a 206: first and last byte; whole bodies: 0, size - 1 */
	uint32_t retry_after_ms;
};

struct list_entry {
	const char *key;
	size_t key_length;
	uint64_t size;
	const char *tag;
};

struct driver_setting {
	const char *key, *value, *help; /* value: the default */
};

struct driver {
	const char *name;
	const struct driver_setting *settings; /* ends with a NULL key; may be NULL */
	uint32_t can;                          /* enum store_can */
	/* endpoint[i]: "127.0.0.5:7000". Returns 0 or -errno. */
	int (*open)(void **store, const struct plan_store *settings, const char *const *endpoint,
		    int endpoints, struct why *why);
	int (*request)(void *store, const struct op *op, int endpoint, struct request *out,
		       struct why *why);
	int (*reply)(void *store, const struct op *op, const struct reply *reply, struct fact *out,
		     struct why *why);
	/* One page of a LIST. after: where the next page starts, "" when this was the last. */
	int (*page)(void *store, const struct op *op, const struct reply *reply,
		    int (*each)(void *arg, const struct list_entry *entry), void *arg, char *after,
		    size_t after_max, struct why *why);
	void (*close)(void *store);
};

extern const struct driver driver_kv, driver_webdav;
const struct driver *driver_find(const char *name, struct why *why); /* why: nearest name */

#endif
