/*
 * workload.c - operations a second of the workload against a server, with and without its ledger.
 *
 *     workload PLAN HOST:PORT LEDGER SECONDS [--no-ledger]
 *
 * Prints operations a second, and microseconds of this process's processor time an operation. With
 * --no-ledger the same workers send the same requests, but nothing is recorded and nothing judged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "runner/driver.h"
#include "runner/workload.h"

static double seconds_of(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double processor(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int failed(const char *what, const struct why *why)
{
	fprintf(stderr, "workload: %s: %s\n", what, why->text);
	return 1;
}

static int print_violation(void *arg, const struct violation *v)
{
	(void)arg;
	fprintf(stderr, "%s\n", v->text);
	return 0;
}

static void print_violations(void *arg, struct oracle *oracle)
{
	oracle_violations(oracle, print_violation, arg);
}

static int measure(const struct workload_options *options, double seconds, struct why *why)
{
	struct workload_status from, to;
	struct workload *w;

	if (workload_open(&w, options, why) < 0)
		return failed("open", why);
	if (workload_start(w, why) < 0)
		return failed("start", why);
	const struct timespec settle = {1, 0}, whole = {(time_t)seconds, 0};
	nanosleep(&settle, NULL);
	double start = now(), busy = processor();
	workload_status(w, &from);
	nanosleep(&whole, NULL);
	workload_status(w, &to);
	double ops = (double)(to.ops - from.ops);
	printf("%.0f %.1f\n", ops / (now() - start), (processor() - busy) * 1e6 / ops);
	workload_stop(w);
	int rc = workload_error(w, why);
	workload_oracle(w, print_violations, NULL);
	workload_close(w);
	if (to.violations)
		why_set(why, 0, "%llu violations", (unsigned long long)to.violations);
	return rc < 0 || to.violations ? failed("run", why) : 0;
}

int main(int argc, char **argv)
{
	struct workload_options options = {.endpoints = 1, .run_id = (uint64_t)now()};
	bool bare = argc > 5 && strcmp(argv[5], "--no-ledger") == 0;
	struct why why = {""};
	struct plan *plan;

	if (argc < 5 || (argc > 5 && !bare) || argc > 6) {
		fprintf(stderr, "usage: workload PLAN HOST:PORT LEDGER SECONDS [--no-ledger]\n");
		return 2;
	}
	if (plan_read(&plan, argv[1], NULL, &why) < 0)
		return failed("plan", &why);
	options.plan = plan;
	options.endpoint = (const char *const *)&argv[2];
	options.driver = driver_find(plan->store.driver, &why);
	if (!options.driver)
		return failed("driver", &why);
	if (!bare && ledger_create(&options.ledger, argv[3], &why) < 0)
		return failed("ledger", &why);
	int rc = measure(&options, atof(argv[4]), &why);
	if (ledger_close(options.ledger, &why) < 0)
		rc = failed("ledger", &why);
	plan_free(plan);
	return rc;
}
