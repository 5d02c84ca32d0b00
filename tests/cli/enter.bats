#!/usr/bin/env bats
# failctl enter: into the namespaces that a run's worker has.

load common

# A worker in namespaces of its own, as failrun leaves its facts behind.
start_worker() {
	mkdir "$T/run" "$T/planes"
	start worker unshare "$@" sh -c 'echo up; exec sleep 1000'
	eventually grep -q up "$T/worker.out"
	printf '{"worker_pid": %d, "guardian_pid": %d, "plane": "%s", "state": "running"}\n' \
		"$pid" "$pid" "$T/planes" > "$T/run/run.json"
}

@test "the command runs in the worker's namespaces, with its planes" {
	start_worker --user --map-root-user --net --mount
	run -0 failctl enter "$T/run" sh -c 'readlink /proc/self/ns/net /proc/self/ns/mnt /proc/self/ns/user; echo "$FAILKIT_DIR"'
	[ "${lines[0]}" = "$(readlink "/proc/$pid/ns/net")" ]
	[ "${lines[1]}" = "$(readlink "/proc/$pid/ns/mnt")" ]
	[ "${lines[2]}" = "$(readlink "/proc/$pid/ns/user")" ]
	[ "${lines[3]}" = "$T/planes" ]
}

@test "its status is the command's" {
	start_worker --user --map-root-user --net
	run -7 failctl enter "$T/run" sh -c 'exit 7'
	run -127 failctl enter "$T/run" no-such-command-anywhere
	run -4 env SHELL=/bin/sh failctl enter "$T/run" <<< 'exit 4'
}

@test "no run, or one that is over: 125" {
	run -125 failctl enter "$T/nowhere"
	[[ $output == *"is no run"* ]]
	start_worker --user --map-root-user --net
	kill -KILL "$pid"
	eventually sh -c "! kill -0 $pid"
	run -125 failctl enter "$T/run" true
	[[ $output == *"is over"* ]]
}
