/*
 * driver_webdav.c - nginx with dav_methods PUT DELETE and `autoindex_format json`.
 *
 * A key's "/" makes real directories (create_full_put_path). LIST is the index of one directory: it
 * has no pages, tags or promised order, and does not enter directories below; so a prefix must
 * name its directory ("k/3/", "k/3/17"). A directory that nobody made yet lists nothing. nginx's
 * ETag is made of time and size: no tag of the body, and told to nobody.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/driver_http.h"

struct webdav {
	struct http_endpoints endpoints;
	char base[256];
};

static const struct driver_setting webdav_settings[] = {
	{"base", "/", "path of the folder that holds the objects; begins and ends with \"/\""},
	{NULL, NULL, NULL},
};

static const char *setting(const struct plan_store *settings, const struct driver_setting *of)
{
	for (int i = 0; settings && i < settings->settings; i++)
		if (strcmp(settings->setting[i].key, of->key) == 0)
			return settings->setting[i].value;
	return of->value;
}

static int webdav_open(void **store, const struct plan_store *settings, const char *const *endpoint,
		       int endpoints, struct why *why)
{
	const char *base = setting(settings, &webdav_settings[0]);
	struct webdav *dav;
	int rc;

	if (*base != '/' || base[strlen(base) - 1] != '/')
		return why_set(why, -EINVAL, "base \"%s\" must begin and end with \"/\"", base);
	dav = calloc(1, sizeof(*dav));
	if (!dav)
		return why_set(why, -ENOMEM, "no memory for the driver");
	rc = http_escape(base, "/", dav->base, sizeof(dav->base));
	if (rc < 0)
		why_set(why, rc, "base \"%s\" is too long", base);
	else
		rc = http_endpoints_init(&dav->endpoints, endpoint, endpoints, why);
	if (rc < 0)
		free(dav);
	else
		*store = dav;
	return rc;
}

/* The part of a prefix that names a directory, its last "/" included. */
static int directory_length(const char *prefix)
{
	const char *slash = strrchr(prefix, '/');

	return slash ? (int)(slash + 1 - prefix) : 0;
}

static int webdav_request(void *store, const struct op *op, int endpoint, struct request *out,
			  struct why *why)
{
	const struct webdav *dav = store;
	const char *path = op->verb == VERB_LIST ? op->prefix : op->key;
	char name[KEY_MAX], escaped[3 * KEY_MAX + 1];

	http_request_method(op, out);
	if (strlen(path) >= sizeof(name))
		return why_set(why, -ENAMETOOLONG, "key longer than %d bytes", KEY_MAX - 1);
	snprintf(name, sizeof(name), "%.*s",
		 op->verb == VERB_LIST ? directory_length(path) : (int)strlen(path), path);
	http_escape(name, "/", escaped, sizeof(escaped));
	return http_request_url(&dav->endpoints, endpoint, out, why, "%s%s", dav->base, escaped);
}

static int webdav_reply(void *store, const struct op *op, const struct reply *reply,
			struct fact *out, struct why *why)
{
	(void)store;
	http_fact(op, reply, out, why);
	if (op->verb == VERB_LIST && out->outcome == OUTCOME_ABSENT)
		out->outcome = OUTCOME_OK;
	return 0;
}

static int each_file(const struct op *op, const json_t *json,
		     int (*each)(void *, const struct list_entry *), void *arg)
{
	const char *name = json_string_value(json_object_get(json, "name"));
	const char *type = json_string_value(json_object_get(json, "type"));
	const json_t *size = json_object_get(json, "size");
	int directory = directory_length(op->prefix);
	char key[KEY_MAX];

	if (!name || !type)
		return -EBADMSG;
	if (strcmp(type, "file") != 0)
		return 0;
	if (!json_is_integer(size) || json_integer_value(size) < 0 ||
	    (size_t)snprintf(key, sizeof(key), "%.*s%s", directory, op->prefix, name) >=
		    sizeof(key))
		return -EBADMSG;
	if (strncmp(key, op->prefix, strlen(op->prefix)) != 0)
		return 0;
	const struct list_entry entry = {
		.key = key,
		.key_length = strlen(key),
		.size = (uint64_t)json_integer_value(size),
		.tag = "",
	};
	return each(arg, &entry);
}

static int webdav_page(void *store, const struct op *op, const struct reply *reply,
		       int (*each)(void *arg, const struct list_entry *entry), void *arg,
		       char *after, size_t after_max, struct why *why)
{
	json_error_t error;
	json_t *page;
	int rc = 0;

	(void)store;
	if (after_max)
		*after = '\0';
	if (reply->status == 404)
		return 0;
	page = json_loadb(reply->body, reply->length, 0, &error);
	if (!json_is_array(page))
		rc = why_set(why, -EBADMSG, "index is no JSON array: %s",
			     page ? "another value" : error.text);
	for (size_t i = 0; rc == 0 && i < json_array_size(page); i++) {
		rc = each_file(op, json_array_get(page, i), each, arg);
		if (rc == -EBADMSG)
			why_set(why, rc, "entry %zu lacks a name, type or size", i);
	}
	json_decref(page);
	return rc;
}

const struct driver driver_webdav = {
	.name = "webdav",
	.settings = webdav_settings,
	.can = CAN_RANGE | CAN_LIST_SIZE | CAN_DELETE_TELLS,
	.open = webdav_open,
	.request = webdav_request,
	.reply = webdav_reply,
	.page = webdav_page,
	.close = free,
};
