#!/usr/bin/env bats
# actions.bats - actions on bytes and on nodes, with real files and sockets: what reached the disk or
# the peer, what the program was told, and where the offset stands afterwards.

load ../cli/common.bash

setup_more() {
	cd "$T" || return
	cat > say.py <<'END'
import errno, os, socket, sys
def say(what, call, *args):
    try:
        print(what, call(*args))
    except OSError as e:
        print(what, errno.errorcode[e.errno])
def tell(fd): return os.lseek(fd, 0, os.SEEK_CUR)
def size(name): return os.stat(name).st_size
END
}

# under RULES PROGRAM LINE...: the program's whole output.
under() {
	local rules=$1 program=$2 want
	shift 2
	want=$(printf '%s\n' "$@")
	printf 'from say import *\n%s\n' "$program" > program.py
	run --separate-stderr failctl run -e "$rules" -- python3 program.py
	echo "$output"
	echo "$stderr"
	[ "$output" = "$want" ]
}

@test "torn persists the beginning and reports all, the offset as if all" {
	under '%write:path=*.wal = torn(3)' '
fd = os.open("x.wal", os.O_RDWR | os.O_CREAT)
say("write", os.write, fd, b"abcdefgh")
say("offset", tell, fd)
say("size", size, "x.wal")
say("pwrite", os.pwrite, fd, b"ABCDEFGH", 20)
say("size", size, "x.wal")
say("offset", tell, fd)
say("writev", os.writev, fd, [b"12", b"345"])
say("offset", tell, fd)
say("small", os.write, fd, b"xy")
print(open("x.wal", "rb").read())' \
		'write 8' 'offset 8' 'size 3' 'pwrite 8' 'size 23' 'offset 8' 'writev 5' 'offset 13' \
		'small 2' "b'abc\\x00\\x00\\x00\\x00\\x00123\\x00\\x00xy\\x00\\x00\\x00\\x00\\x00ABC'"
}

@test "torn(0) keeps nothing, and a closed descriptor is still EBADF" {
	under 'write:path=*.wal = torn(0)' '
fd = os.open("x.wal", os.O_RDWR | os.O_CREAT)
say("write", os.write, fd, b"abcdefgh")
say("offset", tell, fd)
say("size", size, "x.wal")
os.close(fd)
say("closed", os.write, fd, b"abc")' 'write 8' 'offset 8' 'size 0' 'closed EBADF'
}

@test "a quota fills like a disk: the last write is partial, then ENOSPC" {
	under '%write:path=*.wal = quota(20)' '
fd = os.open("x.wal", os.O_RDWR | os.O_CREAT)
say("write", os.write, fd, b"12345678")
say("writev", os.writev, fd, [b"abcd", b"efgh"])
say("pwrite", os.pwrite, fd, b"12345678", 16)
say("full", os.write, fd, b"x")
say("full", os.pwrite, fd, b"x", 0)
say("size", size, "x.wal")
say("offset", tell, fd)
say("other", os.write, os.open("y", os.O_RDWR | os.O_CREAT), b"12345678")
say("read", os.pread, fd, 4, 0)' \
		'write 8' 'writev 8' 'pwrite 4' 'full ENOSPC' 'full ENOSPC' 'size 20' 'offset 16' \
		'other 8' "read b'1234'"
}

@test "bytes that were not written leave the quota free" {
	under 'write:path=*.wal = quota(10); write:path=*.wal:len>4 = 1*error_after(EIO)' '
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
fd = os.open("x.wal", os.O_RDWR | os.O_CREAT)
resource.setrlimit(resource.RLIMIT_FSIZE, (4, resource.RLIM_INFINITY))
say("partial", os.write, fd, b"1234")
say("beyond", os.write, fd, b"1234")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
say("write", os.write, fd, b"1234")
say("last", os.write, fd, b"1234")
say("full", os.write, fd, b"1234")' 'partial 4' 'beyond EFBIG' 'write 4' 'last 2' 'full ENOSPC'
}

