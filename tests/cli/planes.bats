#!/usr/bin/env bats
# Planes: the only one is found, several are listed, the dead are swept, garbage is refused.

load common

# A plane, kept by a command that sleeps until it is killed.
hold_plane() {
	start "$1" failctl run -p "$1" -- sleep 1000
	eventually has_target "$1"
}

# The plane is there before its command is, and before that is seen in it.
has_target() {
	failctl ps -p "$1" --json | jq -e '[.[] | select(.comm == "sleep")] | length == 1'
}

@test "no plane: 3" {
	run -3 failctl ls
	[[ $output == *"there is no plane in \"$T\""* ]]
	run -0 failctl planes
	[ -z "$output" ]
	[ "$(failctl planes --json | jq length)" = 0 ]
}

@test "one plane is found without its name" {
	hold_plane one
	run -0 failctl ls
	run -0 failctl set 'fsync = off'
}

@test "two planes: they are listed, and -p picks" {
	hold_plane one
	hold_plane two
	run -2 failctl ls
	[[ $output == *"there are 2 planes"*"one, two"*"-p NAME"* ]]
	run -0 failctl ls -p two
	run -0 failctl -p one ls
	run -0 failctl ls -p "$T/failkit.one"
	[ "$(failctl planes --json | jq -r '.[].name' | tr '\n' ' ')" = "one two " ]
}

@test "planes shows who made it and what for" {
	hold_plane one
	run -0 failctl planes
	[[ ${lines[1]} == "one "*live*"sleep 1000" ]]
	[ "$(failctl planes --json | jq -r '.[0].creator')" = "$pid" ]
}

@test "the plane is gone after run, whatever the command did" {
	failctl run -- true
	run -3 failctl run -- sh -c 'exit 3'
	run -137 failctl run -- sh -c 'kill -9 $$'
	run -127 failctl run -- no-such-command-anywhere
	run -125 failctl run -e bogus -- true
	[ -z "$(ls "$T")" ]
}

@test "a name that is taken is refused, a dead one is taken over" {
	hold_plane one
	run -125 failctl run -p one -- true
	[[ $output == *'plane "one" is there already'* ]]
	target=$(pgrep -P "$pid")
	later_kill "$target"
	kill -KILL "$pid" "$target"
	eventually sh -c "! kill -0 $target"
	run -0 failctl run -p one -- true
}

@test "sweep removes the planes of the dead only" {
	hold_plane keep
	hold_plane gone
	target=$(pgrep -P "$pid")
	later_kill "$target"
	kill -KILL "$pid"
	# Its target lives, so the plane does.
	eventually sh -c "! kill -0 $pid"
	[ "$(failctl planes --sweep)" = "removed 0" ]
	kill -KILL "$target"
	eventually sh -c 'failctl planes --json | jq -e ".[] | select(.name == \"gone\").dead"'
	[ "$(failctl planes --sweep)" = "removed 1" ]
	[ "$(failctl planes --json | jq -r '.[].name')" = keep ]
}

@test "garbage is refused and never swept" {
	head -c 1000 /dev/urandom > "$T/failkit.short"
	head -c 40000000 /dev/zero > "$T/failkit.zero"
	run -3 failctl ls -p short
	[[ $output == *"is no plane"* ]]
	run -3 failctl ls -p zero
	[[ $output == *"is no plane"* ]]
	mkdir "$T/failkit.folder"
	run -3 failctl ls -p folder
	run -0 failctl planes
	[[ $output == *unreadable* ]]
	[ "$(failctl planes --sweep)" = "removed 0" ]
	[ -e "$T/failkit.short" ]
	# They are no choice either.
	run -3 failctl ls
}

@test "a plane is readable by its owner only, and fully allocated" {
	hold_plane one
	[ "$(stat -c %a "$T/failkit.one")" = 600 ]
	[ $(($(stat -c '%b * %B' "$T/failkit.one"))) -ge "$(stat -c %s "$T/failkit.one")" ]
}
