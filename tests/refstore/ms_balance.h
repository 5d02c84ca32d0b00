/*
 * ms_balance.h - what is on the wrong server though it is on enough of them.
 *
 *     a spare has chunks, and those in service are enough without it     all of them
 *     one in service has a lot more than another                         until it is only a little
 *
 * So a server that joins, or comes back empty, gets its share, and the spares are free again.
 */
#ifndef REFSTORE_MS_BALANCE_H
#define REFSTORE_MS_BALANCE_H

#include <jansson.h>

#include "tests/refstore/ms_servers.h"

struct balance {
	json_int_t to_move;                 /* copies, all in all, about */
	char from[ADDRESS_MAX];             /* who gives next */
	char to[SERVERS_MAX * ADDRESS_MAX]; /* and who may take; who has least first */
	json_int_t most;                    /* of it */
};

/* held: how many chunks each server has, by its address. */
void balance_find(struct balance *balance, const struct live *live, json_t *held);

/* How many of the chunks are on servers of the list. */
json_int_t held_on(json_t *held, const char *list);

#endif
