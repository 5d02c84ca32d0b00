/*
 * driver_kv.c - the reference store: objects at /o/KEY, LIST at /o as JSON in key order.
 *
 *     GET /o?prefix=&after=&limit=   {"entries": [{"key", "size", "tag"}, ...], "more": false}
 *
 * The ETag is the XXH3 of the body as 16 hex digits, quoted; the next page follows the last key. A
 * PUT with the tag of what it replaces is sent with If-Match; the tag "*": there must be nothing.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/driver_http.h"

static int kv_open(void **store, const struct plan_store *settings, const char *const *endpoint,
		   int endpoints, struct why *why)
{
	struct http_endpoints *kv = calloc(1, sizeof(*kv));
	int rc;

	(void)settings;
	if (!kv)
		return why_set(why, -ENOMEM, "no memory for the driver");
	rc = http_endpoints_init(kv, endpoint, endpoints, why);
	if (rc < 0)
		free(kv);
	else
		*store = kv;
	return rc;
}

static void add_condition(const char *tag, struct request *out)
{
	char *header = out->header[out->headers++];

	if (strcmp(tag, "*") == 0)
		snprintf(header, sizeof(out->header[0]), "If-None-Match: *");
	else
		snprintf(header, sizeof(out->header[0]), "If-Match: \"%s\"", tag);
}

static int kv_request(void *store, const struct op *op, int endpoint, struct request *out,
		      struct why *why)
{
	char key[3 * KEY_MAX + 1], after[3 * KEY_MAX + 1];

	http_request_method(op, out);
	if (op->verb == VERB_LIST) {
		if (http_escape(op->prefix, "", key, sizeof(key)) < 0 ||
		    http_escape(op->after ? op->after : "", "", after, sizeof(after)) < 0)
			return why_set(why, -ENAMETOOLONG, "key longer than %d bytes", KEY_MAX);
		return http_request_url(store, endpoint, out, why, "/o?prefix=%s&after=%s&limit=%u",
					key, after, op->limit);
	}
	if (http_escape(op->key, "", key, sizeof(key)) < 0)
		return why_set(why, -ENAMETOOLONG, "key longer than %d bytes", KEY_MAX);
	if (op->verb == VERB_PUT && op->tag)
		add_condition(op->tag, out);
	return http_request_url(store, endpoint, out, why, "/o/%s", key);
}

/* A tag of ours in quotes; anything else is kept as it is, cut, and will match nothing. */
static void read_tag(const char *text, char tag[TAG_MAX])
{
	size_t length = strlen(text);

	if (length >= 2 && text[0] == '"' && text[length - 1] == '"') {
		text++;
		length -= 2;
	}
	snprintf(tag, TAG_MAX, "%.*s", (int)(length < TAG_MAX ? length : TAG_MAX - 1), text);
}

static int kv_reply(void *store, const struct op *op, const struct reply *reply, struct fact *out,
		    struct why *why)
{
	const char *tag = reply->header(reply, "ETag");

	(void)store;
	http_fact(op, reply, out, why);
	if (out->outcome != OUTCOME_OK || op->verb == VERB_LIST || op->verb == VERB_DELETE)
		return 0;
	if (tag) {
		read_tag(tag, out->tag);
	} else {
		out->outcome = OUTCOME_GARBAGE;
		why_set(why, 0, "status %d without an ETag", reply->status);
	}
	return 0;
}

static int read_entry(const json_t *json, struct list_entry *entry)
{
	const json_t *key = json_object_get(json, "key"), *size = json_object_get(json, "size");
	const json_t *tag = json_object_get(json, "tag");

	if (!json_is_string(key) || !json_is_integer(size) || json_integer_value(size) < 0 ||
	    !json_is_string(tag))
		return -EBADMSG;
	*entry = (struct list_entry){
		.key = json_string_value(key),
		.key_length = json_string_length(key),
		.size = (uint64_t)json_integer_value(size),
		.tag = json_string_value(tag),
	};
	return entry->key_length < KEY_MAX ? 0 : -EBADMSG;
}

static int read_page(const json_t *page, int (*each)(void *, const struct list_entry *), void *arg,
		     char *after, size_t after_max, struct why *why)
{
	const json_t *entries = json_object_get(page, "entries"),
		     *more = json_object_get(page, "more");
	struct list_entry entry = {.key = ""};

	if (!json_is_array(entries) || !json_is_boolean(more))
		return why_set(why, -EBADMSG, "page without \"entries\" or \"more\"");
	for (size_t i = 0; i < json_array_size(entries); i++) {
		if (read_entry(json_array_get(entries, i), &entry) < 0)
			return why_set(why, -EBADMSG, "entry %zu lacks a key, size or tag", i);
		int rc = each(arg, &entry);
		if (rc < 0)
			return rc;
	}
	if (json_is_true(more) && !entry.key_length)
		return why_set(why, -EBADMSG, "page without entries that says there are more");
	snprintf(after, after_max, "%s", json_is_true(more) ? entry.key : "");
	return 0;
}

static int kv_page(void *store, const struct op *op, const struct reply *reply,
		   int (*each)(void *arg, const struct list_entry *entry), void *arg, char *after,
		   size_t after_max, struct why *why)
{
	json_error_t error;
	json_t *page = json_loadb(reply->body, reply->length, JSON_ALLOW_NUL, &error);
	int rc;

	(void)store;
	(void)op;
	if (!page)
		return why_set(why, -EBADMSG, "page is no JSON: %s at %d", error.text,
			       error.position);
	rc = read_page(page, each, arg, after, after_max, why);
	json_decref(page);
	return rc;
}

const struct driver driver_kv = {
	.name = "kv",
	.can = CAN_RANGE | CAN_HEAD_TAG | CAN_LIST_SIZE | CAN_LIST_TAG | CAN_LIST_PAGES |
	       CAN_LIST_DEEP | CAN_IF_MATCH | CAN_DELETE_TELLS | CAN_TAG_XXH3 | CAN_LIST_ORDER,
	.open = kv_open,
	.request = kv_request,
	.reply = kv_reply,
	.page = kv_page,
	.close = free,
};
