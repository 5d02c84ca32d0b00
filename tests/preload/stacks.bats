#!/usr/bin/env bats
# stacks.bats - stack= and caller=: one program, built by several compilers with and without frame
# pointers, a rule about a function, and which of its writes the rule reaches. Then Python, SQLite
# and redis as they are.

load ../cli/common.bash

# shellcheck disable=SC2154 # run sets stderr

SOURCE=$BATS_TEST_DIRNAME/stack_victim.c

setup_more() {
	cd "$T" || return
}

# build COMPILER LANGUAGE FLAG...: ./victim with ./libpart.so
build() {
	local compiler=$1 language=$2
	shift 2
	"$compiler" -x "$language" -D_GNU_SOURCE -O2 "$@" -fPIC -shared -DPART "$SOURCE" -o libpart.so &&
		"$compiler" -x "$language" -D_GNU_SOURCE -O2 "$@" "$SOURCE" -x none ./libpart.so \
			-Wl,-rpath,. -o victim
}

# reached RULE: the ways that got the error, in one line
reached() {
	failctl run -e "$1 = error(EIO)" -- ./victim 2> err | sed -n 's/ EIO$//p' | tr '\n' ' '
}

is() {
	if [[ $1 != "$2" ]]; then
		echo "$3: '$1', not '$2'"
		cat err
		return 1
	fi
}

in_c() {
	is "$(reached 'write:stack=wal_append')" "append " "$*: a static function"
	is "$(reached 'write:stack=wal_*,table_flush')" "append flush " "$*: two"
	is "$(reached 'write:stack~"^(table|wal)_"')" "append flush " "$*: a regular expression"
	is "$(reached 'write:stack!=log_write')" "part " "$*: not"
	is "$(reached 'write:stack=sort_numbers')" "callback " "$*: through libc"
	is "$(reached 'write:stack=interrupted')" "handler " "$*: out of a handler"
	is "$(reached 'write:stack=part_write')" "part " "$*: in a shared object"
	is "$(reached 'write:caller=libpart.so')" "part " "$*: its name"
	is "$(reached 'write:stack=main:caller!=libpart.so')" "append flush callback handler " "$*: others"
	is "$(reached 'write:stack=nobody')" "" "$*: none"
}

@test "a rule about a function reaches its calls, with gcc and without frame pointers" {
	build gcc c -fomit-frame-pointer
	in_c gcc omit
}

@test "a rule about a function reaches its calls, with gcc and with frame pointers" {
	build gcc c -fno-omit-frame-pointer
	in_c gcc keep
}

@test "a rule about a function reaches its calls, with clang" {
	build clang c
	in_c clang
}

@test "a rule about a function reaches its calls in a program at a fixed address" {
	build gcc c -no-pie -fno-pie
	in_c no-pie
}

@test "names of C++ are those of the source, whole or from any ::" {
	local compiler
	for compiler in g++ clang++; do
		build "$compiler" c++
		is "$(reached 'write:stack=store::Wal::Append')" "method " "$compiler: whole"
		is "$(reached 'write:stack=Wal::App*')" "method " "$compiler: a tail"
		is "$(reached 'write:stack=Append')" "method " "$compiler: the last part"
		is "$(reached 'write:stack=wal_append')" "append " "$compiler: a static function"
		is "$(reached 'write:stack=hidden')" "lambda " "$compiler: an unnamed namespace"
		is "$(reached 'write:stack=ppend')" "" "$compiler: no tail within a name"
	done
}

@test "a rule that comes late reaches a process that was not asked for anything" {
	build gcc c
	cat > slow.py <<'END'
import ctypes, os, sys
part = ctypes.CDLL("./libpart.so", use_errno=True)
fd = os.open("log", os.O_RDWR | os.O_CREAT)
for line in sys.stdin:
    print(part.part_write(fd), os.write(fd, b"x"), flush=True)
END
	mkfifo in
	start slow failctl run --plane late -- sh -c 'exec python3 slow.py < in'
	exec 7> in
	echo >&7
	eventually grep -q '^4 1$' slow.out
	failctl set -p late 'write:stack=part_write = error(EIO)'
	echo >&7
	eventually grep -q '^-1 1$' slow.out
	failctl heal -p late
	failctl set -p late 'write:caller!=libpart.so:path=*/log = error(EIO)'
	echo >&7
	eventually grep -q 'Input/output error' slow.err
	exec 7>&-
}

@test "an object that is loaded where another was is known by its own names" {
	local i
	for i in 1 2; do
		printf '#include <unistd.h>\nint put_%d(int fd) { int r = (int)write(fd, "x", 1); __asm__ volatile("" : "+r"(r)); return r; }\n' $i > p.c
		gcc -O2 -fPIC -shared p.c -o "libp$i.so"
	done
	cat > again.py <<'END'
import _ctypes, ctypes, os
fd = os.open("log", os.O_RDWR | os.O_CREAT)
for n in (1, 2, 1, 2):
    handle = _ctypes.dlopen("./libp%d.so" % n, 2)
    address = _ctypes.dlsym(handle, "put_%d" % n)
    print(n, ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(address)(fd), flush=True)
    _ctypes.dlclose(handle)
END
	run --separate-stderr failctl run -e 'write:stack=put_2 = error(EIO)' -- python3 again.py
	echo "$output" "$stderr"
	[ "$output" = $'1 1\n2 -1\n1 1\n2 -1' ]
}

