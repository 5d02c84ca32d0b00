#!/usr/bin/env bats
# escapes.bats - what can't be intercepted is named, with its reason; by measuring, and without.

load ../cli/common.bash

setup_more() {
	cd "$T" || return
}

# escapes COMMAND...: measures it; the report is in report.json.
escapes() {
	failctl escapes --json -o report.json -- "$@" > command.out
}

# known COMMAND...: the same by the preload tier alone.
known() {
	mkfifo hold
	failctl run -p owner -- sh -c 'read -r _ < hold' &
	later_kill $!
	eventually failctl ls -p owner
	failctl run --join -p owner -- "$@" > command.out
	failctl escapes -p owner --json > report.json
	echo > hold
	wait $!
}

# row KIND CALL FIELD: of the report, of victims only.
row() {
	jq -r ".[] | select(.kind == \"$1\" and .call == \"$2\" and .comm != \"sh\") | .$3" report.json
}

@test "measured: fflush, dprintf, mkstemp and an inlined call are counted and named" {
	escapes victim_deep ways x.data
	cat report.json
	grep -q '^inline 1$' command.out
	[[ $(row libc write reason) = *"inside fwrite, fprintf, fflush, dprintf" ]]
	[ "$(row libc write reached)" = true ]
	# Of the file fflush and dprintf; and six lines of what it says.
	[ "$(row libc write count)" = 8 ]
	[[ $(row libc openat reason) = *"inside fopen, mkstemp" ]]
	[ "$(row inlined write count)" = 1 ]
	# By number and by name they pass.
	[ "$(jq '[.[] | select(.call == "write")] | length' report.json)" = 2 ]
}

@test "known: without the deep tier the same are named by what leads there, and not counted" {
	known victim_deep ways x.data
	cat report.json
	[[ $(row libc write reason) = *"inside fwrite, fprintf, fflush, dprintf" ]]
	[ "$(row libc write count)" = null ]
	[ "$(row libc write reached)" = false ]
	[[ $(row libc openat reason) = *"inside fopen, mkstemp" ]]
}

@test "known: a way whose name begins another's is named beside it" {
	cat > scan.c <<'END'
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
int main(void)
{
	struct dirent **list;
	return scandirat(AT_FDCWD, ".", &list, 0, alphasort) < 0 ||
	       scandir(".", &list, 0, alphasort) < 0;
}
END
	gcc -O1 scan.c -o scan
	known ./scan
	cat report.json
	[[ $(row libc openat reason) = *"inside scandirat, scandir" ]]
}

@test "known: wide and formatted streams, and shared memory, lead there, too" {
	cat > streams.c <<'END'
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <wchar.h>
int main(void)
{
	FILE *stream = fopen("x.data", "w");
	int number = 0;

	fwprintf(stream, L"%d\n", 7);
	fclose(stream);
	stream = fopen("x.data", "r");
	if (fscanf(stream, "%d", &number) != 1 || number != 7)
		return 1;
	shm_open("/failkit-none", O_RDONLY, 0);
	return 0;
}
END
	gcc streams.c -o streams
	known ./streams
	cat report.json
	[[ $(row libc write reason) = *"inside fwprintf, fclose" ]]
	[[ $(row libc read reason) = *"inside fscanf" ]]
	[[ $(row libc openat reason) = *"inside fopen, shm_open" ]]
}

@test "static programs are named: as the command, by a shell's exec, by posix_spawn" {
	static=$(command -v victim_static)
	escapes "$static" write x.data 2> /dev/null || true
	[[ $(jq -r '.[0].reason' report.json) = "is static"* ]]
	escapes sh -c "'$static' write x.data; true"
	[ "$(jq -r '.[] | select(.kind == "child") | .subject' report.json)" = "$static" ]
	[[ $(jq -r '.[] | select(.kind == "child") | .reason' report.json) = "is static"* ]]
	escapes python3 -c "import os; os.waitpid(os.posix_spawn('$static', ['v', 'write', 'x.data'], os.environ), 0)"
	[[ $(jq -r '.[] | select(.kind == "child") | .reason' report.json) = "is static"* ]]
}

@test "a script is what its interpreter is; a setuid program is named to who is not root" {
	static=$(command -v victim_static)
	printf '#!%s write\n' "$static" > script
	chmod +x script
	escapes sh -c './script; true'
	[ "$(jq -r '.[] | select(.kind == "child") | .subject' report.json)" = ./script ]
	cp /bin/true changes
	chmod 6755 changes
	failctl escapes --user nobody --json -o /dev/stderr -- sh -c "$T/changes; true" 2> report.json
	cat report.json
	[[ $(jq -r '.[] | select(.kind == "child") | .reason' report.json) = "is setuid"* ]]
}

