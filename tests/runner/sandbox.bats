#!/usr/bin/env bats
# sandbox.bats - SIGKILL of failrun's guardian, of its worker and of both, in mid-run: nothing remains.
#
# Each test runs the reference cluster from a copy of quick.ini's roles in a folder of its own, waits
# until operations flow, and kills. Then no process may carry the folder's name, no mount, no network
# namespace and no plane may be left, and the ledger must still be readable and judged.

# A test that hangs is a failed test.
BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-400}

setup() {
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	bin=$(realpath "${FAILKIT_BUILD:-$root/build/plain}")
	dir=$(mktemp -d /tmp/failkit-bats-XXXXXX)
	chmod 755 "$dir"
	plan=configs/quick.ini
}

teardown() {
	rm -rf "$dir"
}

# Waits until a command succeeds, 120 s at most.
eventually() {
	local deadline=$((SECONDS + 120))
	until "$@"; do
		((SECONDS < deadline)) || return 1
		sleep 0.05
	done
}

# Processes of the run: what its nodes are called with, and failrun itself.
processes() {
	local line
	for line in /proc/[0-9]*/cmdline; do
		grep -qsF -- "$dir" "$line" && echo "$line"
	done
	return 0
}

none_left() {
	[ -z "$(processes)" ]
}

# Is a process that was there before $before (ticks since boot) still in the run's namespace? The
# number of a namespace that is gone may soon be that of another run's.
namespace_lives() {
	local process start
	for process in /proc/[0-9]*; do
		[ "$(readlink "$process/ns/net" 2>/dev/null)" = "$namespace" ] || continue
		start=$(sed 's/.*) //' "$process/stat" 2>/dev/null | cut -d' ' -f20)
		[ -z "$start" ] || [ "$start" -gt "$before" ] || return 0
	done
	return 1
}

operations_flow() {
	[ -s "$dir/run/run.json" ] && grep -qs nodes "$dir/out"
}

worker_pid() {
	jq .worker_pid "$dir/run/run.json"
}

start_run() {
	(cd "$root" && exec "$bin/failrun" run "$plan" --set run.dir="$dir/run" \
		--set run.duration=60s "$@") >"$dir/out" 2>&1 3>&- &
	guardian=$!
	eventually operations_flow
	[ "$(jq .guardian_pid "$dir/run/run.json")" = "$guardian" ]
	worker=$(worker_pid)
	namespace=$(readlink "/proc/$worker/ns/net")
}

# Within 5 s where the machine is free; what is on the nodes' own disks is copied meanwhile.
nothing_left() {
	local deadline=$((SECONDS + 60)) before
	before=$(awk -v hz="$(getconf CLK_TCK)" '{print int($1 * hz)}' /proc/uptime)
	until none_left && { [ "$namespace" = "$(readlink /proc/self/ns/net)" ] || ! namespace_lives; }; do
		((SECONDS < deadline))
		sleep 0.05
	done
	! grep -F "$dir" /proc/self/mounts
}

ledger_is_judged() {
	run "$bin/failrun" check "$dir/run"
	echo "$output"
	[ "$status" -eq 0 ] || [ "$status" -eq 4 ]
}

@test "SIGKILL of the guardian leaves nothing but the run directory" {
	start_run
	kill -9 "$guardian"
	nothing_left
	ledger_is_judged
}

@test "SIGKILL of the worker leaves nothing, and the guardian says 3" {
	start_run
	kill -9 "$worker"
	local status=0
	wait "$guardian" || status=$?
	[ "$status" -eq 3 ]
	nothing_left
	[ "$(jq -r .state "$dir/run/run.json")" = ended ]
	ledger_is_judged
}

@test "SIGKILL of both leaves nothing" {
	start_run
	kill -9 "$guardian" "$worker"
	nothing_left
	ledger_is_judged
}

@test "SIGKILL of both on the host's network leaves nothing" {
	# There links can't be cut, so a plan that wants it is refused.
	plan=$dir/quick.ini
	awk '/^\[/ { skip = /cut-fe-ds/ } !skip' "$root/configs/quick.ini" >"$plan"
	start_run --set run.net=host
	kill -9 "$guardian" "$worker"
	nothing_left
	ledger_is_judged
}
