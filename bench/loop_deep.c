/* loop_deep.c HOW N - N one-byte writes to /dev/null: by name, by an inlined instruction or by
 * fflush; prints nanoseconds of processor time a call. What the deep tier costs where it traps and where it does not.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/preload/inline.h"

static FILE *stream;
static int fd;

static int by_name(void)
{
	return write(fd, "x", 1) != 1;
}

static int by_instruction(void)
{
	return inline_write(fd, "x", 1) != 1;
}

static int by_stream(void)
{
	return putc('x', stream) != 'x' || fflush(stream) != 0;
}

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*call)(void);
	} ways[] = {{"name", by_name}, {"inline", by_instruction}, {"stream", by_stream}};
	long n = argc > 2 ? strtol(argv[2], NULL, 10) : 0;

	fd = open("/dev/null", O_WRONLY);
	stream = fopen("/dev/null", "w");
	for (size_t w = 0; n > 0 && w < sizeof(ways) / sizeof(ways[0]); w++) {
		long long start = now_ns();

		if (strcmp(argv[1], ways[w].name) != 0)
			continue;
		for (long i = -1000; i < n; i++) {
			if (i == 0)
				start = now_ns();
			if (ways[w].call())
				return 1;
		}
		printf("%.2f\n", (double)(now_ns() - start) / (double)n);
		return 0;
	}
	return 2;
}
