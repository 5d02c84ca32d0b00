#!/usr/bin/env bats
# escapes_servers.bats - servers nobody here wrote do real work under the idle interposer and strace at
# once: what the kernel was asked is what the interposer saw, or is named in the escape report.

load ../cli/common.bash
load compare.bash

setup_more() {
	export FAILKIT_DIR=$T
	cd "$T" || return
	cp "$FAILKIT_BUILD"/{failctl,libfailpreload.so} "$T" # another user must be able to enter it
	PATH=$T:$PATH
}

# explained LEAST CALL...: each of these calls was made at least so often, and every call is explained.
explained() {
	local least=$1 call
	shift
	echo "call shown seen"
	cat counts.tsv
	jq -c '.[] | [.comm, .kind, .call, .count, .reason]' measured.json
	for call in "$@"; do
		awk -F '\t' -v call="$call" -v least="$least" '$1 == call && $2 >= least {ok = 1} END {exit !ok}' counts.tsv ||
			{
				echo "$call was not made $least times"
				return 1
			}
	done
	# Never more than there was: nothing that was made is hidden behind what was counted twice.
	[ -z "$(awk -F '\t' '$3 > $2' counts.tsv)" ]
	echo "unexplained: $(unexplained)"
	[ -z "$(unexplained)" ]
	# A run is not like another, but of as much as passed by in the one, the other counted about as much.
	while IFS=$'\t' read -r call shown seen; do
		((2 * $(counted "$call") >= shown - seen)) || [ "$call" = read ] ||
			{
				echo "of $call $((shown - seen)) passed by, $(counted "$call") were counted"
				return 1
			}
	done < counts.tsv
}

# both WORK COMMAND...: WORK is done with the command as a server, watched and then measured.
both() {
	local work=$1 how
	shift
	for how in watched measured; do
		"$how" "$@" > "$how.out" 2> "$how.err" 3>&- &
		server=$!
		later_kill $server
		"$work"
		eventually is_over $server
		wait $server || true
		[ $how = measured ] || watch_end
	done
}

@test "SQLite's shell: exactly what the interposer did not see is in the report" {
	watch_begin
	for how in watched measured; do
		seq 2000 > numbers
		$how sqlite3 "$how.db" > "$how.out" <<'END'
pragma journal_mode = wal;
create table t(n integer primary key);
.import numbers t
begin; delete from t where n % 2; commit;
pragma wal_checkpoint(truncate);
pragma journal_mode = delete;
vacuum;
.output dump.sql
.dump
.backup copy.db
.once other.txt
select count(*), sum(n) from t;
END
		[ $how = measured ] || watch_end
	done
	[ "$(cat other.txt)" = "1000|1001000" ]
	explained 1 pwrite64 write fdatasync ftruncate
	while IFS=$'\t' read -r call shown seen; do
		echo "$call: $shown = $seen + $(counted "$call")"
		((shown == seen + $(counted "$call")))
	done < counts.tsv
}

redis() {
	redis-cli -s "$T/redis.sock" "$@"
}

