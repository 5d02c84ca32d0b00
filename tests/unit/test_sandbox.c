/*
 * test_sandbox.c - nothing that is started in a sandbox outlives it, however it ends.
 *
 * Each test starts a guardian as a child of its own, lets its worker start a program with a
 * background child, and ends guardian, worker or both. Then the programs, which carry the folder's
 * name as an argument, must be gone from /proc, and the mounts and shared memory with them.
 */
#include "sandboxed.h"

#include <fcntl.h>
#include <sys/mman.h>

static const int64_t limit_ns = INT64_C(60000000000);

/* How many processes have this word on their command line? */
struct search {
	const char *word;
	int found;
};

static void search_one(void *arg, const struct process_facts *facts)
{
	struct search *search = arg;
	char path[64], line[4096];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)facts->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, line, sizeof(line));
	close(fd);
	if (n > 0 && memmem(line, (size_t)n, search->word, strlen(search->word)))
		search->found++;
}

static int count_processes(const char *word)
{
	struct search search = {.word = word};

	process_each(search_one, &search);
	return search.found;
}

/* True when there are as many before the limit. */
static bool wait_processes(const char *word, int wanted)
{
	int64_t deadline_ns = process_now_ns() + limit_ns;

	while (count_processes(word) != wanted) {
		if (process_now_ns() > deadline_ns)
			return false;
		poll(NULL, 0, 10);
	}
	return true;
}

/* Starts a shell with a child in another session, and waits for ever. */
static int linger(const char *dir)
{
	char line[PATH_MAX];
	const char *const argv[] = {"/bin/sh", "-c", line, dir, NULL};
	struct process_options options = {.argv = argv, .output = -1};
	struct why why = {""};
	pid_t pid;

	snprintf(line, sizeof(line), "setsid sh -c 'sleep 1000; :' %s & wait", dir);
	CHECK_OK(process_start(&pid, &options, &why), why);
	CHECK(shm_open("/failkit-test", O_CREAT | O_RDWR, 0600) >= 0);
	write_text("/dev/shm", "failkit.lingers", "");
	while (!failed_checks)
		pause();
	return 0;
}

static void read_state(const char *dir, char text[1024])
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/run.json", dir);
	file = fopen(path, "re");
	if (!file || !fgets(text, 1024, file))
		abort();
	fclose(file);
}

static bool read_flag(const char *dir, const char *words)
{
	char text[1024];

	read_state(dir, text);
	return strstr(text, words);
}

static pid_t read_pid(const char *dir, const char *key)
{
	char text[1024], *at;

	read_state(dir, text);
	at = strstr(text, key);
	if (!at)
		abort();
	return (pid_t)atoi(strchr(at, ':') + 1);
}

enum { KILL_GUARDIAN = 1, KILL_WORKER = 2 };

/* The shell, its child, and the "sleep" that does not carry the name. */
static void kill_and_look(int whom, int net)
{
	char *dir = folder_make();
	pid_t guardian = sandbox_start(net, dir, linger);
	pid_t worker;
	int status;

	assert_true(wait_processes(dir, 2));
	worker = read_pid(dir, "worker_pid");
	assert_int_equal(read_pid(dir, "guardian_pid"), guardian);
	if (whom & KILL_WORKER)
		kill(worker, SIGKILL);
	if (whom & KILL_GUARDIAN)
		kill(guardian, SIGKILL);
	assert_int_equal(waitpid(guardian, &status, 0), guardian);
	assert_true(wait_processes(dir, 0));
	assert_int_not_equal(access("/dev/shm/failkit.lingers", F_OK), 0);
	assert_int_not_equal(access("/dev/shm/failkit-test", F_OK), 0);
	if (whom == KILL_WORKER) {
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 3);
	}
	folder_remove(dir);
}

static void sigkill_of_the_guardian_ends_all(void **state)
{
	(void)state;
	kill_and_look(KILL_GUARDIAN, NET_AUTO);
}

