#!/usr/bin/env bats
# Nodes that are updated, replaced, added and taken away, with the reference store.

BATS_TEST_TIMEOUT=600
load ../cli/common
load run

setup_more() {
	cp "$ROOT/configs/lifecycle.ini" "$T" && cd "$T"
}

@test "an update wants a new version, offline its commands, dead a gate, scale-out a spare: refused by name" {
	run -3 failrun run lifecycle.ini --set run.dir="$T/r" --set role.ds.update-args=
	[[ $output == *"wants update-command or update-args in the role of"* ]]
	run -3 failrun run lifecycle.ini --set run.dir="$T/o" --set role.ds.online-command=
	[[ $output == *"wants offline-command and online-command in the role of"* ]]
	run -2 failrun plan lifecycle.ini --set fault.offline-ds.until=
	[[ $output == *'kind "offline" wants '* ]]
	run -2 failrun plan lifecycle.ini --set role.ds.offline-commnd=x
	[[ $output == *'did you mean "offline-command"'* ]]
	run -2 failrun plan lifecycle.ini --set fault.dead-ds.until=
	[[ $output == *'kind "dead" wants '* ]]
	run -2 failrun plan lifecycle.ini --set fault.dead-ds.until=re-replicatet
	[[ $output == *'did you mean "re-replicated"'* ]]
	run -2 failrun plan lifecycle.ini --set fault.scale-out.on=fe
	[[ $output == *'"fe" has no spare'* ]]
}

@test "nodes come and go, and nothing is lost: PASS" {
	run -0 failrun run lifecycle.ini --duration 45s --set run.dir="$T/r" --set run.min-ops=300
	[[ $output == *PASS* ]]
	[ "$(jq -r '[.faults[] | select(.reached) | .kind] | unique | length' r/results.json)" -ge 3 ]
	[ "$(jq -r '[.faults[] | select(.reached and .fires == 0)] | length' r/results.json)" = 0 ]
}

# What the run's ledger says, without the columns' names.
ledger() {
	sqlite3 r/model.sqlite "$1"
}

@test "a server goes offline drained, one joins and one leaves, and each time the data moves" {
	local fault only=()
	for fault in crash-loop update-ds roll-ms roll-ds dead-ds; do
		only+=(--set "fault.$fault.weight=0")
	done
	start run failrun run lifecycle.ini --duration 300s --set run.dir="$T/r" --set run.min-ops=300 \
		--set workload.workers=8 --set workload.objects-max=200 --set run.on-violation=continue \
		--set fault.offline-ds.anchor='time 2s' --set fault.scale-out.anchor='time 3s' \
		--set fault.scale-in.anchor='time 4s' "${only[@]}"
	end_when happened gated 3
	grep -q "3 faults scheduled, 3 reached, 3 fired" run.out
	grep -qx PASS run.out
	# Taken out and back by the commands: once to be offline, once to be a spare again, once to be one.
	[ "$(ledger "SELECT count(*) FROM command WHERE line LIKE '%refstore offline --ms %' AND status = 0")" = 3 ]
	[ "$(ledger "SELECT count(*) FROM command WHERE line LIKE '%refstore online --ms %' AND status = 0")" = 3 ]
	# Each waited for it: the gate before it stopped, and one more for what joined.
	[ "$(ledger "SELECT count(*) FROM gate WHERE gate = 'moved' AND step = 'health to_move == 0' AND met_ns > 0")" = 4 ]
}

@test "an update is seen in the health of the node" {
	local fault only=()
	for fault in crash-loop roll-ms roll-ds dead-ds offline-ds scale-out scale-in; do
		only+=(--set "fault.$fault.weight=0")
	done
	printf '\n[gate updated]\nstep = process\nstep = health db.version == 2\nstep = probe\n' >>lifecycle.ini
	start run failrun run lifecycle.ini --duration 300s --set run.dir="$T/r" --set run.min-ops=100 \
		--set role.db.update-args='--version-name 2' --set fault.update-ds.on=db \
		--set fault.update-ds.anchor='time 2s' --set fault.update-ds.gate=updated "${only[@]}"
	end_when happened gated
	grep -q "1 faults scheduled, 1 reached, 1 fired" run.out
	[ "$(ledger "SELECT count(*) FROM gate WHERE gate = 'updated' AND step LIKE 'health%' AND met_ns > 0")" = 1 ]
}

@test "a fault that could be neither applied nor undone is told with both reasons" {
	local fault only=()
	for fault in crash-loop roll-ms roll-ds dead-ds update-ds scale-out scale-in; do
		only+=(--set "fault.$fault.weight=0")
	done
	run -4 failrun run lifecycle.ini --duration 12s --set run.dir="$T/r" --set run.min-ops=50 \
		--set role.ds.offline-command='sh -c "echo no way out; exit 1"' \
		--set role.ds.online-command='sh -c "echo no way back; exit 1"' \
		--set role.ds.ready-limit=3s --set fault.offline-ds.anchor='time 1s' "${only[@]}"
	[[ $output == *INVALID* ]]
	run -0 jq -r .reason r/results.json
	[[ $output == *"fault 0 (offline-ds) failed: apply: "*"; heal: "* ]]
	[[ $output == *"no way out"*"no way back"* ]]
	[ "$(ledger "SELECT group_concat(event) FROM fault_event WHERE fault = 0")" = \
		reached,applying,failed,healing,failed,gated ]
}
