#!/usr/bin/env bats
# failrun replay: the atoms of a run again, where they struck; a failing run fails again.

load ../cli/common
load run

# Fails again with a code of the run in r, at most at the fifth try: which of two names a lost write gets
# is a matter of what is read after it.
fails_again() {
	for _ in 1 2 3 4 5; do
		run --separate-stderr r/repro.sh
		[[ $status == 1 && $output =~ replay:\ [A-Z0-9-]+\ again ]] && return
	done
	echo "no code of the run in five replays: $output"
	return 1
}

@test "a run that lost writes after a kill loses them again" {
	plan quick
	run -1 --separate-stderr run_quick r --duration 30s --set "role.ds.args=--bug ack-before-sync"
	fails_again
	# Beside the run, with anchors that count acknowledgements, and only what was reached.
	reached=$(field r '[.faults[] | select(.reached)] | length')
	[ "$(field r-replay-1 '.faults | length')" = "$reached" ]
	[ "$(awk 'NR > 1 && $2 != "ack"' r-replay-1/schedule.txt)" = "" ]
	[ "$(query r-replay-1 "SELECT value FROM run WHERE key = 'replays'")" = "$T/r" ]
}

@test "a replay can be replayed, and without the bug it passes" {
	plan quick
	run -1 --separate-stderr run_quick r --duration 30s --set "role.db.args=--bug tombstone-forgotten-on-restart" \
		--set fault.kill-ds.on=db
	run --separate-stderr failrun replay r --set run.dir="$T/first"
	[ "$status" -le 1 ]
	run -0 --separate-stderr failrun replay first --set run.dir="$T/second" --set role.db.args= \
		--set run.duration=20s
	cmp first/schedule.txt second/schedule.txt || {
		# The counts are those at which they really struck.
		[ "$(wc -l < first/schedule.txt)" -ge "$(wc -l < second/schedule.txt)" ]
	}
}

@test "another seed draws another schedule: refused; no run: refused" {
	plan quick
	run -1 --separate-stderr run_quick r --duration 100s --set "role.fe.args=--bug range-off-by-one"
	run -0 failrun replay --help
	run -2 failrun replay r --seed 99
	[[ $output == *"is not what its plan and seed draw now"* ]]
	run -2 failrun replay no-such
	[ ! -e r-replay-1 ]
}
