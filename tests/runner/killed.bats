#!/usr/bin/env bats
# killed.bats - SIGKILL of failrun, guardian and worker, during each kind of fault that there is.
#
# Each kind of the table gets a run of its own, on a few shell scripts that write, read, fork, ask for the
# time and connect to each other. Once the fault is on, both processes are killed. Within five seconds
# no process of the run may be left, nor its namespaces, and with them no netfilter table, mount or
# shared memory; a control group, which processes do not keep, at the latest after the next start. The
# limit is KILLED_LIMIT, 20 s where it is not set: other load makes even the kernel slow. How long it
# took is told.

export BATS_TEST_TIMEOUT=1000
load ../cli/common

# These never tell that they have an effect: they go on and on, or the scripts give them no occasion.
endless="crash-loop rolling-update catalogue threads half-open scale-out cut reset rate"

setup_more() {
	cat >"$T/node.sh" <<-'END'
		while :; do
			dd if=/dev/zero of=x.wal bs=1024 count=1 conv=fsync
			cat x.wal
			for peer in ${1//,/ }; do
				(: >"/dev/tcp/$peer/7") &
			done
			wait
			date
		done >/dev/null 2>&1
	END
}

# plan KIND KEYS-OF-THE-TABLE
plan() {
	cat >"$T/$1.ini" <<-END
		[run]
		duration = 600s
		warmup = 0
		quiet = 0
		dir = $T/$1
		[store]
		endpoints = one
		timeout = 100ms
		[workload]
		workers = 1
		think = 100ms
		[role one]
		count = $([ "$1" = ring ] && echo 4 || echo 2)
		spares = 1
		survives = 1
		command = bash {plan}/node.sh {addrs:one}
		update-args = new
		offline-command = true
		online-command = true
		ready = command true
		disk = 1M
		[gate default]
		step = process
		[fault x]
		kind = $1
		anchor = time 0
		for = 500s
		limit = 500s
	END
	{
		case ", $2," in *", on,"*) echo "on = one" ;; esac
		case ", $2," in *", link,"*) echo "link = one>one" ;; esac
		case ", $2," in *", until,"*) echo "until = default" ;; esac
		case $1 in
		point) echo "rule = %write:path=*.wal = 100*delay(1s)" ;;
		crash-loop) echo "count = 100000" ;;
		alloc) echo "count = 1" ;;
		esac
	} >>"$T/$1.ini"
}

# On a loaded machine what was applied may wait for its effect: after a while it counts as it is.
is_on() {
	local event=applied
	[ $SECONDS -lt "${2:-$((SECONDS + 1))}" ] || event=applying
	case " $endless " in *" $1 "*) event=applying ;; esac
	sqlite3 -readonly "$T/$1/model.sqlite" \
		"SELECT 1 FROM fault_event WHERE event = '$event' LIMIT 1" 2>/dev/null | grep -q 1
}

ended() {
	! kill -0 "$1" 2>/dev/null
}

# Processes that are in the namespace, or were started for this run. Two commands for all of them: a
# machine has many.
left_of() {
	find /proc/[0-9]*/ns/pid -lname "$2" 2>/dev/null
	grep -lsF -- "$T/$1/" /proc/[0-9]*/cmdline /proc/[0-9]*/environ || true
}

nothing_left_of() {
	[ -z "$(left_of "$1" "$2")" ]
}

kill_during() {
	local kind=$1 guardian=$2 worker namespace before deadline=$((SECONDS + 120)) patience=$((SECONDS + 15))
	until is_on "$kind" "$patience"; do
		if ended "$guardian" && grep -E 'no cgroup|wants stress-ng' "$T/$kind.out"; then
			return 0 # refused by name
		fi
		if ended "$guardian" || [ $SECONDS -ge $deadline ]; then
			echo "$kind is not on:"
			tail -n 3 "$T/$kind.out"
			sqlite3 -readonly "$T/$kind/model.sqlite" "SELECT event, detail FROM fault_event"
			return 1
		fi
		sleep 0.05
	done
	worker=$(jq .worker_pid "$T/$kind/run.json")
	namespace=$(readlink "/proc/$worker/ns/pid")
	[ "$namespace" != "$(readlink /proc/self/ns/pid)" ]
	kill -9 "$guardian" "$worker"
	before=${EPOCHREALTIME/./}
	deadline=$((SECONDS + ${KILLED_LIMIT:-60})) # five on a machine that is not loaded
	until nothing_left_of "$kind" "$namespace"; do
		[ $SECONDS -lt $deadline ] || { echo "left of $kind:"; left_of "$kind" "$namespace"; return 1; }
		sleep 0.05
	done
	echo "$(((${EPOCHREALTIME/./} - before) / 1000)) ms $kind" >>"$T/took"
}

groups() {
	find /sys/fs/cgroup -name 'failkit-*' 2>/dev/null | grep -E "failkit-($1):" || true
}

@test "SIGKILL of failrun during each kind of fault leaves nothing" {
	local kinds=0 guardians=0 kind keys tables
	local -A running

	tables=$(nft list tables)
	while IFS='|' read -r _ kind _ keys _; do
		kind=${kind// /} keys=${keys# }
		plan "$kind" "${keys% }"
		(cd "$T" && exec failrun run "$kind.ini") >"$T/$kind.out" 2>&1 3>&- &
		running[$kind]=$!
		later_kill $!
		guardians="$guardians|$!"
		kinds=$((kinds + 1))
		# Six at a time.
		while [ ${#running[@]} -ge 6 ]; do
			kill_some
		done
	done < <(failrun faults | sed '/^## What they need/q' | grep -E '^\| [a-z]+[a-z-]* \|' |
		grep -v '^| kind |')
	while [ ${#running[@]} -gt 0 ]; do
		kill_some
	done
	sort -n "$T/took" | sed -n '$s/^/# the slowest was gone after /p' >&3
	sort -n "$T/took" | awk '{ took[NR] = $0 } END { print "# the median: " took[int((NR + 1) / 2)] }' >&3
	[ "$kinds" = "$(failrun plan --help | sed '1,/^kinds of faults/d' | grep -c .)" ]

	# The next start sweeps what the kernel has left.
	plan pause on
	run -0 failrun run "$T/pause.ini" --set run.dir="$T/next" --set run.duration=1s \
		--set fault.x.for=1ms --set run.min-ops=0 --set 'workload.mix=get 1' || [ "$status" = 4 ]
	[ -z "$(groups "$guardians")" ]
	[ "$(nft list tables)" = "$tables" ]
	[ -z "$(grep -F "$T" /proc/mounts)" ]
	[ -z "$(find "$T" -mindepth 1 -maxdepth 1 -name 'failkit*' ! -name '*.ini')" ]
}

# The first in the list.
kill_some() {
	local kind
	for kind in "${!running[@]}"; do
		kill_during "$kind" "${running[$kind]}"
		wait "${running[$kind]}" 2>/dev/null || true
		unset "running[$kind]"
		return 0
	done
}
