/*
 * set_to_effect.c ROUNDS PAGE SET UNSET - how long from asking for a fault to its first effect?
 *
 * A target (bench/spin PAGE) already runs. Each round runs the shell-less command line SET, waits
 * until the target's writes fail, then runs UNSET and waits until they work again. The time counts
 * from just before SET is started to the first failing write, so it includes the start of the tool,
 * as a person or a script would see it. Prints "p50_us p99_us".
 */
#include "bench/spin.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Words divided by "|", so that a rule may hold blanks. */
static void run(const char *line)
{
	char text[1024], *argv[16], *save = NULL;
	posix_spawn_file_actions_t quiet; /* what the tool prints is no figure */
	int argc = 0, status = 0;
	pid_t pid;

	snprintf(text, sizeof(text), "%s", line);
	for (char *w = strtok_r(text, "|", &save); w && argc < 15; w = strtok_r(NULL, "|", &save))
		argv[argc++] = w;
	argv[argc] = NULL;
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	if (!argc || posix_spawnp(&pid, argv[0], &quiet, NULL, argv, environ) ||
	    waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "set_to_effect: \"%s\" failed\n", line);
		exit(1);
	}
	posix_spawn_file_actions_destroy(&quiet);
}

static void until(struct spin_page *page, uint32_t state)
{
	int64_t limit = now_ns() + INT64_C(10000000000);

	while (atomic_load(&page->state) != state)
		if (now_ns() > limit) {
			fprintf(stderr, "set_to_effect: no effect within 10 s\n");
			exit(1);
		}
}

static int order(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int rounds = argc == 5 ? atoi(argv[1]) : 0, file = argc == 5 ? open(argv[2], O_RDWR) : -1;
	struct spin_page *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	int64_t *took = calloc((size_t)(rounds > 0 ? rounds : 1), sizeof(*took));

	if (rounds < 1 || file < 0 || page == MAP_FAILED || !took)
		return 2;
	for (int i = 0; i < rounds; i++) {
		until(page, SPIN_PASSES);
		int64_t start = now_ns();
		run(argv[3]);
		until(page, SPIN_FAILS);
		took[i] = atomic_load(&page->changed_ns) - start;
		run(argv[4]);
	}
	until(page, SPIN_PASSES);
	qsort(took, (size_t)rounds, sizeof(*took), order);
	printf("%.1f %.1f\n", (double)took[rounds / 2] / 1e3,
	       (double)took[rounds * 99 / 100] / 1e3);
	free(took);
	return 0;
}