@test "a quota may be counted by path, and by all processes of the run together" {
	under 'write:path=*.wal:per=path = quota(5)' '
for name in ("a.wal", "b.wal"):
    fd = os.open(name, os.O_RDWR | os.O_CREAT)
    say(name, os.write, fd, b"12345678")
    say(name, os.write, fd, b"x")' 'a.wal 5' 'a.wal ENOSPC' 'b.wal 5' 'b.wal ENOSPC'
	under 'write:path=*.wal = quota(12)' '
fd = os.open("c.wal", os.O_RDWR | os.O_CREAT)
say("parent", os.write, fd, b"12345678")
sys.stdout.flush()
if os.fork() == 0:
    say("child", os.write, fd, b"12345678")
    sys.stdout.flush()
    os._exit(0)
os.wait()
say("parent", os.write, fd, b"x")' 'parent 8' 'child 4' 'parent ENOSPC'
}

@test "racing writers never exceed a quota" {
	under '%write:path=*.wal = quota(10000)' '
import threading
def fill(name):
    fd = os.open(name, os.O_RDWR | os.O_CREAT)
    try:
        while True: os.write(fd, b"1234567")
    except OSError as e:
        assert e.errno == errno.ENOSPC
names = ["%d.wal" % i for i in range(8)]
threads = [threading.Thread(target=fill, args=(n,)) for n in names]
for t in threads: t.start()
for t in threads: t.join()
print(sum(size(n) for n in names))' 10000
}

CORRUPT='
def differ(a, b): return sum(bin(x ^ y).count("1") for x, y in zip(a, b))
data = bytes(range(256)) * 16'

@test "corrupt makes that many bits wrong on the disk, and leaves the buffer alone" {
	under '%write:path=*.wal = corrupt(bits=3)' "$CORRUPT"'
fd = os.open("x.wal", os.O_RDWR | os.O_CREAT)
for what, call in (("write", lambda: os.write(fd, data)), ("pwrite", lambda: os.pwrite(fd, data, 0)),
                   ("writev", lambda: os.writev(fd, [data[:7], b"", data[7:100], data[100:]])),
                   ("pwritev", lambda: os.pwritev(fd, [data[:4000], data[4000:]], 0))):
    os.ftruncate(fd, 0)
    os.lseek(fd, 0, 0)
    n = call()
    stored = open("x.wal", "rb").read()
    print(what, n, len(stored), differ(stored, data), data == bytes(range(256)) * 16)' \
		'write 4096 4096 3 True' 'pwrite 4096 4096 3 True' 'writev 4096 4096 3 True' \
		'pwritev 4096 4096 3 True'
}

@test "corrupt is stable by path and offset, on reading too" {
	under '%read:path=*.dat = corrupt(bits=64)' "$CORRUPT"'
for name in ("a.dat", "b.dat"): open(name, "wb").write(data)
a, b = (os.open(n, os.O_RDONLY) for n in ("a.dat", "b.dat"))
one = os.pread(a, 4096, 0)
print(differ(one, data), os.pread(a, 4096, 0) == one, os.read(a, 4096) == one)
print(os.pread(b, 4096, 0) == one, os.pread(a, 2048, 2048) == one[2048:])
vector = [bytearray(100), bytearray(3996)]
print(os.preadv(a, vector, 0), b"".join(vector) == one)
print(differ(open("a.dat", "rb", buffering=0).read(4096), data), os.pread(a, 10, 4090) == data[4090:])
print(os.pread(a, 10, 9000), len(os.pread(a, 1, 0)))' \
		'64 True True' 'False False' '4096 True' '64 False' "b'' 1"
}

@test "what two runs with one seed corrupt is the same" {
	local i
	for i in 1 2; do
		rm -f x.wal
		failctl run --seed 7 -e 'write:path=*.wal = corrupt(bits=5)' -- \
			python3 -c 'import os; os.write(os.open("x.wal", os.O_RDWR | os.O_CREAT), b"\0" * 500)'
		cp x.wal $i
	done
	cmp 1 2
	! cmp -s 1 <(head -c 500 /dev/zero)
}

@test "corrupt reaches what is sent and received, with its address" {
	under '%send:sock=udp:port=9 = off; send:sock=unix,tcp = corrupt(bits=2); sendto:sock=udp = corrupt(bits=2); sendmsg = corrupt(bits=2); recv:sock=unix:len<101 = corrupt(bits=4)' "$CORRUPT"'
a, b = socket.socketpair()
print(a.send(data), differ(b.recv(5000), data))
print(a.sendmsg([data[:10], data[10:]]), differ(b.recv(5000), data))
os.write(a.fileno(), data[:100])
print(differ(b.recv(100), data))
u, v = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for i in range(2))
u.bind(("127.0.0.1", 0))
print(v.sendto(data, u.getsockname()), differ(u.recv(5000), data))' '4096 2' '4096 2' 4 '4096 2'
}

