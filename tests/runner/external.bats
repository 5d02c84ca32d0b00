#!/usr/bin/env bats
# external = yes: a cluster that the test starts itself, and failrun drives.
#
# It is the reference store on addresses of this test alone. What is watched besides the verdict: every
# process of it has lived through the run, what others keep in it is as it was, and its plane has the
# rules that it had before.

load ../cli/common
load run

setup_more() {
	# Two tests at once have different pids, and so different networks.
	net=127.$((200 + $$ / 256 % 50)).$(($$ % 256))
	nodes=()
}

# node NAME ADDRESS COMMAND...: starts one, in the plane "theirs" if FAILCTL is set.
node() {
	local name=$1 host=$2
	shift 2
	start "$name" ${FAILCTL:-} refstore "$1" --listen "$net.$host:7000" "${@:2}"
	nodes+=("$pid")
}

# db1 ms1 ds1 ds2 ds3 fe1; the command in $1 goes in front of ds1.
cluster() {
	node db1 10 db --dir "$T/db1"
	node ms1 11 ms --dir "$T/ms1" --db "$net.10"
	FAILCTL=${1:-} node ds1 21 ds --dir "$T/ds1" --ms "$net.11"
	node ds2 22 ds --dir "$T/ds2" --ms "$net.11"
	node ds3 23 ds --dir "$T/ds3" --ms "$net.11"
	node fe1 31 fe --ms "$net.11" --db "$net.10"
	eventually health_is 31 '.registered == 3'
	eventually health_is 11 '.registered == 3 and .under_replicated == 0'
}

health_is() {
	curl -s -m 3 "http://$net.$1:7000/health" | jq -e "$2" | grep -q true
}

all_live() {
	local pid
	for pid in "${nodes[@]}"; do
		kill -0 "$pid" || return 1
	done
}

listed() {
	curl -s "http://$net.31:7000/o?prefix=$1&after=&limit=1000" | jq -r '.entries[].key'
}

# external.ini, and what stdin has after it.
external() {
	cat > "$T/external.ini" <<- END
		[run]
		external = yes
		duration = 5s
		warmup = 1s
		quiet = 1s
		min-ops = 10
		[store]
		endpoints = fe
		[workload]
		workers = 4
		mix = put 40, get 30, delete 10, list 10
		objects-max = 200
		size-max = 4K
		[role fe]
		addresses = $net.31
		inject = no
		ready = http://{addr}:7000/health
		[role ds]
		addresses = $net.21:7000
		ready = http://{addr}:{port}/health
	END
	cat >> "$T/external.ini"
	cd "$T" || return
}

run_external() {
	failrun run external.ini --set run.dir="$T/r" "$@"
}

@test "without a plane: the workload is judged, what others keep there is not, and nothing of theirs ends" {
	cluster
	curl -sf -X PUT --data-binary theirs "http://$net.31:7000/o/k%2F0%2F0"
	external < /dev/null
	run -0 --separate-stderr run_external
	[[ $output == *$'\n'PASS$'\n'* ]]
	all_live
	[ "$(curl -s "http://$net.31:7000/o/k%2F0%2F0")" = theirs ]
	[ "$(query r "SELECT count(*) FROM process")" = 0 ]
	prefix=$(query r "SELECT value FROM run WHERE key = 'prefix'")
	[[ $prefix == failkit-*/ ]]
	run -0 failrun check r
}

@test "what is under the prefix already is neither judged nor touched: exit 3" {
	cluster
	curl -sf -X PUT --data-binary theirs "http://$net.31:7000/o/mine%2Fk%2F0%2F0"
	external < /dev/null
	run -3 --separate-stderr run_external --set store.prefix=mine/
	[[ $stderr == *"\"mine/k/0/0\" is in the store already"* ]]
	[ "$(listed '')" = mine/k/0/0 ]
	all_live
}

@test "a cluster that is not there is the environment's failure, not a violation" {
	external < /dev/null
	run -3 --separate-stderr run_external --set role.fe.ready-limit=500ms
	[[ $stderr == *"fe1 is not ready in time"* ]]
}

@test "with a plane: a rule fires and heals, and the rules of others stay" {
	cluster "failctl run -p theirs --node ds1 --"
	failctl set -p theirs 'own := close:path=*.nothing = error(EIO)'
	external <<- 'END'
		[fault slow]
		kind = delay
		on = ds1
		rule = %sync
		delay = 5ms
		for = 500ms
	END
	start run failrun run external.ini --set run.dir="$T/r" --set run.plane=theirs --duration 300s
	end_when true
	grep -qx PASS run.out
	[ "$(field r '[.faults[] | select(.name == "slow" and .fires > 0)] | length')" -gt 0 ]
	[ "$(field r '[.faults[] | select(.reached and .recovery_ms == null)] | length')" = 0 ]
	all_live
	[ "$(failctl ls -p theirs --json | jq -r '.[].name')" = own ]
	# A run is not confused by what the one before has left in the ring.
	rm -r r
	start run failrun run external.ini --set run.dir="$T/r" --set run.plane=theirs --duration 300s
	end_when true
}

@test "failrun is killed during a rule: the rule is over, the cluster goes on, and so does the run" {
	cluster "failctl run -p theirs --node ds1 --"
	external <<- 'END'
		[fault slow]
		kind = delay
		on = ds1
		rule = %sync
		delay = 5ms
		anchor = time 1s
		for = 60s
	END
	start run failrun run external.ini --set run.dir="$T/r" --set run.plane=theirs --duration 8s
	eventually applied
	kill -KILL "$(jq .guardian_pid r/run.json)"
	eventually flock -n r true
	eventually no_rule_is_live
	all_live
	run -0 --separate-stderr failrun resume r
	[[ $output == *$'\n'PASS$'\n'* ]]
	all_live
}

applied() {
	[ "$(query r "SELECT count(*) FROM fault_event WHERE event = 'applied'")" -ge 1 ]
}

no_rule_is_live() {
	[ "$(failctl ls -p theirs --json | jq '[.[] | select(.live)] | length')" = 0 ]
}

@test "a plane without the node that a rule is for is refused before the first operation" {
	cluster "failctl run -p theirs --node other --"
	external < /dev/null
	run -3 --separate-stderr run_external --set run.plane=theirs
	[[ $stderr == *"plane \"theirs\" has no process of node \"ds1\""* ]]
	run -3 --separate-stderr run_external --set run.plane=nobodys --set run.dir="$T/r2"
	[[ $stderr == *nobodys* ]]
	[ "$(listed '')" = "" ]
}

@test "offline by the store's own commands: told, drained, taken back" {
	cluster
	node ds4 24 ds --dir "$T/ds4" --ms "$net.11"
	eventually health_is 11 '.registered == 4'
	external <<- END
		[role ms]
		addresses = $net.11
		ready = http://{addr}:{port}/health
		[gate moved]
		step = health under_replicated == 0
		[gate back]
		step = health offline == 0
		step = probe
		[fault out]
		kind = offline
		on = ds1
		until = moved
		gate = back
		anchor = time 1s
		for = 500ms
	END
	run -0 --separate-stderr run_external --duration 8s \
		--set role.ds.offline-command="refstore offline --ms $net.11 --server {addr}" \
		--set role.ds.online-command="refstore online --ms $net.11 --server {addr}"
	[[ $output == *$'\n'PASS$'\n'* ]]
	[ "$(query r "SELECT count(*) FROM command WHERE line LIKE 'refstore o%'")" = 2 ]
	all_live
}
