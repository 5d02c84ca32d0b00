# ledger_begin.bash - the SQL that a made ledger begins with, up to a temporary table k of so many
# numbers from 0 on.
# shellcheck shell=bash

ledger_begin() {
	local keys=$1
	cat <<SQL
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
.read runner/ledger.sql
BEGIN;
-- The kv driver's abilities but If-Match; see driver.h.
INSERT INTO run VALUES('can', '991');
INSERT INTO judgement VALUES(1, 0, 'run', 'PASS', '');
CREATE TEMP TABLE k AS WITH RECURSIVE k(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k
	WHERE i < $keys - 1) SELECT i FROM k;
SQL
}