@test "a bad pointer stays the kernel's to refuse, corrupted or torn" {
	local action
	for action in 'corrupt(bits=9)' 'torn(2)' 'quota(99)' 'rate(1M/s)'; do
		run --separate-stderr failctl run -e "write,writev = $action" -- \
			victim_truths fault
		echo "$action: $output"
		[[ "$output" == *'write -1 EFAULT'* ]]
		[[ "$output" == *'writev -1 EFAULT'* ]]
	done
}

@test "a failpoint's buffer is corrupted where it lies" {
	run --separate-stderr failctl run -e 'list/page = 1*corrupt(bits=2)' -- victim_buffer 2
	echo "$output"
	[ "${lines[1]}" = "16 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00" ]
	[ "${lines[0]}" != "${lines[1]}" ]
}

@test "drop takes datagrams away on either side, and leaves streams alone" {
	under 'sendto = 2@drop; %recv:len<78 = 1..2@drop' '
u, v = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for i in range(2))
u.bind(("127.0.0.1", 0))
to = u.getsockname()
for word in (b"one", b"two", b"three", b"four"): say("sent", v.sendto, word, to)
u.setblocking(False)
say("got", u.recv, 99)
say("got", u.recv, 77)
say("got", u.recv, 99)
for word in (b"five", b"six"): v.sendto(word, to)
w = u.recvfrom(99)
print(w[0], w[1] == ("127.0.0.1", v.getsockname()[1]))
a, b = socket.socketpair()
a.send(b"stream")
say("stream", b.recv, 77)' 'sent 3' 'sent 3' 'sent 5' 'sent 4' "got b'one'" 'got EAGAIN' 'got EAGAIN' \
		"b'five' True" "stream b'stream'"
}

@test "cut resets the connection when that many bytes have passed" {
	under '%send:sock=tcp = 1*cut(10)' '
server = socket.create_server(("127.0.0.1", 0))
def pair():
    client = socket.create_connection(server.getsockname())
    return client, server.accept()[0]
c, s = pair()
say("sent", c.send, b"123456")
say("sent", c.send, b"abcdefgh")
print("got", s.recv(6), s.recv(99))
say("peer", s.recv, 99)
say("after", c.send, b"x")
c, s = pair()
say("spent", c.send, b"0123456789abcdef")
say("got", s.recv, 99)' 'sent 6' 'sent 4' "got b'123456' b'abcd'" 'peer ECONNRESET' 'after ECONNRESET' \
		'spent 16' "got b'0123456789abcdef'"
}

@test "a rate lets bytes take their time, whatever the pieces" {
	under '%write:path=*.wal = rate(100K/s)' '
import time
fd = os.open("x.wal", os.O_RDWR | os.O_CREAT)
begin = time.monotonic()
for i in range(21): os.write(fd, b"x" * 1024)
took = time.monotonic() - begin
print(took >= 0.19, size("x.wal"))' 'True 21504'
}

@test "kill(node) takes every process of the node, and no other" {
	cat > node.py <<'END'
import os, subprocess, time
def sleep_as(name):
    open(name + ".part", "w").write(str(os.getpid()))
    os.rename(name + ".part", name)
    time.sleep(600)
names = ["kid0", "kid1", "kid2", "outsider"]
if "AS" in os.environ: sleep_as("outsider")
for name in names[:3]:
    if os.fork() == 0: sleep_as(name)
subprocess.Popen(["python3", "node.py"], env={**os.environ, "FAILKIT_NODE": "", "AS": "x"})
while not all(os.path.exists(n) for n in names): time.sleep(0.01)
os.fsync(os.open("go", os.O_WRONLY | os.O_CREAT))
END
	start node failctl run --node a -e 'fsync:path=*/go = kill(node)' -- python3 node.py
	eventually is_over "$pid"
	later_kill "$(cat outsider)"
	for name in kid0 kid1 kid2; do
		eventually is_over "$(cat $name)"
	done
	kill -0 "$(cat outsider)"
}
