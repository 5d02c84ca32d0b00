#!/usr/bin/env bats
# What a run does after a violation (on-violation), and when it is told to end.

load ../cli/common
load run

# The states of a run's nodes that have a folder: "T" for stopped.
states() {
	local node
	for node in $(pgrep -f -- "--dir $T/r/nodes/"); do
		sed 's/.*) \(.\).*/\1/' "/proc/$node/stat"
	done | sort -u | paste -sd,
}

all_stopped() {
	[ "$(states)" = T ]
}

start_frozen() {
	plan quick
	start run failrun run quick.ini --set run.dir="$T/r" --duration 100s --on-violation freeze \
		--set "role.fe.args=--bug range-off-by-one"
	eventually test -e r/frozen
}

@test "freeze: every node is stopped until failrun thaw, then the run goes on to its end" {
	start_frozen
	eventually all_stopped
	# It stays so: nothing but a thaw (or a person) goes on.
	run -0 failctl enter r failctl ps
	[ "$(states)" = T ]
	[ ! -e r/report.md ]
	run -0 failrun thaw r
	wait "$pid" || status=$?
	[ "$status" = 1 ]
	[ "$(field r '.violations[0].code')" = WRONG-RANGE ]
	[ "$(field r '.traffic.sweep.GET.attempts')" -gt 0 ]
	grep -q ' thawed: heal, sweep and report follow' "$T/run.err"
	[ ! -e r/frozen ]
	assert_nothing_left
	run -3 failrun thaw r
	[[ $output == *"no run is frozen in"* ]]
}

@test "freeze: Enter on the terminal goes on, and what was typed before does not" {
	plan quick
	mkfifo keys
	cat > go.sh <<-END
		exec failrun run quick.ini --set run.dir="$T/r" --duration 100s --on-violation freeze \
			--set "role.fe.args=--bug range-off-by-one"
	END
	# Holds the fifo open, so that the terminal does not end.
	exec 8<> keys
	echo >&8
	start run bash -c 'exec script -qec "bash go.sh" /dev/null < keys'
	eventually test -e r/frozen
	grep -q ' Enter or failrun thaw ' run.out || eventually grep -q ' Enter or failrun thaw ' run.out
	[ -e r/frozen ]
	echo >&8
	eventually test -e r/report.md
	wait "$pid" || status=$?
	exec 8>&-
	[ "$status" = 1 ]
}

@test "freeze: ^C goes on as well" {
	start_frozen
	kill -INT "$(jq .guardian_pid r/run.json)"
	wait "$pid" || status=$?
	[ "$status" = 1 ]
	[ "$(field r .interrupted)" = true ]
	assert_nothing_left
}

@test "continue: faults and workload go on after a violation, and all are told" {
	plan quick
	run -1 --separate-stderr run_quick r --duration 12s "${early[@]}" --on-violation continue \
		--set "role.fe.args=--bug list-from-stale-cache"
	[ "$(field r '.violations | length')" -gt 1 ]
	[ "$(field r '[.faults[] | select(.reached)] | length')" -ge 1 ]
	[ "$(field r '.traffic.quiet.GET.attempts')" -gt 0 ]
}

@test "stop: the run ends at the first violation" {
	plan quick
	run -1 --separate-stderr run_quick r --duration 100s --on-violation stop \
		--set "role.fe.args=--bug range-off-by-one"
	run -2 failrun run quick.ini --on-violation frieze
	[[ $output == *'"frieze"'* && $output == *freeze* ]]
}

@test "two interrupts: it ends at once, without a sweep, and leaves nothing" {
	plan quick
	start_quick r --duration 100s --set run.quiet=60s
	eventually grep -q 'fault 0' "$T/run.err"
	guardian=$(jq .guardian_pid r/run.json)
	kill -INT "$guardian"
	eventually grep -q ' interrupted: no more faults' "$T/run.err"
	kill -INT "$guardian"
	wait "$pid" || status=$?
	[ "$status" = 4 ]
	assert_nothing_left
	# What it could not finish can be.
	[ -e r/report.md ] || run -0 failrun report r
	grep -q 'no final sweep\|the run was cut' r/report.md
}

@test "two interrupts with a node that does not start: its end is not waited for" {
	plan quick
	start_quick r --duration 100s --set role.fe.ready=tcp://127.0.0.99:1 --set role.fe.ready-limit=10m
	eventually test -d r/nodes/ds6
	guardian=$(jq .guardian_pid r/run.json)
	kill -INT "$guardian"
	kill -INT "$guardian" 2> /dev/null || true
	# Two that come at once are one.
	eventually -10 is_over "$guardian" || kill -INT "$guardian" 2> /dev/null || true
	wait "$pid" || status=$?
	[ "$status" = 4 ]
	assert_nothing_left
}
