#!/usr/bin/env bats
# Nodes that are updated, replaced, added and taken away, with the reference store.

BATS_TEST_TIMEOUT=300
load ../cli/common

setup_more() {
	cp "$ROOT/configs/lifecycle.ini" "$T" && cd "$T"
}

@test "an update wants a new version, dead a gate, scale-out a spare: refused by name" {
	sed -i '/^update-args/d' lifecycle.ini
	run -3 failrun run lifecycle.ini --set run.dir="$T/r"
	[[ $output == *"wants update-command or update-args in the role of"* ]]
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
