/*
 * history_read.h - histories from files: our own, and those of other tools.
 *
 * The first line that is not empty says which form it is.
 *
 * 1. JSON lines: one operation a line, in any order. This is what `failrun history --format jsonl`
 *    writes.
 *
 *        {"op":17,"client":3,"key":"a","do":"put","value":5,"inv":100,"res":120}
 *        {"op":18,"client":4,"key":"a","do":"delete","inv":105,"outcome":"ambiguous"}
 *        {"op":19,"client":3,"key":"a","do":"read","value":5,"inv":121,"res":130}
 *        {"op":20,"client":3,"key":"a","do":"cas","expect":null,"value":6,"inv":131,"res":140}
 *
 *        do        put, delete, take, cas, append, read, absent, present, unequal: the kinds of
 *                  judge_history.h
 *        value     of put, cas, append, read: a text or a whole number; 5 and "5" are the same, and
 *                  null and "" are nothing: to put nothing is to delete, to read it is absent
 *        expect    of cas and unequal, likewise
 *        inv, res  moments on one clock, whole numbers; without res it was never answered
 *        outcome   known (when left out, if there is a res), ambiguous, failed
 *        op        a number to speak of it by: the line's when left out
 *        client    a whole number, key a text; 0 and "" when left out
 *
 *    A line may tell that the power was cut at a moment, and what the store's contract then allows to
 *    be lost: with "bounded" what was acknowledged within so long before, with "none" (when left out)
 *    anything, with "sync" nothing:
 *
 *        {"cut":200,"contract":"bounded","within":50}
 *
 * 2. EDN maps, one event a line: the time is the line. :f is :read, :write or :cas (a register), or
 *    :get, :put or :append (texts, at first empty). Without :key, a value [K V] names a key, as
 *    Jepsen's independent keys do. Events of a :process that is no number are skipped.
 *
 *        {:process 0, :type :invoke, :f :get, :key "3", :value nil}
 *        {:process 0, :type :ok, :f :get, :key "3", :value "x 0 1 y"}
 *
 * 3. Jepsen's log of a register, of which the lines of jepsen.util with a process count:
 *
 *        INFO  jepsen.util - 3  :invoke :cas [1 2]
 *        INFO  jepsen.util - 3  :fail   :cas [1 2]
 *
 * In events, :ok is known and :info ambiguous for ever. :fail never happened, but a :cas that
 * failed has seen another value; an observation that failed has seen nothing. A process that never
 * answers is ambiguous.
 *
 * A history owns its memory; times, values and keys are as judge_history.h wants them.
 */
#ifndef RUNNER_HISTORY_READ_H
#define RUNNER_HISTORY_READ_H

#include <stdbool.h>
#include <stdio.h>

#include "failkit/why.h"
#include "runner/judge_general.h"
#include "runner/judge_prefix.h"

enum { HISTORY_CUTS_MAX = 16 };

struct history {
	char **key;              /* by number */
	struct judge_part *part; /* its operations */
	size_t keys;
	bool text;                              /* for the text model, else for the register */
	struct judge_cut cut[HISTORY_CUTS_MAX]; /* in order of time */
	size_t cuts;
	struct judge_texts texts;
};

/* Reads to the end of in. Returns 0, or -EINVAL with the line's number and what is wrong in why,
 * -EIO or -ENOMEM; *out is only filled on success. */
int history_read(struct history *out, FILE *in, struct why *why);
void history_free(struct history *history);

#endif
