/*
 * ms_repair.h - chunks that have to be copied: to be on enough servers, or on better ones.
 *
 * A chunk whose recorded replicas are on fewer than three live servers in service is
 * under-replicated; the meta server that holds the lease has one that lacks it pull it from one that
 * has it, and then records that in the database, provided that the key still refers to this chunk
 * and that nobody has changed the list meanwhile. What balance_find names is moved in the same way,
 * one list for another. The lease only saves double work: two repairs of one chunk do no harm.
 */
#ifndef REFSTORE_MS_REPAIR_H
#define REFSTORE_MS_REPAIR_H

#include <jansson.h>

#include "tests/refstore/ms_servers.h"
#include "tests/refstore/node.h"

#define DB_TIMEOUT_MS 1500

/* Before any of the others. */
int repair_start(const struct node *node);

/* What is under-replicated, given who lives, and who holds how much; NULL if the database does not
 * answer. */
json_t *repair_ask(const struct live *live, int limit);

/* Asks the database who was taken out; false if it does not answer. */
bool repair_refresh(void);

#endif
