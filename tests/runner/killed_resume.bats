#!/usr/bin/env bats
# killed_resume.bats - SIGKILL of failrun during each kind of fault, and then `failrun resume`: PASS.
#
# Each kind of the table gets a run of its own on a small reference store, whose data servers bear the
# loss of one. Once the fault is on and something was answered meanwhile, failrun is killed. The resumed
# run is interrupted once the fault has its gate: what was cut has been healed by the restart. Where a
# kind had no effect yet it comes once more, and is healed by the interrupt.

export BATS_TEST_TIMEOUT=1000
load ../cli/common
load run

# What a fault of this kind wants beside `on`, `link` and `until`.
more_keys() {
	case $1 in
	point) echo "rule = ds/after-wal-sync = 1*kill" ;;
	crash-loop) echo "count = 3" ;;
	corrupt-write | torn | lie) echo "count = 20" ;;
	corrupt-read) echo "count = 5" ;;
	alloc) printf '%s\n' "share = 5%" "count = 1" ;;
	eio | read-only) echo "count = 3" ;;
	esac
}

# plan_for KIND KEYS-OF-THE-TABLE
plan_for() {
	cat >"$T/$1.ini" <<-END
		[run]
		duration = 600s
		warmup = 300ms
		quiet = 0
		min-ops = 20
		dir = $T/$1
		[store]
		endpoints = fe
		port = 7000
		timeout = 1s
		[role db]
		command = {bin}/refstore db --listen {addr}:7000 --dir {dir}
		ready = http://{addr}:7000/health
		[role ms]
		command = {bin}/refstore ms --listen {addr}:7000 --dir {dir} --db {addrs:db}
		ready = http://{addr}:7000/health
		[role ds]
		count = 3
		spares = 1
		survives = 1
		command = {bin}/refstore ds --listen {addr}:7000 --dir {dir} --ms {addrs:ms}
		spare-args = --spare
		ready = http://{addr}:7000/health
		update-args = --version-name 2
		offline-command = {bin}/refstore offline --ms {addrs:ms} --server {addr}
		online-command = {bin}/refstore online --ms {addrs:ms} --server {addr}
		disk = 32M
		[role fe]
		command = {bin}/refstore fe --listen {addr}:7000 --ms {addrs:ms} --db {addrs:db}
		ready = http://{addr}:7000/health
		[gate default]
		step = process
		step = ready
		step = health registered >= 3
		step = health offline == 0
		step = health under_replicated == 0
		step = health to_move == 0
		step = probe
		limit = 150s
		[workload]
		workers = 3
		think = 10ms
		mix = put 40, get 60
		objects-max = 100
		live-bytes-max = 2M
		size-max = 4K
		[fault x]
		kind = $1
		anchor = time 500ms
		for = 500s
		limit = 500s
	END
	{
		# A ring wants more nodes than the data servers: it takes all.
		case "$1, $2," in ring*) ;; *", on,"*) echo "on = ds" ;; esac
		case ", $2," in *", link,"*) echo "link = fe>ds" ;; esac
		more_keys "$1"
		case ", $2," in *", until,"*)
			printf '%s\n' "until = elsewhere" "[gate elsewhere]" "limit = 150s" \
				"step = health under_replicated == 0" "step = probe"
			;;
		esac
	} >>"$T/$1.ini"
}

events() {
	query "$1" "SELECT count(*) FROM fault_event WHERE event = '$2'" 2>/dev/null || echo 0
}

# On, and something was answered since; what takes long to have an effect counts as it is after a while.
is_on() {
	local event=applied
	[ $SECONDS -lt "$2" ] || event=applying
	[ "$(query "$1" "SELECT count(*) FROM outcome WHERE res_ns >=
		(SELECT min(ns) FROM fault_event WHERE event = '$event')" 2>/dev/null || echo 0)" -ge 1 ]
}

is_free() {
	flock -n "$1" true
}

# The fault has its gate, or came again and is on.
is_met_again() {
	[ "$(events "$1" gated)" -ge 1 ] || [ "$(events "$1" applied)" -gt "$3" ] || is_over "$2"
}

one() {
	local kind=$1 pid status before
	(cd "$T" && exec failrun run "$kind.ini") >"$T/$kind.out" 2>&1 3>&- &
	pid=$!
	eventually -120 is_on_or_over "$kind" "$pid" $((SECONDS + 15))
	if is_over "$pid"; then
		grep -qE 'no cgroup|wants stress-ng' "$T/$kind.out" && return 0 # refused by name
		echo "$kind is not on:"
		cat "$T/$kind.out"
		return 1
	fi
	kill -9 "$(jq .guardian_pid "$T/$kind/run.json")" "$(jq .worker_pid "$T/$kind/run.json")"
	wait "$pid" 2>/dev/null || true
	eventually is_free "$T/$kind"
	before=$(events "$kind" applied)
	failrun resume "$T/$kind" >"$T/$kind.again" 2>&1 3>&- &
	pid=$!
	eventually -240 is_met_again "$kind" "$pid" "$before"
	kill -TERM "$pid" 2>/dev/null
	status=0
	wait "$pid" || status=$?
	# What fills a disk is gone with failrun, not kept with what the node has there.
	[ "$kind" != full ] || [ "$(du -sk "$T/full/nodes" | cut -f1)" -lt 32768 ] || status=full
	[ "$status" = 0 ] && grep -qx PASS "$T/$kind.again" && return 0
	echo "resume of $kind: exit $status"
	tail -n 40 "$T/$kind.again"
	query "$kind" "SELECT event, detail FROM fault_event"
	query "$kind" "SELECT node, status, cause FROM process WHERE cause <> 'asked'"
	tail -n 5 "$T/$kind"/nodes/*.log
	return 1
}

is_on_or_over() {
	is_over "$2" || is_on "$1" "$3"
}

@test "SIGKILL of failrun during each kind of fault, and the resumed run passes" {
	local kind keys
	local -a kinds=()

	while IFS='|' read -r _ kind _ keys _; do
		kind=${kind// /} keys=${keys# }
		plan_for "$kind" "${keys% }"
		kinds+=("$kind")
	done < <(failrun faults | sed '/^## What they need/q' | grep -E '^\| [a-z]+[a-z-]* \|' |
		grep -v '^| kind |')
	export -f one query events is_on is_free is_met_again is_on_or_over is_over eventually
	printf '%s\n' "${kinds[@]}" | xargs -P 6 -I{} bash -c \
		'one {} >"$T/{}.told" 2>&1 && echo {} >>"$T/passed"' || true
	for kind in "${kinds[@]}"; do
		grep -qx "$kind" "$T/passed" || cat "$T/$kind.told"
	done
	[ "$(sort -u "$T/passed" | wc -l)" = "${#kinds[@]}" ]
	[ "${#kinds[@]}" = "$(failrun plan --help | sed '1,/^kinds of faults/d' | grep -c .)" ]
	assert_nothing_left
}
