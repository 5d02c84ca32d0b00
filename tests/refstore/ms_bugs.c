/* ms_bugs.c - see ms_bugs.h. */
#include "tests/refstore/ms_bugs.h"

#include <stdio.h>
#include <string.h>

#include "tests/refstore/http_client.h"
#include "tests/refstore/node.h"

void commit_deleted(const char *db, json_t *entries, uint64_t timeout_ms)
{
	json_t *entry;
	size_t i;

	json_array_foreach(entries, i, entry)
	{
		json_object_set_new(entry, "absent", json_true());
		client_json(db, "/commit", json_incref(entry), timeout_ms, NULL);
	}
}

/* Does the key refer to another chunk now? */
static bool is_older(const char *db, json_t *entry, uint64_t timeout_ms)
{
	char encoded[3 * KEY_MAX + 1], path[3 * KEY_MAX + 16];
	const char *key, *chunk, *now;
	json_t *answer = NULL;
	bool older = false;

	if (json_unpack(entry, "{s:s,s:s}", "key", &key, "chunk", &chunk) == 0 &&
	    percent_encode(key, encoded, sizeof(encoded))) {
		snprintf(path, sizeof(path), "/meta?key=%s", encoded);
		older = client_json(db, path, NULL, timeout_ms, &answer) == 200 &&
			json_unpack(answer, "{s:s}", "chunk", &now) == 0 && strcmp(chunk, now) != 0;
	}
	json_decref(answer);
	return older;
}

void commit_stale(const char *db, json_t *entries, uint64_t timeout_ms)
{
	json_t *entry;
	size_t i;

	json_array_foreach(entries, i, entry)
	{
		if (!is_older(db, entry, timeout_ms))
			continue;
		json_object_set_new(entry, "match", json_string("*"));
		client_json(db, "/commit", json_incref(entry), timeout_ms, NULL);
	}
}