@test "a child whose environment was emptied past the interposer is named while it runs" {
	cat > empties.c <<'END'
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void)
{
	char *argv[] = {"sleep", "100", NULL}, *none[] = {NULL};
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(SYS_execve), "D"("/bin/sleep"), "S"(argv), "d"(none)
			 : "rcx", "r11", "memory");
	return (int)ret;
}
END
	gcc empties.c -o empties
	start run failctl run -p p -- ./empties
	named() {
		[ "$(failctl escapes -p p --json | jq -r '.[] | select(.kind == "process") | .subject')" = \
			"$(realpath /bin/sleep)" ]
	}
	eventually named
	[[ $(failctl escapes -p p) = *"runs without the interposer: its environment was emptied"* ]]
}

@test "a file that is mapped shared and writable is named, a private or read-only one is not" {
	cat > maps.py <<'END'
import mmap, sys
for name, how in (("shared", mmap.MAP_SHARED), ("private", mmap.MAP_PRIVATE)):
    with open(name, "w+b") as f:
        f.truncate(4096)
        mmap.mmap(f.fileno(), 4096, how)
        mmap.mmap(f.fileno(), 4096, mmap.MAP_SHARED, mmap.PROT_READ)
mmap.mmap(-1, 4096)
END
	escapes python3 maps.py
	[ "$(jq -r '.[] | select(.kind == "mapping") | .subject' report.json)" = "$T/shared" ]
	[ "$(row mapping mmap count)" = 1 ]
}

@test "a mapping that becomes writable is named, once; of what else is made so, nothing" {
	cat > protect.c <<'END'
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
static char *map(const char *path, int how, off_t at)
{
	int fd = open(path, O_RDWR);
	char *made = mmap(NULL, 4096, PROT_READ, how, fd, at);
	close(fd);
	return made;
}
int main(int argc, char **argv)
{
	int others = atoi(argv[1]), both = PROT_READ | PROT_WRITE;
	char *plain = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *own = map("file", MAP_PRIVATE, 0), *shared;
	for (int i = 0; i < others; i++)
		map("other", MAP_SHARED, 0);
	shared = map("file", MAP_SHARED, 4096);
	if (mprotect(plain, 4096, both) || mprotect(own, 4096, both))
		return 1;
	if (argc > 2 && (mprotect(shared, 4096, both) || (*shared = 'x', 0) ||
			 mprotect(shared, 4096, PROT_READ) || mprotect(shared, 4096, both)))
		return 2;
	return 0;
}
END
	gcc -w protect.c -o protect
	head -c 8192 /dev/zero > file
	head -c 8192 /dev/zero > other
	for others in 0 100; do
		escapes ./protect $others
		[ "$(jq '[.[] | select(.kind == "mapping")] | length' report.json)" = 0 ]
	done
	escapes ./protect 3 writes
	cat report.json
	[ "$(row mapping mmap subject)" = "$T/file" ]
	[ "$(row mapping mmap count)" = 1 ]
	# More than are remembered one by one are looked at all the same.
	escapes ./protect 100 writes
	[ "$(row mapping mmap subject)" = "$T/file" ]
	run --separate-stderr failctl run -e 'mprotect = error(ENOMEM)' -- ./protect 0 writes
	[ "$status" = 1 ]
}

# Makes a ring by syscall(), or by an instruction, and says what came of it.
make_ring() {
	cat > ring.c <<'END'
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char parameters[120] = {0};
	long ret;

	(void)argv;
	if (argc > 1)
		__asm__ volatile("syscall" : "=a"(ret) : "a"(SYS_io_uring_setup), "D"(1), "S"(parameters)
				 : "rcx", "r11", "memory");
	else if ((ret = syscall(SYS_io_uring_setup, 1, parameters)) < 0)
		ret = -errno;
	puts(ret < 0 ? strerror((int)-ret) : "made");
	return 0;
}
END
	gcc ring.c -o ring
}

@test "io_uring: named when one was made, refused with ENOSYS, or left alone" {
	make_ring
	for how in "" inline; do
		escapes ./ring $how
		[ "$(cat command.out)" = made ]
		[ "$(row io_uring io_uring_setup count)" = 1 ]
		run --separate-stderr failctl run --io-uring deny -- sh -c "./ring $how"
		[ "$output" = "Function not implemented" ]
		[ -z "$stderr" ]
	done
	run --separate-stderr failctl run -- ./ring
	[[ $output = made && $stderr = *'"ring" made an io_uring'* ]]
	run --separate-stderr failctl run --io-uring allow -- ./ring
	[[ $output = made && -z $stderr ]]
	run --separate-stderr failctl run --user nobody --io-uring deny -- "$T/ring"
	[ "$output" = "Function not implemented" ]
	run -125 failctl run --io-uring dney -- ./ring
	[[ $output = *'unknown policy for --io-uring "dney", did you mean "deny"?'* ]]
}

@test "a rule about a Go program is told to have matched nothing, and the report says why" {
	run --separate-stderr failctl run -e 'fdatasync:path=*.wal = error(EIO)' -- etcd --version
	[[ $stderr = *'matched no call'*'fdatasync:path=*.wal'* ]]
	escapes etcd --version
	[ "$(jq '[.[] | select(.kind == "inlined" and .call == "write")] | length + 0' report.json)" = 1 ]
}
