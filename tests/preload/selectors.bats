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
