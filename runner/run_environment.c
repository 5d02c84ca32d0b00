/*
 * run_environment.c - what went wrong is ours, or the machine's, and not the store's: then there is
 * no verdict, whatever the store did because of it.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "runner/process.h"
#include "runner/run_internal.h"
#include "runner/sandbox.h"

static const int64_t LOOK_NS = 50 * 1000000LL;
static const uint64_t SPACE_LEAST = 2 << 20; /* of bytes: more than the spool takes at a time */

bool run_environment(struct run *run, int error, const struct why *why)
{
	static const int ours[] = {-ENOSPC, -EDQUOT, -EMFILE, -ENFILE, -ENOMEM, -EAGAIN, -ENODATA};
	/* In a network of our own whoever has the port is of the store. */
	bool is_ours = error == -EADDRINUSE && !(sandbox_has() & SANDBOX_NET);

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		is_ours |= error == ours[i];
	if (is_ours && !run->environment.text[0])
		run->environment = *why;
	return is_ours;
}

/* Nodes, logs and ledger share it: who fails first would be chance. */
void run_check_space(struct run *run)
{
	struct statvfs fs;
	int64_t now_ns = process_now_ns();

	if (now_ns < run->space_ns || run->environment.text[0])
		return;
	run->space_ns = now_ns + LOOK_NS;
	if (statvfs(run->dir, &fs) == 0 && fs.f_bavail * fs.f_frsize < SPACE_LEAST)
		why_set(&run->environment, -ENOSPC,
			"no room is left in the run directory \"%s\": %llu bytes", run->dir,
			(unsigned long long)(fs.f_bavail * fs.f_frsize));
}

struct first_answers {
	bool wrong;
	char text[WHY_MAX];
};

static int is_unreadable(void *arg, const struct violation *v)
{
	struct first_answers *first = arg;

	if (v->code > BAD_ACK)
		return 0;
	first->wrong = true;
	snprintf(first->text, sizeof(first->text), "%.400s", v->text);
	return 1;
}

static void look_at(void *arg, struct oracle *oracle)
{
	struct oracle_count count;

	oracle_count(oracle, &count);
	if (count.verified[VERB_GET] + count.verified[VERB_HEAD] + count.verified[VERB_RANGE] == 0)
		oracle_violations(oracle, is_unreadable, arg);
}

int run_check_answers(struct run *run, struct why *why)
{
	struct first_answers first = {.wrong = false};

	workload_oracle(run->workload, look_at, &first);
	if (!first.wrong)
		return 0;
	return why_set(why, -EPROTO, "no answer of \"%s\" is one of a store with the driver %s: %s",
		       run->endpoint[0], run->plan->store.driver, first.text);
}
