/* verdict.c - see verdict.h for the order of strength. */
#include "runner/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	REASONS = sizeof(((struct verdict_result *)0)->reason) /
		  sizeof(((struct verdict_result *)0)->reason[0])
};

static int strength(enum verdict verdict)
{
	static const int order[] = {[VERDICT_PASS] = 0,
				    [VERDICT_UNKNOWN] = 1,
				    [VERDICT_INVALID] = 2,
				    [VERDICT_FAIL] = 3};

	return order[verdict];
}

static void because(struct verdict_result *out, enum verdict verdict, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void because(struct verdict_result *out, enum verdict verdict, const char *format, ...)
{
	va_list args;

	if (strength(verdict) > strength(out->verdict))
		out->verdict = verdict;
	if (out->reasons == REASONS)
		return;
	va_start(args, format);
	vsnprintf(out->reason[out->reasons++], sizeof(out->reason[0]), format, args);
	va_end(args);
}

static void judge_fault(struct verdict_result *out, const struct verdict_fault *fault)
{
	if (fault->failed)
		because(out, VERDICT_INVALID, "fault %d (%s) failed: %.420s", fault->number,
			fault->name, fault->failed);
	else if (!fault->reached)
		return;
	else if (fault->fires > 0 && !fault->met)
		because(out, VERDICT_INVALID, "no operation met fault %d (%s)", fault->number,
			fault->name);
	else if (fault->fires > 0)
		return;
	else if (fault->sets_rule && fault->pending)
		because(out, VERDICT_INVALID,
			"fault %d (%s) did not fire: no process has its failpoint", fault->number,
			fault->name);
	else if (fault->sets_rule && fault->matches == 0)
		because(out, VERDICT_INVALID,
			"fault %d (%s) did not fire: its rule matched no call", fault->number,
			fault->name);
	else if (fault->sets_rule)
		because(out, VERDICT_INVALID,
			"fault %d (%s) did not fire: its rule matched %llu times, none of them its "
			"turn",
			fault->number, fault->name, (unsigned long long)fault->matches);
	else
		because(out, VERDICT_INVALID, "fault %d (%s) was applied without any effect",
			fault->number, fault->name);
}

/* What the run's length did not reach is no reason, but a run that reached none has broken nothing.
 */
static void judge_reach(struct verdict_result *out, const struct verdict_facts *facts)
{
	for (int i = 0; i < facts->faults; i++)
		if (facts->fault[i].reached)
			return;
	if (facts->faults > 0)
		because(out, VERDICT_INVALID, "none of the %d faults was reached", facts->faults);
}

static void judge_traffic(struct verdict_result *out, const struct verdict_facts *facts)
{
	static const char *const verb[VERB_COUNT] = {"PUT",   "GET",    "HEAD",
						     "RANGE", "DELETE", "LIST"};
	uint64_t verified = 0;

	for (int i = 0; i < VERB_COUNT; i++) {
		verified += facts->ok[i];
		if (facts->wanted[i] && facts->ok[i] == 0)
			because(out, VERDICT_INVALID, "no %s was ever verified", verb[i]);
	}
	if (verified < facts->min_ops)
		because(out, VERDICT_INVALID, "only %llu operations were verified, %llu are wanted",
			(unsigned long long)verified, (unsigned long long)facts->min_ops);
}

static void judge_sweep(struct verdict_result *out, const struct verdict_facts *facts)
{
	if (!facts->swept)
		because(out, VERDICT_INVALID, "there was no final sweep");
	else if (facts->sweep_missed < 0)
		because(out, VERDICT_INVALID, "the final sweep failed: %s",
			strerror((int)-facts->sweep_missed));
	else if (facts->sweep_missed > 0)
		because(out, VERDICT_INVALID, "%ld keys never answered in the final sweep",
			facts->sweep_missed);
}

void verdict_decide(struct verdict_result *out, const struct verdict_facts *facts)
{
	*out = (struct verdict_result){.verdict = VERDICT_PASS};
	if (facts->environment) {
		out->environment = true;
		because(out, VERDICT_INVALID, "%.250s", facts->environment);
	}
	if (facts->ledger) {
		out->environment = true;
		because(out, VERDICT_INVALID, "the ledger could not be written: %.180s",
			facts->ledger);
	}
	if (facts->violations)
		because(out, VERDICT_FAIL, "%llu violation%s",
			(unsigned long long)facts->violations, facts->violations == 1 ? "" : "s");
	for (int i = 0; i < facts->faults; i++)
		judge_fault(out, &facts->fault[i]);
	/* What a run did not get round to since it ended at a violation is no news. */
	if (!facts->violations) {
		judge_reach(out, facts);
		judge_traffic(out, facts);
	}
	for (int i = 0; i < facts->blinds; i++)
		because(out, VERDICT_INVALID, "the interposer saw no call of node %s",
			facts->blind[i]);
	judge_sweep(out, facts);
	if (facts->compacted && facts->compacted[0])
		because(out, VERDICT_PASS, "%.240s", facts->compacted);
	if (facts->undecided)
		because(out, VERDICT_UNKNOWN, "%.240s", facts->undecided);
}

void verdict_reasons(const struct verdict_result *result, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; i < result->reasons && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? "; " : "",
					 result->reason[i]);
}
