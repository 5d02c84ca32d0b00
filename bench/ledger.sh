#!/bin/bash
# ledger.sh DIR [OPERATIONS [KEYS]] - makes the ledger of a run on a correct store, for `failrun check`.
#
# Operations on a key follow each other: of ten, three are puts, one a delete, five gets, one a head.
# One put in a hundred has no outcome, though it is seen. Each time every key was used once, pages of
# a hundred entries list all of them. A multiple of 100 keys.
set -eu
dir=$1
n=${2:-1000000}
keys=${3:-10000}
cd "$(dirname "$0")/.."
. bench/ledger_begin.bash
mkdir -p "$dir"
rm -f "$dir"/model.sqlite*
# The generation of turn t of key k is the operation of its last put: t * keys + k + 1.
sqlite3 "$dir/model.sqlite" >/dev/null <<SQL
$(ledger_begin "$keys")
INSERT INTO object SELECT i + 1, CAST(printf('k/%d/%02d', i / 100, i % 100) AS BLOB) FROM k;
INSERT INTO object SELECT $keys + 1 + i, CAST(printf('k/%d/', i) AS BLOB) FROM k WHERE i < $keys / 100;
CREATE TEMP TABLE made AS SELECT t * $keys + k.i i, k.i key, t, t % 10 what
	FROM (SELECT i t FROM k WHERE i < $n / $keys) CROSS JOIN k;
INSERT INTO intent(op, epoch, worker, endpoint, verb, object, generation, size, offset, length,
	condition, tag, inv_ns, inv_seq)
	SELECT i + 1, 1, i % 8, 0,
	CASE WHEN what IN (0, 3, 6) THEN 0 WHEN what = 9 THEN 4 WHEN what = 5 THEN 2 ELSE 1 END, key + 1,
	CASE WHEN what IN (0, 3, 6) THEN i + 1 ELSE 0 END,
	CASE WHEN what IN (0, 3, 6) THEN 4096 ELSE 0 END, 0, 0, NULL,
	CASE WHEN what IN (0, 3, 6) THEN printf('%016x', i + 1) END, i * 2000 + 1, i * 4 + 1 FROM made;
INSERT INTO outcome(op, res_ns, res_seq, kind, status, error, sent, sends, seen, size, tag, first, last, mark)
	SELECT i + 1, i * 2000 + 1001, i * 4 + 2, 0,
	CASE what WHEN 9 THEN 204 ELSE 200 END, 0, 100, 1,
	CASE WHEN what IN (0, 3, 5, 6, 9) THEN 0 ELSE i + 1 - what % 3 * $keys END,
	CASE WHEN what = 9 THEN 0 ELSE 4096 END,
	CASE WHEN what <> 9 THEN printf('%016x', i + 1 - what % 3 * $keys) END, 0, 4095, 0
	FROM made WHERE what NOT IN (0, 3, 6) OR abs(random()) % 100;
-- Before turn t: what turn t - 1 left.
CREATE TEMP TABLE pages AS SELECT $n + 1 + t * ($keys / 100) + k.i op, k.i folder, t
	FROM (SELECT i t FROM k WHERE i BETWEEN 1 AND $n / $keys - 1) CROSS JOIN k WHERE k.i < $keys / 100;
INSERT INTO intent(op, epoch, worker, endpoint, verb, object, generation, size, offset, length,
	condition, tag, inv_ns, inv_seq)
	SELECT op, 1, 9, 0, 5, $keys + 1 + folder, 0, 0, 0, 1000, NULL, NULL,
	t * $keys * 2000 - 1, t * $keys * 4 - 1 FROM pages;
INSERT INTO outcome(op, res_ns, res_seq, kind, status, error, sent, sends, seen, size, tag, first, last, mark)
	SELECT op, t * $keys * 2000, t * $keys * 4, 0, 200, 0, 100, 1, 0, 0, NULL, 0, 0, 0
	FROM pages;
INSERT INTO page SELECT op, NULL, NULL, 0, CAST(CASE WHEN (t - 1) % 10 = 9 THEN '[]' ELSE
	(SELECT json_group_array(json(printf('["k/%d/%02d",4096,"%016x"]', folder, i,
		(t - 1 - (t - 1) % 10 % 3) * $keys + folder * 100 + i + 1))) FROM k WHERE i < 100) END AS BLOB)
	FROM pages;
COMMIT;
SQL