static void sigkill_of_the_worker_ends_all(void **state)
{
	(void)state;
	kill_and_look(KILL_WORKER, NET_AUTO);
}

static void sigkill_of_both_ends_all(void **state)
{
	(void)state;
	kill_and_look(KILL_GUARDIAN | KILL_WORKER, NET_AUTO);
}

static void the_same_holds_on_the_network_of_the_host(void **state)
{
	(void)state;
	kill_and_look(KILL_GUARDIAN | KILL_WORKER, NET_HOST);
}

/* Inside a sandbox of an ordinary user, where no further pid namespace is granted. */
static int kill_without_pid_namespace(const char *dir)
{
	static const int whom[] = {KILL_GUARDIAN, KILL_WORKER, KILL_GUARDIAN | KILL_WORKER};

	for (size_t i = 0; i < sizeof(whom) / sizeof(whom[0]); i++) {
		char *inner = NULL;
		pid_t guardian;
		int status;

		CHECK(asprintf(&inner, "%s/%zu", dir, i) > 0 && mkdir(inner, 0755) == 0);
		write_text("/proc/sys/user", "max_pid_namespaces", "0");
		guardian = sandbox_start(NET_AUTO, inner, linger);
		CHECK(wait_processes(inner, 2));
		CHECK(!read_flag(inner, "\"pid\": true"));
		if (whom[i] & KILL_WORKER)
			kill(read_pid(inner, "worker_pid"), SIGKILL);
		if (whom[i] & KILL_GUARDIAN)
			kill(guardian, SIGKILL);
		CHECK(waitpid(guardian, &status, 0) == guardian);
		CHECK(wait_processes(inner, 0));
		free(inner);
	}
	return 0;
}

static void without_pid_namespaces_nothing_is_left_either(void **state)
{
	char *dir = folder_make();
	int status = ordinary_in_sandbox(dir, kill_without_pid_namespace);

	(void)state;
	assert_int_equal(status, 0);
	folder_remove(dir);
}

static int return_seven(const char *dir)
{
	(void)dir;
	CHECK(sandbox_has() & SANDBOX_PID);
	CHECK(sandbox_has() & SANDBOX_MOUNT);
	CHECK(sandbox_has() & SANDBOX_NET);
	CHECK(getpid() == 1);
	CHECK(getuid() == 0);
	CHECK(strcmp(sandbox_missing(), "") == 0);
	CHECK(sandbox_network() == 0x7f000000);
	return 7;
}

static void the_guardian_exits_as_the_worker_does(void **state)
{
	char *dir = folder_make();
	pid_t guardian = sandbox_start(NET_PRIVATE, dir, return_seven);
	int status;

	(void)state;
	assert_int_equal(waitpid(guardian, &status, 0), guardian);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	folder_remove(dir);
}

static void an_ordinary_user_has_every_layer(void **state)
{
	char *dir = folder_make();
	int status = ordinary_in_sandbox(dir, return_seven);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	folder_remove(dir);
}

static volatile sig_atomic_t told;

static void tell(int signal_number)
{
	told = signal_number;
}

static int wait_for_signal(const char *dir)
{
	signal(SIGTERM, tell);
	write_text(dir, "waits", "");
	for (int i = 0; i < 6000 && !told; i++)
		poll(NULL, 0, 10);
	CHECK(told == SIGTERM);
	return 0;
}

static void the_guardian_passes_signals_on(void **state)
{
	char *dir = folder_make(), path[PATH_MAX];
	pid_t guardian = sandbox_start(NET_AUTO, dir, wait_for_signal);
	int status;

	(void)state;
	snprintf(path, sizeof(path), "%s/waits", dir);
	for (int i = 0; i < 6000 && access(path, F_OK); i++)
		poll(NULL, 0, 10);
	kill(guardian, SIGTERM);
	assert_int_equal(waitpid(guardian, &status, 0), guardian);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	folder_remove(dir);
}

