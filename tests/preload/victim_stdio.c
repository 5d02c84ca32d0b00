/*
 * victim_stdio.c - what a program sees of a stream whose every write fails with ENOSPC: on /dev/full
 * by the kernel, elsewhere by rules. Both must look the same.
 *
 *     victim_stdio PATH
 */
#include <fcntl.h>
#include <stdio_ext.h>
#include <unistd.h>

#include "tests/preload/victim.h"

static void tell(const char *what, long ret, FILE *stream)
{
	fprintf(stderr, "%s %ld %s error %d pending %zu\n", what, ret, strerrorname_np(errno),
		ferror(stream) != 0, __fpending(stream));
}

int main(int argc, char **argv)
{
	const char *volatile hello = "hello"; /* what is constant the compiler gives to fwrite */
	FILE *stream;
	int fd;

	NEED(argc == 2 && (stream = fopen(argv[1], "w")));
	fd = fileno(stream);
	fputs(hello, stream);
	tell("flush", fflush(stream), stream);
	clearerr(stream);
	errno = 0;
	tell("again", fflush(stream), stream);
	setvbuf(stream, NULL, _IONBF, 0);
	tell("puts", fputs(hello, stream), stream);
	clearerr(stream);
	tell("putc", fputc('x', stream), stream);
	clearerr(stream);
	tell("write", (long)fwrite("hello", 1, 5, stream), stream);
	clearerr(stream);
	tell("print", fprintf(stream, "%d", 1), stream);
	fprintf(stderr, "dprint %d %s\n", dprintf(fd, "%d", 1), strerrorname_np(errno));
	NEED(fclose(stream) == 0);
	NEED(stream = fopen(argv[1], "w"));
	fputs(hello, stream);
	errno = 0;
	fprintf(stderr, "close %d %s\n", fclose(stream), strerrorname_np(errno));
	fprintf(stderr, "closed %d\n", fcntl(fd, F_GETFD));
	return 0;
}
