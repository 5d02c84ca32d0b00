#!/usr/bin/env bats
# failrun from outside: usage, schedules, plan errors, and whole runs against the reference store.

load ../cli/common
load run

@test "without a command: usage and 2; --help: 0" {
	run -2 failrun
	[[ $output == *"usage: failrun COMMAND"* ]]
	run -0 failrun --help
	for command in run schedule check why report plan; do
		[[ $output == *$'\n'"  $command "* ]] || { echo "no $command"; false; }
	done
	run -0 failrun run --help
	[[ $output == "usage: failrun run PLAN"* ]]
	run -0 failrun --version
}

@test "wrong words: 2 and the nearest" {
	run -2 failrun shedule x.ini
	[[ $output == *'did you mean "schedule"'* ]]
	run -2 failrun run x.ini --sead 7
	[[ $output == *'did you mean "--seed"'* ]]
	run -2 failrun run
	run -2 failrun check one two
	run -2 failrun run x.ini --seed
	[[ $output == *'"--seed" wants a value'* ]]
	run -2 failrun history
	[[ ${lines[0]} == 'failrun: "history" wants more: DIR'* ]]
	run -0 failrun run --help
	[[ $output == *'--on-violation stop|freeze|continue'* ]]
}

@test "every key of a plan and every kind of fault has a help" {
	run -0 failrun plan --help
	for word in on-violation live-bytes-max ready-limit kill-start one-way; do
		[[ $output == *"$word"* ]] || { echo "no $word"; false; }
	done
}

@test "wrong plans: 2, with the line" {
	plan quick
	run -2 failrun run no-such.ini
	[[ $output == *"no-such.ini"* ]]
	run -2 failrun schedule quick.ini --set role.ds.cuont=3
	[[ $output == *'did you mean "count"'* ]]
	printf '[fault x]\nkind = kill-strat\non = ds\n' >> quick.ini
	run -2 failrun run quick.ini
	[[ $output == *'did you mean "kill-start"'* ]]
	plan quick
	printf '[fault x]\non = ds\nrule = %%sinc = 1*kill\n' >> quick.ini
	run -2 failrun run quick.ini
	[[ $output == *'did you mean "sync"'* ]]
	plan quick
	printf '[fault x]\nkind = kill-start\non = dss\n' >> quick.ini
	run -2 failrun schedule quick.ini
	[[ $output == *'dss'* ]]
	[ ! -e run ]
}

