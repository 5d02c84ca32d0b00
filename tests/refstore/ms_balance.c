/* ms_balance.c - see ms_balance.h. */
#include "tests/refstore/ms_balance.h"

#include <stdio.h>
#include <string.h>

#include "tests/refstore/node.h"

/* A difference that placement makes by itself, and that of the next moment. */
#define SLACK_LEAST 32
#define SLACK_PART  8

static json_int_t held_by(json_t *held, const char *server)
{
	return json_integer_value(json_object_get(held, server));
}

json_int_t held_on(json_t *held, const char *list)
{
	char server[ADDRESS_MAX];
	json_int_t sum = 0;

	while (list_next(&list, server, sizeof(server)))
		sum += held_by(held, server);
	return sum;
}

/* The list in the order of what they hold, the least first. */
static void sort_by_held(json_t *held, const char *list, char *sorted, size_t max)
{
	char server[ADDRESS_MAX], least[ADDRESS_MAX];
	const char *each;

	sorted[0] = 0;
	do {
		least[0] = 0;
		for (each = list; list_next(&each, server, sizeof(server));)
			if (!list_has(sorted, server) &&
			    (!*least || held_by(held, server) < held_by(held, least)))
				snprintf(least, sizeof(least), "%s", server);
		if (*least)
			list_add(sorted, max, least);
	} while (*least);
}

static void last_of(const char *list, char *last)
{
	while (list_next(&list, last, ADDRESS_MAX))
		;
}

void balance_find(struct balance *balance, const struct live *live, json_t *held)
{
	char sorted[sizeof(balance->to)], server[ADDRESS_MAX], most[ADDRESS_MAX] = "";
	const char *list = live->spare;

	*balance = (struct balance){.to_move = 0};
	if (list_count(live->regular) < REPLICAS)
		return;
	sort_by_held(held, live->regular, sorted, sizeof(sorted));
	snprintf(balance->to, ADDRESS_MAX, "%.*s", (int)strcspn(sorted, ","), sorted);
	last_of(sorted, most);
	json_int_t high = held_by(held, most), gap = high - held_by(held, balance->to);
	json_int_t slack = high / SLACK_PART > SLACK_LEAST ? high / SLACK_PART : SLACK_LEAST;
	if (gap > slack) {
		balance->to_move = balance->most = (gap - slack + 1) / 2;
		snprintf(balance->from, sizeof(balance->from), "%s", most);
	}
	while (list_next(&list, server, sizeof(server))) {
		if (!held_by(held, server))
			continue;
		balance->to_move += held_by(held, server);
		balance->most = held_by(held, server);
		snprintf(balance->from, sizeof(balance->from), "%s", server);
		snprintf(balance->to, sizeof(balance->to), "%s", sorted);
	}
}
