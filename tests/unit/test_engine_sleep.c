/*
 * Threads inside an action leave it at once when the rule is healed, removed, released or its
 * controller dies. Sleeps are an hour long, so a test that ends in its deadline was woken.
 */
#include "engine_support.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

enum { SLEEPERS = 4 };

static void *sleep_in_fsync(void *err)
{
	*(int *)err = pass_fd(CALL_fsync, 1);
	return NULL;
}

static void start(pthread_t *threads, int *errs)
{
	for (int i = 0; i < SLEEPERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sleep_in_fsync, &errs[i]), 0);
}

static void join(pthread_t *threads)
{
	for (int i = 0; i < SLEEPERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void wait_inside(const char *name)
{
	int64_t until = deadline();

	while (rule_named(name).inside < SLEEPERS) {
		if (now_ns() > until)
			fail_msg("%s: %u inside", name, rule_named(name).inside);
		sched_yield();
	}
}

static void a_heal_wakes_and_what_was_to_follow_is_left_out(void **state)
{
	pthread_t threads[SLEEPERS];
	int errs[SLEEPERS];

	(void)state;
	set_rule("x := fsync = delay(1h),error(EIO)");
	start(threads, errs);
	wait_inside("x");
	heal();
	join(threads);
	for (int i = 0; i < SLEEPERS; i++)
		assert_int_equal(errs[i], 0);
}

static void a_removal_wakes(void **state)
{
	pthread_t threads[SLEEPERS];
	int errs[SLEEPERS];

	(void)state;
	set_rule("x := fsync = pause(1h)");
	start(threads, errs);
	wait_inside("x");
	assert_int_equal(control_remove(control, "x", deadline(), &why), 0);
	join(threads);
}

static void a_release_lets_go_on_and_the_rule_stays(void **state)
{
	pthread_t threads[SLEEPERS];
	int errs[SLEEPERS];
	unsigned released = 0;

	(void)state;
	set_rule("x := fsync = 4*pause(1h),error(EIO)");
	start(threads, errs);
	assert_int_equal(control_wait_paused(control, "x", SLEEPERS, deadline(), &why), 0);
	assert_int_equal(control_release(control, "x", &released, &why), 0);
	join(threads);
	assert_int_equal(released, SLEEPERS);
	for (int i = 0; i < SLEEPERS; i++)
		assert_int_equal(errs[i], EIO);
	assert_true(rule_named("x").live);
	heal();
}

static void a_pause_ends_at_its_limit(void **state)
{
	int64_t begin = now_ns();

	(void)state;
	set_rule("fsync = pause(20ms),error(EIO)");
	assert_int_equal(pass_fd(CALL_fsync, 1), EIO);
	assert_true(now_ns() - begin >= 20000000);
	heal();
}

/* Holds a rule until it is killed; says when it is set. */
static void hold(int ready)
{
	struct control *own;

	if (control_open(&own, control_path(control), NULL) || control_hold(own, NULL) ||
	    control_set(own, "held := fsync = pause(1h),error(EIO)", CONTROL_HELD, NULL, NULL,
			NULL))
		_exit(1);
	if (write(ready, "", 1) != 1)
		_exit(2);
	for (;;)
		pause();
}

static void the_death_of_the_holder_wakes(void **state)
{
	pthread_t threads[SLEEPERS];
	int errs[SLEEPERS], ready[2];
	pid_t holder;
	char byte;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	holder = fork();
	assert_true(holder >= 0);
	if (holder == 0)
		hold(ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	start(threads, errs);
	wait_inside("held");
	kill(holder, SIGKILL);
	join(threads);
	for (int i = 0; i < SLEEPERS; i++)
		assert_int_equal(errs[i], 0);
	assert_int_equal(waitpid(holder, NULL, 0), holder);
	assert_int_equal(pass_fd(CALL_fsync, 1), 0);
	close(ready[0]);
	heal();
}

static sigjmp_buf outside;
static pthread_t sleeping, waker;

static void *wake_by_signal(void *arg)
{
	struct why w;

	(void)arg;
	if (control_wait_paused(control, "x", 1, deadline(), &w) == 0)
		pthread_kill(sleeping, SIGALRM);
	return NULL;
}

/* SIGALRM comes to this thread once it pauses for rule x: never before, however busy the machine is. */
static void signal_when_paused(void)
{
	sleeping = pthread_self();
	assert_int_equal(pthread_create(&waker, NULL, wake_by_signal, NULL), 0);
}

static void jump(int signal)
{
	(void)signal;
	siglongjmp(outside, 1);
}

/* A handler that jumps out of a pause leaves neither a cell nor an "inside" behind. */
static void a_jump_out_of_a_sleep_leaves_nothing(void **state)
{
	struct sigaction action = {.sa_handler = jump};

	(void)state;
	sigaction(SIGALRM, &action, NULL);
	set_rule("x := fsync = 1*pause(1h)->error(EIO)");
	if (!sigsetjmp(outside, 1)) {
		signal_when_paused();
		pass_fd(CALL_fsync, 1);
		fail_msg("the pause ended");
	}
	pthread_join(waker, NULL);
	assert_int_equal(pass_fd(CALL_fsync, 1), EIO);
	assert_int_equal(rule_named("x").inside, 0);
	heal();
}

static void sleep_and_jump(int signal)
{
	pass_fd(CALL_write, 1);
	jump(signal);
}

/* The handler has slept, too, before it jumped. */
static void a_jump_out_of_two_sleeps_leaves_nothing(void **state)
{
	struct sigaction action = {.sa_handler = sleep_and_jump};

	(void)state;
	sigaction(SIGALRM, &action, NULL);
	set_rule("x := fsync = 1*pause(1h)->error(EIO)");
	set_rule("y := write = delay(1ms)");
	if (!sigsetjmp(outside, 1)) {
		signal_when_paused();
		pass_fd(CALL_fsync, 1);
		fail_msg("the pause ended");
	}
	pthread_join(waker, NULL);
	assert_int_equal(rule_named("y").fires, 1);
	assert_int_equal(pass_fd(CALL_fsync, 1), EIO);
	assert_int_equal(rule_named("x").inside, 0);
	heal();
}

static void jump_within_the_engine(void)
{
	on_resolve = NULL;
	siglongjmp(outside, 1);
}

static __attribute__((noinline)) int pass_deeper(int depth)
{
	volatile char *room = __builtin_alloca(512);
	int err;

	*room = 0;
	err = depth ? pass_deeper(depth - 1) : pass_fd(CALL_fsync, 1);
	return err + *room;
}

/* Not out of a sleep, but out of the engine's own work; whoever comes next may be deeper in the stack
 * than that was. */
static void a_jump_out_of_the_engine_leaves_nothing(void **state)
{
	(void)state;
	set_rule("fsync:file=reg = error(EIO)");
	fakes[1] = (struct subject){.file = FILE_REG};
	on_resolve = jump_within_the_engine;
	if (!sigsetjmp(outside, 1)) {
		pass_fd(CALL_fsync, 1);
		fail_msg("nobody jumped");
	}
	assert_int_equal(pass_deeper(40), EIO);
	assert_int_equal(pass_fd(CALL_fsync, 1), EIO);
	heal();
}

static volatile int handled;

static void pass_in_handler(int signal)
{
	(void)signal;
	handled = pass_fd(CALL_write, 1);
	control_release(control, NULL, NULL, NULL);
}

static void a_handler_during_a_sleep_is_served(void **state)
{
	struct sigaction action = {.sa_handler = pass_in_handler};

	(void)state;
	sigaction(SIGALRM, &action, NULL);
	set_rule("x := fsync = pause(1h)");
	set_rule("write = error(EIO)");
	signal_when_paused();
	pass_fd(CALL_fsync, 1);
	pthread_join(waker, NULL);
	assert_int_equal(handled, EIO);
	heal();
}

/* A thread's stack with the stack of its handlers above it. */
enum { STACK_BYTES = 4096 * 1024 };
static char *stacks;
static _Atomic int handled_above;

static void pass_above(int signal)
{
	(void)signal;
	handled_above = pass_fd(CALL_write, 1);
}

static void *pause_below(void *err)
{
	stack_t above = {.ss_sp = stacks + STACK_BYTES, .ss_size = STACK_BYTES};

	sigaltstack(&above, NULL);
	*(int *)err = pass_fd(CALL_fsync, 1);
	return NULL;
}

static void a_handler_on_its_own_stack_does_not_end_the_sleep(void **state)
{
	struct sigaction action = {.sa_handler = pass_above, .sa_flags = SA_ONSTACK};
	pthread_attr_t attributes;
	pthread_t thread;
	int err = 0;

	(void)state;
	stacks = mmap(NULL, 2 * STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	assert_true(stacks != MAP_FAILED);
	sigaction(SIGUSR1, &action, NULL);
	pthread_attr_init(&attributes);
	pthread_attr_setstack(&attributes, stacks, STACK_BYTES);
	set_rule("x := fsync = pause(1h),error(ENOSPC)");
	set_rule("write = error(EIO)");
	assert_int_equal(pthread_create(&thread, &attributes, pause_below, &err), 0);
	assert_int_equal(control_wait_paused(control, "x", 1, deadline(), &why), 0);
	pthread_kill(thread, SIGUSR1);
	for (int64_t until = deadline(); !handled_above && now_ns() < until;)
		sched_yield();
	assert_int_equal(handled_above, EIO);
	assert_int_equal(rule_named("x").inside, 1);
	assert_int_equal(control_release(control, "x", NULL, &why), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(err, ENOSPC);
	pthread_attr_destroy(&attributes);
	munmap(stacks, 2 * STACK_BYTES);
	heal();
}

static int add_unlisted(void *arg, const struct control_process *process)
{
	*(uint32_t *)arg += process->unlisted;
	return 0;
}

static uint32_t count_unlisted(void)
{
	uint32_t n = 0;

	assert_int_equal(control_processes(control, add_unlisted, &n), 0);
	return n;
}

/* More threads than cells: nobody can wake the last ones, but they notice, and are told of. */
static void without_a_cell_a_heal_is_noticed(void **state)
{
	enum { MANY = CELL_MAX + 4 };
	static pthread_t threads[MANY];
	static int errs[MANY];
	int64_t until = deadline();
	uint32_t before = count_unlisted();

	(void)state;
	set_rule("x := fsync = delay(1h)");
	for (int i = 0; i < MANY; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sleep_in_fsync, &errs[i]), 0);
	while ((rule_named("x").fires < MANY || count_unlisted() - before < MANY - CELL_MAX) &&
	       now_ns() < until)
		sched_yield();
	assert_true(count_unlisted() - before >= MANY - CELL_MAX);
	heal();
	for (int i = 0; i < MANY; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* A sandbox may refuse the system call that waits for several words. */
static void refuse_waitv(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 449, 0, 1), /* futex_waitv */
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(2);
}

static void a_sleep_in_a_sandbox_does_not_spin(void **state)
{
	pid_t child;
	int status;

	(void)state;
	set_rule("fsync = delay(500ms)");
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		clock_t before = clock();

		refuse_waitv();
		pass_fd(CALL_fsync, 1);
		_exit(clock() - before > CLOCKS_PER_SEC / 5);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	heal();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_heal_wakes_and_what_was_to_follow_is_left_out),
		cmocka_unit_test(a_removal_wakes),
		cmocka_unit_test(a_release_lets_go_on_and_the_rule_stays),
		cmocka_unit_test(a_pause_ends_at_its_limit),
		cmocka_unit_test(the_death_of_the_holder_wakes),
		cmocka_unit_test(a_jump_out_of_a_sleep_leaves_nothing),
		cmocka_unit_test(a_jump_out_of_two_sleeps_leaves_nothing),
		cmocka_unit_test(a_jump_out_of_the_engine_leaves_nothing),
		cmocka_unit_test(a_handler_during_a_sleep_is_served),
		cmocka_unit_test(a_handler_on_its_own_stack_does_not_end_the_sleep),
		cmocka_unit_test(without_a_cell_a_heal_is_noticed),
		cmocka_unit_test(a_sleep_in_a_sandbox_does_not_spin),
	};

	return cmocka_run_group_tests(tests, open_plane, close_plane);
}