redis_works() {
	eventually redis ping
	for i in $(seq 50); do
		echo "set key$i value$i"
		echo "lpush list $i"
		echo "get key$i"
	done | redis > /dev/null
	redis save
	redis bgrewriteaof
	eventually grep -q 'Background AOF rewrite finished successfully' ./*.out
	redis bgsave
	eventually grep -q 'Background saving terminated with success' ./*.out
	redis debug reload > /dev/null
	redis shutdown save || true
	rm -rf appendonlydir dump.rdb
}

@test "redis: AOF, RDB in the foreground and in a child, rewrite, reload" {
	watch_begin
	both redis_works redis-server --port 0 --unixsocket "$T/redis.sock" --dir "$T" --appendonly yes \
		--appendfsync always --enable-debug-command yes --daemonize no
	explained 1 write fdatasync accept4 bind listen
}

nginx_works() {
	eventually curl -fsS -o /dev/null --unix-socket nginx.sock http://x/
	head -c 300000 /dev/zero > big
	curl -fsS --unix-socket nginx.sock -T big http://x/files/big
	curl -fsS --unix-socket nginx.sock -T nginx.conf http://x/files/small
	curl -fsS --unix-socket nginx.sock -o got http://x/files/big
	cmp big got
	curl -fsS --unix-socket nginx.sock -H 'Accept-Encoding: gzip' -o got http://x/files/small
	curl -fsS --unix-socket nginx.sock -o got http://x/through/big
	cmp big got
	curl -fsS --unix-socket nginx.sock -X DELETE http://x/files/big
	kill -QUIT "$(cat nginx.pid)"
	rm -rf files
	mkdir files
}

@test "nginx: two workers, PUT, GET by sendfile and compressed, a proxy to itself, DELETE" {
	mkdir files tmp
	touch files/index
	cat > nginx.conf <<END
worker_processes 2;
user root;
daemon off;
pid $T/nginx.pid;
error_log $T/error.log info;
events { worker_connections 64; }
http {
	access_log $T/access.log;
	client_body_temp_path $T/tmp;
	proxy_temp_path $T/proxy;
	fastcgi_temp_path $T/fastcgi;
	uwsgi_temp_path $T/uwsgi;
	scgi_temp_path $T/scgi;
	sendfile on;
	gzip on;
	gzip_types *;
	gzip_min_length 1;
	server {
		listen unix:$T/nginx.sock;
		location / { return 204; }
		location /files/ { root $T; dav_methods PUT DELETE; client_max_body_size 1m; }
		location /through/ { proxy_pass http://unix:$T/nginx.sock:/files/; }
	}
}
END
	watch_begin
	both nginx_works nginx -p "$T" -c "$T/nginx.conf"
	explained 1 write pwrite64 writev sendfile socketpair accept4 connect sendmsg recvmsg recvfrom
}

postgres_works() {
	local psql=(psql -qAt -h "$T/socket" -U postgres)
	eventually "${psql[@]}" -c 'select 1'
	"${psql[@]}" > /dev/null <<'END'
drop table if exists t;
create table t(n int, text text);
insert into t select n, md5(n::text) from generate_series(1, 5000) n;
create index on t(text);
checkpoint;
update t set n = n + 1 where n % 3 = 0;
copy t to '/dev/null';
begin; delete from t where n < 100; commit;
vacuum full t;
create temporary table big as select * from generate_series(1, 20000);
select count(*) from t a join t b using (text);
select pg_switch_wal();
checkpoint;
END
	/usr/lib/postgresql/15/bin/pg_isready -q -h "$T/socket"
	kill -INT "$(head -n 1 data/postmaster.pid)"
}

@test "PostgreSQL: tables, index, checkpoints, vacuum, temporary files; all its processes" {
	mkdir socket
	chown postgres "$T" socket
	runuser -u postgres -- /usr/lib/postgresql/15/bin/initdb -A trust -D "$T/data" > initdb.log
	watch_begin postgres
	both postgres_works /usr/lib/postgresql/15/bin/postgres -D "$T/data" -h '' -k "$T/socket"
	explained 1 write pwrite64 fdatasync fsync sendto recvfrom socket bind listen
}

# zk COMMAND...: each is one line of its command language.
zk() {
	printf '%s\n' "$@" quit | java -Xmx64m -cp "$classes" org.apache.zookeeper.ZooKeeperMain -timeout 60000 \
		-waitforconnection -server 127.0.0.1:$port 2>&1
}

zookeeper_serves() {
	zk "create /ready$SECONDS x" | grep -q Created
}

zookeeper_works() {
	local work=("create /a one")
	eventually zookeeper_serves
	for i in $(seq 30); do
		work+=("create /a/n$i value$i" "set /a/n$i other$i")
	done
	zk "${work[@]}" "ls /a" "deleteall /a" > "cli$RANDOM.out"
	grep -q 'n30' cli*.out
	kill "$(zookeeper_pid)"
	rm -rf data cli*.out
}

# The server, below strace and failctl.
zookeeper_pid() {
	pgrep -f "QuorumPeerMain $T/zoo.cfg" | while read -r pid; do
		[ "$(cat "/proc/$pid/comm")" != java ] || echo "$pid"
	done
}

@test "ZooKeeper, a Java program: transactions and snapshots to disk, a client" {
	port=$((20000 + BASHPID % 12000)) # below those that the kernel gives away
	classes=/etc/zookeeper/conf:/usr/share/java/zookeeper.jar
	cat > zoo.cfg <<END
tickTime=2000
dataDir=$T/data
clientPort=$port
clientPortAddress=127.0.0.1
admin.enableServer=false
snapCount=20
END
	watch_begin
	both zookeeper_works java -Xmx128m -Dzookeeper.log.dir="$T" -cp "$classes" \
		org.apache.zookeeper.server.quorum.QuorumPeerMain "$T/zoo.cfg"
	explained 1 write fdatasync accept socket bind listen
}
