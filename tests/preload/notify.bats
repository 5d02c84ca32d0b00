#!/usr/bin/env bats
# notify.bats - failctl run --static: the rules of the interposer, for programs that it can't be loaded
# into. The victim is linked statically; etcd is a Go program.

load ../cli/common.bash

setup_more() {
	cd "$T" || return
}

# static RULES VICTIM-WORDS... -- LINE...: the victim's whole output; its status in $status.
static() {
	local rules=$1 words=() want
	shift
	while [[ $1 != -- ]]; do
		words+=("$1")
		shift
	done
	shift
	want=$(printf '%s\n' "$@")
	rm -rf x.wal folder
	run --separate-stderr failctl run --static -e "$rules" -- victim_static "${words[@]}"
	echo "$output"
	echo "$stderr"
	[ "$output" = "$want" ]
}

@test "without a rule that matches, nothing is different" {
	static '%all:path=*.nothing = error(EIO)' file -- \
		'write 10' 'fsync 0' 'write 10' 'fsync 0' 'size 20 mode 640 offset 20' 'close 0'
	[ "$status" = 7 ]
	[[ $stderr == *'matched no call'* ]]
}

@test "an error, once" {
	static 'fsync:path=*.wal = 1*error(EIO)' file -- \
		'write 10' 'fsync -1 EIO' 'write 10' 'fsync 0' 'size 20 mode 640 offset 20' 'close 0'
	[ "$status" = 7 ]
	[ -z "$stderr" ]
}

@test "error_after: it is done, and reported as failed" {
	static 'write:path=*.wal = 2@error_after(ENOSPC)' file -- 'write 10' 'fsync 0' \
		'write -1 ENOSPC' 'fsync 0' 'size 20 mode 640 offset 20' 'close 0'
}

@test "lie: it is not done, and reported as done" {
	static '%write:path=*.wal = lie' file -- 'write 10' 'fsync 0' 'write 10' 'fsync 0' \
		'size 0 mode 640 offset 0' 'close 0'
}

@test "return: a value without the call" {
	static 'write:path=*.wal = return(4)' file -- 'write 4' 'fsync 0' 'write 4' 'fsync 0' \
		'size 0 mode 640 offset 0' 'close 0'
}

@test "short: less is done, and the offset moves by it" {
	static '%write:path=*.wal = short(30%)' file -- 'write 3' 'fsync 0' 'write 3' 'fsync 0' \
		'size 6 mode 640 offset 6' 'close 0'
	printf 0123456789abcdefghij > in
	static 'readv,read,recv = short(5)' read -- 'readv 5' '012|34' 'read 5' 56789 'send 10' \
		'recv 5' 01234
}

@test "open has either name, and its mode, flags and folder" {
	static 'open:path=*/folder/made = error(EMFILE)' names -- \
		'open -1 EMFILE' 'rename -1 ENOENT'
	static 'openat:path=*/folder/made = error(EMFILE)' names -- \
		'open -1 EMFILE' 'rename -1 ENOENT'
	static 'open:path=made = error_after(EIO); rename:to=renamed = error_after(EIO)' names -- \
		'open -1 EIO' 'rename -1 EIO' 'mode 640'
	static 'open:path=made:ret=ok = delay(1); rename:ret=ok = delay(1)' names -- \
		'open fd 0' 'cloexec 1' 'rename 0' 'mode 640'
}

@test "refuse and reset" {
	static 'connect:peer=127.0.42.1 = refuse' net -- 'connect -1 ECONNREFUSED'
	static 'send:peer=127.0.42.1 = reset' net -- 'connect 0' 'accept fd 0' \
		'send -1 ECONNRESET' 'recv -1 ECONNRESET'
	static 'accept = error_after(ECONNABORTED)' net -- 'connect 0' 'accept -1 ECONNABORTED' \
		'send 10' 'recv -1 EBADF'
	static 'accept4:ret=ok = delay(1); connect:ret=ok = delay(1)' net -- 'connect 0' \
		'accept fd 0' 'send 10' 'recv 10'
}

@test "a sequence over results" {
	static '%sync:path=*.wal:ret=ok => send:within=60s = 2*error(EPIPE)' sequence -- \
		'fsync 0' 'send -1 EPIPE' 'fsync 0' 'send -1 EPIPE'
	static 'fsync:path=*.wal = 1*error(EIO); %sync:ret=ok => send = error(EPIPE)' sequence -- \
		'fsync -1 EIO' 'send 10' 'fsync 0' 'send -1 EPIPE'
}

