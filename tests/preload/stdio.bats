#!/usr/bin/env bats
# stdio.bats - a stream that is made to fail looks to its program as one whose disk is full.

load ../cli/common.bash

setup_more() {
	cd "$T" || return
}

@test "a stream that fails is marked, and has lost what it held, as libc's" {
	victim_stdio /dev/full 2> real
	failctl run -e 'fflush:path=*.txt = 1*error(ENOSPC)' \
		-e 'fputs:path=*.txt = 2@error(ENOSPC)' -e 'fclose:path=*.txt = 2@error(ENOSPC)' \
		-e 'fputc,fwrite,fprintf,dprintf:path=*.txt = error(ENOSPC)' -- \
		victim_stdio out.txt 2> ours
	diff real ours
	[ ! -s out.txt ]
}

@test "opening a stream fails, closes what it made, and a failed freopen has closed" {
	cat > streams.c <<'END'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
int main(void)
{
	FILE *a = fopen("a.txt", "w"), *b;
	printf("%d %s\n", a == NULL, strerrorname_np(errno));
	b = fopen("b.log", "w");
	int fd = fileno(b);
	printf("%d\n", freopen("a.txt", "w", b) == NULL);
	printf("%d\n", fcntl(fd, F_GETFD));
	return 0;
}
END
	gcc -w -D_GNU_SOURCE streams.c -o streams
	run --separate-stderr failctl run -e 'fopen:path=*.txt = error_after(EMFILE)' \
		-e 'freopen:path=*.txt = error(EIO)' -- ./streams
	echo "$output"
	[ "$output" = "1 EMFILE
1
-1" ]
}
