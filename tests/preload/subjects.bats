#!/usr/bin/env bats
# subjects.bats - a rule about a file meets that file and no other, however its number, its name or
# the program's notion of where it is has changed.

load ../cli/common.bash

setup_more() {
	cd "$T" || return
}

@test "a number that came to mean another file is that file" {
	run --separate-stderr failctl run -e 'write:path=**/wrong = error(EIO)' -- victim_fds
	echo "$output"
	[ "$status" = 0 ]
	[ "$(grep -c ' ok$' <<< "$output")" = 24 ]
	[ "$(grep -vc ' ok$' <<< "$output")" = 0 ]
}

@test "numbers that go from thread to thread are never mistaken" {
	run --separate-stderr failctl run -e 'write:path=**/wrong = error(EIO)' -- victim_fds race
	echo "$output"
	[ "$output" = "0 missed, 0 hit wrongly" ]
}

@test "names are absolute and clean, whichever way they were written" {
	mkdir -p a/b
	cat > names.py <<'END'
import errno, os
def tell(what, path, **more):
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, **more))
        print(what, "passed")
    except OSError as e:
        print(what, errno.errorcode[e.errno])
tell("relative", "a/b/hit")
tell("dots", "./a/../a/./b//hit")
tell("absolute", os.getcwd() + "/a/b/hit")
tell("dirfd", "b/hit", dir_fd=os.open("a", os.O_RDONLY))
os.chdir("a")
tell("moved", "b/hit")
tell("other", "hit")
tell("longer", "b/hitter")
END
	run --separate-stderr failctl run -e "%meta:path=$T/a/b/hit = error(EACCES)" -- \
		python3 names.py
	echo "$output"
	[ "$output" = "relative EACCES
dots EACCES
absolute EACCES
dirfd EACCES
moved EACCES
other passed
longer passed" ]
}

