/* ms_bugs.c - see ms_bugs.h. */
#include "tests/refstore/ms_bugs.h"

#include "tests/refstore/http_client.h"

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
