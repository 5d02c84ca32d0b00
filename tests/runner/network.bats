#!/usr/bin/env bats
# Network faults as a user meets them: planned, refused where they can't be had, run, reported.

BATS_TEST_TIMEOUT=600
load ../cli/common
load run

# small KIND LINE [NET]
small() {
	cat >"$T/small.ini" <<-END
		[run]
		duration = 2s
		warmup = 0
		quiet = 0
		net = ${3-host}
		[store]
		endpoints = one
		[role one]
		count = 2
		command = sleep 60
		ready = command true
		[fault x]
		kind = $1
		$2
	END
}

@test "the page of faults is made from the table" {
	failrun faults | cmp - "$ROOT/docs/faults.md"
}

@test "with the host's network, what wants one of its own is refused by name" {
	for kind in one-way partition half-open link-delay link-jitter loss duplicate reorder rate cut; do
		small $kind 'link = one1>one2'
		run -2 failrun run "$T/small.ini" --set run.dir="$T/$kind"
		[[ $output == *"[fault x] kind: kind \"$kind\" wants a network of the run's own"* ]] || { echo "$output"; false; }
	done
	for kind in isolate split; do
		small $kind 'on = one1'
		run -2 failrun run "$T/small.ini" --set run.dir="$T/$kind"
		[[ $output == *"[fault x] kind: kind \"$kind\" wants a network of the run's own"* ]] || { echo "$output"; false; }
	done
}

@test "a link fault wants a link, a group fault none" {
	small loss 'on = one' private
	run -2 failrun plan "$T/small.ini"
	[[ $output == *'kind "loss" wants '*'link = FROM>TO'* ]]
	small split 'link = one1>one2' private
	run -2 failrun plan "$T/small.ini"
	[[ $output == *'kind "split" takes '*', no link'* ]]
	small ring 'on = one' private
	run -2 failrun schedule "$T/small.ini"
	[[ $output == *"a ring of 2 nodes cuts nothing"* ]]
}

@test "the network's faults fire, heal and are recovered from: PASS" {
	cp "$ROOT/configs/network.ini" "$T" && cd "$T"
	start run failrun run network.ini --set run.dir="$T/r" --set run.min-ops=300 --duration 300s
	end_when eval 'happened_to_kinds gated 12 && answered 400'
	grep -qx PASS run.out
	[ "$(jq -r '[.faults[] | select(.reached) | .kind] | unique | length' r/results.json)" -ge 12 ]
	[ "$(jq -r '[.faults[] | select(.reached and .fires == 0)] | length' r/results.json)" = 0 ]
	run ! pgrep -f -- "$T/"
}
