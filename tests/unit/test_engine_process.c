/*
 * Many processes on one plane: a one-shot rule fires once, a child takes a slot of its own, what
 * kills kills, and nothing that the plane may hold kills.
 */
#include "engine_support.h"

#include <sched.h>

#include "failpoint/core.h"

enum { PROCESSES = 8, THREADS = 8, ROUNDS = 50, GARBAGE_ROUNDS = 200 };

/* ---- Exactly once ---- */

/* shared[0]: go; shared[1]: how often it fired. */
static void *race(void *shared)
{
	_Atomic int *at = shared;

	while (!atomic_load(&at[0]))
		sched_yield();
	for (int i = 0; i < 4; i++)
		if (pass_fd(CALL_fsync, 1) == EIO)
			atomic_fetch_add(&at[1], 1);
	return NULL;
}

static void race_in_threads(_Atomic int *shared)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, race, shared);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	_exit(0);
}

static void a_one_shot_fires_once_in_all_processes(void **state)
{
	_Atomic int *shared =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		pid_t pids[PROCESSES];

		atomic_store(&shared[0], 0);
		atomic_store(&shared[1], 0);
		set_rule("once := fsync = 1*error(EIO)");
		for (int p = 0; p < PROCESSES; p++) {
			pids[p] = fork();
			if (pids[p] == 0)
				race_in_threads(shared);
		}
		atomic_store(&shared[0], 1);
		for (int p = 0; p < PROCESSES; p++)
			assert_int_equal(waitpid(pids[p], NULL, 0), pids[p]);
		assert_int_equal(atomic_load(&shared[1]), 1);
		assert_int_equal(rule_named("once").fires, 1);
		assert_int_equal(rule_named("once").matches, PROCESSES * THREADS * 4);
		heal();
	}
	munmap((void *)(uintptr_t)shared, 4096);
}

/* ---- Slots ---- */

static int find_pid(void *arg, const struct control_process *process)
{
	return process->pid == *(pid_t *)arg ? 1 : 0;
}

static bool has_slot(pid_t pid)
{
	return control_processes(control, find_pid, &pid) == 1;
}

