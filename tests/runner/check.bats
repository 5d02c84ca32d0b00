#!/usr/bin/env bats
# failrun check and failrun history: histories in files, and a run's ledger judged key by key.

load ../cli/common

line() {
	printf '{"op":%s,"key":"a","do":"%s","value":%s,"inv":%s,"res":%s}\n' "$@"
}

@test "a history that is possible: PASS" {
	{ line 1 put 1 1 2 && line 2 put 2 3 9 && line 3 read 1 4 5; } >"$T/h.jsonl"
	run -0 failrun check "$T/h.jsonl"
	[[ $output == "3 operations, 1 key"$'\n'PASS ]]
}

@test "a history that is not: FAIL, and the operations that contradict each other" {
	{ line 1 put 1 1 2 && line 2 put 2 3 4 && line 3 read 1 5 6 && line 4 put 9 7 8; } >"$T/h.jsonl"
	run -1 failrun check "$T/h.jsonl"
	[[ $output == 'key "a": '*"operation 3: read by client 0, from 5 to 6"*FAIL ]]
	[[ $output != *"operation 4"* ]]
}

@test "Jepsen's register with a compare-and-set that saw what was not there: FAIL" {
	printf 'INFO  jepsen.util - %s\n' $'0\t:invoke\t:write\t1' $'0\t:ok\t:write\t1' \
		$'1\t:invoke\t:cas\t[2 3]' $'1\t:ok\t:cas\t[2 3]' >"$T/h.log"
	run -1 failrun check "$T/h.log"
	[[ $output == *FAIL ]]
}

@test "texts with appends: PASS and FAIL" {
	printf '{:process 0, :type :%s, :f :%s, :key "k", :value %s}\n' \
		invoke append '"x"' ok append '"x"' invoke get nil ok get '"x"' >"$T/h.edn"
	run -0 failrun check "$T/h.edn"
	sed -i '$s/"x"/"y"/' "$T/h.edn"
	run -1 failrun check "$T/h.edn"
}

@test "a line that can't be read is refused with its number" {
	{ line 1 put 1 1 2 && line 2 put 2 4 3; } >"$T/h.jsonl"
	run -2 failrun check "$T/h.jsonl"
	[[ $output == *"h.jsonl: line 2: it ends before it begins"* ]]
	run -3 failrun check "$T/none"
	[[ $output == *"none"* ]]
}

@test "--format is one of three, and only for histories" {
	run -2 failrun history "$T" --format xml
	[[ $output == *'"xml"'* ]]
	run -2 failrun check "$T" --format edn
	[[ $output == *'"check" takes no option "--format"'* ]]
	run -3 failrun history "$T"
	[[ $output == *"is not a run's ledger"* ]]
}

@test "a run with a planted bug: run, check and its history in every form say FAIL" {
	cp "$ROOT/configs/quick.ini" "$T" && cd "$T"
	run -1 failrun run quick.ini --set run.dir="$T/r" --set 'role.fe.args=--bug stale-replica-read'
	run -1 failrun check r
	[[ $output == *STALE-READ* || $output == *LOST-WRITE* ]]
	[ "$(sqlite3 r/model.sqlite "SELECT count(DISTINCT codes) FROM (SELECT group_concat(code || object)
		codes FROM (SELECT * FROM violation ORDER BY code, object) GROUP BY judgement)")" = 1 ]
	for format in jsonl edn porcupine; do
		failrun history r --format $format >h.$format
		run -1 failrun check h.$format
		[[ $output == *'key "k/'* ]]
	done
}