@test "kill, kill(TERM), abort" {
	static 'fsync:path=*.wal = 2@kill' file -- 'write 10' 'fsync 0' 'write 10'
	[ "$status" = 137 ]
	static 'fsync:path=*.wal = 2@kill(TERM)' file -- 'write 10' 'fsync 0' 'write 10'
	[ "$status" = 143 ]
	static 'fsync:path=*.wal = 2@abort' file -- 'write 10' 'fsync 0' 'write 10'
	[ "$status" = 134 ]
}

@test "children and new images are covered, each with a slot and the node" {
	static 'fsync:path=*.wal:per=process = 1@error(EIO)' fork -- 'child -1 EIO' 'parent -1 EIO'
	static 'fsync:path=*.wal = 1*error(EIO)' exec -- \
		'write 10' 'fsync -1 EIO' 'write 10' 'fsync 0' 'size 20 mode 640 offset 20' 'close 0'
	start run failctl run --static --node ds2 -p here -e 'fsync:node=ds2:path=*.wal = pause' -- \
		victim_static fork
	eventually failctl wait -p here r1 --paused --timeout 1s
	[ "$(failctl ps -p here --json | jq -r '.[] | select(.inside | length > 0) | .node')" = ds2 ]
	failctl release -p here
	failctl wait -p here r1 --fired 2
	eventually rule_field_is here r1 inside 1
	[ "$(failctl ps -p here --json --all | jq length)" = 2 ]
	failctl heal -p here
	eventually is_over "$pid"
	[ "$(cat run.out)" = $'child 0\nparent 0' ]
}

@test "who pauses stops nobody else, a hundred times over" {
	start run failctl run --static -p here -e 'fsync:path=slow.wal = pause' -- victim_static threads 100
	# A slot tells of 64 threads inside at most.
	eventually rule_field_is here r1 fires 100
	touch go
	eventually grep -qx 'wrote 200' run.out
	failctl heal -p here --timeout 60s
	eventually is_over "$pid"
	[ "$(cat run.out)" = $'wrote 200\njoined 100' ]
}

@test "a delay ends with its rule" {
	start run failctl run --static -p here -e 'fsync:path=slow.wal = delay(60s)' -- victim_static threads 1
	eventually rule_field_is here r1 inside 1
	touch go
	failctl rm -p here r1
	eventually is_over "$pid"
	[ "$(cat run.out)" = $'wrote 200\njoined 1' ]
}

@test "rules that are set later act on the calls that are stopped" {
	start run failctl run --static -p here --calls fsync,write -e 'fsync:path=slow.wal = pause' -- \
		victim_static threads 1
	eventually failctl wait -p here r1 --paused --timeout 1s
	failctl set -p here 'later := write:path=fast.wal = off'
	touch go
	eventually rule_field_is here later matches 200
	failctl heal -p here
}

@test "a rule that is set later about a call that is not stopped is told" {
	start run failctl run --static -p here --calls fsync -- victim_static threads 1
	eventually failctl set -p here 'later := write:path=fast.wal = off'
	touch go
	eventually is_over "$pid"
	grep -q 'later: the rule is about calls that are not stopped' run.err
	[ "$(grep -c later run.err)" = 1 ]
}

@test "another user's program" {
	chmod 777 .
	run --separate-stderr failctl run --static --user nobody -e 'fsync:path=*.wal = 1*error(EIO)' -- \
		"$FAILKIT_BUILD/victim/victim_static" file
	[ "${lines[1]}" = 'fsync -1 EIO' ]
	[ "$(stat -c %U x.wal)" = nobody ]
}

@test "the preload tier says that it sees nothing of a static program" {
	run --separate-stderr failctl run -e 'fsync:path=*.wal = error(EIO)' -- victim_static file
	[ "$status" = 7 ]
	[[ $stderr == *'matched no call'* ]]
	[[ $stderr == *'saw no call of "victim_static": it is static'*'--static'* ]]
}

# refused RULE TEXT...: what can't be done is refused before anything runs.
refused() {
	run --separate-stderr failctl run --static -e "$1" -- touch ran
	echo "$stderr"
	[ "$status" = 125 ]
	[ ! -e ran ]
	[[ $stderr == *"$2"* ]]
}