static void a_forked_child_takes_a_slot_at_its_first_passage(void **state)
{
	pid_t child;
	int status;

	(void)state;
	assert_true(has_slot(getpid()));
	set_rule("fsync = error(EIO)");
	child = fork();
	if (child == 0) {
		bool before = has_slot(getpid());
		int err = pass_fd(CALL_fsync, 1);

		_exit(!before && err == EIO && has_slot(getpid()) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	heal();
}

static int pass_in_namespace(int depth)
{
	const struct plane_slot *before = core.slot;
	pid_t child;
	int status;

	/* By number: unshare is refused where a sanitizer has a thread of its own. */
	child = (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_NEWPID | (depth == 2 ? CLONE_NEWUSER : 0),
			       0, 0, 0, 0);
	if (child < 0)
		return 9;
	if (child == 0) {
		if (getpid() != 1 || pass_fd(CALL_fsync, 1) != EIO || core.slot == before)
			_exit(1);
		_exit(depth > 1 ? pass_in_namespace(depth - 1) : 0);
	}
	return waitpid(child, &status, 0) == child ? WEXITSTATUS(status) : 8;
}

/* Both are process 1, each of its own namespace. */
static void a_child_with_its_parents_number_takes_a_slot_too(void **state)
{
	pid_t child;
	int status;

	(void)state;
	set_rule("fsync = error(EIO)");
	child = fork();
	if (child == 0)
		_exit(pass_in_namespace(2));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	heal();
}

static void slots_of_the_dead_are_taken_again(void **state)
{
	(void)state;
	set_rule("fsync = error(EIO)");
	for (int i = 0; i < SLOT_MAX + 8; i++) {
		pid_t child = fork();
		int status;

		if (child == 0)
			_exit(pass_fd(CALL_fsync, 1) == EIO ? 0 : 1);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
	heal();
}

/* A process may be killed just when it takes its slot. */
static void slots_of_those_who_died_while_attaching_are_taken_again(void **state)
{
	struct identity dead;
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	identity_self(&dead);
	dead.pid = (uint32_t)child;
	for (unsigned i = 0; i < SLOT_MAX; i++)
		if (&core.slots[i] != core.slot)
			atomic_store(&core.slots[i].state, slot_attaching(0, &dead));
	set_rule("fsync = error(EIO)");
	child = fork();
	if (child == 0)
		_exit(pass_fd(CALL_fsync, 1) == EIO ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	heal();
}

/* A program may contain an engine and be preloaded with another: the second one to come changes
 * nothing under a walk of the first. */
static void a_second_engine_leaves_the_slot_as_it_is(void **state)
{
	const struct plane_slot *slot = core.slot;

	(void)state;
	pass_fd(CALL_read, 1);
	assert_int_equal(engine_armed[CALL_read], 0);
	assert_true(slot_attach());
	assert_ptr_equal(core.slot, slot);
	assert_int_equal(engine_armed[CALL_read], 0);
}

/* ---- What ends a process ---- */

static const struct {
	const char *rule;
	int signal, status;
} ends[] = {
	{"fsync = kill", SIGKILL, 0},
	{"fsync = kill(TERM)", SIGTERM, 0},
	{"fsync = abort", SIGABRT, 0},
	{"fsync = exit(7)", 0, 7},
};

static void a_process_ends_as_the_rule_says_and_leaves_an_event(void **state)
{
	static struct control_event event, last;
	uint64_t at = 0, lost;

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		pid_t child;
		int status;

		set_rule(ends[i].rule);
		child = fork();
		if (child == 0) {
			signal(SIGABRT, SIG_IGN);
			pass_fd(CALL_fsync, 1);
			_exit(1);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		if (ends[i].signal)
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == ends[i].signal);
		else
			assert_int_equal(WEXITSTATUS(status), ends[i].status);
		while (control_event_next(control, &at, &lost, &event) == 1)
			last = event;
		assert_int_equal(last.kind, EVENT_BEGIN);
		assert_int_equal(last.pid, child);
		heal();
	}
}

/* ---- Garbage ---- */

static uint64_t random_state = 42;

static uint64_t random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* The plane whole, or (sparse) some bytes of the entries that rules are in. */
static void spoil(char *plane, uint64_t bytes, bool sparse)
{
	struct plane_head *head = (struct plane_head *)(void *)plane;

	if (!sparse) {
		for (uint64_t i = 0; i + 8 <= bytes; i += 8)
			*(uint64_t *)(void *)(plane + i) = random_word();
		return;
	}
	for (int i = 0; i < 64; i++) {
		uint64_t offset = random_word() % (4 * sizeof(struct plane_rule));

		((char *)plane_rules(head))[offset] = (char)random_word();
	}
}

static void pass_everywhere(void)
{
	for (unsigned call = 0; call < CALL_COUNT; call++) {
		struct hit hit = hit_of(call, (int)(call % FAKE_FDS));

		hit.path = call % 3 ? NULL : "/data/some/file.wal";
		hit.len = call;
		pass(&hit, 0, 0);
	}
}

static void whatever_the_plane_holds_the_target_lives(void **state)
{
	struct plane_part part[PART_MAX];
	uint64_t bytes = plane_layout(part);

	(void)state;
	for (int round = 0; round < 4; round++) {
		pid_t child = fork();
		int status;

		if (child == 0) {
			int fd = open(control_path(control), O_RDWR);
			char *plane = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

			alarm(DEADLINE_S * 2);
			pass_everywhere();
			random_state += (uint64_t)round;
			spoil(plane, bytes, false);
			for (int i = 0; i < 4; i++)
				pass_everywhere();
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
}

/* Text intact, body wrong: what fires then is not what was asked for, but it is something the
 * engine can do. Only actions that the rules below could turn into are possible, or none. */
static void a_rule_with_a_broken_body_does_no_harm(void **state)
{
	struct plane_part part[PART_MAX];
	uint64_t bytes = plane_layout(part);
	int fd = open(control_path(control), O_RDWR);
	char *plane = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	(void)state;
	close(fd);
	for (int round = 0; round < GARBAGE_ROUNDS; round++) {
		pid_t child;
		int status;

		set_rule("%all:path=/data/**:path!=*.tmp = 2..9+3@50%error!(EIO)");
		set_rule(
			"write:path~\"^/data/(a|some)+.*[.]wal$\" => %all:same=file = error!(EIO)");
		set_rule("%all:len>2:offset<1M:flags&O_TRUNC = 2*short(50%)->lie");
		child = fork();
		if (child == 0) {
			alarm(DEADLINE_S);
			random_state += (uint64_t)round;
			spoil(plane, bytes, true);
			pass_everywhere();
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
			fail_msg("round %d: signal %d", round, WTERMSIG(status));
		heal();
	}
	munmap(plane, bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_one_shot_fires_once_in_all_processes),
		cmocka_unit_test(a_forked_child_takes_a_slot_at_its_first_passage),
		cmocka_unit_test(a_child_with_its_parents_number_takes_a_slot_too),
		cmocka_unit_test(slots_of_the_dead_are_taken_again),
		cmocka_unit_test(slots_of_those_who_died_while_attaching_are_taken_again),
		cmocka_unit_test(a_second_engine_leaves_the_slot_as_it_is),
		cmocka_unit_test(a_process_ends_as_the_rule_says_and_leaves_an_event),
		cmocka_unit_test(a_rule_with_a_broken_body_does_no_harm),
		cmocka_unit_test(whatever_the_plane_holds_the_target_lives), /* leaves a wreck */
	};

	return cmocka_run_group_tests(tests, open_plane, close_plane);
}
