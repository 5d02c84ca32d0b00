#!/usr/bin/env bats
# set, ls, rm, heal, wait, release: the rules of a plane, seen from another process than the target's.

load common

# A target that copies its input to $T/out with one write(2) a line.
hold_copier() {
	mkfifo "$T/in"
	start target failctl run -p p "$@" -- dd if="$T/in" of="$T/out" bs=64 status=none
	exec 7> "$T/in"
	eventually failctl ls -p p
}

feed() {
	printf '%s\n' "$1" >&7
}

@test "set prints the name; ls shows rule and counters" {
	hold_copier
	[ "$(failctl set 'wal := fsync:path=*.wal = 1*error(EIO)')" = wal ]
	[ "$(failctl set 'write = off; read = off' | wc -l)" = 2 ]
	[ "$(failctl set 'x := write = off' 'y := read = off')" = "x"$'\n'"y" ]
	run -0 failctl ls
	[[ ${lines[0]} == "ID "*NAME*STATE*HITS*MATCHES*FIRES*SUPPRESSED*INSIDE*RULE* ]]
	[[ ${lines[1]} == *wal*live*0*"fsync:path=*.wal = 1*error(EIO)" ]]
	failctl ls --json | jq -e 'length == 5 and .[0].name == "wal" and .[0].fires == 0 and .[0].live'
}

@test "a wrong rule is refused at a column, and nothing is set" {
	hold_copier
	run -2 failctl set 'write = off' 'fsycn = off'
	[[ $output == *'line 2, column 1: unknown call "fsycn"'*'"fsync"'* ]]
	run -2 failctl set 'a := write = off; a := read = off'
	[[ $output == *'two rules are named "a"'* ]]
	[ "$(failctl ls --json | jq length)" = 0 ]
}

@test "a rule of the same name is replaced" {
	hold_copier
	failctl set 'a := write = off'
	failctl set 'a := read = off'
	failctl ls --json | jq -e 'length == 1 and .[0].rule == "read = off" and .[0].id == 2'
}

@test "rm by name and by id; an absent one: 1 and the nearest" {
	hold_copier
	failctl set 'first := write = off' 'second := read = off'
	failctl rm first
	failctl rm 2
	[ "$(failctl ls --json | jq length)" = 0 ]
	failctl set 'third := write = off'
	run -1 failctl rm thrid
	[ "$output" = 'failctl: unknown rule "thrid", did you mean "third"?' ]
	run -1 failctl rm 99
}

@test "heal ends every rule and keeps their figures" {
	hold_copier
	failctl set 'a := write = off' 'b := read = off'
	failctl heal
	[ "$(failctl ls --json | jq -r '.[].state' | tr '\n' ' ')" = "ended ended " ]
	failctl set 'a := write = off'
	rule_field_is p a state live
}

@test "a failpoint that nobody has yet is pending" {
	hold_copier
	failctl set 'p := wal/after-sync = off'
	rule_field_is p p state pending
}

@test "an unknown node is refused once nodes are declared" {
	hold_copier --node ds2
	run -2 failctl set 'write:node=ds3 = off'
	[[ $output == *'unknown node "ds3", did you mean "ds2"?'* ]]
	run -2 failctl set 'write:role=sd = off'
	[[ $output == *'unknown role "sd"'* ]]
	run -2 failctl set 'connect:link=ds2>ms1 = refuse'
	failctl set 'write:node=ds* = off' 'write:role=ds = off'
}

@test "pause, wait --paused, ps, release" {
	hold_copier
	failctl set 'w := write:path=*/out = 1*pause'
	run -1 failctl wait w --paused --timeout 1ms
	[[ $output == *'rule "w" holds paused 0 of 1'* ]]
	feed one
	failctl wait w --paused --timeout 60s
	rule_field_is p w inside 1
	failctl ps --json | jq -e '[.[].threads[]] | length == 1 and .[0].action == "pause" and .[0].rule_name == "w" and .[0].site == "write"'
	run -0 failctl ps
	[[ $output == *dd*live* && $output == *pause*write* ]]
	[ ! -s "$T/out" ]
	[ "$(failctl release w)" = "released 1" ]
	eventually grep -q one "$T/out"
	eventually rule_field_is p w inside 0
	run -1 failctl release nothing
}

@test "rm and heal wake who pauses" {
	hold_copier
	failctl set 'w := write:path=*/out = pause'
	feed one
	failctl wait w --paused --timeout 60s
	failctl rm w
	eventually grep -q one "$T/out"
	failctl set 'w := write:path=*/out = delay(1000s)'
	feed two
	failctl wait w --fired 1 --timeout 60s
	failctl heal
	eventually grep -q two "$T/out"
}

@test "wait --fired counts, and times out with 1" {
	hold_copier
	failctl set 'w := write:path=*/out = delay(1ms)'
	run -1 failctl wait w --fired 2 --timeout 10ms
	[[ $output == *'rule "w" has fired 0 of 2'* ]]
	feed one
	feed two
	eventually grep -q two "$T/out"
	failctl wait w --fired 1 --timeout 60s
	run -1 failctl wait nothing --fired 1
}

@test "listing consumes nothing" {
	hold_copier
	failctl set 'w := write:path=*/out = 1*delay(1ms)'
	for _ in 1 2 3; do
		failctl ls > /dev/null
		failctl ps > /dev/null
	done
	rule_field_is p w fires 0
	feed one
	failctl wait w --fired 1 --timeout 60s
}

@test "a held rule ends when its controller is killed" {
	hold_copier
	start holder failctl set --hold 'w := write:path=*/out = pause'
	eventually rule_field_is p w state held
	feed one
	failctl wait w --paused --timeout 60s
	kill -KILL "$pid"
	eventually rule_field_is p w state ended
	eventually grep -q one "$T/out"
}

@test "a held rule ends when its controller is told to end" {
	hold_copier
	start holder failctl set --hold 'w := write = off'
	eventually rule_field_is p w state held
	kill -TERM "$pid"
	wait "$pid"
	rule_field_is p w state ended
}

@test "watch tells events, as text and as JSON" {
	hold_copier
	# dd tries again after EINTR, so the plane lives on.
	failctl set 'w := write:path=*/out = 1*error(EINTR)'
	start text failctl watch --past --count 1
	text=$pid
	start json failctl watch --past --count 1 --json
	json=$pid
	feed one
	wait "$text"
	wait "$json"
	grep -q "fire .* w #1 write $T/out fd [0-9]*: error = -1 EINTR" "$T/text.out"
	jq -e '.kind == "fire" and .rule_name == "w" and .site == "write" and .errno == "EINTR" and .ordinal == 1' "$T/json.out"
}

@test "watch ends when the plane goes" {
	hold_copier
	failctl set 'w := write:path=*/out = 1*delay(1ms)'
	start watch failctl watch --past
	watch=$pid
	feed one
	eventually grep -q "w #1 write" "$T/watch.out"
	exec 7>&-
	wait "$watch"
}

@test "every listing is valid JSON" {
	hold_copier
	failctl set $'w := write:path="/tmp/\xff" = off'
	for listing in ls ps points planes calls; do
		failctl "$listing" --json | jq -e 'type == "array"'
	done
}

@test "the rules shown in the manual are rules" {
	hold_copier
	n=0
	while read -r rule; do
		failctl set "$rule"
		n=$((n + 1))
	done < <(sed -n 's/\\-/-/g; s/^    \(.* = .*\)$/\1/p' "$ROOT/docs/failkit-rules.7")
	[ "$n" -ge 8 ]
}