static int look_at_network(const char *dir)
{
	(void)dir;
	CHECK(!(sandbox_has() & SANDBOX_NET));
	CHECK(sandbox_has() & SANDBOX_PID);
	CHECK(sandbox_network() >> 24 == 127);
	CHECK((sandbox_network() & 0xff) == 0);
	CHECK(sandbox_network() != 0x7f000000);
	CHECK(strcmp(sandbox_missing(), "the plan says net = host") == 0);
	return 0;
}

static void runs_on_the_network_of_the_host_have_addresses_of_their_own(void **state)
{
	char *dir = folder_make();
	pid_t guardian = sandbox_start(NET_HOST, dir, look_at_network);
	int status;

	(void)state;
	assert_int_equal(waitpid(guardian, &status, 0), guardian);
	assert_int_equal(status, 0);
	folder_remove(dir);
}

static int adopt_and_reap(const char *dir)
{
	const char *const argv[] = {"/bin/sh", "-c", "sh -c 'exit 5' & exec sleep 0", NULL};
	struct process_options options = {.argv = argv, .output = -1};
	struct why why = {""};
	int64_t deadline_ns = process_now_ns() + limit_ns;
	siginfo_t info = {0};
	int status;

	(void)dir;
	CHECK_OK(process_run(&options, deadline_ns, NULL, 0, &status, &why), why);
	do {
		process_reap_orphans();
		info.si_pid = 0;
	} while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		 process_now_ns() < deadline_ns);
	/* ECHILD: nobody is left, not even as a zombie. */
	CHECK(process_now_ns() < deadline_ns);
	return 0;
}

static void orphans_are_reaped(void **state)
{
	(void)state;
	in_sandbox(adopt_and_reap);
}

/* A program whose environment names guardian 1:1, long dead, of this pid namespace. */
static pid_t start_stray(const char *dir, unsigned long long namespace)
{
	const char *const argv[] = {"/bin/sh", "-c", "sleep 1000; :", dir, NULL};
	char mark[96];
	const char *const environment[] = {mark, NULL};
	struct process_options options = {.argv = argv, .environment = environment, .output = -1};
	struct why why = {""};
	pid_t pid;

	snprintf(mark, sizeof(mark), "FAILKIT_GUARDIAN=1:1:%llu", namespace);
	assert_int_equal(process_start(&pid, &options, &why), 0);
	return pid;
}

/* Pids of another namespace are other processes: what lives in there is somebody else's. */
static void strays_of_our_own_namespace_are_swept(void **state)
{
	char *dir = folder_make();
	struct why why = {""};
	struct stat st;
	pid_t ours, others;
	int status;

	(void)state;
	assert_int_equal(stat("/proc/self/ns/pid", &st), 0);
	ours = start_stray(dir, st.st_ino);
	others = start_stray(dir, st.st_ino + 1);
	assert_int_equal(sandbox_sweep(&why), 0);
	assert_int_equal(process_wait(ours, process_now_ns() + limit_ns, &status), 1);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(kill(others, 0), 0);
	assert_int_equal(waitpid(others, &status, WNOHANG), 0);
	process_group_end(ours);
	process_group_end(others);
	folder_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sigkill_of_the_guardian_ends_all),
		cmocka_unit_test(sigkill_of_the_worker_ends_all),
		cmocka_unit_test(sigkill_of_both_ends_all),
		cmocka_unit_test(the_same_holds_on_the_network_of_the_host),
		cmocka_unit_test(without_pid_namespaces_nothing_is_left_either),
		cmocka_unit_test(the_guardian_exits_as_the_worker_does),
		cmocka_unit_test(an_ordinary_user_has_every_layer),
		cmocka_unit_test(the_guardian_passes_signals_on),
		cmocka_unit_test(runs_on_the_network_of_the_host_have_addresses_of_their_own),
		cmocka_unit_test(orphans_are_reaped),
		cmocka_unit_test(strays_of_our_own_namespace_are_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
