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
	run -1 failrun run quick.ini --set run.dir="$T/r" --duration 100s --set 'role.fe.args=--bug stale-replica-read'
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

@test "what survives a power cut is a prefix, within the contract, and what was lost stays away" {
	{ line 1 put 1 1 2 && line 2 put 2 5 6; } >"$T/a"
	{ line 3 put 3 3 4 && line 4 put 4 8 9; } | sed 's/"a"/"b"/' >"$T/b"
	after() { line 5 read "$1" 21 22 && line 6 read "$2" 23 24 | sed 's/"a"/"b"/'; }
	{ cat "$T/a" "$T/b" && echo '{"cut":20}' && after 1 4; } >"$T/hole.jsonl"
	run -1 failrun check "$T/hole.jsonl"
	[[ $output == 'PREFIX-HOLE: '*'key "a" was without what had ended by 6, but key "b" had what began at 8'* ]]
	{ cat "$T/a" "$T/b" && echo '{"cut":20}' && after 1 3; } >"$T/prefix.jsonl"
	run -0 failrun check "$T/prefix.jsonl"
	sed 's/"cut":20/&,"contract":"bounded","within":13/' "$T/prefix.jsonl" >"$T/bounded.jsonl"
	run -1 failrun check "$T/bounded.jsonl"
	[[ $output == 'LOST-WRITE: '*'the contract allows the loss of what ended after 7'* ]]
	{ cat "$T/prefix.jsonl" && line 7 read 2 31 32; } >"$T/back.jsonl"
	run -1 failrun check "$T/back.jsonl"
	[[ $output == *"a value was read that the cut had rolled back"* ]]
}
