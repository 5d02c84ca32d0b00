#!/usr/bin/env bats
# truths.bats - what a call keeps whatever a rule makes of it: what is closed is closed, what is made
# is not leaked, errno, modes, offsets, cancellation points, signal handlers and jumps out of them.

load ../cli/common.bash

setup_more() {
	cd "$T" || return
}

# truth NAME RULES LINE...: the victim's whole output.
truth() {
	local name=$1 rules=$2 want
	shift 2
	want=$(printf '%s\n' "$@")
	run --separate-stderr failctl run -e "$rules" -- victim_truths "$name"
	echo "$output"
	echo "$stderr"
	[ "$output" = "$want" ]
}

@test "a close that fails has closed" {
	truth close 'close = error(EIO)' 'close -1 EIO' 'again -1 EBADF'
	truth close 'close = lie' 'close 0' 'again -1 EBADF'
}

@test "a closed descriptor is EBADF, whatever is promised" {
	truth closed 'write,fsync,close = lie' 'write -1 EBADF' 'fsync -1 EBADF' 'close -1 EBADF'
	truth closed 'write,fsync,close = error(EIO)' \
		'write -1 EBADF' 'fsync -1 EBADF' 'close -1 EBADF'
}

@test "the mode of an open arrives, O_TMPFILE's too" {
	truth mode 'open,openat,creat = off' \
		'O_TMPFILE 641' 'O_CREAT 642' 'openat O_TMPFILE 643' 'creat 644'
}

@test "a cancellation point stays one, faked or not" {
	truth cancel 'fsync = lie' cancelled
	truth cancel 'fsync = error(EIO)' cancelled
	truth cancel 'fsync = off' cancelled
}

@test "jumping out of a call or of an action leaves the thread whole" {
	truth jump 'read = off; fsync = error(EIO)' '20 jumps' 'fsync -1 EIO'
	truth jump 'read = delay(60s); fsync = error(EIO)' '20 jumps' 'fsync -1 EIO'
	truth jump 'read = pause; fsync = error(EIO)' '20 jumps' 'fsync -1 EIO'
}

@test "a signal handler is judged, and harms nothing it interrupts" {
	truth handler 'fsync = error(EIO)' '0 wrong, 5 of 5 judged'
	truth handler 'fsync = delay(1), error(EIO)' '0 wrong, 5 of 5 judged'
}

@test "a call before every constructor works, and the next one is judged" {
	truth early 'fsync = error(EIO)' 'early -1 EBADF' 'fsync -1 EIO'
}

@test "what is made and then reported as failed is not leaked" {
	truth leak 'open = error_after(EIO); socket = error_after(ENOMEM)' \
		'open -1 EIO' 'socket -1 ENOMEM' 'made 0' '0 leaked'
}

@test "a rule is not spent on a thread that is cancelled" {
	truth spare 'fsync = 1*error(EIO)' cancelled 'fsync -1 EIO'
	truth spare 'fsync = 1*lie' cancelled 'fsync 0'
}

@test "the offset moves by what was reported" {
	truth offset 'write = short(4)' 'write 4' 'offset 4' 'size 4'
	truth offset 'write = error_after(EIO)' 'write -1 EIO' 'offset 10' 'size 10'
	truth offset 'write = lie' 'write 10' 'offset 10' 'size 0'
	truth offset 'write = return(6)' 'write 6' 'offset 6' 'size 0'
}

@test "an answer that a lie does not know is not made up" {
	truth numbers 'dup2,dup3,sendmmsg,write = lie' 'dup2 40' 'dup3 41' 'sendmmsg 2' \
		'write 2147479552'
}

@test "reset reaches the peer, refuse the caller" {
	truth reset 'send = reset' 'connect 0' 'send -1 ECONNRESET' 'peer -1 ECONNRESET'
	truth refuse 'connect = refuse' 'connect -1 ECONNREFUSED'
}

@test "a bad pointer is the kernel's to refuse" {
	truth fault '%all:path=*.x:peer=127.0.0.9 = error(EIO); %all:len>3 = off' 'open -1 EFAULT' \
		'rename -1 EFAULT' 'write -1 EFAULT' 'writev -1 EFAULT' 'connect -1 EFAULT' \
		'sendmsg -1 EFAULT' 'recvmsg -1 EFAULT'
}
