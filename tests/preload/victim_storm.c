/*
 * victim_storm.c - many threads of many processes pass the same call at the same moment.
 *
 *     victim_storm FILE PROCESSES THREADS CALLS
 *
 * For every line it reads, all threads meet at a barrier, call fsync CALLS times and meet again;
 * then it prints how many of these calls failed. It ends with its input.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct shared {
	pthread_barrier_t start, end;
	_Atomic unsigned failed;
	_Atomic bool over;
} * shared;

static int fd;
static unsigned calls;

static void *storm(void *unused)
{
	for (;;) {
		pthread_barrier_wait(&shared->start);
		if (atomic_load(&shared->over))
			return unused;
		for (unsigned i = 0; i < calls; i++)
			if (fsync(fd) < 0)
				atomic_fetch_add(&shared->failed, 1);
		pthread_barrier_wait(&shared->end);
	}
}

static void run_threads(unsigned threads)
{
	pthread_t *ids = calloc(threads, sizeof(*ids));

	/* Whoever ends the first process ends all. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, storm, NULL))
			abort();
	for (unsigned i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	_exit(0);
}

static void share(unsigned parties)
{
	pthread_barrierattr_t attr;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		abort();
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->start, &attr, parties);
	pthread_barrier_init(&shared->end, &attr, parties);
}

int main(int argc, char **argv)
{
	unsigned processes, threads;
	char line[64];

	if (argc != 5)
		return 2;
	fd = open(argv[1], O_RDWR | O_CREAT, 0600);
	processes = (unsigned)atoi(argv[2]);
	threads = (unsigned)atoi(argv[3]);
	calls = (unsigned)atoi(argv[4]);
	share(processes * threads + 1);
	for (unsigned i = 0; i < processes; i++)
		if (fork() == 0)
			run_threads(threads);
	while (fgets(line, sizeof(line), stdin)) {
		pthread_barrier_wait(&shared->start);
		pthread_barrier_wait(&shared->end);
		printf("%u\n", atomic_exchange(&shared->failed, 0));
		fflush(stdout);
	}
	atomic_store(&shared->over, true);
	pthread_barrier_wait(&shared->start);
	while (wait(NULL) > 0)
		;
	return 0;
}
