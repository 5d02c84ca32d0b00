/*
 * set_to_effect.c ROUNDS PAGE SET UNSET - how long from asking for a fault to its first effect?
 *
 * A target (bench/spin PAGE) already runs. Each round runs the command line SET (words divided by
 * "|"), waits until the target's writes fail, then runs UNSET and waits until they work again. The
 * time counts from just before SET is started to the first failing write, so it includes the start
 * of the tool, as a person or a script would see it. "set|PLANE|RULE" and "rm|PLANE|NAME" call the
 * control library instead, as failrun does. Prints microseconds, one round a line.
 */
#include "bench/spin.h"
#include "failkit/control.h"

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
static void run_command(const char *line)
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

static struct control *control_of(const char *plane)
{
	static struct control *control;
	struct why why = {""};

	if (!control && control_open(&control, plane, &why) < 0) {
		fprintf(stderr, "set_to_effect: %s\n", why.text);
		exit(1);
	}
	return control;
}

static void run(const char *line)
{
	char text[1024], *save = NULL;
	struct why why = {""};
	int rc;

	snprintf(text, sizeof(text), "%s", line);
	const char *verb = strtok_r(text, "|", &save);
	bool set = verb && !strcmp(verb, "set");
	if (!set && !(verb && !strcmp(verb, "rm"))) {
		run_command(line);
		return;
	}
	struct control *control = control_of(strtok_r(NULL, "|", &save));
	const char *what = strtok_r(NULL, "", &save);
	rc = set ? control_set(control, what, 0, NULL, NULL, &why)
		 : control_remove(control, what, -1, &why);
	if (rc < 0) {
		fprintf(stderr, "set_to_effect: \"%s\": %s\n", line, why.text);
		exit(1);
	}
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

int main(int argc, char **argv)
{
	int rounds = argc == 5 ? atoi(argv[1]) : 0, file = argc == 5 ? open(argv[2], O_RDWR) : -1;
	struct spin_page *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	if (rounds < 1 || file < 0 || page == MAP_FAILED)
		return 2;
	for (int i = 0; i < rounds; i++) {
		until(page, SPIN_PASSES);
		if (i == 0) { /* the first also opens what it needs */
			run(argv[3]);
			until(page, SPIN_FAILS);
			run(argv[4]);
			until(page, SPIN_PASSES);
		}
		int64_t start = now_ns();
		run(argv[3]);
		until(page, SPIN_FAILS);
		printf("%.1f\n", (double)(atomic_load(&page->changed_ns) - start) / 1e3);
		run(argv[4]);
	}
	until(page, SPIN_PASSES);
	return 0;
}
