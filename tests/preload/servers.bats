#!/usr/bin/env bats
# servers.bats - servers nobody here wrote, from Debian, under failctl run: each meets one fault and
# answers as its own documentation says; nothing it acknowledged may be lost.

# A test that hangs is a failed test.
BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-400}

setup() {
	B=$(realpath "${FAILKIT_BUILD:-build/plain}")
	# Another user (postgres) must be able to enter it.
	dir=$(mktemp -d)
	chmod 755 "$dir"
	export FAILKIT_DIR=$dir
	cp "$B/failctl" "$B/libfailpreload.so" "$dir"
	failctl=$dir/failctl
	server=""
}

teardown() {
	if [ -n "$server" ]; then
		kill "$server" 2>/dev/null || true
		wait "$server" 2>/dev/null || true
	fi
	rm -rf "$dir"
}

# until_ok COMMAND...: polls until the command succeeds, for two minutes.
until_ok() {
	local limit=$((SECONDS + 120))
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $limit ]; then
			echo "not within its time: $*"
			return 1
		fi
		sleep 0.05
	done
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

redis_start() {
	"$failctl" run -p redis "$@" -- redis-server --port 0 --unixsocket "$dir/redis.sock" --dir "$dir" \
		--appendonly yes --appendfsync always --save '' --daemonize no >"$dir/redis.log" 2>&1 &
	server=$!
	until_ok redis ping
}

redis() {
	[ "$(redis-cli -s "$dir/redis.sock" "$@" 2>/dev/null)" = "${expect:-PONG}" ]
}

@test "redis: a one-shot EIO on the fdatasync of its AOF makes it exit, and nothing acknowledged is lost" {
	redis_start
	expect=OK redis set before kept
	"$failctl" -p redis set 'aof := %sync:path=*.aof = 1*error(EIO)'
	# What was not acknowledged may be there or not.
	redis-cli -s "$dir/redis.sock" set during unknown || true
	until_ok gone "$server"
	wait "$server" || status=$?
	server=""
	[ "$status" = 1 ]
	grep -q "Can't persist AOF for fsync error when the AOF fsync policy is 'always': Input/output error" \
		"$dir/redis.log"
	redis_start
	expect=kept redis get before
}

@test "redis: a delay on its sends makes it answer late, and heal makes it quick again" {
	redis_start
	expect=OK redis set key value
	"$failctl" -p redis set 'late := %send = delay(200ms)'
	start=$(date +%s%N)
	expect=value redis get key
	[ $((($(date +%s%N) - start) / 1000000)) -ge 200 ]
	fires=$("$failctl" -p redis ls --json | jq '.[] | select(.name == "late") | .fires')
	[ "$fires" -ge 1 ]
	"$failctl" -p redis heal
	expect=value redis get key
	[ "$("$failctl" -p redis ls --json | jq '[.[] | select(.live)] | length')" = 0 ]
}

@test "redis: killed after the sync of its AOF and before the reply, once, with the write there after restart" {
	redis_start
	"$failctl" -p redis set 'commit := %sync:path=*.aof:ret=ok => %send = 1*kill'
	run redis-cli -s "$dir/redis.sock" set point reached
	[ "$output" != OK ]
	until_ok gone "$server"
	wait "$server" || status=$?
	server=""
	[ "$status" = 137 ]
	redis_start
	expect=reached redis get point
}

pg_bin=/usr/lib/postgresql/15/bin

pg() {
	"$pg_bin/psql" -h "$dir" -U postgres -d postgres -qAtX -c "$1"
}

@test "postgresql: a one-shot EIO on the fdatasync of its WAL makes it panic and recover every committed row" {
	install -d -o postgres -m 700 "$dir/data"
	setpriv --reuid postgres --regid postgres --init-groups \
		"$pg_bin/initdb" -D "$dir/data" -A trust --no-sync >/dev/null
	chmod 1777 "$dir"
	"$failctl" run -p pg --user postgres -- "$pg_bin/postgres" -D "$dir/data" -k "$dir" \
		-c listen_addresses= >"$dir/pg.log" 2>&1 &
	server=$!
	until_ok pg 'select 1'
	pg 'create table t(i int)'
	for i in 1 2 3 4 5; do pg "insert into t values($i)"; done

	"$failctl" -p pg set 'wal := fdatasync:path=*/pg_wal/* = 1*error(EIO)'
	run pg 'insert into t values(6)'
	[ "$status" != 0 ]
	grep -q 'PANIC: .*fdatasync\|PANIC: .*could not f.*sync' "$dir/pg.log"
	"$failctl" -p pg wait wal --fired 1 --timeout 60s

	until_ok pg 'select 1'
	rows=$(pg 'select count(*) from t where i <= 5')
	[ "$rows" = 5 ]
	# The row that was never acknowledged may be there or not, once at the most.
	[ "$(pg 'select count(*) from t where i = 6')" -le 1 ]
	pg 'insert into t values(7)'
	[ "$(pg 'select count(*) from t where i = 7')" = 1 ]
	[ "$("$failctl" -p pg ls --json | jq '.[] | select(.name == "wal") | .fires')" = 1 ]
}
