/*
 * loop_call.c - N passages of one call in each of some threads; prints nanoseconds a call.
 *
 *     loop_call CALL THREADS N
 *
 *     write    a byte to /dev/null            fsync    of a file in memory that has not changed
 *     pwrite   4 KiB to a file in memory      send     64 bytes over loopback, to nobody who reads
 *     inline   the write by an inlined system call    stream   the same by putc and fflush
 *
 * Each thread has a descriptor of its own, and takes its own time by the wall clock, from the moment
 * when all are ready; printed is the mean. Of two threads on two processors that share nothing, each
 * takes as long as one alone.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/preload/inline.h"

enum { THREADS_MAX = 16, PAGE = 4096, WARM = 200 };

struct place {
	int fd;
	FILE *stream;
};

static char page[PAGE];
static pthread_barrier_t ready;
static long calls;

static bool open_null(struct place *p)
{
	p->fd = open("/dev/null", O_WRONLY);
	return p->fd >= 0;
}

static bool open_stream(struct place *p)
{
	p->stream = fopen("/dev/null", "w");
	return p->stream != NULL;
}

static bool open_file(struct place *p)
{
	char name[] = "/dev/shm/failkit-bench-XXXXXX";

	p->fd = mkstemp(name);
	return p->fd >= 0 && unlink(name) == 0;
}

/* A socket that nobody reads takes what fits; the rest is dropped, at the same price. */
static bool open_socket(struct place *p)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(to);
	int sink = socket(AF_INET, SOCK_DGRAM, 0);

	p->fd = socket(AF_INET, SOCK_DGRAM, 0);
	return sink >= 0 && p->fd >= 0 && !bind(sink, (struct sockaddr *)&to, size) &&
	       !getsockname(sink, (struct sockaddr *)&to, &size) &&
	       !connect(p->fd, (struct sockaddr *)&to, size);
}

static bool call_write(struct place *p)
{
	return write(p->fd, "x", 1) == 1;
}

static bool call_inline(struct place *p)
{
	return inline_write(p->fd, "x", 1) == 1;
}

static bool call_stream(struct place *p)
{
	return putc('x', p->stream) == 'x' && fflush(p->stream) == 0;
}

static bool call_pwrite(struct place *p)
{
	return pwrite(p->fd, page, PAGE, 0) == PAGE;
}

static bool call_fsync(struct place *p)
{
	return fsync(p->fd) == 0;
}

static bool call_send(struct place *p)
{
	return send(p->fd, page, 64, 0) == 64;
}

static const struct way {
	const char *name;
	bool (*open)(struct place *);
	bool (*call)(struct place *);
} ways[] = {
	{"write", open_null, call_write},     {"inline", open_null, call_inline},
	{"stream", open_stream, call_stream}, {"pwrite", open_file, call_pwrite},
	{"fsync", open_file, call_fsync},     {"send", open_socket, call_send},
};

static const struct way *way;

static void check(bool good)
{
	if (good)
		return;
	fprintf(stderr, "loop_call: %s failed: %m\n", way->name);
	_exit(1);
}

/* Opens the place; binds the symbol and attaches the interposer. */
static void warm_up(struct place *place)
{
	*place = (struct place){.fd = -1};
	check(way->open(place));
	for (int i = 0; i < WARM; i++)
		check(way->call(place));
}

static void pass(struct place *place)
{
	bool good = true;

	for (long i = 0; i < calls && good; i++)
		good = way->call(place);
	check(good);
}

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void *in_thread(void *took)
{
	struct place place;

	warm_up(&place);
	pthread_barrier_wait(&ready);
	long long start = now_ns();
	pass(&place);
	*(long long *)took = now_ns() - start;
	return NULL;
}

/* libc is cheaper in a program that never had a second thread. */
static long long alone(void)
{
	struct place place;

	warm_up(&place);
	long long start = now_ns();
	pass(&place);
	return now_ns() - start;
}

static long long together(unsigned threads)
{
	long long took[THREADS_MAX], sum = 0;
	pthread_t thread[THREADS_MAX];

	pthread_barrier_init(&ready, NULL, threads);
	for (unsigned i = 0; i < threads; i++)
		check(pthread_create(&thread[i], NULL, in_thread, &took[i]) == 0);
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(thread[i], NULL);
		sum += took[i];
	}
	return sum / threads;
}

int main(int argc, char **argv)
{
	unsigned threads = argc == 4 ? (unsigned)atoi(argv[2]) : 0;

	for (size_t i = 0; argc == 4 && i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(argv[1], ways[i].name))
			way = &ways[i];
	calls = argc == 4 ? atol(argv[3]) : 0;
	if (!way || threads < 1 || threads > THREADS_MAX || calls < 1) {
		fprintf(stderr,
			"usage: loop_call write|inline|stream|pwrite|fsync|send THREADS N\n");
		return 2;
	}
	printf("%.2f\n", (double)(threads == 1 ? alone() : together(threads)) / (double)calls);
	return 0;
}
