/* admin.c - refstore offline, refstore online: what an operator tells a meta server; see ms.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/refstore/http_client.h"
#include "tests/refstore/node.h"

#define ANSWER_MS 3000

/* The first that answers decides: all of them know the same. */
static int tell(const struct node *node, const char *what, struct trouble *trouble)
{
	const char *list = node->ms;
	char ms[ADDRESS_MAX], path[2 * ADDRESS_MAX];

	snprintf(path, sizeof(path), "/%s?server=%s", what, node->server);
	while (list_next(&list, ms, sizeof(ms))) {
		json_t *answer = NULL;
		int status = client_json(ms, path, json_object(), ANSWER_MS, &answer);
		const char *error = json_string_value(json_object_get(answer, "error"));

		if (status)
			trouble_set(trouble, -EPROTO, "%s answered %d: %s", ms, status,
				    error ? error : "");
		json_decref(answer);
		if (status)
			return status == 200 ? 0 : -EPROTO;
	}
	return trouble_set(trouble, -EHOSTUNREACH, "none of %s answers", node->ms);
}

int admin_offline(const struct node *node, struct trouble *trouble)
{
	return tell(node, "offline", trouble);
}

int admin_online(const struct node *node, struct trouble *trouble)
{
	return tell(node, "online", trouble);
}
