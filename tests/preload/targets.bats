#!/usr/bin/env bats
# targets.bats - programs of many makers do their own real work under the idle interposer, and under rules
# about others, and print what they print without it.

load ../cli/common.bash

setup_more() {
	cd "$T" || return
	cp "$FAILKIT_BUILD"/{failctl,libfailpreload.so} "$T" # another user must be able to enter it
	PATH=$T:$PATH
	user=() as=()
}

# What keeps every wrapper armed, and matches nothing.
elsewhere='%all,%alloc,fwrite,fflush,fclose,poll,epoll_wait:path=/nowhere/** = delay(1)'

# same SCRIPT...: is run in three folders of its own; what it prints must be alike, and not nothing.
same() {
	local how
	for how in bare idle armed; do
		mkdir "$T/$how"
		chmod 777 "$T/$how"
		cd "$T/$how"
		case $how in
		bare) "${as[@]}" "$@" > "$T/$how.out" 2> "$T/$how.err" ;;
		idle) failctl run "${user[@]}" -- "$@" > "$T/$how.out" 2> "$T/$how.err" ;;
		armed) failctl run "${user[@]}" -e "$elsewhere" -- "$@" > "$T/$how.out" 2> "$T/$how.err" ;;
		esac || {
			echo "$how: status $?"
			tail -n 20 "$T/$how.out" "$T/$how.err"
			return 1
		}
	done
	cd "$T"
	cat bare.out
	[ -s bare.out ]
	diff bare.out idle.out
	diff bare.out armed.out
}

# Threads, files, mappings, sockets, children and the heap; prints sums.
make_work() {
	cat > work.c <<'END'
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
static unsigned sum(const unsigned char *at, size_t n)
{
	unsigned s = 1;
	while (n--)
		s = s * 31 + *at++;
	return s;
}
static void *work(void *arg)
{
	int n = (int)(intptr_t)arg;
	char name[32];
	unsigned s = 0;
	snprintf(name, sizeof(name), "file.%d", n);
	for (int i = 1; i < 200; i++) {
		size_t bytes = (size_t)i * 37;
		unsigned char *heap = malloc(bytes);
		int fd = open(name, O_RDWR | O_CREAT | O_APPEND, 0600);
		memset(heap, n + i, bytes);
		heap = realloc(heap, bytes * 2);
		if (write(fd, heap, bytes) != (ssize_t)bytes || pread(fd, heap, bytes, 0) <= 0)
			abort();
		s ^= sum(heap, bytes);
		close(fd);
		free(heap);
	}
	return (void *)(uintptr_t)s;
}
int main(void)
{
	pthread_t t[8];
	void *s;
	int ends[2], fd, status;
	unsigned char *map, got[4096];
	FILE *stream;
	for (int i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, work, (void *)(intptr_t)i);
	for (int i = 0; i < 8; i++) {
		pthread_join(t[i], &s);
		printf("thread %d %x\n", i, (unsigned)(uintptr_t)s);
	}
	fd = open("map", O_RDWR | O_CREAT, 0600);
	if (ftruncate(fd, 1 << 20) || (map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) == MAP_FAILED)
		abort();
	memset(map, 7, 1 << 20);
	msync(map, 1 << 20, MS_SYNC);
	munmap(map, 1 << 20);
	if (pread(fd, got, sizeof(got), 8192) != sizeof(got))
		abort();
	printf("map %x\n", sum(got, sizeof(got)));
	socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	fflush(stdout);
	if (fork() == 0) {
		for (int i = 0; i < 100; i++)
			if (send(ends[1], got, 41, 0) != 41)
				_exit(1);
		_exit(3);
	}
	close(ends[1]);
	for (fd = 0; recv(ends[0], got, 1, 0) == 1;)
		fd++;
	wait(&status);
	printf("child %d sent %d\n", WEXITSTATUS(status), fd);
	stream = fopen("stream", "w+");
	for (int i = 0; i < 10000; i++)
		fprintf(stream, "%d\n", i);
	rewind(stream);
	for (fd = 0; fgets((char *)got, sizeof(got), stream); fd++)
		;
	fclose(stream);
	printf("lines %d\n", fd);
	fflush(stdout);
	return system("sort -n stream | md5sum");
}
END
}

