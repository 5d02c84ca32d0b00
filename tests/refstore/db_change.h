/*
 * db_change.h - what each kind of change does, within a transaction of the writer's.
 *
 * Who has a chunk is changed by whoever copied it, and only if the list is still the one he went by
 * (/replicas). A server that holds a chunk but is not in its list may drop its copy once the pair of
 * them is in `released`; from then on the server is not taken into the list again until somebody
 * has claimed the pair, and copied the chunk after that. So a drop and a late record of a copy can
 * come in any order.
 *
 * From the commit of CHANGE_OFFLINE on nothing comes to refer to that server that did not before: a
 * commit goes without it, or is refused if too few others have the data.
 */
#ifndef REFSTORE_DB_CHANGE_H
#define REFSTORE_DB_CHANGE_H

#include "tests/refstore/db_sql.h"
#include "tests/refstore/db_store.h"

struct change {
	enum change_kind kind;
	json_t *args, *answer;
	int status; /* see store_change */
};

void change_apply(struct sql *writer, struct change *change);

#endif
