#!/usr/bin/env bats
# Wrong usage exits 2 (125 for what runs a command), says what is wrong and offers the nearest word.

load common

@test "without a command: the list of commands, and 2" {
	run -2 failctl
	[[ $output == *"usage: failctl"* && $output == *"  heal "* ]]
}

@test "help lists every command and succeeds" {
	run -0 failctl help
	for command in run set ls rm heal wait release watch ps points planes import enter escapes calls version; do
		[[ $output == *$'\n'"  $command "* ]] || { echo "no $command"; false; }
	done
	run -0 failctl --help
	run -0 failctl set --help
	[[ $output == *"usage: failctl set"*"--hold"* ]]
	run -0 failctl help wait
	[[ $output == *"--paused"* ]]
}

@test "every command has a help of its own" {
	for command in $(failctl help | awk '/^  /{print $1}'); do
		run -0 failctl "$command" --help
		[[ $output == "usage: failctl $command"* ]]
	done
}

@test "an unknown command: 2 and the nearest" {
	run -2 failctl hael
	[ "${lines[0]}" = 'failctl: unknown command "hael", did you mean "heal"?' ]
	[ "${lines[1]}" = 'failctl: try: failctl --help' ]
	run -2 failctl help plaens
	[[ $output == *'"planes"'* ]]
}

@test "an unknown option: 2, the nearest, and the usage" {
	run -2 failctl ls --jsn
	[ "${lines[0]}" = 'failctl: ls: unknown option "--jsn", did you mean "--json"?' ]
	[[ ${lines[1]} == "usage: failctl ls"* ]]
	run -2 failctl ls -x
	[[ ${lines[0]} == 'failctl: ls: unknown option "-x"'* ]]
}

@test "values: missing, wrong, superfluous" {
	run -2 failctl ls -p
	[[ $output == *"--plane wants a value"* ]]
	run -2 failctl wait r --fired many
	[[ $output == *'--fired wants a number, not "many"'* ]]
	run -2 failctl wait r --fired 1 --timeout soon
	[[ $output == *'--timeout wants a duration'*'not "soon"'* ]]
	run -2 failctl ls --json=yes
	[[ $output == *"--json takes no value"* ]]
}

@test "words: too few, too many" {
	run -2 failctl set
	[[ $output == *"wanted RULE..."* ]]
	run -2 failctl heal everything
	[[ $output == *'unexpected "everything"'* ]]
	run -2 failctl wait r
	[[ $output == *"--fired"*"--paused"* ]]
	run -2 failctl wait r --fired 1 --paused
}

@test "run: its own errors are 125 to 127" {
	run -125 failctl run --bogus -- true
	[[ $output == *'unknown option "--bogus"'* ]]
	run -125 failctl run
	run -125 failctl run -e 'fsycn = error(EIO)' -- true
	[[ $output == *'"fsync"'* ]]
	run -125 failctl run --must-fire -- true
	run -125 failctl run --user no-such-user -- true
	run -127 failctl run -- no-such-command-anywhere
	[[ $output == *'cannot run "no-such-command-anywhere"'* ]]
	touch "$T/plain"
	run -126 failctl run -- "$T/plain"
}

@test "-p may stand before the command" {
	run -3 failctl -p nowhere ls
	[[ $output == *"there is no plane"*nowhere* ]]
}

@test "version and calls" {
	run -0 failctl version
	[[ $output == "failctl "[0-9]* ]]
	run -0 failctl --version
	run -0 failctl calls
	[[ $output == *fdatasync* ]]
	failctl calls --json | jq -e '.[] | select(.name == "fsync") | .errnos | index("EIO") != null'
	failctl calls --json | jq -e '.[] | select(.name == "pwrite") | .aliases | index("pwrite64") != null'
}

@test "calls CALL tells of one, by any of its names" {
	run -0 failctl calls fdatasync
	[ "${lines[0]}" = fdatasync ]
	[[ $output == *"classes   %sync"*"about     a descriptor"*"fails by  -1"*"number    "*"errors    EIO "* ]]
	run -0 failctl calls pwrite64
	[ "${lines[0]}" = "pwrite64: a second name of pwrite" ]
	[[ $output == *"also      pwrite64 __pwrite64"*"a descriptor, and bytes"* ]]
	run -0 failctl calls poll
	[[ $output != *errors* && $output == *"fails by  never"* ]]
	[ "$(failctl calls fsync --json | jq -r '.name, .classes[0]' | xargs)" = "fsync %sync" ]
	run -1 failctl calls fsnyc
	[[ $output == *'unknown call "fsnyc", did you mean "fsync"?'* ]]
}