@test "C under gcc's and clang's AddressSanitizer and ThreadSanitizer" {
	make_work
	export ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 TSAN_OPTIONS=halt_on_error=1
	for how in "gcc -fsanitize=address" "clang -fsanitize=address" "gcc -fsanitize=thread" \
		"clang -fsanitize=thread" "gcc -fsanitize=undefined"; do
		echo "$how"
		$how -g -O1 -w work.c -o work -lpthread
		same "$T/work"
		rm -rf bare idle armed
	done
}

@test "C with jemalloc: preloaded, and linked" {
	make_work
	gcc -O1 -w work.c -o work -lpthread
	gcc -O1 -w work.c -o linked -lpthread -ljemalloc
	jemalloc=$(ldconfig -p | awk '/libjemalloc.so.2/ {print $NF; exit}')
	# Before ours, after it, and linked.
	same env LD_PRELOAD="$jemalloc" "$T/work"
	rm -rf bare idle armed
	same sh -c "LD_PRELOAD=\$LD_PRELOAD:$jemalloc exec '$T/work'"
	rm -rf bare idle armed
	same "$T/linked"
	ldd linked | grep -q jemalloc
}

@test "Python: files, threads, processes, sockets, SQLite, archives" {
	cat > work.py <<'END'
import asyncio, hashlib, http.server, json, multiprocessing, os, sqlite3, subprocess, tempfile, threading
import urllib.request, zipfile

def square(n):
    return n * n

async def echo():
    async def serve(reader, writer):
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()
    server = await asyncio.start_unix_server(serve, "echo.sock")
    reader, writer = await asyncio.open_unix_connection("echo.sock")
    writer.write(b"hello\n")
    print(await reader.readline())
    writer.close()
    server.close()

if __name__ == "__main__":
    base = sqlite3.connect("base.db")
    base.execute("pragma journal_mode = wal")
    base.execute("create table t(a, b)")
    base.executemany("insert into t values(?, ?)", [(i, str(i) * 3) for i in range(5000)])
    base.commit()
    print(base.execute("select count(*), sum(a), max(b) from t").fetchone())
    with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as z:
        for i in range(50):
            z.writestr(f"f{i}", f"text {i}\n" * 100)
    with zipfile.ZipFile("a.zip") as z:
        print(z.testzip(), len(z.namelist()), hashlib.md5(z.read("f7")).hexdigest())
    with multiprocessing.Pool(3) as pool:
        print(sum(pool.map(square, range(1000))))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    server.RequestHandlerClass.log_message = lambda *a: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with open("page", "w") as f:
        json.dump(list(range(1000)), f)
        f.flush()
        os.fsync(f.fileno())
    print(hashlib.md5(urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/page").read()).hexdigest())
    server.shutdown()
    asyncio.run(echo())
    print(subprocess.run("seq 100 | sort -rn | head -3", shell=True, capture_output=True).stdout)
    with tempfile.TemporaryFile() as f:
        f.write(b"x" * 100000)
        f.seek(0)
        print(len(f.read()), sorted(os.listdir("."))[:3])
END
	same python3 "$T/work.py"
}

@test "Node: files, streams, servers, workers, children" {
	cat > work.js <<'END'
const fs = require('fs'), http = require('http'), zlib = require('zlib'), crypto = require('crypto')
const {execFileSync, spawn} = require('child_process'), {Worker, isMainThread, parentPort} = require('worker_threads')
const md5 = data => crypto.createHash('md5').update(data).digest('hex')
if (!isMainThread) {
	fs.writeFileSync('worker', 'w'.repeat(5000))
	parentPort.postMessage(md5(fs.readFileSync('worker')))
} else (async () => {
	const fd = fs.openSync('a', 'w+')
	for (let i = 0; i < 500; i++) fs.writeSync(fd, `line ${i}\n`)
	fs.fsyncSync(fd); fs.closeSync(fd); fs.renameSync('a', 'b')
	console.log(md5(fs.readFileSync('b')))
	await Promise.all([...Array(50).keys()].map(i => fs.promises.writeFile(`p${i}`, `${i}`.repeat(i))))
	console.log((await Promise.all([...Array(50).keys()].map(i => fs.promises.stat(`p${i}`)))).reduce((n, s) => n + s.size, 0))
	await new Promise(done => fs.createReadStream('b').pipe(zlib.createGzip()).pipe(fs.createWriteStream('b.gz')).on('finish', done))
	console.log(md5(zlib.gunzipSync(fs.readFileSync('b.gz'))))
	const server = http.createServer((q, r) => fs.createReadStream('b').pipe(r))
	await new Promise(done => server.listen(0, '127.0.0.1', done))
	for (let i = 0; i < 5; i++)
		console.log(md5(await new Promise(done => http.get({port: server.address().port, host: '127.0.0.1'}, r => {
			let all = ''; r.on('data', d => all += d); r.on('end', () => done(all))
		}))))
	server.close()
	console.log(await new Promise(done => new Worker(__filename).on('message', done)))
	console.log(execFileSync('sh', ['-c', 'wc -l < b']).toString().trim())
	await new Promise(done => spawn('sort', ['-r', 'b'], {stdio: ['ignore', 'ignore', 'inherit']}).on('close', c => { console.log('sort', c); done() }))
})()
END
	same node "$T/work.js"
}

@test "SQLite's shell, and git: commits, merges, gc, a clone" {
	cat > work.sh <<'END'
set -e
seq 3000 > numbers
sqlite3 a.db 'pragma journal_mode = wal' 'create table t(n integer primary key)' '.import numbers t' \
	'delete from t where n % 3 = 0' 'pragma wal_checkpoint(truncate)' 'vacuum' '.dump' | md5sum
sqlite3 a.db 'pragma integrity_check' 'select count(*), sum(n) from t'
export GIT_AUTHOR_DATE='1000000000 +0000' GIT_COMMITTER_DATE='1000000000 +0000' GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q -b main repo
cd repo
for i in $(seq 20); do
	seq "$i" 200 > "file$i"
	git add .
	git commit -q -m "number $i"
done
git checkout -q -b other HEAD~5
echo more > more
git add more
git commit -q -m more
git checkout -q main
git merge -q -m merged other
git gc -q
git fsck
git rev-parse HEAD
cd ..
git clone -q repo copy
git -C copy log --format=%H | md5sum
git -C copy grep -c 150 | head -n 3
END
	same bash "$T/work.sh"
}

@test "Redis: writes with an AOF, snapshots, a restart" {
	cat > work.sh <<'END'
set -e
start() {
	redis-server --port 0 --unixsocket "$PWD/sock" --dir "$PWD" --appendonly yes --appendfsync always \
		--enable-debug-command yes --daemonize no > log 2>&1 &
	until redis-cli -s sock ping > /dev/null 2>&1; do :; done
}
start
for i in $(seq 300); do
	echo "set key$((i % 50)) $i"
	echo "rpush list $i"
	echo "hset hash f$i $i"
	echo "zadd sorted $i m$i"
done | redis-cli -s sock | md5sum
redis-cli -s sock save
redis-cli -s sock debug digest
redis-cli -s sock shutdown save
wait
start
redis-cli -s sock debug digest
redis-cli -s sock llen list
redis-cli -s sock shutdown save
wait
END
	same bash "$T/work.sh"
}

@test "nginx: PUT, GET, ranges, compressed, DELETE" {
	cat > work.sh <<'END'
set -e
mkdir files tmp
cat > conf <<CONF
worker_processes 2;
user root;
daemon off;
pid $PWD/pid;
error_log $PWD/error.log;
events { worker_connections 64; }
http {
	log_format plain '\$request \$status \$body_bytes_sent';
	access_log $PWD/access.log plain;
	client_body_temp_path $PWD/tmp;
	proxy_temp_path $PWD/proxy; fastcgi_temp_path $PWD/fastcgi; uwsgi_temp_path $PWD/uwsgi; scgi_temp_path $PWD/scgi;
	sendfile on; gzip on; gzip_types *; gzip_min_length 1;
	server { listen unix:$PWD/sock; location /files/ { root $PWD; dav_methods PUT DELETE; client_max_body_size 2m; } }
}
CONF
nginx -p "$PWD" -c "$PWD/conf" 2> err &
until curl -s -o /dev/null --unix-socket sock http://x/; do :; done
get() { curl -sS --unix-socket sock "$@"; }
seq 100000 > big
get -T big http://x/files/big
get http://x/files/big | md5sum
get -r 1000-1999 http://x/files/big | md5sum
get -H 'Accept-Encoding: gzip' http://x/files/big | gunzip | md5sum
get -X DELETE http://x/files/big
get -o /dev/null -w '%{http_code}\n' http://x/files/big
kill -QUIT "$(cat pid)"
wait
grep -v 'GET / ' access.log
END
	same bash "$T/work.sh"
}

@test "PostgreSQL: initdb, tables, an index, a dump" {
	cat > work.sh <<'END'
set -e
bin=/usr/lib/postgresql/15/bin
$bin/initdb -A trust -D data > initdb.log
mkdir sock
$bin/postgres -D data -h '' -k "$PWD/sock" > log 2>&1 &
until psql -h "$PWD/sock" -U postgres -qc '' > /dev/null 2>&1; do :; done
psql -h "$PWD/sock" -U postgres -qAt <<SQL
create table t(n int primary key, text text);
insert into t select n, md5(n::text) from generate_series(1, 3000) n;
create index on t(text);
update t set n = -n where n % 7 = 0;
checkpoint;
vacuum full t;
select count(*), sum(n), max(text) from t;
select sum(a.n) from t a join t b using (text);
SQL
pg_dump -h "$PWD/sock" -U postgres postgres | grep -v -e '^--' -e restrict | md5sum
$bin/pg_ctl -D data stop -m fast > /dev/null
wait
$bin/pg_controldata data | grep 'cluster state'
END
	user=(--user postgres) as=(runuser -u postgres --)
	chown postgres "$T"
	same bash "$T/work.sh"
}

@test "Java: ZooKeeper's server and client" {
	cat > work.sh <<'END'
port=$((20000 + $$ % 12000))
classes=/etc/zookeeper/conf:/usr/share/java/zookeeper.jar
printf '%s\n' tickTime=2000 "dataDir=$PWD/data" clientPort=$port clientPortAddress=127.0.0.1 snapCount=10 \
	admin.enableServer=false > zoo.cfg
java -Xmx128m -cp "$classes" org.apache.zookeeper.server.quorum.QuorumPeerMain "$PWD/zoo.cfg" > log 2>&1 &
server=$!
zk() {
	printf '%s\n' "$@" quit | java -Xmx64m -cp "$classes" org.apache.zookeeper.ZooKeeperMain -timeout 60000 \
		-waitforconnection -server 127.0.0.1:$port 2>&1
}
until zk "create /ready x" | grep -q Created; do :; done
work=("create /a one")
for i in $(seq 20); do
	work+=("create /a/n$i value$i" "set /a/n$i other$i")
done
zk "${work[@]}" "ls /a" "get /a/n7" | grep -a -e Created -e '^\[' -e other
kill $server
wait $server
ls data/version-2 | sed 's/\..*//' | sort -u
END
	same bash "$T/work.sh"
}
