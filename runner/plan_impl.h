/*
 * plan_impl.h - what the files of the plan share; see plan.h.
 *
 *     plan_lines.c   lines -> sections and entries        plan_keys.c    the rows
 *     plan_values.c  text <-> values                      plan.c         all into a struct plan
 *     plan_check.c   do the parts fit together?           plan_write.c   back to text, help
 *     plan_external.c  of a cluster that was started elsewhere
 *     plan_mistakes.c  what can be read but can't be meant
 *
 * Behind struct plan stand the texts it points to and the line of every entry, for messages.
 */
#ifndef RUNNER_PLAN_IMPL_H
#define RUNNER_PLAN_IMPL_H

#include "runner/plan.h"
#include "runner/plan_keys.h"

enum { PLAN_ENTRY_MAX = 2048, PLAN_TITLE_MAX = 64, PLAN_ENTRY_KEY_MAX = 56 };

/* An entry, or with key "" a section: where it stands. line 0: given by --set. */
struct plan_place {
	enum plan_section section;
	int index; /* which one of its kind */
	char key[PLAN_ENTRY_KEY_MAX];
	int line;
};

struct plan_texts {
	char **text;
	size_t count, room;
	struct plan_place *place;
	size_t places, places_room;
};

const char *plan_keep_text(void *arg, const char *text); /* arg: struct plan_texts */

void *plan_section_base(struct plan *plan, enum plan_section section, int index);
int plan_section_count(const struct plan *plan, enum plan_section section);
const char *plan_section_title(const struct plan *plan, enum plan_section section, int index,
			       char title[PLAN_TITLE_MAX]);

/* The place of the entry, of its section when the entry is not written; NULL when neither is. */
const struct plan_place *plan_place(const struct plan *plan, enum plan_section section, int index,
				    const char *key);

/* Puts "FILE:LINE: [SECTION] KEY" before why; returns code. */
int plan_at(const struct plan *plan, enum plan_section section, int index, const char *key,
	    int code, struct why *why);

/* Do names lead somewhere, do rules and anchors parse? -EINVAL with "FILE:LINE: ...". */
int plan_check(struct plan *plan, struct why *why);
/* Of a cluster that was started elsewhere: also sets what follows from that. */
int plan_check_external(struct plan *plan, struct why *why);
/* Refuses what would do nothing, or never what it says; after all the rest was found right. */
int plan_check_mistakes(const struct plan *plan, struct why *why);

/* Is the value as it would be without the plan? */
bool plan_is_default(const struct plan_key *key, const void *base);

#endif
