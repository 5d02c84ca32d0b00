/*
 * judge_model.h - what an operation does to a state, for the general engine.
 *
 * A state is a small number that the model hands out; the state that every key starts in is 0. The
 * engine asks for steps and remembers the answers, so a model is a pure function of (state, op).
 *
 *     register   nothing or one value; put, delete, take, compare-and-set, every observation
 *     text       a text, at first empty; put, append, read
 *
 * The texts of a history are numbered by judge_texts_number(), and a step of the text model numbers
 * the texts that appends make. A text is known by its length and two 61-bit polynomial hashes, which
 * can be joined without looking at the texts again: appending to a long text costs no more than to a
 * short one. That two different texts meet in both has odds of about one to 2^100.
 */
#ifndef RUNNER_JUDGE_MODEL_H
#define RUNNER_JUDGE_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/judge_history.h"
#include "runner/judge_values.h"

struct judge_text {
	uint64_t hash[2];
	uint64_t power[2]; /* base to the length */
	uint64_t length;
};

struct judge_texts {
	struct judge_text *at; /* by number - 1 */
	size_t capacity;
	struct judge_values numbers; /* of the hashes */
};

int judge_texts_init(struct judge_texts *texts); /* 0 or -ENOMEM */
void judge_texts_fini(struct judge_texts *texts);

/* Numbers a text: a judge_op's value, JUDGE_NOTHING for the empty one. 0 or -ENOMEM. */
int judge_texts_number(struct judge_texts *texts, const char *text, size_t length,
		       uint64_t *number);

enum { JUDGE_CANNOT = -1 };

struct judge_model {
	const char *name;
	/* The state after op in state, JUDGE_CANNOT, or -ENOMEM. */
	int32_t (*step)(void *context, int32_t state, const struct judge_op *op);
	void *context;
	bool plain; /* a value that nobody asks for matters to nobody */
};

/* values: initialised, for the model to number its states with; it may be cleared between keys. */
struct judge_model judge_model_register(struct judge_values *values);
struct judge_model judge_model_text(struct judge_texts *texts);

#endif
