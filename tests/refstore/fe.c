/* fe.c - routes and the small things reads and writes share; see fe.h. */
#include "tests/refstore/fe.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tests/refstore/fe_late.h"
#include "tests/refstore/http_client.h"

const struct node *fe_node;

uint64_t fe_time_left(uint64_t deadline_ms)
{
	uint64_t now = clock_ms();

	if (now >= deadline_ms)
		return 1;
	return deadline_ms - now < FE_CALL_MS ? deadline_ms - now : FE_CALL_MS;
}

void fe_order(const char *list, char *ordered, size_t max)
{
	static _Atomic unsigned turn;
	unsigned start = atomic_fetch_add_explicit(&turn, 1, memory_order_relaxed);
	char items[8][ADDRESS_MAX];
	unsigned n = 0;

	while (n < COUNT(items) && list_next(&list, items[n], ADDRESS_MAX))
		n++;
	ordered[0] = 0;
	for (int suspect = 0; suspect < 2; suspect++)
		for (unsigned i = 0; i < n; i++) {
			const char *item = items[(start + i) % n];

			if (!list_has(ordered, item) && (suspect || !peer_is_suspect(item)))
				list_add(ordered, max, item);
		}
}

bool fe_key(const struct http_request *request, char key[KEY_MAX + 1], struct http_reply *reply)
{
	int length = percent_decode(request->rest, key, KEY_MAX + 1);

	if (length > 0 && utf8_is_valid(key))
		return true;
	http_reply_error(reply, 400, "a key wants 1 to %d bytes of percent-encoded UTF-8", KEY_MAX);
	return false;
}

/* What a meta server says of the cluster, a front end says, too; null without one. */
static const char *const of_ms[] = {
	"registered", "spares",   "under_replicated", "write_buffer_under_replicated",
	"offline",    "draining", "to_move",
};

static void handle_health(const struct http_request *request, struct http_reply *reply)
{
	char ordered[ADDRESSES_MAX], ms[ADDRESS_MAX];
	const char *list = ordered;
	json_t *health = NULL;

	(void)request;
	fe_order(fe_node->ms, ordered, sizeof(ordered));
	while (!health && list_next(&list, ms, sizeof(ms)))
		client_json(ms, "/health", NULL, FE_CALL_MS, &health);
	json_t *own = json_pack("{s:s,s:s,s:s,s:b}", "role", "fe", "version", fe_node->version,
				"address", fe_node->address, "ok", 1);
	for (size_t i = 0; i < COUNT(of_ms); i++) {
		json_t *said = json_object_get(health, of_ms[i]);

		json_object_set_new(own, of_ms[i], said ? json_incref(said) : json_null());
	}
	http_reply_json(reply, 200, own);
	json_decref(health);
}

int fe_start(const struct node *node, struct trouble *trouble)
{
	static const struct http_route routes[] = {
		{"PUT", "/o/", fe_put},
		{"GET", "/o/", fe_get},
		{"DELETE", "/o/", fe_delete},
		{"GET", "/o", fe_list},
		{"GET", "/health", handle_health},
	};

	fe_node = node;
	if (fe_drop_start() < 0 || fe_late_start() < 0)
		return trouble_set(trouble, -EAGAIN, "cannot start a thread");
	return http_serve(node->host, (int)node->port, routes, COUNT(routes), trouble);
}
