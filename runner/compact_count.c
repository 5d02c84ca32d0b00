/* compact_count.c - what is kept of the operations that go: counts by phase, the longest silence. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runner/check_ledger.h"
#include "runner/compact_impl.h"
#include "runner/evidence_impl.h"

static const char windows_sql[] =
	"SELECT max(CASE event WHEN 'applying' THEN ns END), max(CASE event WHEN 'healing' THEN ns "
	"END), max(CASE event WHEN 'gated' THEN ns END) AS gated FROM fault_event GROUP BY fault "
	"HAVING gated IS NULL OR gated >= (SELECT min(inv_ns) FROM intent) ORDER BY fault DESC";

static int each_row(sqlite3 *db, const char *sql, int (*row)(void *arg, sqlite3_stmt *s), void *arg)
{
	sqlite3_stmt *s = NULL;
	int rc = 0, step = SQLITE_DONE;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		return -EIO;
	while (!rc && (step = sqlite3_step(s)) == SQLITE_ROW)
		rc = row(arg, s);
	sqlite3_finalize(s);
	return rc ? rc : step == SQLITE_DONE ? 0 : -EIO;
}

static int window_row(void *arg, sqlite3_stmt *s)
{
	struct compact_phases *p = arg;
	struct compact_window w = {sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1),
				   sqlite3_column_int64(s, 2)};

	if (!w.applying_ns)
		return 0;
	if (evidence_room(&p->window, p->windows, &p->room, sizeof(w)))
		return -ENOMEM;
	p->window[p->windows++] = w;
	return 0;
}

static int phase_row(void *arg, sqlite3_stmt *s)
{
	struct compact_phases *p = arg;
	const char *name = check_text(s, 1);

	if (strcmp(name, "quiet") == 0)
		p->quiet_ns = sqlite3_column_int64(s, 0);
	if (strcmp(name, "sweep") == 0)
		p->sweep_ns = sqlite3_column_int64(s, 0);
	return 0;
}

int compact_phases_read(struct compact_phases *phases, sqlite3 *db)
{
	int rc;

	*phases = (struct compact_phases){0};
	rc = each_row(db, windows_sql, window_row, phases);
	return rc ? rc : each_row(db, "SELECT ns, name FROM phase", phase_row, phases);
}

void compact_phases_free(struct compact_phases *phases)
{
	free(phases->window);
}

enum report_phase compact_phase(const struct compact_phases *p, int64_t ns)
{
	if (p->sweep_ns && ns >= p->sweep_ns)
		return IN_SWEEP;
	if (p->quiet_ns && ns >= p->quiet_ns)
		return IN_QUIET;
	for (size_t i = 0; i < p->windows; i++) {
		const struct compact_window *w = &p->window[i];

		if (ns < w->applying_ns || (w->gated_ns && ns >= w->gated_ns))
			continue;
		return w->healing_ns && ns >= w->healing_ns ? IN_RECOVERY : IN_FAULT;
	}
	return IN_BASELINE;
}

int64_t compact_class(int64_t ns)
{
	int64_t step;

	if (ns < 8)
		return ns < 1 ? 1 : ns;
	step = INT64_C(1) << (60 - __builtin_clzll((uint64_t)ns));
	return (ns + step - 1) / step * step;
}

static int64_t run_number(sqlite3 *db, const char *key)
{
	return (int64_t)check_ledger_number(db, key);
}

static void keep_number(struct ledger *ledger, const char *key, int64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)n);
	ledger_run(ledger, key, text);
}

int compact_silence(sqlite3 *db, struct ledger *ledger, uint64_t horizon)
{
	int64_t longest = run_number(db, "silence_ns"), at = run_number(db, "silence_at_ns");
	int64_t last = run_number(db, "silence_last_ns");
	sqlite3_stmt *s = NULL;
	int step;

	if (sqlite3_prepare_v2(db,
			       "SELECT res_ns FROM outcome WHERE kind <= 2 AND res_seq >= ?1 AND "
			       "res_seq < ?2 ORDER BY res_seq",
			       -1, &s, NULL) != SQLITE_OK)
		return -EIO;
	sqlite3_bind_int64(s, 1, run_number(db, "silence_seq"));
	sqlite3_bind_int64(s, 2, (int64_t)horizon);
	while ((step = sqlite3_step(s)) == SQLITE_ROW) {
		int64_t ns = sqlite3_column_int64(s, 0);

		if (last && ns - last > longest) {
			longest = ns - last;
			at = last;
		}
		last = ns;
	}
	sqlite3_finalize(s);
	if (step != SQLITE_DONE)
		return -EIO;
	keep_number(ledger, "silence_ns", longest);
	keep_number(ledger, "silence_at_ns", at);
	keep_number(ledger, "silence_last_ns", last);
	keep_number(ledger, "silence_seq", (int64_t)horizon);
	return 0;
}

static int sum_row(void *arg, sqlite3_stmt *s)
{
	struct compact_sum *sum = arg;

	sum->operations = check_number(s, 0);
	sum->verified = check_number(s, 1);
	sum->keys = check_number(s, 2);
	sum->wall_ns = sqlite3_column_int64(s, 3);
	return 0;
}

static int ok_row(void *arg, sqlite3_stmt *s)
{
	struct compact_sum *sum = arg;

	sum->ok[check_number(s, 0) % VERB_COUNT] = check_number(s, 1);
	return 0;
}

int compact_sum(sqlite3 *db, struct compact_sum *out)
{
	int rc;

	*out = (struct compact_sum){0};
	rc = each_row(db,
		      "SELECT verb, sum(operations) FROM tally WHERE kind <= 1 AND kind >= 0 "
		      "GROUP BY verb",
		      ok_row, out);
	if (rc)
		return rc;
	/* Listings are of no key. */
	return each_row(db,
			"SELECT (SELECT sum(operations) FROM tally), sum(verified) + coalesce(("
			"SELECT sum(operations) FROM tally WHERE verb = 5 AND kind = 0), 0), "
			"count(*), max(wall_ns) FROM base",
			sum_row, out);
}

void compact_sum_text(const struct compact_sum *sum, char *text, size_t size)
{
	time_t when = (time_t)(sum->wall_ns / 1000000000);
	char utc[32];
	struct tm tm;

	text[0] = '\0';
	if (!sum->operations)
		return;
	strftime(utc, sizeof(utc), "%Y-%m-%d %H:%M:%S", gmtime_r(&when, &tm));
	snprintf(text, size, "compacted: %llu operations on %llu keys, judged by %s UTC",
		 (unsigned long long)sum->operations, (unsigned long long)sum->keys, utc);
}