@test "what can't be done is refused by name" {
	refused 'close = error(EIO)' 'error of "close" can'"'"'t be done to a static program'
	refused 'dup = error_after(EMFILE)' 'error_after of "dup"'
	refused 'system = error(EAGAIN)' '"system" is no system call'
	refused 'fsync = exit(3)' '"exit" can'"'"'t be done to a static program'
	refused 'msync:ret=ok = delay(1)' 'the result of "msync"'
	run --separate-stderr failctl run --static --calls fsinc -- touch ran
	[ "$status" = 125 ]
	[[ $stderr == *'did you mean "fsync"'* ]]
	run --separate-stderr failctl run --static --deep -- touch ran
	[ "$status" = 125 ]
	run --separate-stderr failctl run --calls fsync -- touch ran
	[ "$status" = 125 ]
	[ ! -e ran ]
}

nobody_is_left() {
	local pid
	for pid in $(cat "$T"/pids); do
		is_over "$pid" || return 1
	done
}

# The pids of what descends from one process.
descendants() {
	local child
	for child in $(cat "/proc/$1/task/$1/children"); do
		echo "$child"
		descendants "$child"
	done
}

descend() {
	descendants "$pid" > pids
	[ "$(wc -l < pids)" = "$1" ]
}

@test "the death of the supervisor ends its targets, wherever they went" {
	start run failctl run --static -p here -e 'write:path=*.wal = off' -- victim_static linger
	eventually descend 3
	kill -KILL "$pid"
	eventually nobody_is_left
}

@test "the death of the go-between ends them, too" {
	start run failctl run --static -p here -e 'write:path=*.wal = off' -- victim_static linger
	eventually descend 3
	kill -KILL "$(head -n 1 pids)"
	eventually nobody_is_left
	eventually is_over "$pid"
}

@test "a signal to failctl is passed on, and what is left over is ended" {
	start run failctl run --static -p here -e 'write:path=*.wal = off' -- \
		sh -c 'victim_static linger & wait'
	eventually descend 4
	kill -TERM "$pid"
	eventually is_over "$pid"
	nobody_is_left
}

# member N COMMAND...: one of three members of an etcd cluster, in the background.
member() {
	local n=$1 address=127.0.43.$1
	shift
	start "m$n" "$@" etcd --name "m$n" --data-dir "$T/m$n" \
		--listen-peer-urls "http://$address:2380" \
		--initial-advertise-peer-urls "http://$address:2380" \
		--listen-client-urls "http://$address:2379" \
		--advertise-client-urls "http://$address:2379" \
		--initial-cluster m1=http://127.0.43.1:2380,m2=http://127.0.43.2:2380,m3=http://127.0.43.3:2380
}

is_healthy() {
	curl -s "http://127.0.43.$1:2379/health" | grep -q true
}

# Tried again: while a leader is elected, or a busy disk syncs, a request is over after seven seconds.
etcd_put() {
	ETCDCTL_API=3 eventually etcdctl --endpoints=127.0.43.1:2379 put "$1" "$2"
}

has_value() {
	[ "$(ETCDCTL_API=3 etcdctl --endpoints=127.0.43.2:2379 get after --print-value-only)" = value ]
}

wal_rule='wal := fdatasync:path=*.wal = 1*error(EIO)'

@test "etcd: an EIO on the WAL's fdatasync stops that member, the others serve" {
	local victim
	member 1 env
	member 2 env
	member 3 failctl run --static -p here --calls fdatasync --
	victim=$pid
	eventually is_healthy 1
	eventually is_healthy 3
	failctl set -p here "$wal_rule"
	etcd_put before value
	eventually is_over "$victim"
	run ! wait "$victim"
	grep -q 'input/output error' m3.err
	etcd_put after value
	eventually has_value
}

@test "etcd: under the preload tier the same rule is reported as matching nothing" {
	start alone failctl run -p here -e "$wal_rule" -- etcd --name m1 --data-dir "$T/m1" \
		--listen-peer-urls http://127.0.43.4:2380 --listen-client-urls http://127.0.43.1:2379 \
		--advertise-client-urls http://127.0.43.1:2379 --initial-cluster m1=http://127.0.43.4:2380 \
		--initial-advertise-peer-urls http://127.0.43.4:2380
	eventually is_healthy 1
	etcd_put key value
	kill -TERM "$pid"
	eventually is_over "$pid"
	grep -q 'rule "wal" matched no call' alone.err
}