@test "both names of a rename can be asked for, and a deleted file keeps its own" {
	cat > names.py <<'END'
import errno, os
def tell(what, call, *args):
    try:
        call(*args)
        print(what, "passed")
    except OSError as e:
        print(what, errno.errorcode[e.errno])
open("x", "w").close()
tell("from", os.rename, "x", "y")
tell("to", os.rename, "x", "target")
tell("none", os.rename, "x", "z")
fd = os.open("gone.wal", os.O_WRONLY | os.O_CREAT)
os.unlink("gone.wal")
tell("deleted", os.fsync, fd)
fd = os.open("linked.wal", os.O_WRONLY | os.O_CREAT)
os.link("linked.wal", "other.txt")
os.unlink("linked.wal")
tell("unlinked", os.fsync, fd)
fd = os.open("over.wal", os.O_WRONLY | os.O_CREAT)
os.rename("other.txt", "over.wal")
tell("renamed over", os.fsync, fd)
fd = os.open("live.wal (deleted)", os.O_WRONLY | os.O_CREAT)
tell("so named", os.fsync, fd)
END
	run --separate-stderr failctl run -e 'rename:from=*/x:to=*/y = error(EIO)' \
		-e 'rename:to=target = error(ENOSPC)' -e 'fsync:path=*.wal = error(EDQUOT)' -- \
		python3 names.py
	echo "$output"
	[ "$output" = "from EIO
to ENOSPC
none passed
deleted EDQUOT
unlinked EDQUOT
renamed over EDQUOT
so named passed" ]
}

@test "numbers and paths beyond what is remembered are still known" {
	cat > far.py <<'END'
import errno, os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (9000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
def tell(what, fd):
    try:
        os.fsync(fd)
        print(what, "passed")
    except OSError as e:
        print(what, errno.errorcode[e.errno])
deep = "/".join(["d" * 100] * 4)
os.makedirs(deep)
tell("deep", os.open(deep + "/x.wal", os.O_WRONLY | os.O_CREAT))
fd = os.open("x.wal", os.O_WRONLY | os.O_CREAT)
other = os.open("x.txt", os.O_WRONLY | os.O_CREAT)
os.dup2(fd, 8000)
tell("high", 8000)
os.dup2(other, 8000)
tell("other", 8000)
os.memfd_create("x.wal")
tell("memory", os.memfd_create("x.wal"))
END
	run --separate-stderr failctl run -e 'fsync:path=*.wal = error(EIO)' -- python3 far.py
	echo "$output"
	[ "$output" = "deep EIO
high EIO
other passed
memory passed" ]
}

@test "a socket is known by its kind and its ends, and what is written to it is sent" {
	cat > ends.py <<'END'
import errno, os, socket, sys
def tell(what, call, *args):
    try:
        call(*args)
        print(what, "passed")
    except OSError as e:
        print(what, errno.errorcode[e.errno])
tcp = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(tcp.getsockname())
server = tcp.accept()[0]
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
local = socket.socketpair()
file = os.open("file", os.O_RDWR | os.O_CREAT)
tell("tcp", os.write, client.fileno(), b"x")
tell("accepted", server.send, b"x")
tell("udp", udp.sendto, b"x", ("127.0.0.77", 9))
tell("other udp", udp.sendto, b"x", ("127.0.0.78", 9))
tell("unix", os.writev, local[0].fileno(), [b"x"])
tell("file", os.write, file, b"x")
tell("connect", socket.create_connection, ("127.0.0.1", 1))
END
	run --separate-stderr failctl run -e '%send:sock=tcp = error(EPIPE)' \
		-e '%send:sock=unix = error(ENOBUFS)' -e '%send:peer=127.0.0.77 = error(EHOSTUNREACH)' \
		-e '%write:file=reg = error(ENOSPC)' -e 'connect:port=1 = error(ETIMEDOUT)' -- \
		python3 ends.py
	echo "$output"
	[ "$output" = "tcp EPIPE
accepted EPIPE
udp EHOSTUNREACH
other udp passed
unix ENOBUFS
file ENOSPC
connect ETIMEDOUT" ]
}

@test "a program that is searched for is known by where it is" {
	run --separate-stderr failctl run -e 'execve,posix_spawn:path=/**/bin/true = error(ENOEXEC)' -- \
		perl -e 'exec {"true"} "true"; print $!{ENOEXEC} ? "refused" : "ran"'
	echo "$output"
	[ "$output" = refused ]
}

@test "a datagram is not made short unless it is forced" {
	cat > datagram.py <<'END'
import socket
for kind in (socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_STREAM):
    a, b = socket.socketpair(socket.AF_UNIX, kind)
    a.send(b"hello")
    print(len(b.recv(5)), end=" ")
END
	run --separate-stderr failctl run -e 'recv,recvfrom = short(2)' -- python3 datagram.py
	[ "$output" = "5 5 2 " ]
	run --separate-stderr failctl run -e 'recv,recvfrom = short!(2)' -- python3 datagram.py
	echo "$output"
	[ "$output" = "2 2 2 " ]
}

@test "a file made without a name is known by the one that it is given" {
	cat > nameless.py <<'END'
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
def tell(what, fd):
    try:
        os.fsync(fd)
        print(what, "passed")
    except OSError as e:
        print(what, errno.errorcode[e.errno])
fd = os.open(".", os.O_TMPFILE | os.O_WRONLY, 0o600)
tell("nameless", fd)
libc.linkat(-100, b"/proc/self/fd/%d" % fd, -100, b"x.data", 0x400)
tell("named", fd)
tell("by another number", os.dup(fd))
other = os.open(".", os.O_TMPFILE | os.O_WRONLY, 0o600)
libc.syscall({"x86_64": 265}.get(os.uname().machine, 37), other, b"", -100, b"y.data", 0x1000)
tell("by number", other)
tell("other", os.open(".", os.O_TMPFILE | os.O_WRONLY, 0o600))
END
	run --separate-stderr failctl run -e 'fsync:path=*.data = error(EIO)' -- python3 nameless.py
	echo "$output"
	[ "$output" = "nameless passed
named EIO
by another number EIO
by number EIO
other passed" ]
}
