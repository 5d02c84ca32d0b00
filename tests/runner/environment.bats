#!/usr/bin/env bats
# What goes wrong around a run is named, with exit 3, and is never the store's fault.

load ../cli/common
load run

# A server on $1:7000 that answers every connection with what is in the file.
cat_server() {
	cat > "$T/server.py" <<-END
		import socket, sys
		listener = socket.socket()
		listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		listener.bind((sys.argv[1], int(sys.argv[2])))
		listener.listen(64)
		while True:
		    connection, _ = listener.accept()
		    connection.settimeout(1)
		    try:
		        connection.recv(65536)
		        connection.sendall(open(sys.argv[3], "rb").read())
		        connection.shutdown(socket.SHUT_WR)
		        connection.recv(65536)
		    except OSError:
		        pass
		    connection.close()
	END
}

# A plan whose store answers everything with this text. $1: its name, $3: the driver, $4: the gate's limit.
plan_of() {
	cat_server
	printf '%b' "$2" > "$T/answer"
	cat > "$T/$1.ini" <<-END
		[run]
		duration = 10s
		[store]
		endpoints = s
		driver = ${3:-kv}
		timeout = 2s
		[role s]
		command = python3 $T/server.py {addr} 7000 $T/answer
		inject = no
		ready = tcp://{addr}:7000
		[gate default]
		step = port
		step = probe
		limit = ${4:-60s}
	END
	cd "$T" || return
}

@test "a store that answers garbage: a success that no driver understands" {
	plan_of page 'HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<html></html>'
	run -3 failrun run page.ini --set run.dir="$T/r"
	[[ $output == *"is one of a store with the driver kv"* ]]
	grep -q "driver kv" r/FAILED
	[ ! -e r/report.md ]
	assert_nothing_left
}

@test "a store that answers garbage: bytes that were never put" {
	plan_of page 'HTTP/1.1 200 OK\r\nETag: "x"\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<html></html>' webdav
	run -3 failrun run page.ini --set run.dir="$T/r"
	[[ $output == *"is one of a store with the driver webdav"* ]]
}

@test "a store that does not speak HTTP: the cluster did not come up" {
	plan_of noise '\001\002 no protocol\n' kv 3s
	run -3 failrun run noise.ini --set run.dir="$T/r"
	[[ $output == *"the cluster did not come up"* ]]
	[ -s r/FAILED ]
}

@test "a node that never gets ready, and one whose program is missing" {
	plan quick
	run -3 run_quick r --set role.db.ready=tcp://127.0.0.99:1 --set role.db.ready-limit=1s
	[[ $output == *"db1 is not ready in time"* ]]
	grep -q "db1 is not ready in time" r/FAILED
	run -3 run_quick r2 --set role.db.command=/no/such/program
	[[ $output == *"/no/such/program"* ]]
	assert_nothing_left
}

@test "a port that is taken" {
	plan quick
	# In the host's network the addresses are drawn; this one belongs to nobody.
	cat_server
	port=$((20000 + RANDOM % 10000))
	start taken python3 server.py 127.0.0.1 $port /dev/null
	eventually bash -c "exec 3<> /dev/tcp/127.0.0.1/$port"
	awk '/^\[/ { skip = /cut-fe-ds/ } !skip' quick.ini > host.ini
	run -3 failrun run host.ini --set run.dir="$T/r" --set run.net=host \
		--set role.db.ready="tcp://127.0.0.1:$port"
	[[ $output == *"something answers at tcp://127.0.0.1:$port before it is started"* ]]
}

@test "no room in the run directory while the store writes there, too" {
	plan quick
	mkdir small
	run -3 unshare -Urm sh -c 'mount -t tmpfs -o size=24M none small && exec failrun run quick.ini \
		--duration 350s --set run.dir=small/r --set role.ds.disk=0 --set workload.size-max=64K \
		--set workload.live-bytes-max=64M; cat small/r/FAILED'
	[[ $output == *"no room is left in the run directory"* || $output == *"the ledger could not be written"* ]]
	[[ $output != *SUT-CRASH* && $output != *UNRECOVERED* ]]
	assert_nothing_left
}

@test "a start that fails before anything is made leaves no run directory" {
	plan quick
	mkdir small
	run -3 unshare -Urm sh -c 'mount -t tmpfs -o size=4k none small || exit 99
		failrun run quick.ini --set run.dir=small/r || status=$?; ls small; exit "$status"'
	[[ $output == *"could not be written"* && ${lines[-1]} != r ]]
	run -3 failrun run quick.ini --set run.dir=/proc/no/such
	[[ $output == *"/proc/no"* ]]
	[ ! -e run ]
}