@test "a failpoint has a stack, too" {
	cat > point.c <<'END'
#include <stdio.h>
#include "failkit/failpoint.h"
static __attribute__((noinline)) int commit(void)
{
	int r = FAILPOINT_ERROR("a/b");
	__asm__ volatile("" : "+r"(r));
	return r;
}
static __attribute__((noinline)) int outer(void)
{
	int r = commit();
	__asm__ volatile("" : "+r"(r));
	return r;
}
int main(void)
{
	int a = outer(), b = commit();
	printf("%d %d\n", a, b);
}
END
	gcc -O2 -I"$ROOT/include" point.c "$FAILKIT_BUILD/libfailpoint.a" -lpthread -o point
	[ "$(FAILPOINTS='a/b:stack=outer = error(EIO)' ./point)" = "1 0" ]
	[ "$(FAILPOINTS='a/b:stack!=outer = error(EIO)' ./point)" = "0 1" ]
	[ "$(FAILPOINTS='a/b:caller=point = error(EIO)' ./point)" = "1 1" ]
	[ "$(failctl run -e 'a/b:stack=outer = error(EIO)' -- ./point)" = "1 0" ]
	gcc -O2 -I"$ROOT/include" point.c -L"$FAILKIT_BUILD" -lfailpoint "-Wl,-rpath,$FAILKIT_BUILD" -o point
	[ "$(FAILPOINTS='a/b:stack=outer = error(EIO)' ./point)" = "1 0" ]
}

@test "SQLite by its functions, and within Python by its name" {
	run --separate-stderr failctl run -e '%sync:stack=sqlite3_step = 1*error(EIO)' -- \
		sqlite3 x.db 'create table t(a)'
	echo "$output" "$stderr"
	[[ $stderr == *'disk I/O error'* ]]
	cat > q.py <<'END'
import os, sqlite3
fd = os.open("own", os.O_RDWR | os.O_CREAT)
os.fsync(fd)
try:
    sqlite3.connect("y.db").execute("create table t(a)")
except sqlite3.OperationalError as e:
    print(e)
END
	run --separate-stderr failctl run -e '%sync:caller=libsqlite3.so* = error(EIO)' -- python3 q.py
	echo "$output" "$stderr"
	[ "$output" = "disk I/O error" ]
}

@test "redis: the flush of its log, and nothing else that it writes" {
	start redis failctl run --plane r -e 'flush := %sync:stack=flushAppendOnlyFile = 1*kill' -- \
		redis-server --port 0 --unixsocket "$T/redis.sock" --appendonly yes --appendfsync always \
		--dir "$T" --save ""
	eventually redis-cli -s "$T/redis.sock" ping
	redis-cli -s "$T/redis.sock" get k
	run redis-cli -s "$T/redis.sock" set k v
	echo "$output"
	[[ $output == *closed* ]]
}

@test "with --deep a stack leads out of libc, whose own writes they are" {
	cat > deep.c <<'END'
#include <stdio.h>
static __attribute__((noinline)) int flush_log(FILE *f)
{
	int r = fflush(f);
	__asm__ volatile("" : "+r"(r));
	return r;
}
int main(void)
{
	FILE *log = fopen("log", "w"), *other = fopen("other", "w");
	fputs("x", log);
	fputs("x", other);
	printf("%d\n", flush_log(log));
	printf("%d\n", fflush(other));
}
END
	gcc -O2 deep.c -o deep
	[ "$(failctl run --deep -e 'write:stack=flush_log = error(EIO)' -- ./deep)" = $'-1\n0' ]
	[ "$(failctl run --deep -e 'write:caller=libc.so.6:path=*/other = error(EIO)' -- ./deep)" = $'0\n-1' ]
}

@test "ps --stacks names the functions that led to a pause" {
	build g++ c++
	start paused failctl run --plane p -e 'x := write:stack=Wal::Append = pause' -- ./victim
	eventually failctl wait -p p x --paused --timeout 1s
	run --separate-stderr failctl ps -p p --stacks
	echo "$output" "$stderr"
	[[ $output == *'in "x" at write:'*'log_write'*'store::Wal::Append+0x'*'main+0x'* ]]
	[ "$(failctl ps -p p --stacks --json | jq -r '.[0].threads[0].stack[1]' | sed 's/+.*//')" = store::Wal::Append ]
	[ "$(failctl ps -p p --json | jq '.[0].threads[0].stack | length')" = 0 ]
	failctl release -p p x
	eventually grep -q 'method ok' paused.out
}
