#!/usr/bin/env bats
# selectors.bats - which calls a selector picks, with real files and sockets.

load ../cli/common.bash

setup_more() {
	cd "$T" || return
}

@test "data~ looks at what is written, and at what was read" {
	cat > data.py <<'END'
import errno, os, socket
def say(what, call, *args):
    try:
        print(what, call(*args))
    except OSError as e:
        print(what, errno.errorcode[e.errno])
fd = os.open("x.wal", os.O_RDWR | os.O_CREAT)
say("begin", os.write, fd, b"BEGIN 1")
say("commit", os.write, fd, b"\0\1COMMIT 1")
say("pwrite", os.pwrite, fd, b"COMMIT 2", 100)
say("vector", os.writev, fd, [b"head", b"", b"COMMIT 3"])
say("far", os.write, fd, b"x" * 5000 + b"COMMIT 4")
a, b = socket.socketpair()
say("send", a.send, b"GET /secret")
say("send", a.send, b"GET /open")
say("recv", b.recv, 99)
say("read", os.pread, fd, 3, 0)
say("read", os.pread, fd, 3, 2)
END
	run --separate-stderr failctl run -e '%write:path=*.wal:data~"COMMIT [0-9]" = error(EIO)' \
		-e 'send:data~"^GET /secret$" = error(EPIPE)' \
		-e 'pread:data~"^BEG":ret=ok = error_after(EIO)' -- python3 data.py
	echo "$output"
	[ "$output" = "begin 7
commit EIO
pwrite EIO
vector EIO
far 5008
send EPIPE
send 9
recv b'GET /open'
read EIO
read b'GIN'" ]
}

@test "a bad pointer is the kernel's to refuse when data~ asks for it" {
	run --separate-stderr failctl run -e '%write,%send:data~"x" = off' -- victim_truths fault
	echo "$output"
	[[ "$output" == *'write -1 EFAULT'*'writev -1 EFAULT'*'sendmsg -1 EFAULT'* ]]
}

# tell.py: say(what, call, arguments) prints what came of it.
tell() {
	cat > tell.py <<'END'
import errno, os, socket, sys, threading
def say(what, call, *args):
    try:
        call(*args)
        print(what, "ok", flush=True)
    except OSError as e:
        print(what, errno.errorcode[e.errno], flush=True)
END
	cat >> tell.py
	run --separate-stderr failctl run --node ds1 "$@" -- python3 tell.py
	echo "$output"
	echo "$stderr"
}

@test "flags& wants a flag, flags!& its absence" {
	tell -e 'open,openat:flags&O_TRUNC:path=*.a = error(EIO)' \
		-e 'open,openat:flags!&O_CREAT:path=*.b = error(EACCES)' <<'END'
for name in "x.a", "x.b":
    for flags in "O_CREAT", "O_CREAT O_TRUNC", "", "O_TRUNC":
        bits = os.O_RDWR
        for flag in flags.split():
            bits |= getattr(os, flag)
        say(name + " " + flags, os.open, name, bits)
END
	[ "$output" = "x.a O_CREAT ok
x.a O_CREAT O_TRUNC EIO
x.a  ok
x.a O_TRUNC EIO
x.b O_CREAT ok
x.b O_CREAT O_TRUNC ok
x.b  EACCES
x.b O_TRUNC EACCES" ]
}

@test "from= is the old name of a rename or link, to= the new one" {
	tell -e 'rename,link,linkat:from=a* = error(EIO)' -e 'rename:to=b* = error(ENOSPC)' <<'END'
for name in "a1", "b1", "c1", "c2":
    open(name, "w").close()
say("a to c", os.rename, "a1", "c9")
say("c to a", os.rename, "c1", "a9")
say("c to b", os.rename, "c2", "b9")
say("b to c", os.rename, "b1", "c8")
say("link a", os.link, "a9", "d1")
say("link to b", os.link, "c8", "b7")
END
	[ "$output" = "a to c EIO
c to a ok
c to b ENOSPC
b to c ok
link a EIO
link to b ok" ]
}

@test "file= is what a descriptor is open on" {
	tell -e 'fsync:file=dir = error(EIO)' -e 'write:file=fifo:path=*.f = error(EPIPE)' \
		-e 'write:file=reg:path=*.r = error(ENOSPC)' -e 'write:file=sock = error(ECONNRESET)' \
		-e 'fsync:file=fifo = error(EINVAL)' <<'END'
d = os.open(".", os.O_RDONLY)
r = os.open("x.r", os.O_RDWR | os.O_CREAT)
os.mkfifo("x.f")
f = os.open("x.f", os.O_RDWR)
a, b = socket.socketpair()
say("fsync dir", os.fsync, d)
say("fsync reg", os.fsync, r)
say("fsync fifo", os.fsync, f)
say("write reg", os.write, r, b"x")
say("write fifo", os.write, f, b"x")
say("write sock", os.write, a.fileno(), b"x")
END
	[ "$output" = "fsync dir EIO
fsync reg ok
fsync fifo EINVAL
write reg ENOSPC
write fifo EPIPE
write sock ECONNRESET" ]
}

# per SCOPE: two threads of two processes each write twice to each of two files, over two descriptors;
# the second match of each scope fails. Prints how many did.
per() {
	tell -e "write:path=*.p:per=$1 = 2@error(EIO)" <<'END'
names = "1.p", "2.p"
fds = [[os.open(n, os.O_RDWR | os.O_CREAT) for n in names] for _ in range(2)]
def write():
    for pair in fds:
        for fd in pair:
            for _ in range(2):
                say("write", os.write, fd, b"x")
def both():
    for _ in range(2):
        t = threading.Thread(target=write)
        t.start()
        t.join()
if os.fork() == 0:
    both()
    os._exit(0)
os.wait()
both()
END
	grep -c EIO <<< "$output"
}

@test "per= says for what matches are counted" {
	[ "$(per run | tail -1)" = 1 ]
	[ "$(per node | tail -1)" = 1 ]
	[ "$(per process | tail -1)" = 2 ]
	[ "$(per thread | tail -1)" = 4 ]
	[ "$(per path | tail -1)" = 2 ]
	[ "$(per fd | tail -1)" = 8 ]
}

@test "more paths than can be counted are told, not forgotten" {
	tell -e 'unlink:per=path = 2@error(EIO)' <<'END'
failed = 0
for i in range(90000):
    for _ in range(2):
        try:
            os.unlink("p%d" % i)
        except FileNotFoundError:
            pass
        except OSError:
            failed += 1
print(failed > 50000, failed < 90000)
END
	[ "$output" = "True True" ]
	[[ $stderr == *'could not count'*'of its matches'* ]]
}
