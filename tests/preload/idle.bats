#!/usr/bin/env bats
# idle.bats - an interposer with nothing to do is not there: the kernel sees the same calls with the
# same arguments and results. And programs of other makers run under it.

load ../cli/common.bash

setup_more() {
	cd "$T" || return
}

# What the kernel saw between the two marks, addresses apart.
between() {
	awk '/fsync\(-102\)/ {on = 0} on {print} /fsync\(-101\)/ {on = 1}' "$1" |
		sed -E 's/0x[0-9a-f]+/ADDRESS/g'
}

@test "the kernel sees the same calls and results with and without it" {
	mkdir bare ours
	(cd bare && strace -o ../bare.trace victim_idle)
	(cd ours && failctl run -- strace -o ../ours.trace victim_idle)
	between bare.trace > bare.calls
	between ours.trace > ours.calls
	[ "$(wc -l < bare.calls)" -gt 70 ]
	diff bare.calls ours.calls
}

@test "Python, Perl and a pipeline of the shell give the same output under rules about others" {
	cat > work.py <<'END'
import os, subprocess, threading, tempfile
with tempfile.TemporaryDirectory() as d:
    def job(n):
        for i in range(50):
            p = os.path.join(d, f"{n}.{i}")
            with open(p, "w") as f:
                f.write("x" * 1000)
                f.flush()
                os.fsync(f.fileno())
            os.rename(p, p + ".done")
    ts = [threading.Thread(target=job, args=(n,)) for n in range(4)]
    [t.start() for t in ts]
    [t.join() for t in ts]
    print(len(os.listdir(d)), subprocess.check_output("seq 5 | sort -r | head -2", shell=True))
END
	rules='%all:path=/nowhere/** = error(EIO); %write:path=**/*.never = short(1)'
	for command in "python3 work.py" "perl -e 'print join(q(,), sort map {\$_ * 2} 1..5)'" \
		"seq 1000 | sort -n | tail -1"; do
		bare=$(bash -c "$command")
		run --separate-stderr failctl run -e "$rules" -- bash -c "$command"
		echo "$output / $bare"
		[ "$output" = "$bare" ]
	done
}

@test "targets built with sanitizers run and are judged" {
	cat > target.c <<'END'
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void *work(void *arg)
{
	char *heap = malloc(100);
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	(void)arg;
	memset(heap, 'x', 100);
	for (int i = 0; i < 200; i++)
		if (write(fd, heap, 100) != 100)
			abort();
	close(fd);
	free(heap);
	return NULL;
}
int main(void)
{
	pthread_t t[4];
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, work, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	int ret = fsync(1);
	printf("fsync %d %d\n", ret, errno == EIO);
	return 0;
}
END
	asan=$(gcc -print-file-name=libasan.so)
	for how in "gcc -fsanitize=address" "gcc -fsanitize=thread" "clang -fsanitize=address" \
		"clang -fsanitize=thread"; do
		$how -g -O1 -w target.c -o target -lpthread
		command=(./target)
		if [ "$how" = "gcc -fsanitize=address" ]; then
			command=(env "LD_PRELOAD=$asan" ./target)
		fi
		run --separate-stderr env ASAN_OPTIONS= TSAN_OPTIONS=halt_on_error=1 failctl run \
			-e 'fsync = error(EIO)' -e 'write:path=*.none = error(EIO)' -- "${command[@]}"
		echo "$how: $output $stderr"
		[ "$output" = "fsync -1 1" ]
	done
}