@test "the same plan and seed give the same schedule, byte for byte; another seed another one" {
	for config in "$ROOT"/configs/*.ini; do
		failrun schedule "$config" --seed 7 > "$T/a"
		failrun schedule "$config" --seed 7 > "$T/b"
		failrun schedule "$config" --seed 8 > "$T/c"
		cmp "$T/a" "$T/b"
		run ! cmp -s "$T/a" "$T/c"
		[ "$(wc -l < "$T/a")" -gt 3 ]
	done
}

@test "a run: PASS, every fault that was reached fired, and nothing is left" {
	plan quick
	run -0 --separate-stderr run_quick r --duration 10s "${early[@]}"
	[[ $output == *$'\n'PASS$'\n'* && $output == *"report: $T/r/report.md"* ]]
	[ "$(field r .verdict)" = PASS ]
	[ "$(field r '[.faults[] | select(.reached)] | length')" -ge 1 ]
	[ "$(field r '[.faults[] | select(.reached and .fires == 0)] | length')" = 0 ]
	[ "$(field r '[.faults[] | select(.reached and .recovery_ms <= 0)] | length')" = 0 ]
	failrun schedule quick.ini --duration 10s "${early[@]}" | cmp - r/schedule.txt
	head -n 1 r/report.md | grep -qx '# PASS'
	assert_nothing_left
	# The verdict and the report follow from the ledger alone.
	run -0 failrun check r
	[[ $output == *PASS* ]]
	cp r/report.md before.md
	run -0 failrun report r
	cmp before.md r/report.md
	run -3 failrun run quick.ini --set run.dir="$T/r"
	[[ $output == *"holds a run already"* ]]
}

@test "a planted bug: FAIL, exit 1, with a witness" {
	plan quick
	run -1 --separate-stderr failrun run quick.ini --set run.dir="$T/r" --duration 100s \
		--set run.min-ops=50 --set "role.fe.args=--bug range-off-by-one"
	[ "$(field r .verdict)" = FAIL ]
	[ "$(field r '.violations[0].code')" = WRONG-RANGE ]
	[ "$(field r '.violations[0].witness | length')" -ge 1 ]
	assert_nothing_left
	# Its key's story has the endpoints' names, and the times of the report.
	key="$(field r '.violations[0].key')"
	run -0 failrun why r "$key"
	at="$(field r '.violations[0].witness[-1] | .asked_s * 1000 | round | . / 1000')"
	[[ $output == *" fe"?"  range "* && $output == *WRONG-RANGE:* ]]
	printf '%s\n' "$output" | awk -v at="$at" '$1 - at < 0.002 && at - $1 < 0.002 {found = 1} END {exit !found}'
	run -2 failrun why r no-such-key
	[ "$output" = 'failrun: the run never used the key "no-such-key"' ]
}

@test "the story of a key has the listings that should or do name it" {
	plan quick
	run -1 --separate-stderr failrun run quick.ini --set run.dir="$T/r" --duration 100s \
		--set run.min-ops=50 --set "role.fe.args=--bug list-from-stale-cache"
	# Which of the LIST codes comes first, the seed alone does not say.
	key="$(field r '[.violations[] | select(.code | startswith("LIST-"))][0].key')"
	run -0 failrun why r "$key"
	[[ $output == *" list -> "*name* && $output == *LIST-*:* ]]
}

@test "a fault that can't fire: INVALID, exit 4, by name" {
	plan quick
	printf '[fault never]\non = ds\nrule = ds/no-such-point = 1*kill\nanchor = time 1s\nlimit = 1s\n' \
		>> quick.ini
	run -4 --separate-stderr failrun run quick.ini --set run.dir="$T/r" --duration 8s \
		--set run.min-ops=50
	[[ $output == *"INVALID: fault 0 (never) did not fire: no process has its failpoint"* ]]
}

@test "too few operations: INVALID" {
	plan quick
	run -4 --separate-stderr failrun run quick.ini --set run.dir="$T/r" --duration 6s \
		--set run.min-ops=100000000
	[[ $output == *"operations were verified, 100000000 are wanted"* ]]
}

has_outcomes() {
	[ "$(query r "SELECT count(*) FROM outcome")" -ge 1 ]
}

@test "a node that ends by itself: FAIL with SUT-CRASH; check says the same" {
	plan quick
	# No fault comes before it, however late it is.
	start run failrun run quick.ini --set run.dir="$T/r" --duration 100s \
		--set run.warmup=60s
	eventually grep -q 'nodes are up' "$T/run.err"
	eventually has_outcomes
	kill -KILL "$(pgrep -f "refstore ds .*--dir $T/r/nodes/ds1 ")"
	wait "$pid" || status=$?
	[ "$status" = 1 ]
	[ "$(field r '.violations[0].code')" = SUT-CRASH ]
	[[ $(field r '.violations[0].text') == "ds1 ended by itself: was killed by SIGKILL; its log, nodes/ds1.log, ends: "* ]]
	[ "$(field r '[.processes[] | select(.cause == "crashed")] | length')" = 1 ]
	run -1 failrun check r
	[[ $output == *SUT-CRASH* ]]
}

@test "the ledger's disk is full: exit 3, whatever the store did" {
	plan nginx
	mkdir small
	run -3 unshare -Urm sh -c 'mount -t tmpfs -o size=6M none small && failrun run nginx.ini \
		--duration 350s --set workload.live-bytes-max=1M --set workload.size-max=1K \
		--set run.dir=small/r'
	[[ $output == *"the ledger could not be written"* || $output == *"no room is left in the run directory"* ]]
	assert_nothing_left
}

@test "a store that does not start: exit 3 and its last words" {
	plan quick
	run -3 failrun run quick.ini --set run.dir="$T/r" --set "role.ms.args=--nonsense"
	[[ $output == *"ms"*"nonsense"* ]]
	assert_nothing_left
}

@test "a run that goes on can be entered and judged, and is not disturbed" {
	plan quick
	start_quick r --duration 100s
	eventually grep -q 'fault 0' "$T/run.err"
	run -0 failctl enter "$T/r" failctl ps
	[[ $output == *" ds1 "* ]]
	run -0 failctl enter "$T/r" failctl set 'mine := %sync:node=ds1 = 3*delay(1ms)'
	run -0 failctl enter "$T/r" failctl wait mine --fired 1 --timeout 60s
	for _ in 1 2 3; do
		run -4 failrun check r
		[[ $output == *UNKNOWN* ]]
	done
	kill -INT "$pid"
	wait "$pid"
	[ "$(field r .verdict)" = PASS ]
}

@test "a gate that is not met is UNRECOVERED, with the state of every node" {
	plan quick
	printf '[gate never]\nstep = log ds* "never printed"\nlimit = 1s\n' >> quick.ini
	run -1 --separate-stderr run_quick r --duration 10s --set fault.kill-ds.gate=never \
		"${early[@]}"
	[[ $output == *UNRECOVERED* ]]
	grep -qF 'step "log ds* "never printed"": no node has printed such a line' "$T/r/report.md"
	[ "$(field r '.states | length')" = "$(field r '[.states[].node] | unique | length')" ]
	[ "$(field r '[.states[] | select(.state == "up" and (.log | contains("serving at")))] | length')" -ge 8 ]
	grep -q '^| [0-9.]* | fe1 | up | [0-9]* | .*fe: serving at ' "$T/r/report.md"
}

@test "SIGINT: heal, sweep, report; the run is judged" {
	plan quick
	start_quick r --duration 100s
	eventually grep -q 'fault 0' "$T/run.err"
	kill -INT "$pid"
	eventually test -e r/report.md
	wait "$pid" || status=$?
	[ "${status:-0}" = 0 ]
	[ "$(field r .verdict)" = PASS ]
	[ "$(field r '.traffic.sweep.GET.attempts')" -gt 0 ]
	[ "$(field r .interrupted)" = true ]
	grep -q ' interrupted: no more faults' "$T/run.err"
	grep -q '^interrupted: the faults that were not reached' "$T/run.out"
	assert_nothing_left
}
