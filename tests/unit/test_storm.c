/*
 * test_storm.c - rules come, change and go a thousand times a second under a victim in turmoil
 * (tests/preload/victim_turmoil.c): no one-shot is lost or fires twice, no other file is hit, nobody
 * hangs, no slot is left.
 *
 * One thread sets one-shots, one after the other, and waits for each to fire; another changes all
 * kinds of other rules. STORM_SECONDS says how long each case lasts (4).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "failkit/control.h"
#include "tests/preload/turmoil.h"

static const int64_t second_ns = 1000000000;

struct storm {
	char folder[64];
	struct control *control;
	struct turmoil *page;
	const char *one_shot;
	const char *const *rules;
	pid_t victim;
	pthread_rwlock_t heals; /* a heal ends one-shots, too: never while one is out */
	_Atomic bool over;
	_Atomic uint64_t shots, changes;
	_Atomic int lost;
	struct why why;
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * second_ns + t.tv_nsec;
}

static const char *built(const char *name, char path[4096])
{
	const char *build = getenv("FAILKIT_BUILD");
	char relative[4096];

	snprintf(relative, sizeof(relative), "%s/%s", build ? build : "build/plain", name);
	assert_non_null(realpath(relative, path));
	return path;
}

static int set_up(void **state)
{
	struct storm *s = calloc(1, sizeof(*s));
	char path[128];

	strcpy(s->folder, "/tmp/failkit-storm-XXXXXX");
	if (!mkdtemp(s->folder))
		return -1;
	setenv("FAILKIT_DIR", s->folder, 1);
	snprintf(path, sizeof(path), "%s/page", s->folder);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*s->page)) < 0)
		return -1;
	s->page = mmap(NULL, sizeof(*s->page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	pthread_rwlock_init(&s->heals, NULL);
	*state = s;
	return control_create(&s->control, "storm", NULL, &s->why);
}

static int tear_down(void **state)
{
	struct storm *s = *state;
	char command[128];

	if (s->victim) {
		kill(s->victim, SIGKILL);
		waitpid(s->victim, NULL, 0);
	}
	control_close(s->control);
	munmap(s->page, sizeof(*s->page));
	snprintf(command, sizeof(command), "rm -rf %s", s->folder);
	free(s);
	return system(command);
}

static void start_victim(struct storm *s, const char *how, const char *library)
{
	char victim[4096];
	char **environment = control_environment(s->control, NULL, library, environ, &s->why);

	assert_non_null(environment);
	built("victim/victim_turmoil", victim);
	s->victim = fork();
	if (s->victim == 0) {
		execle(victim, victim, s->folder, how, NULL, environment);
		_exit(127);
	}
	control_environment_free(environment);
}

/* Each one-shot fires once: no fewer within a minute, no more until it is removed. */
static void *shoot(void *arg)
{
	struct storm *s = arg;
	struct control_rule rule;
	struct why why = {""};

	while (!atomic_load(&s->over)) {
		pthread_rwlock_rdlock(&s->heals);
		int rc = control_set(s->control, s->one_shot, 0, NULL, NULL, &why);
		if (rc == 0)
			rc = control_wait_fired(s->control, "once", 1, now_ns() + 60 * second_ns,
						&why);
		if (rc == 0)
			rc = control_rule(s->control, "once", &rule, &why);
		if (rc == 0 && rule.fires != 1)
			rc = why_set(&why, -EDOM, "fired %llu times",
				     (unsigned long long)rule.fires);
		int removed = control_remove(s->control, "once", now_ns() + 60 * second_ns, &why);
		pthread_rwlock_unlock(&s->heals);
		if (rc < 0 || removed < 0) {
			s->why = why;
			atomic_store(&s->lost, 1);
			break;
		}
		atomic_fetch_add(&s->shots, 1);
	}
	return NULL;
}

static int heal(struct storm *s, struct why *why)
{
	pthread_rwlock_wrlock(&s->heals);
	int rc = control_heal(s->control, now_ns() + 60 * second_ns, why);
	pthread_rwlock_unlock(&s->heals);
	return rc;
}

/* One change a millisecond: set or replaced in turn, now and then removed, released or healed. */
static void *change(void *arg)
{
	struct storm *s = arg;
	struct why why = {""};
	struct timespec next;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (unsigned turn = 0, rules = 0; !atomic_load(&s->over) && rc == 0; turn++) {
		while (s->rules[rules])
			rules++;
		rc = control_set(s->control, s->rules[turn % rules], 0, NULL, NULL, &why);
		if (rc == 0 && turn % 7 == 3)
			rc = control_release(s->control, NULL, NULL, &why);
		if (rc == 0 && turn % 50 == 49)
			rc = heal(s, &why);
		atomic_fetch_add(&s->changes, 1);
		next.tv_nsec += 1000000;
		if (next.tv_nsec >= second_ns)
			next = (struct timespec){next.tv_sec + 1, next.tv_nsec - second_ns};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
	if (rc < 0) {
		s->why = why;
		atomic_store(&s->lost, 2);
	}
	return NULL;
}

static int count_live(void *arg, const struct control_process *process)
{
	*(int *)arg += strcmp(process->state, "dead") != 0;
	return 0;
}

/* The victim ends by itself, soon, and well. */
static void end_victim(struct storm *s)
{
	int64_t limit = now_ns() + 60 * second_ns;
	const struct timespec poll = {0, 5000000};
	int status = -1, live = 0;
	pid_t ended;

	atomic_store(&s->page->stop, 1);
	while ((ended = waitpid(s->victim, &status, WNOHANG)) == 0 && now_ns() < limit)
		nanosleep(&poll, NULL);
	if (ended == 0)
		fail_msg("the victim hangs");
	s->victim = 0;
	assert_int_equal(status, 0);
	assert_int_equal(control_processes(s->control, count_live, &live), 0);
	assert_int_equal(live, 0);
}

static void rage(struct storm *s)
{
	const char *seconds = getenv("STORM_SECONDS");
	int64_t until = now_ns() + (seconds ? atoll(seconds) : 4) * second_ns;
	const struct timespec poll = {0, 20000000};
	pthread_t shooter, changer;
	int status;

	/* Sixteen threads at least pass before it counts. */
	while (atomic_load(&s->page->threads) < 16 && waitpid(s->victim, &status, WNOHANG) == 0)
		nanosleep(&poll, NULL);
	pthread_create(&shooter, NULL, shoot, s);
	pthread_create(&changer, NULL, change, s);
	while (now_ns() < until && !atomic_load(&s->lost) && !atomic_load(&s->page->wrong))
		nanosleep(&poll, NULL);
	atomic_store(&s->over, true);
	pthread_join(shooter, NULL);
	pthread_join(changer, NULL);
	assert_int_equal(heal(s, &s->why), 0);
	end_victim(s);

	struct turmoil *p = s->page;
	print_message(
		"%llu one-shots, %llu changes; %llu writes, %llu points, %llu forks, %llu execs, "
		"%llu numbers reused, %llu descriptors passed; %llu other fires\n",
		(unsigned long long)s->shots, (unsigned long long)s->changes,
		(unsigned long long)p->writes, (unsigned long long)p->points,
		(unsigned long long)p->forks, (unsigned long long)p->executions,
		(unsigned long long)p->reused, (unsigned long long)p->passed,
		(unsigned long long)p->often);
	if (s->lost || p->wrong)
		fail_msg("%s%s", s->lost ? s->why.text : "", p->wrong ? p->what : "");
	assert_true(s->shots > 0);
	assert_int_equal(p->once, s->shots);
	assert_true(p->points > 0 && p->forks > 0 && p->executions > 0);
}

static void calls_in_a_storm(void **state)
{
	static const char *const rules[] = {
		"a := pwrite:path=*.hit = 5%error(EIO)",
		"b := fsync = 10%delay(1ms,jitter=1ms)",
		"c := %write:path=*.hit = 20%short(50%)",
		"d := pwrite:path=*/nobody = error(ENOSPC)",
		"e := pwrite:node=nobody = error(ENOSPC)",
		"f := pwrite:path=*.hit = 1%pause(100ms)",
		"g := close,dup2,dup3,openat = 1%delay(200us)",
		"a := pwrite:path=*.hit:per=thread = 3*off->5%error(EIO)",
		"h := pwrite:path=*.hit => fsync:path=*/other:same=tid = error(EIO)",
		"i := turmoil/point = 5%error(EAGAIN)",
		NULL,
	};
	struct storm *s = *state;
	char library[4096];

	s->one_shot = "once := pwrite:path=*.hit = 1*error(EDQUOT)";
	s->rules = rules;
	start_victim(s, "calls", built("libfailpreload.so", library));
	rage(s);
	assert_true(s->page->reused > 0 && s->page->passed > 0 && s->page->often > 0);
}

/* The engine is the victim's own, so in a build with TSan all of it is watched. */
static void points_in_a_storm(void **state)
{
	static const char *const rules[] = {
		"a := turmoil/point = 5%error(EAGAIN)",
		"b := turmoil/point = 2%delay(1ms,jitter=1ms)",
		"c := turmoil/other = error(EIO)",
		"d := turmoil/point:node=nobody = error(EIO)",
		"a := turmoil/point:per=thread = 3*off->5%error(EAGAIN)",
		"e := turmoil/point = 1%pause(50ms)",
		"f := turmoil/* => turmoil/other:same=tid = error(EIO)",
		NULL,
	};
	struct storm *s = *state;

	s->one_shot = "once := turmoil/point = 1*error(ENOLCK)";
	s->rules = rules;
	start_victim(s, "points", CONTROL_NO_LIBRARY);
	rage(s);
	assert_true(s->page->often > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(calls_in_a_storm, set_up, tear_down),
		cmocka_unit_test_setup_teardown(points_in_a_storm, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
