/* check_ledger.c - see check_ledger.h. */
#include "runner/check_ledger.h"

#include <errno.h>
#include <stdio.h>

#include "runner/ledger.h"

int check_ledger_open(const char *dir, sqlite3 **db, struct why *why)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/model.sqlite", dir);
	int rc = ledger_recover(path, why);
	if (rc < 0)
		return rc;
	/* Read-write, since a ledger cut by SIGKILL has its last groups in the write-ahead log. */
	rc = sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(*db, 10000);
	/* What is sorted stays in memory up to 64 MiB, then in files. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(*db, "PRAGMA cache_size=-65536", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(*db, "SELECT count(*) FROM run", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		return 0;
	why_set(why, -EINVAL, "\"%s\" is not a run's ledger: %s", path,
		*db ? sqlite3_errmsg(*db) : sqlite3_errstr(rc));
	sqlite3_close(*db);
	return -EINVAL;
}

uint64_t check_ledger_number(sqlite3 *db, const char *key)
{
	sqlite3_stmt *s;
	uint64_t n = 0;

	if (sqlite3_prepare_v2(db, "SELECT value FROM run WHERE key = ?", -1, &s, NULL) !=
	    SQLITE_OK)
		return 0;
	sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	if (sqlite3_step(s) == SQLITE_ROW)
		n = check_number(s, 0);
	sqlite3_finalize(s);
	return n;
}
