#!/usr/bin/env bats
# Staying power: runs whose bounds are so small that within seconds they go on as for days.

load ../cli/common

small() {
	failrun run "$ROOT/configs/quick.ini" --set run.dir="$T/run" --set run.ledger-ops=300 \
		--set store.settle=5s --set workload.objects-max=120 --set workload.deleted-max=120 \
		--set workload.live-bytes-max=256K --set workload.low-mark=50% "$@"
}

sql() {
	sqlite3 "$T/run/model.sqlite" "$1"
}

@test "with small bounds the ledger holds a small part of what was judged" {
	run -0 small --duration 20s
	[[ $output == *"PASS: compacted: "*" operations on "* ]]
	ops=$(jq .operations "$T/run/results.json")
	held=$(sql 'SELECT count(*) FROM intent')
	[ "$(sql 'SELECT sum(operations) FROM tally')" -eq $((ops - held)) ]
	[ "$held" -lt $((ops / 2)) ] || { echo "$held of $ops operations are still there"; false; }
	# Twelve workers with ten objects and ten deleted keys each, and prefixes of listings.
	[ "$(sql "SELECT count(*) FROM object WHERE key GLOB 'k/*'")" -le 400 ]
	[ "$(sql 'SELECT count(*) FROM page')" -le "$held" ]
	# Judged again, from what is left, it is the same.
	run -0 failrun check "$T/run"
	[[ $output == *"$ops operations, "* && $output == *"PASS: compacted: "* ]]
	key=$(sql 'SELECT CAST(key AS TEXT) FROM base JOIN object USING(object) LIMIT 1')
	run -0 failrun why "$T/run" "$key"
	[[ $output == "compacted: "*" operations, "*" was there"* ]]
	# What is left is a history that others can judge.
	failrun history "$T/run" > "$T/history.jsonl"
	run -0 failrun check "$T/history.jsonl"
}

@test "what was measured stands in the report, and as lines" {
	run -0 small --set 'role.ds.metrics=http://{addr}:7000/health'
	grep -q '^## Metrics' "$T/run/report.md"
	grep -qE '^\| failrun \| [0-9.]+, [0-9.]+, [0-9.]+ \|' "$T/run/report.md"
	failrun metrics "$T/run" > "$T/metrics.csv"
	[ "$(head -n 1 "$T/metrics.csv")" = seconds,node,name,value ]
	for series in workload,ops workload,p99_ms workload,not_applied failrun,rss_mb \
		failrun,ledger_mb fe1,cpu ds3,fds ds1,chunks; do
		grep -q ",$series,[0-9]" "$T/metrics.csv" || { echo "no $series"; false; }
	done
}

@test "a wrong answer is found although its key was compacted" {
	run -1 small --duration 30s --set role.fe.args='--bug list-from-stale-cache'
	jq -e '[.violations[].code] | any(startswith("LIST-"))' "$T/run/results.json"
	run -1 failrun check "$T/run"
	[[ $output == *"LIST-"* && $output == *"FAIL: "* ]]
}

@test "the log of a node that prints much is rotated while it prints" {
	cat > "$T/chatter" <<-'END'
		#!/bin/sh
		line=$(printf '%04000d' 0)
		while :; do echo "$line"; echo "$line"; sleep 0.02; done
	END
	chmod +x "$T/chatter"
	cp "$ROOT/configs/quick.ini" "$T/plan.ini"
	printf '[role chatter]\ncommand = %s\nready = command true\ninject = no\n' "$T/chatter" \
		>> "$T/plan.ini"
	run -0 failrun run "$T/plan.ini" --set run.dir="$T/run" --set run.log-size=64K \
		--set run.log-keep=2
	log=$T/run/nodes/chatter1.log
	[ -s "$log.1" ] && [ -s "$log.2" ] && [ ! -e "$log.3" ]
	# A second's worth and some at most, for the machine may be busy.
	[ "$(stat -c %s "$log")" -lt 4000000 ]
}
