/*
 * workload_probe.c - is the store able again? One of each operation through every endpoint.
 *
 * Each probe has a key of its own, written by nobody else, and again when there were many others
 * since; its operations are recorded and judged as all others.
 */
#include <errno.h>
#include <stdio.h>

#include "runner/operation.h"

enum { PROBE_SIZE = 200, PROBE_NAMES = 512 };

static const char *const outcome_names[OUTCOME_COUNT] = {
	[OUTCOME_OK] = "ok",
	[OUTCOME_ABSENT] = "absent",
	[OUTCOME_REFUSED] = "refused",
	[OUTCOME_NOT_APPLIED] = "failed",
	[OUTCOME_AMBIGUOUS] = "unknown",
	[OUTCOME_GARBAGE] = "not understood",
};

static const struct {
	const char *name;
	enum verb verb;
	enum outcome wanted;
	uint32_t needs; /* enum store_can */
} steps[] = {
	{"put", VERB_PUT, OUTCOME_OK, 0},       {"get", VERB_GET, OUTCOME_OK, 0},
	{"head", VERB_HEAD, OUTCOME_OK, 0},     {"range", VERB_RANGE, OUTCOME_OK, CAN_RANGE},
	{"delete", VERB_DELETE, OUTCOME_OK, 0}, {"get", VERB_GET, OUTCOME_ABSENT, 0},
};

static int probe_step(struct workload *w, unsigned step, const char *key, int endpoint,
		      struct why *why)
{
	uint64_t size = w->keyspace.size_max < PROBE_SIZE ? w->keyspace.size_max : PROBE_SIZE;
	struct op op = {.verb = steps[step].verb, .key = key};
	struct answer answer;

	if (op.verb == VERB_RANGE) {
		op.offset = size / 4;
		op.length = size / 2;
	}
	if ((w->options.driver->can & steps[step].needs) != steps[step].needs ||
	    (op.verb == VERB_RANGE && !op.length))
		return 0;
	int rc = session_do(&w->probe, &op, endpoint, size, &answer);
	if (rc < 0)
		return workload_error(w, why);
	if (answer.outcome == steps[step].wanted && answer.violation == VIOLATION_NONE)
		return 0;
	return why_set(why, -EAGAIN, "%s of \"%s\" at %s was %s (status %d)%s%s", steps[step].name,
		       key, w->options.endpoint[endpoint],
		       answer.violation == VIOLATION_NONE ? outcome_names[answer.outcome]
							  : violation_name(answer.violation),
		       answer.status, answer.text[0] ? ": " : "", answer.text);
}

int workload_probe(struct workload *w, struct why *why)
{
	char key[64];
	int rc = 0;

	pthread_mutex_lock(&w->probe_lock);
	if (!w->probe_open) {
		rc = session_open(&w->probe, w, -1, why);
		w->probe_open = rc == 0;
	}
	for (int endpoint = 0; endpoint < w->options.endpoints && rc == 0; endpoint++) {
		snprintf(key, sizeof(key), "probe/%u", w->probes++ % PROBE_NAMES);
		for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]) && rc == 0; i++)
			rc = probe_step(w, i, key, endpoint, why);
	}
	pthread_mutex_unlock(&w->probe_lock);
	return rc;
}
