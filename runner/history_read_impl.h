/*
 * history_read_impl.h - inside the reading of histories.
 *
 *     history_read.c     lines, which form they are, and the history that grows
 *     history_events.c   begins and ends, by process -> operations
 *     history_edn.c      EDN maps, and the atoms that both event forms are made of
 *     history_jepsen.c   Jepsen's log
 *     history_jsonl.c    our own lines
 */
#ifndef RUNNER_HISTORY_READ_IMPL_H
#define RUNNER_HISTORY_READ_IMPL_H

#include "runner/history_read.h"

struct reading_key {
	char *name;
	struct judge_op *ops;
	size_t count, capacity;
};

/* An operation that was begun and not ended yet. */
struct pending {
	uint32_t key;
	size_t op;
	int call; /* enum history_call, or CALL_NONE */
};

struct reading {
	struct reading_key *key;
	size_t keys, key_capacity;
	struct judge_texts names; /* of keys */
	struct judge_texts texts;
	struct judge_values processes;
	struct pending *pending; /* by number of the process */
	size_t pending_capacity;
	struct judge_cut cut[HISTORY_CUTS_MAX];
	size_t cuts;
	size_t line;
	int model; /* enum history_model */
	struct why *why;
};

enum history_model { MODEL_OPEN, MODEL_REGISTER, MODEL_TEXT };
enum history_type { EVENT_INVOKE, EVENT_OK, EVENT_FAIL, EVENT_INFO, EVENT_TYPES };
enum history_call {
	CALL_READ,
	CALL_WRITE,
	CALL_CAS,
	CALL_GET,
	CALL_PUT,
	CALL_APPEND,
	CALL_COUNT,
	CALL_NONE = CALL_COUNT,
};

enum atom_kind { ATOM_NIL, ATOM_NUMBER, ATOM_TEXT, ATOM_WORD, ATOM_VECTOR };

struct atom {
	enum atom_kind kind;
	char *text; /* a text without quotes, a vector without brackets: not terminated */
	size_t length;
};

struct history_event {
	uint64_t process;
	int type, call; /* as above */
	struct atom key, value;
};

/* All return 0 or -errno with a sentence in why, without the line. */
int reading_add(struct reading *r, const char *key, size_t length, const struct judge_op *op,
		uint32_t *number);
int reading_model(struct reading *r, enum history_model model);
int reading_value(struct reading *r, const char *text, size_t length, uint64_t *value);
int reading_event(struct reading *r, const struct history_event *event);

/* The next atom of a line that may be changed: 1, 0 at its end, -EINVAL. */
int atom_next(char **at, struct atom *out);
bool atom_is(const struct atom *atom, const char *text);
/* The index of a keyword among names, which count for ":name"; count if it is none of them. */
int atom_among(const struct atom *atom, const char *const *names, int count);
bool atom_pair(const struct atom *vector, struct atom *one, struct atom *other);
int atom_number(const struct atom *atom, uint64_t *number);

extern const char *const history_types[EVENT_TYPES];
extern const char *const history_calls[CALL_COUNT];

bool history_is_log(const char *line); /* does it begin with a level? */

typedef int (*history_line)(struct reading *r, char *line);
int history_jsonl_line(struct reading *r, char *line);
int history_edn_line(struct reading *r, char *line);
int history_jepsen_line(struct reading *r, char *line);

#endif
