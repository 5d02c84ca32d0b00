# programs.bash - whole programs, bare and under the interposer with no rule: processor time an operation.
# shellcheck shell=bash disable=SC2154 # names of common.bash

redis_port=7391

# Processor microseconds of redis-server a request: SET and GET, without the benchmark's own.
redis_cost() {
	local requests=60000 server used
	rm -rf "$work/redis" && mkdir "$work/redis"
	"$@" redis-server --port $redis_port --bind 127.0.0.1 --save '' --appendonly yes \
		--appendfsync no --dir "$work/redis" >/dev/null 2>&1 &
	server=$!
	until redis-cli -p $redis_port ping >/dev/null 2>&1; do sleep 0.02; done
	redis-benchmark -p $redis_port -q -t set,get -n $((requests / 2)) -c 20 -P 1 >/dev/null 2>&1
	used=$(redis-cli -p $redis_port info cpu | tr -d '\r' |
		awk -F: '$1 == "used_cpu_sys" || $1 == "used_cpu_user" {s += $2} END {print s}')
	redis-cli -p $redis_port shutdown nosave >/dev/null 2>&1 || true
	wait $server || true
	awk -v s="$used" -v n=$requests 'BEGIN {printf "%.3f\n", s * 1e6 / n}'
}

sqlite_cost() {
	local rows=40000
	rm -f "$work"/bench.db*
	{
		echo "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE t(k, v);"
		for ((i = 0; i < rows; i++)); do
			echo "INSERT INTO t VALUES($i, hex(randomblob(50)));"
		done
	} >"$work/bench.sql"
	processor "$@" sqlite3 "$work/bench.db" ".read $work/bench.sql" |
		awk -v n=$rows '{printf "%.3f\n", $1 * 1e6 / n}'
}

db_bench_cost() {
	local writes=200000
	rm -rf "$work/rocks"
	processor "$@" db_bench --db="$work/rocks" --benchmarks=fillrandom,readrandom --num=$writes \
		--threads=1 --histogram=0 | awk -v n=$((2 * writes)) '{printf "%.3f\n", $1 * 1e6 / n}'
}

# Under a plane that is there: making one is no part of the program.
joined() {
	failkit -p "programs$$" --join -- "$@"
}

part_programs() {
	local round program
	"$B/failctl" run -p "programs$$" -- sleep 3600 &
	spinners+=($!)
	until "$B/failctl" ls -p "programs$$" >/dev/null 2>&1; do sleep 0.02; done
	local -A title=([redis]="redis-server, SET and GET" [sqlite]="sqlite3 shell, INSERT"
		[db_bench]="RocksDB's db_bench, fill and read")
	for ((round = 0; round < rounds; round++)); do
		for program in redis sqlite db_bench; do
			record "${title[$program]}, processor time" bare "us an operation" \
				"$("${program}_cost" env)"
			record "${title[$program]}, processor time" "failkit, disarmed" "us an operation" \
				"$("${program}_cost" joined)"
		done
	done
	kill "${spinners[-1]}"
}
