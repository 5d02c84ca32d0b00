#!/usr/bin/env bats
# failrun resume: failrun is killed at some moment, and the run goes on to a true verdict.

load ../cli/common
load run

# Starts a run and kills it with SIGKILL once the command has come true.
kill_when() {
	local until=$1
	shift
	start_quick r "$@"
	eventually eval "$until"
	kill -KILL "$(jq .guardian_pid r/run.json)"
	eventually is_free r
}

# Nobody runs in it, and what was on its disks has been kept.
is_free() {
	flock -n "$1" true
}

is_quiet() {
	[ "$(query r "SELECT count(*) FROM phase WHERE name = 'quiet'")" = 1 ]
}

# A fault that no operation met proves nothing: the verdict would be INVALID.
was_answered() {
	[ "$(query r "SELECT count(*) FROM outcome WHERE res_ns >=
		(SELECT max(ns) FROM fault_event WHERE event = 'applied')")" -ge 1 ]
}

@test "killed between two faults: the others follow, and all of both epochs is judged" {
	plan quick
	kill_when 'happened gated' --duration 100s
	before=$(query r "SELECT count(*) FROM intent")
	done=$(query r "SELECT count(DISTINCT fault) FROM fault_event WHERE event = 'gated'")
	# How soon the next one comes is the machine's affair: the run ends when it has.
	start again failrun resume r
	end_when happened gated $((done + 1))
	grep -qx PASS again.out
	grep -q ' resumed after ' again.err
	[ "$(query r "SELECT count(*) FROM epoch")" = 2 ]
	[ "$(query r "SELECT count(*) FROM intent")" -gt "$before" ]
	[ "$(field r '[.faults[] | select(.reached)] | length')" -gt "$done" ]
	# No atom struck twice, and no number of an operation or a generation was used again.
	[ "$(query r "SELECT count(*) FROM fault_event WHERE event = 'applied' GROUP BY fault HAVING count(*) > 1")" = "" ]
	[ "$(query r "SELECT count(*) = max(op) - min(op) + 1 FROM intent")" = 1 ]
	[ "$(query r "SELECT max(e.res_seq) < (SELECT min(inv_seq) FROM intent WHERE epoch = 2) FROM outcome e
		JOIN intent i USING(op) WHERE i.epoch = 1")" = 1 ]
	run -0 failrun check r
	assert_nothing_left
	run -2 failrun resume r
	[[ $output == *"came to its end: it has its verdict"* ]]
}

@test "killed while a fault is on: it counts as healed, and its gate is the one of the restart" {
	plan quick
	printf '[fault hold]\nkind = pause\non = ds2\nfor = 60s\nanchor = time 1s\n' >> quick.ini
	kill_when 'happened applied && was_answered' --duration 12s
	run -0 --separate-stderr failrun resume r --help
	run -0 --separate-stderr failrun resume r
	[ "$(field r '.faults[0].name')" = hold ]
	[ "$(field r '.faults[0].fires')" = 1 ]
	[ "$(field r '.faults[0].reached and .faults[0].recovery_ms > 0')" = true ]
	[ "$(query r "SELECT count(*) FROM fault_event WHERE fault = 0 AND event = 'gated'")" = 1 ]
}

@test "what was acknowledged before the crash is not excused: emptied disks are a loss" {
	plan quick
	kill_when 'happened gated' "${early[@]}" --duration 12s
	for node in ds1 ds2 ds3 ds4 ds5 ds6; do find "r/nodes/$node" -mindepth 1 -delete; done
	run -1 --separate-stderr failrun resume r
	[[ $output == *LOST-WRITE* || $output == *WRONG-404* || $output == *UNRECOVERED* ]]
}

@test "a store that does not come back is UNRECOVERED, not the environment's fault" {
	plan quick
	kill_when 'happened gated' "${early[@]}" --duration 12s --set role.db.ready-limit=2s
	find r/nodes/db1 -type f -exec sh -c 'echo garbage > "$1"' _ {} \;
	run -1 --separate-stderr failrun resume r
	[[ $output == *UNRECOVERED* ]]
	run -1 failrun check r
	[[ $output == *UNRECOVERED* ]]
}

@test "killed twice, the second time in its quiet phase" {
	plan quick
	kill_when 'happened gated' "${early[@]}" --duration 10s --set run.quiet=8s
	start again failrun resume r
	eventually is_quiet
	kill -KILL "$(jq .guardian_pid r/run.json)"
	eventually is_free r
	run -0 --separate-stderr failrun resume r
	[[ $output == *$'\n'PASS$'\n'* ]]
	[ "$(query r "SELECT count(*) FROM epoch")" = 3 ]
}

@test "a run that goes on is not resumed; nor is what is no run" {
	plan quick
	start_quick r --duration 100s
	eventually grep -q 'nodes are up' "$T/run.err"
	run -3 failrun resume r
	[[ $output == *"a run goes on in"* ]]
	run -3 failrun resume no-such
	mkdir empty
	run -2 failrun resume empty
	[[ $output == *"is not a run's ledger"* ]]
}
