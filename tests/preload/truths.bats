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

@test "a descriptor that was changed and then reported as failed stays open" {
	truth changed 'signalfd = 1+2@error_after(ENOMEM)' \
		'signalfd -1 ENOMEM' 'changed -1 ENOMEM' 'open 0'
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

@test "what a message is made of stays the caller's" {
	for rules in 'read = off' '%recv,%send = off' '%recv,%send = corrupt(bits=3)' \
		'%recv:path=nowhere = drop; %send = off'; do
		truth message "$rules" 'recvmsg 8' 'as it was' 'recvmmsg 1' 'as it was' \
			'sendmsg 8' 'as it was' 'sendmmsg 1' 'as it was'
	done
	truth message 'recvmsg,sendmsg = short(3)' 'recvmsg 3' 'as it was' 'recvmmsg 1' 'as it was' \
		'sendmsg 3' 'as it was' 'sendmmsg 1' 'as it was'
	truth message 'recvmsg,sendmsg = error_after(EIO)' 'recvmsg -1 EIO' 'as it was' 'recvmmsg 1' \
		'as it was' 'sendmsg -1 EIO' 'as it was' 'sendmmsg 1' 'as it was'
}

@test "a message on the edge of what can be read, or that can't be written, is the kernel's to refuse" {
	edge=('recvmsg -1 EFAULT' 'sendmsg -1 EFAULT' 'recvmmsg -1 EFAULT' 'sendmmsg -1 EFAULT'
		'by number -1 EFAULT' 'its pieces -1 EFAULT' 'its pieces -1 EFAULT' 'constant -1 EFAULT'
		'a program -1 EFAULT' 'a name -1 EFAULT')
	[ "$(victim_truths straddle)" = "$(printf '%s\n' "${edge[@]}")" ]
	truth straddle 'read = off' "${edge[@]}"
	truth straddle '%all:len>30 = error(EIO); %all:peer=127.0.0.9 = error(EIO)' "${edge[@]}"
	truth straddle '%recv,%send = corrupt(bits=3)' "${edge[@]}"
}

@test "memory fails only when it is named, by itself and under what libc allocates" {
	cat > heap.c <<'END'
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
	char *kept = argc > 1 ? calloc(1, 100) : malloc(100), *more;
	strcpy(kept, "kept");
	errno = 0;
	printf("malloc %s\n", strerrorname_np(errno));
	more = realloc(kept, 100000);
	printf("realloc %d %s\n", more == NULL, more ? more : kept);
	errno = 0;
	DIR *directory = opendir(".");
	printf("opendir %d %s\n", directory == NULL, strerrorname_np(errno));
	free(more ? more : kept);
	return 0;
}
END
	gcc -w -D_GNU_SOURCE heap.c -o heap
	run --separate-stderr failctl run -e '%all = error(ENOMEM)' -- ./heap
	[ "$output" = "malloc 0
realloc 0 kept
opendir 1 ENOMEM" ]
	run --separate-stderr failctl run -e 'realloc,memalign = error_after(ENOMEM)' -- ./heap
	echo "$output"
	[ "$output" = "malloc 0
realloc 1 kept
opendir 0 0" ]
	run --separate-stderr failctl run -e 'malloc = error(ENOMEM)' -- ./heap calloc
	echo "$output"
	[ "$output" = "malloc 0
realloc 0 kept
opendir 1 ENOMEM" ]
}

@test "a library that is refused leaves something for dlerror, and paths of the caller's hold" {
	cat > load.c <<'END'
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
int main(void)
{
	void *found = dlopen("libplug.so", RTLD_NOW);
	printf("%d %s\n", found != NULL, found ? "" : strerrorname_np(errno));
	printf("%d\n", dlerror() != NULL);
	return 0;
}
END
	echo 'int plug = 1;' > plug.c
	mkdir plugs
	gcc -shared -fPIC plug.c -o plugs/libplug.so
	gcc -w -D_GNU_SOURCE load.c -o load -Wl,-rpath,"$T/plugs",--enable-new-dtags
	run --separate-stderr failctl run -e 'dlopen:path=*.none = error(EMFILE)' -- ./load
	[ "$output" = "1 
0" ]
	run --separate-stderr failctl run -e 'dlopen:path=libplug.so = error(EMFILE)' -- ./load
	echo "$output"
	[ "$output" = "0 EMFILE
1" ]
}

@test "the interposer that a program loads itself, behind libc or beside it, finds libc" {
	cat > late.c <<'END'
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	void *library = argc > 2 ? dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW) : dlopen(argv[1], RTLD_NOW);
	ssize_t (*by)(int, const void *, size_t) = library ? dlsym(library, "write") : NULL;
	return !by || by == write || by(1, "written", 7) != 7;
}
END
	gcc -w -D_GNU_SOURCE late.c -o late
	[ "$(./late "$FAILKIT_BUILD/libfailpreload.so")" = written ]
	[ "$(./late "$FAILKIT_BUILD/libfailpreload.so" beside)" = written ]
}
