/*
 * made_run.h - what a run has for its oracle and ledger, without a store: a test records its operations.
 */
#ifndef UNIT_MADE_RUN_H
#define UNIT_MADE_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/check_ledger.h"
#include "runner/driver.h"
#include "runner/ledger.h"
#include "runner/plan.h"
#include "runner/workload.h"

struct made_run {
	char folder[64], path[96];
	struct plan plan;
	struct ledger *ledger;
	struct workload *workload;
	sqlite3 *db; /* the ledger, as a pass or a check reads it */
};

static inline void made_run_open(struct made_run *run, int64_t objects_max)
{
	static const char *const endpoint[] = {"127.0.0.1:1"};
	struct why why = {""};

	memset(run, 0, sizeof(*run));
	strcpy(run->folder, "/tmp/failkit-run-XXXXXX");
	assert_non_null(mkdtemp(run->folder));
	snprintf(run->path, sizeof(run->path), "%s/model.sqlite", run->folder);
	run->plan.run.seed = 1;
	run->plan.workload = (struct plan_workload){.workers = 1,
						    .writers_per_key = 1,
						    .mix = {.put = 1},
						    .hot_keys = 1,
						    .objects_max = objects_max,
						    .live_bytes_max = 100,
						    .deleted_max = 8,
						    .size_max = 10};
	assert_int_equal(ledger_create(&run->ledger, run->path, &why), 0);
	const struct workload_options options = {.plan = &run->plan,
						 .driver = &driver_kv,
						 .endpoint = endpoint,
						 .endpoints = 1,
						 .ledger = run->ledger};
	assert_int_equal(workload_open(&run->workload, &options, &why), 0);
	ledger_run(run->ledger, "can", "255");
	assert_int_equal(ledger_flush(run->ledger), 0);
	assert_int_equal(check_ledger_open(run->folder, &run->db, &why), 0);
}

static inline int made_run_close(struct made_run *run)
{
	char command[128];

	sqlite3_close(run->db);
	workload_close(run->workload);
	ledger_close(run->ledger, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", run->folder);
	return system(command);
}

#endif
