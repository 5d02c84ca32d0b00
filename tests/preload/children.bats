#!/usr/bin/env bats
# children.bats - a child is a target as its parent was, by whatever call it was made and with
# whatever environment.

load ../cli/common.bash

setup_more() {
	cd "$T" || return
}

child() {
	run --separate-stderr failctl run -e 'fsync = error(EIO)' -- victim_child "$1"
	echo "$1: $output $stderr"
	[ "$output" = "${2:-fsync -1 EIO}" ]
}

@test "every exec hands it on, with an empty environment too" {
	for way in execve execle execl execlp execvp execvpe fexecve execveat syscall; do
		child $way
	done
}

@test "posix_spawn, system and popen hand it on, and the environment stays as the program has it" {
	for way in posix_spawn posix_spawnp system popen; do
		child $way
	done
}

@test "a shell and env -i hand it on" {
	child shell
}

@test "fork, _Fork and a fork by number make targets" {
	for way in fork _Fork clone; do
		child $way
	done
}

@test "a fork while another thread is in a judged call makes a target at once" {
	run --separate-stderr failctl run -e 'fsync = error(EIO)' -e 'write:path=*.none = error(EIO)' \
		-- victim_child thread
	echo "$output"
	[ "$output" = "0 children escaped" ]
}

@test "a vfork child that fails to exec and then does leaves its parent a target" {
	child vfork 'fsync -1 EIO
fsync -1 EIO'
}

@test "a vfork child that a rule ends leaves its parent's thread outside" {
	for end in 'exit(3) 3' 'kill 99' 'abort 99'; do
		run --separate-stderr failctl run -e "execve = ${end% *}" -e 'fsync = error(EIO)' -- \
			victim_child vfork_end
		echo "$end: $output"
		[ "$output" = "child ${end#* }
fsync -1 EIO" ]
	done
}

@test "a child is never lied about: there would be two parents, or a program that went on" {
	for call in fork execve posix_spawn; do
		run --separate-stderr failctl run -e "$call = lie" -e 'fsync = error(EIO)' -- \
			victim_child "$call"
		echo "$call: $output $stderr"
		[ "$output" = "fsync -1 EIO" ]
	done
}
