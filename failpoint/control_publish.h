/*
 * control_publish.h - puts one checked rule into the plane, under the controllers' lock.
 */
#ifndef FAILPOINT_CONTROL_PUBLISH_H
#define FAILPOINT_CONTROL_PUBLISH_H

#include "failpoint/control_impl.h"

struct control_published {
	uint64_t id, replaced; /* replaced: the id of the rule that had the name, 0 for none */
	char name[RULE_NAME_MAX];
};

/* Names the rule "rID" when it has no name. lease: index + 1, 0 when not held. */
int control_publish(struct control *control, struct rule *rule, uint32_t lease,
		    struct control_published *out, struct why *why);

/* Entries that a rule could take: free ones and those of rules that act no more. */
unsigned control_entries_free(struct control *control);

#endif
