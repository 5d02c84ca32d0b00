#!/usr/bin/env bats
# Staying power: runs whose bounds are so small that within seconds they go on as for days.

load ../cli/common
load run

# They end when they have shown it, whatever they were given.
start_small() {
	start run failrun run "$ROOT/configs/quick.ini" --set run.dir="$T/r" --set run.ledger-ops=300 \
		--duration 300s --set run.min-ops=100 \
		--set store.settle=5s --set workload.objects-max=120 --set workload.deleted-max=120 \
		--set workload.live-bytes-max=256K --set workload.low-mark=50% "$@"
}

sql() {
	query r "$1"
}

most_is_compacted() {
	[ "$(query r "SELECT total(operations) > 3 * (SELECT count(*) FROM intent) FROM tally")" = 1 ]
}

@test "with small bounds the ledger holds a small part of what was judged" {
	start_small
	end_when eval 'answered 4000 && most_is_compacted'
	grep -q "^PASS: compacted: .* operations on " "$T/run.out"
	ops=$(jq .operations "$T/r/results.json")
	held=$(sql 'SELECT count(*) FROM intent')
	[ "$(sql 'SELECT sum(operations) FROM tally')" -eq $((ops - held)) ]
	[ "$held" -lt $((ops / 2)) ] || { echo "$held of $ops operations are still there"; false; }
	# Twelve workers with ten objects and ten deleted keys each, and prefixes of listings.
	[ "$(sql "SELECT count(*) FROM object WHERE key GLOB 'k/*'")" -le 400 ]
	[ "$(sql 'SELECT count(*) FROM page')" -le "$held" ]
	# Judged again, from what is left, it is the same.
	run -0 failrun check "$T/r"
	[[ $output == *"$ops operations, "* && $output == *"PASS: compacted: "* ]]
	key=$(sql 'SELECT CAST(key AS TEXT) FROM base JOIN object USING(object) LIMIT 1')
	run -0 failrun why "$T/r" "$key"
	[[ $output == "compacted: "*" operations, "*" was there"* ]]
	# What is left is a history that others can judge.
	failrun history "$T/r" > "$T/history.jsonl"
	run -0 failrun check "$T/history.jsonl"
}

series=(workload,ops workload,p99_ms workload,not_applied failrun,rss_mb failrun,ledger_mb fe1,cpu
	ds3,fds ds1,chunks)

# A sample of each is in the ledger.
has_series() {
	[ "$(query r "SELECT count(DISTINCT node || ',' || name) FROM metric WHERE node || ',' || name IN
		('$(sed "s/ /','/g" <<<"${series[*]}")')")" = ${#series[@]} ]
}

@test "what was measured stands in the report, and as lines" {
	start_small --set 'role.ds.metrics=http://{addr}:7000/health'
	end_when has_series
	grep -q '^## Metrics' "$T/r/report.md"
	grep -qE '^\| failrun \| [0-9.]+, [0-9.]+, [0-9.]+ \|' "$T/r/report.md"
	failrun metrics "$T/r" > "$T/metrics.csv"
	[ "$(head -n 1 "$T/metrics.csv")" = seconds,node,name,value ]
	for one in "${series[@]}"; do
		grep -q ",$one,[0-9]" "$T/metrics.csv" || { echo "no $one"; false; }
	done
}

@test "a wrong answer is found although its key was compacted" {
	start_small --set role.fe.args='--bug list-from-stale-cache'
	wait "$pid" || status=$?
	[ "$status" = 1 ]
	jq -e '[.violations[].code] | any(startswith("LIST-"))' "$T/r/results.json"
	run -1 failrun check "$T/r"
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
	start run failrun run "$T/plan.ini" --set run.dir="$T/r" --set run.log-size=64K \
		--set run.log-keep=2 --set run.min-ops=50 --duration 300s
	log=$T/r/nodes/chatter1.log
	eventually test -s "$log.2"
	second=$(stat -c %i "$log.2")
	# Another one is the second: a third would be there, were it kept.
	end_when eval '[ "$(stat -c %i "$log.2")" != "$second" ]'
	[ -s "$log.1" ] && [ -s "$log.2" ] && [ ! -e "$log.3" ]
	# A second's worth and some at most, for the machine may be busy.
	[ "$(stat -c %s "$log")" -lt 4000000 ]
}
