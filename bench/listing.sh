#!/bin/bash
# listing.sh DIR [KEYS] - makes the ledger of a run in which each key was put once, and then one listing
# of all of them was read in pages of a thousand; for `failrun check`. A multiple of 1,000 keys.
set -eu
dir=$1
keys=${2:-100000}
cd "$(dirname "$0")/.."
. bench/ledger_begin.bash
mkdir -p "$dir"
rm -f "$dir"/model.sqlite*
sqlite3 "$dir/model.sqlite" >/dev/null <<SQL
$(ledger_begin "$keys")
CREATE TEMP TABLE named AS SELECT i, printf('k/%06d', i) name, printf('%016x', i + 1) tag FROM k;
INSERT INTO object SELECT i + 1, CAST(name AS BLOB) FROM named;
INSERT INTO object VALUES($keys + 1, CAST('k/' AS BLOB));
INSERT INTO intent(op, epoch, worker, endpoint, verb, object, generation, size, offset, length, tag, inv_ns, inv_seq)
	SELECT i + 1, 1, i % 8, 0, 0, i + 1, i + 1, 4096, 0, 0, tag, i * 2000 + 1, i * 4 + 1 FROM named;
INSERT INTO outcome(op, res_ns, res_seq, kind, status, error, sent, sends, seen, size, tag, first, last, mark)
	SELECT i + 1, i * 2000 + 1001, i * 4 + 2, 0, 200, 0, 100, 1, 0, 4096, tag, 0, 4095, 0 FROM named;
CREATE TEMP TABLE page_of AS SELECT i n, $keys + 1 + i op FROM named WHERE i < $keys / 1000;
INSERT INTO intent(op, epoch, worker, endpoint, verb, object, generation, size, offset, length, inv_ns, inv_seq)
	SELECT op, 1, 9, 0, 5, $keys + 1, 0, 0, 0, 1000, op * 2000, op * 4 FROM page_of;
INSERT INTO outcome(op, res_ns, res_seq, kind, status, error, sent, sends, seen, size, first, last, mark)
	SELECT op, op * 2000 + 1000, op * 4 + 1, 0, 200, 0, 100, 1, 0, 0, 0, 0, 0 FROM page_of;
INSERT INTO page SELECT op,
	CASE WHEN n THEN CAST(printf('k/%06d', n * 1000 - 1) AS BLOB) ELSE CAST('' AS BLOB) END,
	CAST(printf('k/%06d', n * 1000 + 999) AS BLOB), n < $keys / 1000 - 1,
	CAST((SELECT json_group_array(json_array(name, 4096, tag)) FROM named
		WHERE i BETWEEN n * 1000 AND n * 1000 + 999) AS BLOB)
	FROM page_of;
COMMIT;
SQL
