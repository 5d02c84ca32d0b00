#!/usr/bin/env bats
# notify.bats - a role with tier = notify: its nodes run behind failctl's supervisor, and are paused,
# killed, stopped and injected into as any others are.

load ../cli/common.bash
load run

@test "nodes behind the supervisor are paused, killed, stopped and injected into" {
	cat > "$T/plan.ini" <<- 'END'
		[run]
		seed = 3
		duration = 300s
		warmup = 1s
		quiet = 2s
		[store]
		driver = kv
		endpoints = fe
		[role db]
		command = {bin}/refstore db --listen {addr}:7000 --dir {dir}
		ready = http://{addr}:7000/health
		[role ms]
		count = 3
		command = {bin}/refstore ms --listen {addr}:7000 --dir {dir} --db {addrs:db}
		ready = http://{addr}:7000/health
		[role ds]
		count = 3
		tier = notify
		calls = %sync,%write
		command = {bin}/refstore ds --listen {addr}:7000 --dir {dir} --ms {addrs:ms}
		ready = http://{addr}:7000/health
		[role fe]
		command = {bin}/refstore fe --listen {addr}:7000 --ms {addrs:ms} --db {addrs:db}
		ready = http://{addr}:7000/health
		[gate default]
		step = process
		step = ready
		step = health under_replicated == 0
		step = probe
		limit = 30s
		[workload]
		workers = 2
		objects-max = 100
		size-max = 4K
		[fault pause]
		kind = pause
		on = ds
		for = 500ms
		anchor = time 1s
		[fault kill]
		kind = kill-start
		on = ds
		anchor = time 2s
		[fault slow]
		on = ds
		rule = %sync:path=*.wal = 5*delay(20ms)
		anchor = time 3s
		[fault stop]
		kind = stop-start
		on = ds
		anchor = time 4s
	END
	cd "$T"
	start run failrun run plan.ini --set run.dir="$T/r"
	end_when happened gated 4
	cat run.out
	grep -q '4 faults scheduled, 4 reached, 4 fired' run.out
	grep -qx PASS run.out
}
