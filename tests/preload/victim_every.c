/*
 * victim_every.c - every call of the table, failed with every errno it lists. No opt-in list: a row
 * of calls.def without a way to try it here does not compile.
 *
 *     victim_every rules I  prints the rules: the n-th passage of a call fails with its n-th errno.
 *                           A plane has no room for all, so they come in PARTS: the I-th. The
 *                           heap is the last: libc itself allocates, so each passage fails there
 *     victim_every run I    passes through each as often as it has errnos; "N rows, M errnos" or
 *                           a line for each that came back wrong
 *     victim_every firsts   prints the rules: every passage of a call fails with its first errno
 *     victim_every numbers  makes each call that has a number by syscall(), under those
 *     victim_every names    is each name of the table, by any lookup, the interposer's?
 *     victim_every versions   whose is each "NAME VERSION" of its standard input, looked up in libc?
 *
 * What it needs itself it makes by calls that are in no row, so that none of the passages is lost.
 */
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/wait.h>

#include "failpoint/calls.c"
#include "failpoint/rawsys.h"
#include "preload/real.h"
#include "tests/preload/victim.h"

static int file, sock;
static char bytes[64], page[4096];
static struct iovec iov[2] = {{bytes, 8}, {bytes + 8, 8}};
static struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};
static struct mmsghdr messages[1] = {{.msg_hdr = {.msg_iov = iov, .msg_iovlen = 2}}};
static struct sockaddr_in target = {.sin_family = AF_INET};
static socklen_t length = sizeof(page);
static char *const words[] = {(char *)(uintptr_t) "/bin/false", NULL};

#define TRY(name, expression)              \
	static long try_##name(void)       \
	{                                  \
		return (long)(expression); \
	}
#define TO ((struct sockaddr *)&target)

#include "tests/preload/every_tries.def"

/* A child that should not be is not to go on as its parent. */
static long try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

#define CALL(name, ...)   [CALL_##name] = try_##name,
#define CUSTOM(name, ...) [CALL_##name] = try_##name,
#define ALIAS(alias, name)
static long (*const tries[CALL_COUNT])(void) = {
#include "failpoint/calls.def"
};
#undef CALL
#undef CUSTOM
#undef ALIAS

enum { PARTS = 6, HEAP = PARTS - 1 };

static int part_of(int call)
{
	int heap = call_table[call].classes == CLASS_ALLOC && call_table[call].number < 0;

	return heap ? HEAP : call % HEAP;
}

static void print_rules(int part)
{
	for (int i = 0; i < CALL_COUNT; i++)
		for (int n = 0; part_of(i) == part && call_table[i].errnos[n]; n++)
			printf("%s = %.0d%serror(%s)\n", call_table[i].name,
			       part == HEAP ? 0 : n + 1, part == HEAP ? "" : "@",
			       calls_errno_name(call_table[i].errnos[n]));
}

enum { UNTOUCHED = 4242 };

/* Is this how the call fails with that errno? */
static int is_right(const struct call_info *info, long ret, int error, int want)
{
	switch (info->fails) {
	case FAILS_ERRNUM:
		return ret == want && error == UNTOUCHED;
	case FAILS_EAI:
		return ret == (want == EAGAIN   ? EAI_AGAIN
			       : want == ENOMEM ? EAI_MEMORY
			       : want == ENOENT ? EAI_NONAME
			       : want == EIO    ? EAI_FAIL
						: EAI_SYSTEM) &&
		       error == want;
	case FAILS_NULL:
	case FAILS_ZERO:
		return ret == 0 && error == want;
	default:
		return ret == -1 && error == want;
	}
}

static int a_file(void)
{
	long fd = raw_syscall(SYS_openat, AT_FDCWD, (long)"file", O_RDWR | O_CREAT, 0600, 0, 0);

	NEED(fd >= 0);
	return (int)fd;
}

/* Not by printf(), which is a row as well. */
static void tell_wrong(const struct call_info *info, int want, long ret)
{
	const char *error = calls_errno_name(errno);
	char text[128];
	int n = snprintf(text, sizeof(text), "%s for %s: %ld %s\n", info->name,
			 calls_errno_name(want), ret, error ? error : "");

	raw_write(1, text, (size_t)n);
}

static int run(int part)
{
	int rows = 0, errnos = 0, wrong = 0, pair[2];

	file = a_file();
	NEED(raw_syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, (long)pair, 0, 0) == 0);
	sock = pair[0];
	for (int i = 0; i < CALL_COUNT; i++) {
		rows += part_of(i) == part;
		for (int n = 0; part_of(i) == part && call_table[i].errnos[n]; n++, errnos++) {
			int want = call_table[i].errnos[n];
			long ret;

			errno = UNTOUCHED;
			ret = tries[i]();
			if (is_right(&call_table[i], ret, errno, want))
				continue;
			wrong++;
			tell_wrong(&call_table[i], want, ret);
		}
	}
	printf("%d rows, %d errnos, %d wrong\n", rows, errnos, wrong);
	return wrong != 0;
}

