#!/usr/bin/env bats
# every.bats - the whole table of calls, row by row: each fails with each errno it lists, each that
# moves bytes can be made to move fewer, each name is found to be the interposer's. The lists come
# from calls.def, so a new row is tested or does not compile.

load ../cli/common.bash

setup_more() {
	cd "$T" || return
}

@test "every call fails with every errno it lists, and says so as it always does" {
	rows=0
	for part in 0 1 2 3 4 5; do
		run failctl run -e "$(victim_every rules $part)" -- victim_every run $part
		echo "$output"
		[ "$status" = 0 ]
		[[ $output =~ ([0-9]+)" rows, "[0-9]+" errnos, 0 wrong"$ ]]
		rows=$((rows + BASH_REMATCH[1]))
	done
	[ "$rows" = "$(failctl calls --json | jq length)" ]
}

@test "every call with a number fails the same by syscall()" {
	run failctl run -e "$(victim_every firsts)" -- victim_every numbers
	echo "$output"
	[[ $output =~ ([0-9]+)" rows, 0 wrong" ]]
	[ "${BASH_REMATCH[1]}" -gt 100 ]
}

@test "every name of the table leads to the interposer, by whatever lookup" {
	run failctl run -- victim_every names
	echo "$output"
	[[ $output == *"0 wrong"* ]]
}

@test "every call that moves bytes moves fewer, really, to the byte, and leaves errno alone" {
	victim_short run 12 > bare
	[ "$(grep -vc ' 12 moved 12$' bare)" = 0 ]
	run failctl run -e "$(victim_short rules)" -- victim_short run 12
	echo "$output"
	[ "$(grep -c ' 5 moved 5$' <<< "$output")" = "$(wc -l < bare)" ]
}

@test "two bytes become one" {
	run failctl run -e "$(victim_short rules)" -- victim_short run 2
	echo "$output"
	[ "$(grep -vc ' 1 moved 1$' <<< "$output")" = 0 ]
}

@test "nothing and one byte are never shortened" {
	for n in 0 1; do
		victim_short run $n > bare
		failctl run -e "$(victim_short rules)" -- victim_short run $n > ours 2> err || true
		diff bare ours
	done
}
