/* loop_write.c - N one-byte writes to /dev/null; prints nanoseconds a call. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? strtol(argv[1], NULL, 10) : 1000000;
	int fd = open("/dev/null", O_WRONLY);

	if (fd < 0 || n < 1)
		return 2;
	for (int i = 0; i < 1000; i++) /* binds the symbol, attaches the interposer */
		if (write(fd, "x", 1) != 1)
			return 1;
	long long start = now_ns();
	for (long i = 0; i < n; i++)
		if (write(fd, "x", 1) != 1)
			return 1;
	printf("%.2f\n", (double)(now_ns() - start) / (double)n);
	return 0;
}