static void print_firsts(void)
{
	for (int i = 0; i < CALL_COUNT; i++)
		if (call_table[i].number >= 0 && call_table[i].errnos[0])
			printf("%s = error(%s)\n", call_table[i].name,
			       calls_errno_name(call_table[i].errnos[0]));
}

/* Harmless words for any call with this subject; a page of zeroes is any structure. */
static long by_number(const struct call_info *info)
{
	const char *at = strstr(info->name, "at");
	int relative = at && (!at[2] || at[2] == '2') && strcmp(info->name, "creat") != 0;

	if (info == &call_table[CALL_io_submit])
		return syscall(info->number, NULL, 1, submitted);
	switch (info->subject) {
	case SUBJECT_FD:
		return syscall(info->number, file,
			       info == &call_table[CALL_tee] ? file : (long)page, 1, 0, 0, 0);
	case SUBJECT_MAPPING:
		return syscall(info->number, 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);
	case SUBJECT_PATH:
		return relative ? syscall(info->number, AT_FDCWD, "nothing", 0, 0)
				: syscall(info->number, "nothing", page, page);
	case SUBJECT_PATHS:
		return relative ? syscall(info->number, AT_FDCWD, "nothing", AT_FDCWD, "else", 0)
				: syscall(info->number, "nothing", "else");
	default:
		return syscall(info->number, 900, 901, 0);
	}
}

static int numbers(void)
{
	int rows = 0, wrong = 0;

	for (int i = 0; i < CALL_COUNT; i++) {
		long ret;

		if (call_table[i].number < 0 || !call_table[i].errnos[0])
			continue;
		rows++;
		file = a_file();
		ret = by_number(&call_table[i]);
		if (ret == -1 && errno == call_table[i].errnos[0])
			continue;
		wrong++;
		printf("%s: %ld %s\n", call_table[i].name, ret, calls_errno_name(errno));
	}
	printf("%d rows, %d wrong\n", rows, wrong);
	return wrong != 0;
}

static int is_ours(const char *name, void *handle, const char *by)
{
	void *address = dlsym(handle, name);
	Dl_info info;

	if (address && dladdr(address, &info) && strstr(info.dli_fname, "libfailpreload"))
		return 1;
	printf("%s by %s: %s\n", name, by, address ? info.dli_fname : "not found");
	return 0;
}

static int names(void)
{
	static const char *const hooks[] = {
#define CALL(name, ...)
#define CUSTOM(name, ...)
#define ALIAS(alias, name)
#define HOOK(name) #name,
#include "failpoint/calls.def"
		NULL,
	};
	void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
	void *program = dlopen(NULL, RTLD_NOW);
	int wrong = 0;

	for (size_t i = 0; calls_name_at(i); i++)
		wrong += !is_ours(calls_name_at(i), RTLD_DEFAULT, "RTLD_DEFAULT") +
			 !is_ours(calls_name_at(i), RTLD_NEXT, "RTLD_NEXT") +
			 (strncmp(calls_name_at(i), "io_", 3) != 0 && /* libaio's, but for ioctl */
			  !is_ours(calls_name_at(i), libc, "libc's handle")) +
			 !is_ours(calls_name_at(i), program, "the program's handle");
	for (size_t i = 0; hooks[i]; i++)
		wrong += !is_ours(hooks[i], RTLD_DEFAULT, "RTLD_DEFAULT") +
			 !is_ours(hooks[i], libc, "libc's handle");
	printf("%d wrong\n", wrong);
	return wrong != 0;
}

/* A line for each: "NAME VERSION ours", libc's or of nobody. */
static int versions(void)
{
	void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
	char name[128], version[128];
	Dl_info info;

	while (libc && scanf("%127s %127s", name, version) == 2) {
		void *address = dlvsym(libc, name, version);
		int known = address && dladdr(address, &info);

		printf("%s %s %s\n", name, version,
		       !known                                     ? "nobody's"
		       : strstr(info.dli_fname, "libfailpreload") ? "ours"
								  : "libc's");
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "rules"))
		print_rules(atoi(argv[2]) % PARTS);
	else if (argc == 3 && !strcmp(argv[1], "run"))
		return run(atoi(argv[2]) % PARTS);
	else if (argc == 2 && !strcmp(argv[1], "firsts"))
		print_firsts();
	else if (argc == 2 && !strcmp(argv[1], "numbers"))
		return numbers();
	else if (argc == 2 && !strcmp(argv[1], "names"))
		return names();
	else if (argc == 2 && !strcmp(argv[1], "versions"))
		return versions();
	else
		return 2;
	return 0;
}
