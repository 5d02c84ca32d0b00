/*
 * exact_name.h - what an exact judge's refusal is called, and how it is told.
 *
 * A judge knows no more than operations that contradict each other. The name depends on the answer
 * that could not be (the culprit, an observation among them), on what it contradicts (a delete,
 * an acknowledged put, an earlier read), and on whether what it denied was seen again later. One table
 * in exact_name.c has all of it.
 */
#ifndef RUNNER_EXACT_NAME_H
#define RUNNER_EXACT_NAME_H

#include "runner/evidence.h"
#include "runner/oracle.h"

/* answer: a violation of this key. out->key is key->name. */
void exact_name(const struct evidence_key *key, const struct judge_answer *answer,
		struct violation *out);

#endif
